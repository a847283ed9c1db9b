"""Billing periods in any zone, on any cycle, after any changes of billing day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from selbsthelfer.subscribers.core.billing import (
    MAX_PERIODS,
    BillingDayChange,
    Calendar,
    Cycle,
    EveryDays,
    Monthly,
    billing_calendar,
    first_instant,
    period_bounds,
    period_end,
    period_index,
)
from tests.effort import tries

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
AWKWARD = [
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/St_Johns",
    "America/Havana",
    "Asia/Gaza",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Europe/Berlin",
]
"""Clocks that change at midnight, a minute after it, by two hours, by half an hour, and by a whole date."""
LEFT_OUT_A_DATE = {
    "Kwajalein",
    "Pacific/Apia",
    "Pacific/Enderbury",
    "Pacific/Fakaofo",
    "Pacific/Kanton",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
}

zones = st.sampled_from(AWKWARD) | st.sampled_from(sorted(available_timezones() - {"localtime"}))
dates = st.dates(date(1985, 1, 1), date(2060, 12, 31))
instants = st.datetimes(datetime(1985, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
monthly = st.builds(Monthly, st.sampled_from([1, 28, 29, 30, 31]) | st.integers(1, 31))
cycles = monthly | st.builds(EveryDays, st.sampled_from([28, 30]) | st.integers(5, 366), dates)


def changes_around(at: datetime) -> st.SearchStrategy[tuple[BillingDayChange, ...]]:
    change = st.builds(
        BillingDayChange,
        st.timedeltas(-200 * DAY, 500 * DAY).map(lambda distance: at + distance),
        st.sampled_from("ab"),
        st.sampled_from("xy"),
        st.integers(1, 31),
    )
    return st.lists(change, max_size=3, unique=True).map(tuple)


def calendars(at: datetime) -> st.SearchStrategy[Calendar]:
    return st.builds(Calendar, zones, cycles, changes_around(at))


def local_date(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


@tries(300)
@given(zones, dates)
@example("Pacific/Apia", date(2011, 12, 30))
@example("America/St_Johns", date(2010, 11, 7))
@example("America/Havana", date(2025, 3, 9))
@example("America/Havana", date(2025, 11, 2))
@example("America/Sao_Paulo", date(2018, 11, 4))
@example("America/Sao_Paulo", date(2018, 2, 18))
@example("Asia/Beirut", date(2024, 3, 31))
@example("Africa/Cairo", date(2025, 4, 25))
def test_the_first_instant_of_a_date_is_the_first_at_which_it_has_come(zone: str, day: date) -> None:
    first = first_instant(zone, day)
    assert local_date(first, zone) >= day
    assert local_date(first - TICK, zone) < day
    for minutes in range(1, 240, 7):
        assert local_date(first - timedelta(minutes=minutes), zone) < day, "the clock had been here before"


@tries(200)
@given(st.data(), instants, st.timedeltas(timedelta(), 300 * DAY))
def test_bounds_rise_and_hold_what_they_were_asked_for(
    data: st.DataObject, containing: datetime, ahead: timedelta
) -> None:
    calendar = data.draw(calendars(containing))
    until = containing + ahead
    bounds = period_bounds(calendar, containing=containing, until=until)
    assert bounds[0] <= containing < bounds[1]
    assert bounds[-2] <= until < bounds[-1]
    assert period_index(bounds, containing) == 1
    assert period_index(bounds, bounds[0] - TICK) == 0
    assert period_end(calendar, containing) == bounds[1]
    for begins, ends in pairwise(bounds):
        assert begins < ends or calendar.timezone == "Pacific/Apia", (
            "only a date that was left out lasts no time"
        )


@tries(150)
@given(st.data(), instants, st.timedeltas(timedelta(), 300 * DAY))
def test_whoever_asks_from_wherever_is_told_of_the_same_periods(
    data: st.DataObject, containing: datetime, ahead: timedelta
) -> None:
    calendar = data.draw(calendars(containing))
    later = containing + ahead
    all_bounds = period_bounds(calendar, containing=containing, until=later + 100 * DAY)
    bounds = period_bounds(calendar, containing=later, until=later)
    at = all_bounds.index(bounds[0])
    assert all_bounds[at : at + len(bounds)] == bounds


@tries(150)
@given(zones, monthly, instants)
def test_a_month_has_one_period_that_begins_on_the_billing_day_or_its_last_day(
    zone: str, cycle: Monthly, at: datetime
) -> None:
    assume(zone not in LEFT_OUT_A_DATE)
    begins = period_bounds(Calendar(zone, cycle), containing=at, until=at + 400 * DAY)
    days = [local_date(bound, zone) for bound in begins]
    for day, following in pairwise(days):
        assert (following.year * 12 + following.month) - (day.year * 12 + day.month) == 1
        is_last_of_month = (day + DAY).day == 1
        assert day.day == cycle.billing_day or (is_last_of_month and day.day < cycle.billing_day)


@tries(150)
@given(zones, st.integers(1, 366), dates, instants)
def test_prepaid_periods_count_days_from_the_anchor(zone: str, days: int, anchor: date, at: datetime) -> None:
    assume(zone not in LEFT_OUT_A_DATE)
    calendar = Calendar(zone, EveryDays(days, anchor))
    begins = [local_date(b, zone) for b in period_bounds(calendar, containing=at, until=at + 100 * DAY)]
    assert all((following - day).days == days for day, following in pairwise(begins))
    assert (begins[0] - anchor).days % days == 0


@tries(200)
@given(st.data(), zones, cycles, instants)
def test_a_change_lengthens_the_period_it_happens_in_and_no_other(
    data: st.DataObject, zone: str, cycle: Cycle, at: datetime
) -> None:
    earlier = data.draw(changes_around(at))
    day = data.draw(st.integers(1, 31))
    last = max((change.happened_at for change in earlier), default=at)
    change = BillingDayChange(last + data.draw(st.timedeltas(TICK, 90 * DAY)), "c", "z", day)
    since = min([at, *(c.happened_at for c in earlier)])
    until = change.happened_at + 200 * DAY
    before = period_bounds(Calendar(zone, cycle, earlier), containing=since, until=until)
    after = period_bounds(Calendar(zone, cycle, (*earlier, change)), containing=since, until=until)
    running = period_index(before, change.happened_at)
    assert after[:running] == before[:running], "what came before stays"
    end, new_end = before[running], after[running]
    assert new_end >= end, "no period becomes shorter"
    grid = period_bounds(Calendar(zone, Monthly(day)), containing=end, until=new_end)
    assert new_end == (end if grid[0] == end else grid[1]), "it ends with the first new boundary"
    steady = period_bounds(Calendar(zone, Monthly(day)), containing=new_end, until=until)
    assert after[running : running + len(steady)] == steady


@tries(50)
@given(st.data(), instants)
def test_the_order_in_which_changes_are_told_does_not_matter(data: st.DataObject, at: datetime) -> None:
    calendar = data.draw(calendars(at))
    shuffled = Calendar(
        calendar.timezone, calendar.cycle, tuple(data.draw(st.permutations(calendar.changes)))
    )
    ask = {"containing": at, "until": at + 300 * DAY}
    assert period_bounds(shuffled, **ask) == period_bounds(calendar, **ask)


def test_a_change_from_the_1st_to_the_15th_on_10_february() -> None:
    zone = ZoneInfo("Europe/Berlin")
    change = BillingDayChange(datetime(2025, 2, 10, tzinfo=zone), "a", "crm", 15)
    calendar = Calendar("Europe/Berlin", Monthly(1), (change,))
    bounds = period_bounds(
        calendar, containing=datetime(2025, 1, 20, tzinfo=UTC), until=datetime(2025, 4, 1, tzinfo=UTC)
    )
    assert bounds == tuple(datetime(2025, m, d, tzinfo=zone) for m, d in [(1, 1), (2, 1), (3, 15), (4, 15)])


def test_a_change_at_the_very_end_belongs_to_the_next_period() -> None:
    end = datetime(2025, 3, 1, tzinfo=UTC)
    for at, following in [(end - TICK, (3, 15)), (end, (4, 15))]:
        calendar = Calendar("UTC", Monthly(1), (BillingDayChange(at, "a", "crm", 15),))
        bounds = period_bounds(calendar, containing=end - DAY, until=datetime(2025, 4, 14, tzinfo=UTC))
        assert datetime(2025, *following, tzinfo=UTC) in bounds
        assert (end in bounds) == (at == end)


def test_a_question_over_too_many_periods_is_refused() -> None:
    calendar = Calendar("UTC", EveryDays(1, date(2025, 1, 1)))
    begins = datetime(2025, 1, 1, tzinfo=UTC)
    period_bounds(calendar, containing=begins, until=begins + (MAX_PERIODS - 2) * DAY)
    with pytest.raises(ValueError, match=f"more than {MAX_PERIODS} billing periods"):
        period_bounds(calendar, containing=begins, until=begins + MAX_PERIODS * DAY)


@pytest.mark.parametrize("known", [{}, {"period_days": 28}, {"period_anchor": date(2025, 1, 1)}])
def test_a_line_needs_a_billing_cycle(known: dict[str, object]) -> None:
    terms = {"billing_day": None, "period_days": None, "period_anchor": None, **known}
    with pytest.raises(ValueError, match="needs a billing_day"):
        billing_calendar(timezone="UTC", **terms)  # type: ignore[arg-type]
