"""Included volume of lines: where a bucket is still to be made, and how large it is.

Calendar work is never done in SQL. It is needed once for a line and billing period, when the first usage of
the period finds no included bucket, and where a page shows one before that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from selbsthelfer.allowances.core.included import (
    IncludedChange,
    Stretch,
    covering,
    free_part,
    included_bytes_from,
    included_stretch,
)
from selbsthelfer.kit.sql import statements
from selbsthelfer.subscribers.core.billing import BillingDayChange, Calendar, Cycle, billing_calendar
from selbsthelfer.subscribers.queries import LineBilling, line_billings

_SQL = statements("selbsthelfer.allowances")


class Uncovered(NamedTuple):
    """An instant for which a line has no included bucket; changes received after `known_at` are not known."""

    position: int
    subscriber_id: UUID
    at: datetime
    known_at: datetime


class Included(NamedTuple):
    """Included volume of a line for a stretch of time."""

    subscriber_id: UUID
    bytes: int
    stretch: Stretch


class IncludedPlan(NamedTuple):
    """The buckets to make, and the positions at which volume is unlimited; elsewhere there is none."""

    to_make: Sequence[Included]
    unlimited: Sequence[int]


@dataclass(slots=True)
class _Terms:
    """How much a line includes, as registered and by each change; none means unlimited."""

    registered_bytes: int | None
    changes: list[IncludedChange] = field(default_factory=list)

    def known(self, known_at: datetime) -> list[IncludedChange]:
        return [change for change in self.changes if change.received_at <= known_at]


class _Calendars:
    """Finds stretches; most lines of a batch share their cycle and period."""

    def __init__(self, billings: Mapping[UUID, LineBilling]) -> None:
        self._billings = billings
        self._steady: dict[tuple[str, Cycle], Stretch] = {}

    def stretch(self, line: UUID, at: datetime, known_at: datetime) -> Stretch:
        billing = self._billings[line]
        changes = tuple(change for change, received_at in billing.changes if received_at <= known_at)
        if changes:
            return included_stretch(Calendar(billing.timezone, billing.cycle, changes), at)
        key = (billing.timezone, billing.cycle)
        steady = self._steady.get(key)
        if steady is None or not steady.covers(at):
            steady = self._steady[key] = included_stretch(Calendar(*key), at)
        return steady


class _LineTerms(msgspec.Struct, frozen=True):
    """All that decides what one line includes; changes and buckets as they are kept, in no order."""

    registered_bytes: int | None
    timezone: str
    billing_day: int | None
    period_days: int | None
    period_anchor: date | None
    included_changes: tuple[tuple[datetime, str, str, datetime, int], ...]
    billing_day_changes: tuple[tuple[datetime, str, str, int], ...]
    stretches: tuple[tuple[datetime, datetime], ...]

    @property
    def calendar(self) -> Calendar:
        """The calendar as known now."""
        return billing_calendar(
            timezone=self.timezone,
            billing_day=self.billing_day,
            period_days=self.period_days,
            period_anchor=self.period_anchor,
            changes=[BillingDayChange(*change) for change in self.billing_day_changes],
        )


_decode_line_terms = msgspec.json.Decoder(_LineTerms).decode


def plan_included_of_line(cursor: psycopg.Cursor[Any], line: UUID, at: datetime) -> IncludedPlan:
    """Plan the included bucket that covers one instant of a line, as all is known now; one query."""
    row = cursor.execute(_SQL["included_terms_of_line"], {"line": line}).fetchone()
    if row is None:
        return IncludedPlan([], [])
    known = _decode_line_terms(row[0])
    changes = [IncludedChange(*change) for change in known.included_changes]
    bytes_ = known.registered_bytes
    limited = []
    if bytes_ or changes:
        stretch = included_stretch(known.calendar, at)
        bytes_ = included_bytes_from(bytes_, changes, stretch.starts_at)
        limited = [(at, Included(line, bytes_, stretch))] if bytes_ else []
    taken = defaultdict(list, {line: [Stretch(*stretch) for stretch in known.stretches]})
    return IncludedPlan(_free_parts(limited, taken), [0] if bytes_ is None else [])


def plan_included(cursor: psycopg.Cursor[Any], uncovered: Sequence[Uncovered]) -> IncludedPlan:
    """Plan the included buckets that cover the given instants, each line's in order; write nothing.

    A bucket never overlaps another: it gets the part of its stretch that is free.
    """
    limited, unlimited = _limited(cursor, uncovered)
    taken = _load_overlapping(cursor, {(i.subscriber_id, i.stretch) for _, i in limited})
    return IncludedPlan(_free_parts(limited, taken), unlimited)


def _free_parts(
    limited: Sequence[tuple[datetime, Included]], taken: defaultdict[UUID, list[Stretch]]
) -> list[Included]:
    """Cut each to what is free of its stretch; what is taken grows by each."""
    to_make = []
    for at, included in limited:
        others = taken[included.subscriber_id]
        if covering(others, at) is not None:
            continue
        if others:
            included = included._replace(stretch=free_part(included.stretch, others, at))
        others.append(included.stretch)
        to_make.append(included)
    return to_make


def _limited(
    cursor: psycopg.Cursor[Any], uncovered: Sequence[Uncovered]
) -> tuple[list[tuple[datetime, Included]], list[int]]:
    """Find the whole stretch and volume of each instant that has some, and the positions without limit."""
    terms = _load_terms(cursor, list({u.subscriber_id for u in uncovered}))
    may_be_limited = [line for line, known in terms.items() if known.registered_bytes or known.changes]
    calendars = _Calendars(line_billings(cursor, may_be_limited) if may_be_limited else {})
    limited, unlimited = [], []
    for position, line, at, known_at in uncovered:
        bytes_ = terms[line].registered_bytes
        changes = terms[line].known(known_at)
        if bytes_ or changes:
            stretch = calendars.stretch(line, at, known_at)
            bytes_ = included_bytes_from(bytes_, changes, stretch.starts_at)
            if bytes_:
                limited.append((at, Included(line, bytes_, stretch)))
        if bytes_ is None:
            unlimited.append(position)
    return limited, unlimited


def _load_terms(cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> Mapping[UUID, _Terms]:
    terms: dict[UUID, _Terms] = {}
    for line, registered_bytes, at, id_, source, received_at, bytes_ in cursor.execute(
        _SQL["included_terms"], {"lines": list(lines)}
    ):
        known = terms.setdefault(line, _Terms(registered_bytes))
        if at is not None:
            known.changes.append(IncludedChange(at, id_, source, received_at, bytes_))
    return terms


def _load_overlapping(
    cursor: psycopg.Cursor[Any], stretches: set[tuple[UUID, Stretch]]
) -> defaultdict[UUID, list[Stretch]]:
    """Load the stretches of included buckets that exist and overlap the given ones; hardly ever any.

    There are some where a change of billing day, or of a zone's clock, became known after they were made.
    """
    found: defaultdict[UUID, list[Stretch]] = defaultdict(list)
    if stretches:
        parameters = {
            "lines": [line for line, _ in stretches],
            "starts_at": [stretch.starts_at for _, stretch in stretches],
            "ends_at": [stretch.ends_at for _, stretch in stretches],
        }
        for line, starts_at, ends_at in cursor.execute(_SQL["overlapping_included"], parameters):
            found[line].append(Stretch(starts_at, ends_at))
    return found
