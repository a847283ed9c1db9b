"""Billing periods: where they start and end, in any time zone and after any change of billing day.

A period is half-open. It starts at the first instant of a local date and ends where the next one starts.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
MAX_PERIODS = 50_000
"""No question about a line spans more billing periods than this (136 years of days)."""


@dataclass(frozen=True, slots=True)
class Monthly:
    """A period starts on `billing_day` of each month, or on its last day where the month is shorter."""

    billing_day: int


@dataclass(frozen=True, slots=True)
class EveryDays:
    """Prepaid: a period starts every `period_days` days, counted from the local date `period_anchor`."""

    period_days: int
    period_anchor: date


Cycle = Monthly | EveryDays


@dataclass(frozen=True, slots=True, order=True)
class BillingDayChange:
    """From `happened_at` on the line is billed on another day; several apply in turn by time, then id."""

    happened_at: datetime
    id: str
    source: str
    billing_day: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """A line's time zone, its cycle and the changes of billing day that are known."""

    timezone: str
    cycle: Cycle
    changes: tuple[BillingDayChange, ...] = ()


def period_bounds(calendar_: Calendar, *, containing: datetime, until: datetime) -> tuple[datetime, ...]:
    """List the boundaries from the start of the period of `containing` to the first one after `until`.

    A change of billing day lengthens the running period to the first new boundary at or after its end; no
    period ever becomes shorter. A change exactly at the end belongs to the next period.
    """
    if calendar_.changes:
        return _changed_bounds(calendar_, containing, until)
    return _steady_bounds(calendar_.timezone, calendar_.cycle, containing, until)


def period_end(calendar_: Calendar, at: datetime) -> datetime:
    """Tell where the billing period that contains `at` ends."""
    return period_bounds(calendar_, containing=at, until=at)[1]


def period_index(bounds: Sequence[datetime], at: datetime) -> int:
    """Number the period that contains `at`: 1 from the first boundary on, 0 before it."""
    return bisect_right(bounds, at)


@lru_cache(maxsize=100_000)
def first_instant(timezone: str, day: date) -> datetime:
    """Find the first instant of a local date, or of the next one where a zone has skipped that date.

    Midnight may exist twice (clocks go back at midnight: the earlier one) or not at all (clocks go forward
    at midnight: the instant of the change).
    """
    zone = ZoneInfo(timezone)
    midnight = datetime.combine(day, time(), zone)
    early = midnight.astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return early
    return _clock_change_between(zone, midnight.replace(fold=1).astimezone(UTC), early)


def _clock_change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find by halving the second at which the zone's offset changes."""
    offset_before = before.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset_before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _steady_bounds(
    timezone: str, cycle: Cycle, containing: datetime, until: datetime
) -> tuple[datetime, ...]:
    start = _start_date(timezone, cycle, containing)
    last = _start_date(timezone, cycle, until)
    return _bounds_between(timezone, cycle, start, last)


@lru_cache(maxsize=20_000)
def _bounds_between(timezone: str, cycle: Cycle, start: date, last: date) -> tuple[datetime, ...]:
    bounds = []
    for day in islice(_start_dates(cycle, start), MAX_PERIODS):
        bounds.append(first_instant(timezone, day))
        if day > last:
            return tuple(bounds)
    raise ValueError(f"more than {MAX_PERIODS} billing periods between {start} and {last}")


def _start_date(timezone: str, cycle: Cycle, at: datetime) -> date:
    """Find the local date on which the period of `at` starts."""
    # A zone that skips a whole date can put the first instant of an earlier start date behind `at`'s own
    # date, so the search begins one day later than the local date suggests.
    latest = at.astimezone(ZoneInfo(timezone)).date() + ONE_DAY
    for day in _start_dates_backwards(cycle, latest):
        if first_instant(timezone, day) <= at:
            return day
    raise AssertionError("dates run backwards without end")


def _start_dates(cycle: Cycle, first: date) -> Iterator[date]:
    """Yield the start dates of a cycle from `first`, which is one of them, onwards."""
    if isinstance(cycle, EveryDays):
        day = first
        while True:
            yield day
            day += timedelta(days=cycle.period_days)
    year, month = first.year, first.month
    while True:
        yield _day_of_month(cycle.billing_day, year, month)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _start_dates_backwards(cycle: Cycle, latest: date) -> Iterator[date]:
    """Yield the start dates of a cycle at or before `latest`, newest first."""
    if isinstance(cycle, EveryDays):
        day = latest - timedelta(days=(latest - cycle.period_anchor).days % cycle.period_days)
        while True:
            yield day
            day -= timedelta(days=cycle.period_days)
    year, month = latest.year, latest.month
    while True:
        day = _day_of_month(cycle.billing_day, year, month)
        if day <= latest:
            yield day
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)


def _day_of_month(billing_day: int, year: int, month: int) -> date:
    return date(year, month, min(billing_day, calendar.monthrange(year, month)[1]))


def _changed_bounds(calendar_: Calendar, containing: datetime, until: datetime) -> tuple[datetime, ...]:
    """Walk the periods from the first change on, lengthening each period in which a change happened."""
    timezone = calendar_.timezone
    changes = sorted(calendar_.changes)
    earliest = min(containing, changes[0].happened_at)
    bounds = list(_steady_bounds(timezone, calendar_.cycle, earliest, earliest))
    cycle = calendar_.cycle
    pending = iter(changes)
    change = next(pending, None)
    for _ in range(MAX_PERIODS):
        while change is not None and change.happened_at < bounds[-1]:
            cycle = Monthly(change.billing_day)
            bounds[-1] = _first_start_from(timezone, cycle, bounds[-1])
            change = next(pending, None)
        if bounds[-1] > until and bounds[-1] > containing:
            first = bisect_right(bounds, containing) - 1
            return tuple(bounds[first:])
        bounds.append(_steady_bounds(timezone, cycle, bounds[-1], bounds[-1])[1])
    raise ValueError(f"more than {MAX_PERIODS} billing periods between {earliest} and {until}")


def _first_start_from(timezone: str, cycle: Cycle, at: datetime) -> datetime:
    """Find the first boundary of a cycle at or after an instant."""
    start, end = _steady_bounds(timezone, cycle, at, at)[:2]
    return start if start == at else end


def billing_calendar(
    *,
    timezone: str,
    billing_day: int | None,
    period_days: int | None,
    period_anchor: date | None,
    changes: Iterable[BillingDayChange] = (),
) -> Calendar:
    """Build a line's calendar from its registration; raises `ValueError` when that says too little."""
    if billing_day is not None:
        return Calendar(timezone, Monthly(billing_day), tuple(changes))
    if period_days is None or period_anchor is None:
        raise ValueError("a line needs a billing_day, or period_days and a period_anchor")
    return Calendar(timezone, EveryDays(period_days, period_anchor), tuple(changes))
