"""Orders of lines, delivered into a system in memory."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from selbsthelfer.charging.core.orders import Order, OrderState
from selbsthelfer.charging.core.reconciliation import DriftKind
from selbsthelfer.charging.delivering import Round, work_orders
from selbsthelfer.charging.operations import NewOrder, order_credits
from selbsthelfer.charging.queries import (
    OrderAttempt,
    Standing,
    attempts_of_order,
    open_drifts,
    standing_of_orders,
)
from selbsthelfer.charging.settling import Settled, settle_orders
from selbsthelfer.charging.systems import use_system
from selbsthelfer.charging.writing import lock_orders
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.charging.memory_system import Crash, MemorySystem

MB = 1_000_000
DAYS = timedelta(days=1)
TABLES = ("charging_creditorder", "charging_attempt", "charging_drift", "charging_alerting")


def forget_all() -> None:
    """Empty the tables of the room, for the next example."""
    with transaction.atomic():
        for table in TABLES:
            open_cursor().execute(f"DELETE FROM {table}")  # type: ignore[arg-type] # noqa: S608


def a_line(subject: str = "line-1", *, msisdn: str | None = None, ended_at: datetime | None = None) -> UUID:
    """Register a line directly; only its names and its end matter here."""
    line = subscriber_id_of(subject)
    with transaction.atomic():
        open_cursor().execute(
            "INSERT INTO subscribers_subscriber (subscriber_id, subject, msisdn, timezone, billing_day,"
            " suspended, registered_at, received_at, ended_at)"
            " VALUES (%s, %s, %s, 'UTC', 1, false, '2026-01-01', '2026-01-01', %s)"
            " ON CONFLICT (subscriber_id) DO UPDATE"
            " SET ended_at = excluded.ended_at, msisdn = excluded.msisdn",
            [line, subject, msisdn, ended_at],
        )
    return line


def order(
    system: MemorySystem, *lines: UUID, days: float = 30, starts_in: float = 0, bytes_: int = 100 * MB
) -> list[UUID]:
    """Order volume for lines, one bucket each; return the ids of the credits."""
    now = system.clock.at
    new = [NewOrder(line, uuid4(), bytes_, now + starts_in * DAYS, now + days * DAYS) for line in lines]
    with transaction.atomic(), use_system(system):
        order_credits(open_cursor(), new, now=now)
    return [each.credit_id for each in new]


def work(system: MemorySystem, **options: Any) -> Round:
    return work_orders(now_of=system.clock, system=system, **options)


def settle(system: MemorySystem) -> Settled:
    return settle_orders(now_of=system.clock, system=system)


def go_on(system: MemorySystem, rounds: int, *, seconds: float = 30) -> None:
    """Do rounds as workers would, and begin anew whenever one is killed."""
    for _ in range(rounds):
        for round_ in (work, settle):
            with suppress(Crash):
                round_(system)
        system.clock.advance(seconds)


def load(line: UUID, credit_id: UUID) -> Order:
    with transaction.atomic():
        return lock_orders(open_cursor(), [(line, credit_id)])[line, credit_id]


def states(keys: Iterable[tuple[UUID, UUID]]) -> list[OrderState]:
    return [load(*key).state for key in keys]


def attempts(line: UUID, credit_id: UUID) -> list[OrderAttempt]:
    """The attempts at an order, the oldest first."""
    with transaction.atomic():
        return list(reversed(attempts_of_order(open_cursor(), line, credit_id)))


def standing(system: MemorySystem) -> Standing:
    with transaction.atomic():
        return standing_of_orders(open_cursor(), now=system.clock.at)


def drifts() -> dict[DriftKind, int]:
    with transaction.atomic():
        return {kind: count for kind, count in open_drifts(open_cursor()).items() if count}
