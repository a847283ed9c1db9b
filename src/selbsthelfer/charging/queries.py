"""Read how credit orders stand: of a line, of all, and for those who watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.charging.core.orders import NOT_MADE_GOOD, OrderState
from selbsthelfer.charging.core.reconciliation import DriftKind
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.charging")

MAX_ORDERS = 500
"""Orders of one line read at once: more than every programme, top-up and apology of five years makes."""
MAX_LISTED: Final = 1_000
"""Orders in trouble listed at once."""
MAX_ATTEMPTS_LISTED: Final = 100
"""Attempts at one order listed at once, the newest."""
MAX_OWED: Final = 1_000
"""Orders to be made good told at once."""
MAX_EXPORTED: Final = 10_000
"""Newest orders of a line in its export."""
LAG_WINDOW: Final = timedelta(minutes=5)
"""Over how long delivery is measured."""


class LineOrder(NamedTuple):
    """A credit order of a line; `confirmed_at` is told once it is confirmed."""

    credit_id: UUID
    system: str
    state: OrderState
    bytes: int
    ordered_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How orders stand that are not confirmed, by state, and how long those wait that workers may take.

    `in_trouble` of them are worth a person's look. The lags are of the deliveries of the last `LAG_WINDOW`.
    """

    orders: Mapping[OrderState, int]
    in_trouble: int
    oldest_seconds: float
    delivered: int
    lag_p50_seconds: float
    lag_p99_seconds: float
    lag_max_seconds: float


class ListedOrder(NamedTuple):
    """An order that is not confirmed, for whoever looks into it; `failure` tells what went wrong last."""

    credit_id: UUID
    subscriber_id: UUID
    system: str
    state: OrderState
    bytes: int
    ordered_at: datetime
    valid_until: datetime
    due_at: datetime | None
    attempts: int
    failure: str | None
    troubled_at: datetime | None


class OrderAttempt(NamedTuple):
    """An attempt at an order; one without an end was broken off or goes on."""

    ordinal: int
    action: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    code: str | None
    by: str | None


class OwedOrder(NamedTuple):
    """Volume that nobody delivered before it ended, with whom it is owed to and what went wrong last."""

    subscriber_id: UUID
    credit_id: UUID
    bytes: int
    subject: str
    language: str | None
    line_ended_at: datetime | None
    failure: str | None

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.subscriber_id, self.credit_id


def orders_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[UUID, LineOrder]:
    """Load the newest credit orders of a line by the id of what they credit, at most `MAX_ORDERS`.

    Volume without an order needed none: it had ended when it was granted, or it is the tariff's own.
    """
    rows = cursor.execute(_SQL["orders_of_line"], {"line": line, "limit": MAX_ORDERS})
    return {row[0]: LineOrder(row[0], row[1], OrderState(row[2]), *row[3:]) for row in rows}


def standing_of_orders(cursor: psycopg.Cursor[Any], *, now: datetime) -> Standing:
    """Count the orders that are not confirmed, and measure how quick delivery is. Two queries."""
    counted = cursor.execute(_SQL["unconfirmed_orders"]).fetchall()
    lags = cursor.execute(_SQL["delivery_lags"], {"since": now - LAG_WINDOW}).fetchone()
    assert lags is not None  # noqa: S101 - an aggregate always returns a row
    orders = dict.fromkeys((OrderState.OPEN, OrderState.UNCERTAIN, OrderState.REFUSED), 0)
    orders |= {OrderState(state): count for state, count, _, _ in counted}
    oldest_at = min((oldest for _, _, oldest, _ in counted if oldest is not None), default=now)
    return Standing(
        orders=orders,
        in_trouble=sum(troubled for *_, troubled in counted),
        oldest_seconds=max(0.0, (now - oldest_at).total_seconds()),
        delivered=lags[0],
        lag_p50_seconds=lags[1],
        lag_p99_seconds=lags[2],
        lag_max_seconds=lags[3],
    )


def open_drifts(cursor: psycopg.Cursor[Any]) -> Mapping[DriftKind, int]:
    """Count by kind where the charging system differs, as the last reconciliation saw it."""
    found = {DriftKind(kind): count for kind, count in cursor.execute(_SQL["open_drifts"])}
    return {kind: found.get(kind, 0) for kind in DriftKind}


def listed_orders(cursor: psycopg.Cursor[Any], state: OrderState, *, limit: int) -> Sequence[ListedOrder]:
    """List the oldest orders that are open, uncertain or refused, at most `MAX_LISTED`."""
    rows = cursor.execute(_SQL["listed_orders"], {"state": state.value, "limit": min(limit, MAX_LISTED)})
    return [ListedOrder(*row)._replace(state=OrderState(row[3])) for row in rows]


def attempts_of_order(cursor: psycopg.Cursor[Any], line: UUID, credit_id: UUID) -> Sequence[OrderAttempt]:
    """List the newest attempts at an order, at most `MAX_ATTEMPTS_LISTED`."""
    parameters = {"line": line, "credit_id": credit_id, "limit": MAX_ATTEMPTS_LISTED}
    return [OrderAttempt(*row) for row in cursor.execute(_SQL["attempts_of_order"], parameters)]


def owed_orders(cursor: psycopg.Cursor[Any], *, limit: int) -> Sequence[OwedOrder]:
    """List what is to be made good, the longest owed first, what was refused last; at most `MAX_OWED`."""
    parameters = {"limit": min(limit, MAX_OWED), "refused": NOT_MADE_GOOD}
    rows = cursor.execute(_SQL["owed_orders"], parameters)
    return [OwedOrder(*row) for row in rows]


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Tell all that this room keeps of a line, as plain values for JSON, the newest `MAX_EXPORTED`."""
    rows = cursor.execute(_SQL["export_orders"], {"line": line, "limit": MAX_EXPORTED})
    names = (
        "id", "state", "bytes", "valid_from", "valid_until", "ordered_at", "confirmed_at", "recipient",
        "attempts", "made_good_at",
    )  # fmt: skip
    return {"orders": [dict(zip(names, map(_plain, row), strict=True)) for row in rows]}


def _plain(value: object) -> object:
    """Write an instant or an id as text; numbers and texts stay."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value
