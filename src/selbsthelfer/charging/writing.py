"""Load orders under a lock and write what has become of them, always as a set."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.charging.core.orders import Action, Order, OrderState
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.charging")
_LOG = logging.getLogger(__name__)

Key = tuple[UUID, UUID]
"""An order by its line and the id of its credit."""

_ORDER_WIDTH = len(fields(Order))
_CHANGED = (
    "subscriber_id", "credit_id", "state", "confirmed_at", "recipient", "due_at", "attempts", "sent_at",
    "place", "failure", "troubled_at", "owed_at", "made_good_at",
    "failures",
)  # fmt: skip


class OrderOfLine(NamedTuple):
    """An order with what is known of its line now."""

    order: Order
    subject: str | None
    msisdn: str | None
    account: str | None
    line_ended_at: datetime | None

    def has_ended(self, at: datetime) -> bool:
        """Tell whether the line has ended by then."""
        return self.line_ended_at is not None and self.line_ended_at <= at


class AttemptRow(NamedTuple):
    """An attempt that begins; those that a person made are over at once."""

    subscriber_id: UUID
    credit_id: UUID
    ordinal: int
    action: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    by: str | None = None


class AttemptEnd(NamedTuple):
    """What an attempt brought."""

    key: Key
    ordinal: int
    ended_at: datetime
    outcome: str
    code: str | None


def locked_orders(
    cursor: psycopg.Cursor[Any], which: str, parameters: Mapping[str, Any]
) -> list[OrderOfLine]:
    """Lock the orders that a named condition chooses, and load them with their lines."""
    rows = cursor.execute(_SQL["order"] + "\n" + _SQL[which], parameters)
    return [_order_of_line(row) for row in rows]


def _order_of_line(row: Sequence[Any]) -> OrderOfLine:
    order = Order(*row[:_ORDER_WIDTH])
    return OrderOfLine(replace(order, state=OrderState(order.state)), *row[_ORDER_WIDTH:])


def lock_orders(cursor: psycopg.Cursor[Any], keys: Iterable[Key]) -> Mapping[Key, Order]:
    """Lock orders by their keys."""
    lines, credits_ = _columns(keys, 2)
    found = locked_orders(cursor, "with_keys", {"lines": lines, "credits": credits_})
    return {each.order.key: each.order for each in found}


def change_orders(cursor: psycopg.Cursor[Any], changes: Iterable[tuple[Order, Order]]) -> None:
    """Write what orders, locked before, have become; whatever is new trouble is logged, without numbers."""
    new = [(before, after) for before, after in changes if after != before]
    if not new:
        return
    for before, after in new:
        if after.troubled_at and not before.troubled_at:
            _LOG.error("credit order %s is %s: %s", after.credit_id, after.state.value, after.failure)
    values = {name: [getattr(after, name) for _, after in new] for name in _CHANGED}
    cursor.execute(_SQL["change_orders"], values)


def put_attempts(cursor: psycopg.Cursor[Any], attempts: Sequence[AttemptRow]) -> None:
    """Write attempts before they begin."""
    copy_rows(cursor, "charging_attempt", AttemptRow._fields, attempts)


def begin_attempts(
    cursor: psycopg.Cursor[Any], orders: Iterable[Order], action: Action, at: datetime
) -> None:
    """Write that an attempt at each order begins now."""
    put_attempts(
        cursor, [AttemptRow(o.subscriber_id, o.credit_id, o.attempts, action.value, at) for o in orders]
    )


def end_attempts(cursor: psycopg.Cursor[Any], ends: Sequence[AttemptEnd]) -> None:
    """Write what attempts brought, also those that came too late to matter."""
    if not ends:
        return
    cursor.execute(
        _SQL["end_attempts"],
        {
            "lines": [end.key[0] for end in ends],
            "credits": [end.key[1] for end in ends],
            "ordinals": [end.ordinal for end in ends],
            "ended_at": [end.ended_at for end in ends],
            "outcomes": [end.outcome for end in ends],
            "codes": [end.code for end in ends],
        },
    )


def drop_attempts(cursor: psycopg.Cursor[Any], attempts: Sequence[tuple[UUID, UUID, int]]) -> None:
    """Take back attempts that surely sent nothing."""
    if attempts:
        lines, credits_, ordinals = _columns(attempts, 3)
        cursor.execute(_SQL["drop_attempts"], {"lines": lines, "credits": credits_, "ordinals": ordinals})


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
