"""For which stretch of time a line gets its included volume, and how much."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.allowances.core.included import (
    IncludedChange,
    Stretch,
    free_part,
    included_bytes_from,
    included_stretch,
)
from selbsthelfer.subscribers.core.billing import (
    BillingDayChange,
    Calendar,
    EveryDays,
    Monthly,
    period_bounds,
)

instants = st.integers(0, 730 * 24 * 60).map(
    lambda minutes: datetime(2025, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
changes = st.lists(
    st.builds(
        BillingDayChange,
        happened_at=instants,
        id=st.text("ab", min_size=1, max_size=2),
        source=st.just("s"),
        billing_day=st.integers(1, 31),
    ),
    max_size=5,
).map(tuple)
cycles = st.integers(1, 31).map(Monthly) | st.builds(
    EveryDays, period_days=st.integers(7, 60), period_anchor=st.dates(date(2025, 1, 1), date(2025, 12, 31))
)
calendars = st.builds(
    Calendar, timezone=st.sampled_from(["UTC", "Europe/Berlin"]), cycle=cycles, changes=changes
)


@given(calendar=calendars, at=instants)
def test_a_stretch_contains_its_instant_and_lies_in_its_billing_period(
    calendar: Calendar, at: datetime
) -> None:
    stretch = included_stretch(calendar, at)
    start, end = period_bounds(calendar, containing=at, until=at)[:2]
    assert stretch.covers(at)
    assert start <= stretch.starts_at < stretch.ends_at <= end


@given(calendar=calendars, at=instants)
def test_stretches_follow_each_other_without_gap_or_overlap(calendar: Calendar, at: datetime) -> None:
    stretch = included_stretch(calendar, at)
    assert included_stretch(calendar, stretch.starts_at) == stretch
    assert included_stretch(calendar, stretch.ends_at).starts_at == stretch.ends_at
    before = included_stretch(calendar, stretch.starts_at - timedelta(microseconds=1))
    assert before.ends_at == stretch.starts_at


@given(calendar=calendars, at=instants)
def test_a_change_that_is_not_known_yet_moves_no_stretch_that_has_begun(
    calendar: Calendar, at: datetime
) -> None:
    known = tuple(c for c in calendar.changes if c.happened_at <= at)
    before = Calendar(calendar.timezone, calendar.cycle, known)
    assert included_stretch(calendar, at) == included_stretch(before, at)


def test_a_change_of_billing_day_adds_a_stretch_of_its_own() -> None:
    changed = BillingDayChange(datetime(2026, 2, 10, tzinfo=UTC), "a", "s", 15)
    calendar = Calendar("UTC", Monthly(1), (changed,))
    days = [included_stretch(calendar, datetime(2026, month, 20, tzinfo=UTC)) for month in (2, 3)]
    gap = included_stretch(calendar, datetime(2026, 3, 5, tzinfo=UTC))
    assert [
        (s.starts_at.date().isoformat(), s.ends_at.date().isoformat()) for s in (days[0], gap, days[1])
    ] == [
        ("2026-02-01", "2026-03-01"),
        ("2026-03-01", "2026-03-15"),
        ("2026-03-15", "2026-04-15"),
    ]


def test_changes_may_lie_any_time_apart() -> None:
    days = [
        BillingDayChange(datetime(year, 5, 5, tzinfo=UTC), "a", "s", day)
        for year, day in ((1980, 7), (2150, 9))
    ]
    calendar = Calendar("UTC", EveryDays(1, date(1980, 1, 1)), tuple(days))
    stretch = included_stretch(calendar, datetime(2199, 6, 1, tzinfo=UTC))
    assert stretch.starts_at == datetime(2199, 5, 9, tzinfo=UTC)


@given(at=instants, days=st.lists(st.tuples(st.integers(-60, 60), st.integers(1, 20)), max_size=5))
def test_the_free_part_contains_its_instant_and_touches_no_other_bucket(
    at: datetime, days: list[tuple[int, int]]
) -> None:
    stretch = Stretch(at - timedelta(days=20), at + timedelta(days=20))
    others = [Stretch(at + timedelta(days=a), at + timedelta(days=a + n)) for a, n in days]
    others = [other for other in others if not other.covers(at)]
    free = free_part(stretch, others, at)
    assert free.covers(at)
    assert stretch.starts_at <= free.starts_at < free.ends_at <= stretch.ends_at
    assert all(other.ends_at <= free.starts_at or free.ends_at <= other.starts_at for other in others)


def test_the_tariff_at_the_start_of_the_stretch_holds() -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)

    def change(at: datetime, bytes_: int, id_: str = "a") -> IncludedChange:
        return IncludedChange(at, id_, "s", at, bytes_)

    second = timedelta(seconds=1)
    assert included_bytes_from(5, [], start) == 5
    assert included_bytes_from(None, [change(start + second, 9)], start) is None
    assert included_bytes_from(5, [change(start, 9), change(start - second, 7)], start) == 9
    assert included_bytes_from(5, [change(start, 9, "b"), change(start, 7, "a")], start) == 9
