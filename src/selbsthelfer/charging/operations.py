"""Order volume from the charging system, and do what a person decides about an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.charging.core.orders import (
    GIVEN_UP,
    LINE_ENDED,
    NEEDS_A_PERSON,
    NOT_MADE_GOOD,
    Action,
    Order,
    OrderState,
    confirmed,
)
from selbsthelfer.charging.core.pace import READ_WITHIN
from selbsthelfer.charging.systems import EMBEDDED, system_name
from selbsthelfer.charging.writing import (
    AttemptRow,
    Key,
    change_orders,
    drop_attempts,
    locked_orders,
    put_attempts,
)
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.logs import ACTS
from selbsthelfer.kit.sql import open_cursor, statements

_SQL = statements("selbsthelfer.charging")

RECIPIENTS_KEPT_FOR: Final = timedelta(days=7)
"""How long after the end of its volume an order names its recipient, for whoever looks into a complaint."""
MAX_FORGOTTEN: Final = 5_000
"""Recipients forgotten in one round."""
ATTEMPTS_KEPT_FOR: Final = timedelta(days=90)
"""How long after the end of its volume the attempts at an order are kept."""
MAX_ATTEMPTS_FORGOTTEN: Final = 10_000
"""Attempts forgotten in one round."""
MAX_NAME_CHARACTERS: Final = 100

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a new order is due: before those that are tried again, also while a made-up clock runs ahead."""

_COLUMNS = (
    "subscriber_id", "credit_id", "bytes", "valid_from", "valid_until", "system", "state", "ordered_at",
    "confirmed_at", "due_at",
)  # fmt: skip


class NewOrder(NamedTuple):
    """Volume to order under an id that is made of what it is for; usable from ≤ time < until."""

    subscriber_id: UUID
    credit_id: UUID
    bytes: int
    valid_from: datetime
    valid_until: datetime


class UnknownOrderError(LookupError):
    """No order in trouble has this id; one that is confirmed needs nobody."""

    code: ClassVar[str] = "order_unknown"


class OrderNotDecidableError(ValueError):
    """The order does not stand as the decision needs it; the text says how it stands."""

    code: ClassVar[str] = "order_not_decidable"


def order_credits(cursor: psycopg.Cursor[Any], orders: Sequence[NewOrder], *, now: datetime) -> None:
    """Write the orders in the transaction that grants the volume, so that both exist or neither.

    With the embedded system what is written is credited, so its orders are born confirmed.
    """
    system = system_name()
    is_done = system == EMBEDDED
    state = OrderState.CONFIRMED if is_done else OrderState.OPEN
    rest = (system, state.value, now, now if is_done else None, None if is_done else AT_ONCE)
    copy_rows(cursor, "charging_creditorder", _COLUMNS, [(*order, *rest) for order in orders])


def resolve_order(credit_id: UUID, *, is_credited: bool, by: str, now: datetime) -> None:
    """Say what became of an uncertain order, as a person found out in the charging system.

    What was not credited is sent again. Raises `UnknownOrderError`, `OrderNotDecidableError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        order = _in_trouble(cursor, credit_id)
        if order.state is not OrderState.UNCERTAIN:
            raise OrderNotDecidableError(f"the order is {order.state.value}: {order.failure}")
        if order.sent_at is not None and now < order.sent_at + READ_WITHIN:
            raise OrderNotDecidableError("an attempt may still be under way; try again in two minutes")
        counted = replace(order, attempts=order.attempts + 1)
        if is_credited:
            after = confirmed(counted, None, at=now)
        else:
            after = replace(
                counted, state=OrderState.OPEN, due_at=_due_at(order, now), failure=NEEDS_A_PERSON
            )
        _decide(cursor, order, after, Action.RESOLVE, "credited" if is_credited else "not_credited", by, now)


def retry_order(credit_id: UUID, *, by: str, now: datetime) -> None:
    """Have a refused order sent again, exactly as it was; its volume must not have ended.

    Raises `UnknownOrderError`, `OrderNotDecidableError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        order = _in_trouble(cursor, credit_id)
        if order.state is not OrderState.REFUSED:
            raise OrderNotDecidableError(
                f"the order is {order.state.value}; only a refused one is tried again"
            )
        if order.valid_until <= now or order.failure == LINE_ENDED:
            raise OrderNotDecidableError("its volume or its line has ended")
        after = replace(
            order,
            state=OrderState.OPEN,
            due_at=now,
            attempts=order.attempts + 1,
            failures=0,
            failure=None,
            troubled_at=None,
        )
        _decide(cursor, order, after, Action.RETRY, "open", by, now)


def forget_recipients(*, now: datetime, limit: int = MAX_FORGOTTEN) -> int:
    """Forget by which name the charging system knows a line, once its volume is long over; count them."""
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["resolve_ended"], {"now": now})
        parameters = {"before": now - RECIPIENTS_KEPT_FOR, "limit": min(limit, MAX_FORGOTTEN)}
        found = cursor.execute(_SQL["recipients_to_forget"], parameters).fetchall()
        cursor.execute(_SQL["forget_recipients"], _columns(found))
        return len(found)


def forget_attempts(*, now: datetime, limit: int = MAX_ATTEMPTS_FORGOTTEN) -> int:
    """Forget attempts at volume that is long over; count them."""
    with transaction.atomic():
        cursor = open_cursor()
        parameters = {"before": now - ATTEMPTS_KEPT_FOR, "limit": min(limit, MAX_ATTEMPTS_FORGOTTEN)}
        found = cursor.execute(_SQL["attempts_to_forget"], parameters).fetchall()
        drop_attempts(cursor, found)
        return len(found)


def mark_made_good(
    *,
    made_good: Sequence[Key],
    not_owed: Sequence[Key],
    given_up: Sequence[Key],
    refused: Sequence[Key],
    now: datetime,
) -> None:
    """Note which owed orders were made good, and which are not to be.

    What is given up is owed no more, what was refused still is; both are in trouble, by a code of their own.
    """
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["mark_made_good"], {**_columns(made_good), "now": now})
        cursor.execute(_SQL["owe_no_more"], _columns(not_owed))
        for keys, code, is_owed in ((given_up, GIVEN_UP, False), (refused, NOT_MADE_GOOD, True)):
            parameters = {**_columns(keys), "code": code, "is_owed": is_owed, "now": now}
            cursor.execute(_SQL["leave_to_a_person"], parameters)


def erase_line(cursor: psycopg.Cursor[Any], line: UUID) -> int:
    """Forget by which name the charging system knows a line, in the running transaction; return how many.

    An order on its way keeps it, or nobody could find out what became of it, until its volume is long over.
    """
    return cursor.execute(_SQL["erase_line"], {"line": line}).rowcount


def _in_trouble(cursor: psycopg.Cursor[Any], credit_id: UUID) -> Order:
    found = locked_orders(cursor, "with_credit_id", {"credit_id": credit_id})
    if not found:
        raise UnknownOrderError("no order that is not confirmed has this id")
    return found[0].order


def _columns(keys: Sequence[Key]) -> dict[str, list[UUID]]:
    return {"lines": [key[0] for key in keys], "credits": [key[1] for key in keys]}


def _due_at(order: Order, now: datetime) -> datetime:
    """An order whose volume has ended is due at once too, to be closed."""
    return min(now, order.valid_until)


def _decide(
    cursor: psycopg.Cursor[Any],
    before: Order,
    after: Order,
    action: Action,
    outcome: str,
    by: str,
    now: datetime,
) -> None:
    """Write a decision with who made it."""
    put_attempts(
        cursor,
        [
            AttemptRow(
                *after.key, after.attempts, action.value, now, now, outcome, by.strip()[:MAX_NAME_CHARACTERS]
            )
        ],
    )
    change_orders(cursor, [(before, after)])
    ACTS.info("credit order %s: %s, %s", after.credit_id, action.value, outcome)
