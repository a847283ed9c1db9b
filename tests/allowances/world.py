"""Lines that live by facts alone, entering as JSON through the one door."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from django.db import transaction

from selbsthelfer.allowances import queries
from selbsthelfer.allowances.queries import Allowance, LineBucket, LineEntry, UsageTotal
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of

MB = 1_000_000
GB = 1_000 * MB
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
NOW = datetime(2026, 2, 20, 12, tzinfo=UTC)
_numbers = count(1)


def on(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


class Line:
    """A line of its own for each test, billed on the 1st in UTC unless said."""

    def __init__(self, *, included_bytes: int | None = 1_000, registered_at: datetime = JANUARY, **data: Any):
        self.subject = f"line-{next(_numbers)}"
        self.id: UUID = subscriber_id_of(self.subject)
        terms = {"timezone": "UTC", "billing_day": 1, "language": "de", "tariff": "M", **data}
        if included_bytes is not None:
            terms["included_bytes"] = included_bytes
        self.take(self.fact("subscriber.registered", registered_at, terms))

    def fact(
        self,
        kind: str,
        at: datetime,
        data: dict[str, Any],
        *,
        received: datetime | None = None,
        fact_id: str | None = None,
    ) -> bytes:
        event = {
            "specversion": "1.0",
            "type": kind,
            "id": fact_id or f"f{next(_numbers):08}",
            "source": "test",
            "subject": self.subject,
            "time": at.isoformat(),
            "received": (received or at).isoformat(),
            "data": data,
        }
        return json.dumps(event).encode()

    def usage(self, at: datetime, bytes_: int, **attributes: Any) -> bytes:
        return self.fact("usage.recorded", at, {"bytes": bytes_}, **attributes)

    def courtesy(self, at: datetime, bytes_: int, **attributes: Any) -> bytes:
        data = {"bytes": bytes_, "reason": "Störung", "by": "agent-7"}
        return self.fact("courtesy.granted", at, data, **attributes)

    def change(self, at: datetime, received: datetime | None = None, **data: Any) -> None:
        self.take(self.fact("subscriber.changed", at, data, received=received))

    def change_billing_day(self, at: datetime, day: int, received: datetime | None = None) -> None:
        self.take(self.fact("subscriber.billing_day_changed", at, {"billing_day": day}, received=received))

    def end(self, at: datetime) -> None:
        self.take(self.fact("subscriber.ended", at, {}))

    def take(self, *facts: bytes, now: datetime = NOW) -> None:
        take(*facts, now=now)

    def use(self, at: datetime, bytes_: int, *, received: datetime | None = None) -> None:
        self.take(self.usage(at, bytes_, received=received))

    def grant(self, at: datetime, bytes_: int) -> None:
        self.take(self.courtesy(at, bytes_))

    def allowance(self, at: datetime) -> Allowance:
        with transaction.atomic():
            return queries.allowance_of_line(open_cursor(), self.id, at=at)

    def buckets(self, at: datetime) -> Sequence[LineBucket]:
        with transaction.atomic():
            return queries.buckets_of_line(open_cursor(), self.id, at=at)

    def balance(self, at: datetime) -> int | None:
        with transaction.atomic():
            return queries.balance(open_cursor(), self.id, at=at)

    def entries(self) -> Sequence[LineEntry]:
        """All entries, oldest first."""
        with transaction.atomic():
            newest_first = queries.entries_of_line(open_cursor(), self.id, limit=queries.MAX_ENTRIES)
        return list(reversed(newest_first))

    def total(self, from_at: datetime, until_at: datetime) -> UsageTotal:
        with transaction.atomic():
            return queries.usage_total(open_cursor(), self.id, from_at=from_at, until_at=until_at)

    def unmet(self) -> int:
        return self.total(on(1, 1), datetime(2030, 1, 1, tzinfo=UTC)).unmet_bytes

    def burned(self) -> list[tuple[str, int]]:
        """What burned, in order: the kind of the bucket and the bytes."""
        return [(e.kind, -e.amount_bytes) for e in self.entries() if e.amount_bytes < 0]


def take(*facts: bytes, now: datetime = NOW) -> None:
    """Hand facts to intake as an import; each must be accepted."""
    receipt = accept(facts, terms=Terms(now=now, may_backdate=True, is_history=True))
    assert set(receipt.results) <= {"accepted"}, receipt.rejections


def rows(table: str, line: Line, columns: str) -> list[tuple[Any, ...]]:
    """Read a table of a line as it stands."""
    with transaction.atomic():
        cursor = open_cursor()
        statement = f"SELECT {columns} FROM {table} WHERE subscriber_id = %s ORDER BY 1"  # noqa: S608
        return cursor.execute(statement, [line.id]).fetchall()  # type: ignore[arg-type]
