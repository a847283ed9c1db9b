"""Record what is learned about lines. Every function runs inside the transaction of intake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.subscribers")


class Registration(NamedTuple):
    """A line as it is registered; bytes per billing period, none means unlimited."""

    subscriber_id: UUID
    subject: str
    account: str | None
    msisdn: str | None
    timezone: str
    billing_day: int | None
    period_days: int | None
    period_anchor: date | None
    language: str | None
    tariff: str | None
    included_bytes: int | None
    registered_tariff: str | None
    registered_included_bytes: int | None
    registered_at: datetime
    received_at: datetime
    suspended: bool = False


class ChangeRow(NamedTuple):
    subscriber_id: UUID
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    msisdn: str | None
    language: str | None
    tariff: str | None
    included_bytes: int | None
    suspended: bool | None


class BillingDayRow(NamedTuple):
    subscriber_id: UUID
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    billing_day: int


class EndRow(NamedTuple):
    subscriber_id: UUID
    happened_at: datetime
    id: str
    source: str
    received_at: datetime


def register(cursor: psycopg.Cursor[Any], registrations: Sequence[Registration]) -> None:
    """Add lines that are not registered yet, and who has their numbers."""
    copy_rows(cursor, "subscribers_subscriber", Registration._fields, registrations)
    _assign_numbers(cursor, ((r.msisdn, r.registered_at, r.subscriber_id) for r in registrations))


def record_changes(cursor: psycopg.Cursor[Any], changes: Sequence[ChangeRow]) -> None:
    """Record changed properties and bring the lines' present state up to date."""
    copy_rows(cursor, "subscribers_change", ChangeRow._fields, changes)
    lines = list({change.subscriber_id for change in changes})
    cursor.execute(_SQL["apply_changes"], {"lines": lines})
    _assign_numbers(cursor, ((c.msisdn, c.happened_at, c.subscriber_id) for c in changes))


def record_billing_day_changes(cursor: psycopg.Cursor[Any], changes: Sequence[BillingDayRow]) -> None:
    copy_rows(cursor, "subscribers_billingdaychanged", BillingDayRow._fields, changes)


def record_ends(cursor: psycopg.Cursor[Any], ends: Sequence[EndRow]) -> None:
    """Record that lines ended; of several ends the earliest holds."""
    copy_rows(cursor, "subscribers_ended", EndRow._fields, ends)
    cursor.execute(_SQL["apply_ends"], {"lines": list({end.subscriber_id for end in ends})})


def _assign_numbers(
    cursor: psycopg.Cursor[Any], numbers: Iterable[tuple[str | None, datetime, UUID]]
) -> None:
    known = [number for number in numbers if number[0] is not None]
    if known:
        msisdns, instants, lines = zip(*known, strict=True)
        cursor.execute(
            _SQL["assign_numbers"],
            {"msisdns": list(msisdns), "instants": list(instants), "lines": list(lines)},
        )
