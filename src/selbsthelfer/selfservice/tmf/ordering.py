"""Order something over HTTP so that it is done once: look before sending, and never send twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.back_end import BackEndUnavailableError, Confirmation, OutcomeUnknownError
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.tmf import orders
from selbsthelfer.selfservice.tmf.calling import (
    Answer,
    Caller,
    NoAnswerError,
    NotSentError,
    Patience,
    decoded,
    expect,
    log,
    making_sense,
)
from selbsthelfer.selfservice.tmf.plain import ZONE, OddAnswerError
from selbsthelfer.selfservice.tmf.shapes import PRODUCT_ORDERS, SERVICE_ORDERS, ErrorShape, OrderShape
from selbsthelfer.subscribers.core.lines import LineRef

MAX_ORDERS_UNDER_WAY: Final = 100
MAX_ORDERS_OF_KEY: Final = 10
"""Orders looked at that a back end has for one key; there should be one."""

_NOTHING_DONE: Final = frozenset({401, 403, 407, 429})
"""Refused before anything was looked at: by access, or by too many requests."""
_GATEWAY: Final = frozenset({408, 502, 504})
"""Somebody between us and the back end gave up; the back end itself may go on."""


class Ordering:
    """Orders of one back end."""

    def __init__(self, caller: Caller, patience: Patience, sleep: Callable[[float], None]) -> None:
        self._caller = caller
        self._patience = patience
        self._sleep = sleep

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation:
        """Order something once per key.

        It is looked for before it is sent, because this may be a repetition, and after it was sent without
        an answer. It is never sent twice by one call.
        """
        path = orders.collection_of(order.activity)
        made = self._look_up(path, key, self._caller.deadline())
        if made is None:
            made = self._send(path, orders.request(order, line=line.subject, key=key), key)
        try:
            return self._outcome(path, made, key, now)
        except OddAnswerError as error:
            log(path, error.code)
            raise OutcomeUnknownError(error.code) from None

    def under_way(self, line: LineRef) -> Mapping[str, Words]:
        """Tell what was ordered for a line and is not done, by activity."""
        states = ",".join(sorted(orders.UNDER_WAY))
        told: dict[str, Words] = {}
        until = self._caller.deadline()
        for path, about in (
            (SERVICE_ORDERS, "serviceOrderItem.service.id"),
            (PRODUCT_ORDERS, "productOrderItem.product.id"),
        ):
            with making_sense(path):
                query = {about: line.subject, "state": states}
                limit = MAX_ORDERS_UNDER_WAY
                for shape in self._caller.many(path, OrderShape, query, limit=limit, until=until):
                    expect(orders.line_of(shape), line.subject)
                    if shape.category and shape.state in orders.UNDER_WAY:
                        told[shape.category] = orders.under_way(shape)
        return told

    def _look_up(self, path: str, key: str, until: float) -> OrderShape | None:
        """Find what was made for a key; raises `BackEndUnavailableError` where that cannot be told."""
        with making_sense(path):
            query = {"externalId": key}
            found = self._caller.many(path, OrderShape, query, limit=MAX_ORDERS_OF_KEY, until=until)
            for shape in found:
                expect(shape.external_id, key)
            if len({shape.id for shape in found}) > 1:
                log(path, "several_orders_of_a_key")
            return orders.first_of(found)

    def _send(self, path: str, shape: OrderShape, key: str) -> OrderShape:
        try:
            answer = self._caller.post(path, shape)
        except NotSentError:
            raise BackEndUnavailableError("not_sent") from None
        except NoAnswerError:
            return self._found_or_unknown(path, key)
        if answer.is_good:
            made = decoded(answer, OrderShape)
            if made is not None and made.id is not None and made.external_id in {None, key}:
                return made
            log(path, "not_readable")
            return self._found_or_unknown(path, key)
        log(path, f"status_{answer.status}")
        return self._after_error(path, answer, key)

    def _after_error(self, path: str, answer: Answer, key: str) -> OrderShape:
        if answer.status in _NOTHING_DONE or answer.status < 400:
            raise BackEndUnavailableError(f"status_{answer.status}")
        if answer.status in _GATEWAY:
            return self._found_or_unknown(path, key)
        if answer.status >= 500 or answer.status == 409:
            made = self._found(path, key)
            if made is not None:
                return made
        error = decoded(answer, ErrorShape)
        if answer.status >= 500 or error is None or error.code is None:
            raise BackEndUnavailableError(f"status_{answer.status}")
        raise orders.refusal(error)

    def _found(self, path: str, key: str) -> OrderShape | None:
        """Look for an order after it was sent: where that cannot be told its outcome is unknown."""
        try:
            return self._look_up(path, key, time.monotonic() + self._patience.look_up_seconds)
        except BackEndUnavailableError as error:
            raise OutcomeUnknownError(str(error)) from None

    def _found_or_unknown(self, path: str, key: str) -> OrderShape:
        made = self._found(path, key)
        if made is None:
            raise OutcomeUnknownError("no_answer")
        return made

    def _outcome(self, path: str, made: OrderShape, key: str, now: datetime) -> Confirmation:
        """Wait shortly until an order is done; one that is planned for a day to come is confirmed for it."""
        today = now.astimezone(ZONE).date()
        for seconds in self._patience.poll_seconds:
            confirmed = _confirmed(made)
            due = orders.expected_on(made)
            if confirmed is not None or (due is not None and due > today):
                return confirmed or Confirmation(_reference(made), due)
            self._sleep(seconds)
            made = self._seen_again(path, made, key)
        confirmed = _confirmed(made)
        due = orders.expected_on(made)
        if confirmed is None and (due is None or due < today):
            raise OutcomeUnknownError("under_way")
        return confirmed or Confirmation(_reference(made), due)

    def _seen_again(self, path: str, made: OrderShape, key: str) -> OrderShape:
        until = time.monotonic() + self._patience.look_up_seconds
        try:
            seen = self._caller.one(path, _reference(made), OrderShape, until=until)
        except BackEndUnavailableError:
            return made
        expect(seen.external_id or key, key)
        return seen


def _confirmed(made: OrderShape) -> Confirmation | None:
    """Tell what became of an order; none while it is under way; raises `OrderRefusedError`."""
    if made.state in orders.REFUSED:
        raise orders.refusal(made.error_message[0] if made.error_message else None)
    if made.state == orders.DONE:
        return Confirmation(_reference(made))
    if made.state not in orders.UNDER_WAY:
        raise OddAnswerError("state")
    return None


def _reference(made: OrderShape) -> str:
    if made.id is None:
        raise OddAnswerError("id")
    return made.id
