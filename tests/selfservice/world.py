"""A line of a programme, and what the tests of self-service ask about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from selbsthelfer.allowances.queries import balance
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.results import Done, Outcome
from selbsthelfer.selfservice.operations import carry_out
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life, prepare

NOW = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)
MSISDN = "+491713920042"
IBAN = "DE89370400440532013000"
_numbers = count(1)


def key_of(number: int) -> UUID:
    return uuid5(UUID(int=0), str(number))


def new_key() -> UUID:
    return key_of(next(_numbers))


def registered(subject: str = "line-1", **registration: Any) -> LineRef:
    """Register a line of Berlin in the tariff M, billed on the 1st."""
    terms = {"timezone": "Europe/Berlin", "msisdn": MSISDN, "tariff": "musterfunk-m", **registration}
    Life(subject, **terms).send()
    return LineRef.of(subject)


def enrolled(subject: str = "line-1", *, stages: int = 0) -> LineRef:
    """Enrol a line at the start of 2026, active in the stages that it shall have passed."""
    prepare()
    life = Life(subject, timezone="Europe/Berlin", msisdn=MSISDN, tariff="musterfunk-m")
    life.enrolled("2026-01-01T08:00")
    for month in range(1, 3 * stages + 1):
        life.did(f"2026-{month:02d}-10T12:00")
    life.send()
    return LineRef.of(subject)


def do(line: LineRef, order: Order, *, now: datetime = NOW, key: UUID | None = None) -> Done:
    return carry_out(line, order, key=key or new_key(), now=now)


def succeed(line: LineRef, order: Order, *, now: datetime = NOW) -> Done:
    done = do(line, order, now=now)
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    return done


def balance_of(line: LineRef, *, at: datetime) -> int | None:
    with transaction.atomic():
        return balance(open_cursor(), line.subscriber_id, at=at)


def rows(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        return open_cursor().execute(statement, parameters).fetchall()  # type: ignore[arg-type]


def facts_of(line: LineRef) -> list[tuple[str, bool]]:
    """The activities that intake has from the portal, oldest first."""
    return [
        (activity, succeeded)
        for activity, succeeded in rows(
            "SELECT activity, succeeded FROM activities_activity"
            " WHERE subscriber_id = %s AND source = '/selbsthelfer/portal' ORDER BY happened_at, id",
            line.subscriber_id,
        )
    ]


def take(fact: bytes, *, now: datetime) -> None:
    receipt = accept([fact], terms=Terms(now=now))
    assert receipt.results == ["accepted"], receipt.rejections


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)
