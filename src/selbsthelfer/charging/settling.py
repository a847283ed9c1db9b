"""Find out what became of uncertain orders, by reading back what the charging system has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db import transaction

from selbsthelfer.charging.core.orders import (
    Action,
    Order,
    OrderState,
    settled,
    taken_to_read,
    unreadable,
)
from selbsthelfer.charging.core.port import ChargingSystem, Found, UnreadableError
from selbsthelfer.charging.core.reconciliation import Drift, by_credit, differences
from selbsthelfer.charging.drifting import put_drifts
from selbsthelfer.charging.together import do_together
from selbsthelfer.charging.writing import (
    AttemptEnd,
    Key,
    begin_attempts,
    change_orders,
    end_attempts,
    lock_orders,
    locked_orders,
)
from selbsthelfer.kit.sql import open_cursor

MAX_SETTLED: Final = 100
"""Uncertain orders read back in one round: even a slow system has answered all within `READ_WITHIN`."""


class Settled(NamedTuple):
    """What became of the orders that were read back; `reopened` ones are sent again."""

    confirmed: int = 0
    reopened: int = 0
    uncertain: int = 0

    @property
    def taken(self) -> int:
        return sum(self)


class _Answer(NamedTuple):
    """What a recipient has, or the code of why that is not known."""

    found: tuple[Found, ...]
    unreadable: str | None
    at: datetime


def settle_orders(
    *, limit: int = MAX_SETTLED, now_of: Callable[[], datetime], system: ChargingSystem
) -> Settled:
    """Read back up to `limit` uncertain orders that can no longer be under way, at most `MAX_SETTLED`.

    An order that is found is confirmed, one that surely never arrived is sent again, any other stays
    uncertain: for later where the system did not answer, else for a person.
    """
    taken = _take(min(limit, MAX_SETTLED), now_of(), system)
    if not taken:
        return Settled()
    recipients = {order.recipient: order.recipient for order in taken if order.recipient is not None}

    def read(recipient: str) -> _Answer:
        asked_at = now_of()
        try:
            return _Answer(system.read_back(recipient), None, asked_at)
        except UnreadableError as error:
            return _Answer((), error.code, asked_at)

    answers = do_together(read, recipients)
    done = _note(taken, answers.got, now_of(), system)
    answers.raise_first()
    return done


def _take(limit: int, at: datetime, system: ChargingSystem) -> Sequence[Order]:
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        parameters = {"state": "uncertain", "now": at, "system": system.name, "limit": limit}
        found = [each.order for each in locked_orders(cursor, "that_are_due", parameters)]
        taken = [taken_to_read(order, at=at, capabilities=system.capabilities) for order in found]
        change_orders(cursor, zip(found, taken, strict=True))
        begin_attempts(cursor, taken, Action.READ_BACK, at)
    return taken


def _note(
    taken: Sequence[Order], answers: Mapping[str, _Answer], at: datetime, system: ChargingSystem
) -> Settled:
    by_recipient = defaultdict(list)
    for order in taken:
        by_recipient[order.recipient].append(order)
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        standing = lock_orders(cursor, sorted(order.key for order in taken))
        changes: list[tuple[Order, Order]] = []
        ends: list[AttemptEnd] = []
        for recipient, answer in answers.items():
            found = by_credit(answer.found)
            for order in by_recipient[recipient]:
                before = standing[order.key]
                matches = found.get(order.credit_id, ())
                changes.append((before, _settled(before, order.attempts, matches, answer, system)))
                ends.append(_attempt_end(order.key, order.attempts, matches, answer.unreadable, at))
        change_orders(cursor, changes)
        end_attempts(cursor, ends)
        put_drifts(cursor, _drifts(changes, answers, system), system.name, now=at)
    states = [after.state for before, after in changes if after != before]
    done = Settled(states.count(OrderState.CONFIRMED), states.count(OrderState.OPEN))
    return done._replace(uncertain=len(taken) - done.confirmed - done.reopened)


def _settled(
    before: Order, attempt: int, matches: tuple[Found, ...], answer: _Answer, system: ChargingSystem
) -> Order:
    able = system.capabilities
    if answer.unreadable is not None:
        return unreadable(before, attempt, answer.unreadable, at=answer.at, capabilities=able)
    return settled(before, attempt, matches, at=answer.at, capabilities=able)


def _attempt_end(
    key: Key, ordinal: int, matches: tuple[Found, ...], code: str | None, at: datetime
) -> AttemptEnd:
    outcome = "unreadable" if code is not None else "found" if matches else "absent"
    return AttemptEnd(key, ordinal, at, outcome, code)


def _drifts(
    changes: Sequence[tuple[Order, Order]], answers: Mapping[str, _Answer], system: ChargingSystem
) -> Sequence[tuple[Drift, bool]]:
    """Tell what is wrong with orders that were found: there twice, with another amount or another end."""
    drifts: list[Drift] = []
    for _, order in changes:
        answer = answers.get(order.recipient or "")
        matches = () if answer is None else by_credit(answer.found).get(order.credit_id, ())
        if answer is not None and matches and order.state is OrderState.CONFIRMED:
            drifts += differences(order, matches, at=answer.at, capabilities=system.capabilities)
    return [(drift, False) for drift in drifts]
