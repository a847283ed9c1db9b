"""Read what is known about lines."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import statements
from selbsthelfer.subscribers.core.billing import BillingDayChange, Calendar, Cycle, billing_calendar
from selbsthelfer.subscribers.core.lines import LineRef

_SQL = statements("selbsthelfer.subscribers")

MAX_EXPORTED = 100
"""Numbers in one export."""


@dataclass(frozen=True, slots=True)
class LineBilling:
    """How a line is billed, with every change of billing day and when it was learned of."""

    timezone: str
    cycle: Cycle
    registered_at: datetime
    received_at: datetime
    ended_at: datetime | None
    changes: tuple[tuple[BillingDayChange, datetime], ...]

    @property
    def calendar(self) -> Calendar:
        """The calendar as known now."""
        return Calendar(self.timezone, self.cycle, tuple(change for change, _ in self.changes))


def line_billings(cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> Mapping[UUID, LineBilling]:
    """Load how each of the lines is billed; lines that are not registered are missing."""
    found: dict[UUID, LineBilling] = {}
    changes: dict[UUID, list[tuple[BillingDayChange, datetime]]] = defaultdict(list)
    for line, timezone, day, days, anchor, ended_at, registered_at, received_at, *change in cursor.execute(
        _SQL["billing"], {"lines": list(lines)}
    ):
        if line not in found:
            base = billing_calendar(
                timezone=timezone, billing_day=day, period_days=days, period_anchor=anchor
            )
            found[line] = LineBilling(timezone, base.cycle, registered_at, received_at, ended_at, ())
        if change[0] is not None:
            changes[line].append((BillingDayChange(*change[:4]), change[4]))
    for line, told in changes.items():
        found[line] = replace(found[line], changes=tuple(sorted(told)))
    return found


def line_ends(
    cursor: psycopg.Cursor[Any], lines: Sequence[UUID]
) -> Mapping[UUID, Sequence[tuple[datetime, datetime]]]:
    """Load when each of the lines ended and when that was received."""
    ends: dict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
    for line, happened_at, _, _, received_at in cursor.execute(_SQL["ends"], {"lines": list(lines)}):
        ends[line].append((happened_at, received_at))
    return ends


def subjects_of_numbers(cursor: psycopg.Cursor[Any], msisdns: Sequence[str]) -> Mapping[str, str]:
    """Find the operator's id of the line behind each number; unknown numbers are missing."""
    return dict(cursor.execute(_SQL["callers"], {"msisdns": list(msisdns)}).fetchall())


@dataclass(frozen=True, slots=True)
class LineStanding:
    """A line as it stands: its names, where it is reached, and when it ends or ended."""

    line: LineRef
    msisdn: str | None
    language: str | None
    ended_at: datetime | None

    def has_ended(self, now: datetime) -> bool:
        """Tell whether the line has ended by `now`."""
        return self.ended_at is not None and self.ended_at <= now


def line_standings(cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> Mapping[UUID, LineStanding]:
    """Load how each of the lines stands; lines that are not registered are missing."""
    rows = cursor.execute(_SQL["standings_of_lines"], {"lines": list(lines)})
    return {
        line: LineStanding(LineRef(line, subject), msisdn, language, ended_at)
        for line, subject, msisdn, language, ended_at in rows
    }


@dataclass(frozen=True, slots=True)
class LineProfile:
    """A line as the operator knows it, without its number."""

    subject: str
    tariff: str | None
    timezone: str
    language: str | None
    is_suspended: bool
    registered_at: datetime
    ended_at: datetime | None


def line_profile(cursor: psycopg.Cursor[Any], line: UUID) -> LineProfile | None:
    """Load what a line is; none where it is not registered."""
    row = cursor.execute(_SQL["profile_of_line"], {"line": line}).fetchone()
    return None if row is None else LineProfile(*row)


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Give what is kept about the line itself, with the newest `MAX_EXPORTED` of its numbers."""
    row = cursor.execute(_SQL["export_of_line"], {"line": line}).fetchone()
    numbers = cursor.execute(_SQL["export_of_numbers"], {"line": line, "limit": MAX_EXPORTED})
    return {
        "line": {} if row is None else json.loads(row[0]),
        "numbers": [{"msisdn": msisdn, "assigned_at": at.isoformat()} for msisdn, at in numbers],
    }
