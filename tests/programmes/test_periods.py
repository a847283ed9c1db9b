"""Where the periods of an enrolment begin and end, and to which of them an activity belongs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.programmes.deciding import Decide, be_active, participant
from tests.programmes.events import instant

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("billing_day", "enrolled", "dates"),
    [
        pytest.param(1, "2025-01-01", ["01-01", "02-01", "03-01"], id="enrolled in a period's first instant"),
        pytest.param(31, "2025-01-31", ["01-31", "02-28", "03-31", "04-30", "05-31"], id="on the 31st"),
        pytest.param(31, "2025-02-27T23:59:59", ["01-31", "02-28", "03-31"], id="just before the 28th"),
        pytest.param(30, "2025-02-28", ["02-28", "03-30", "04-30"], id="on the last day of February"),
        pytest.param(29, "2025-01-29", ["01-29", "02-28", "03-29"], id="day 29 without a leap day"),
    ],
)
def test_a_period_begins_on_the_billing_day_or_the_last_day_of_the_month(
    billing_day: int, enrolled: str, dates: list[str], decide: Decide
) -> None:
    outcome = decide.line(participant(enrolled=enrolled, billing_day=billing_day))
    assert outcome.bounds[: len(dates)] == tuple(instant(f"2025-{date}") for date in dates)


@pytest.mark.parametrize("billing_day", [29, 30, 31])
def test_a_leap_day_begins_a_period(billing_day: int, decide: Decide) -> None:
    outcome = decide.line(participant(enrolled="2024-02-29T15:00", billing_day=billing_day))
    assert outcome.bounds[:2] == (instant("2024-02-29"), instant(f"2024-03-{billing_day}"))


def test_prepaid_periods_are_counted_from_the_anchor_forwards_and_backwards(decide: Decide) -> None:
    line = participant(enrolled="2025-03-28", period_days=28, period_anchor="2025-06-10")
    dates = ["2025-03-18", "2025-04-15", "2025-05-13", "2025-06-10", "2025-07-08"]
    assert decide.line(line).bounds[:5] == tuple(map(instant, dates))


@pytest.mark.parametrize(
    ("zone", "date", "begins"),
    [
        pytest.param("Europe/Berlin", "2025-03-30", "2025-03-29T23:00", id="Berlin, clocks go forward"),
        pytest.param("Europe/Berlin", "2025-03-31", "2025-03-30T22:00", id="Berlin, the day after"),
        pytest.param("Europe/Berlin", "2025-10-26", "2025-10-25T22:00", id="Berlin, clocks go back"),
        pytest.param("Europe/Berlin", "2025-10-27", "2025-10-26T23:00", id="Berlin, the day after that"),
        pytest.param("America/Havana", "2025-03-09", "2025-03-09T05:00", id="Havana, without a midnight"),
        pytest.param("America/Havana", "2025-11-02", "2025-11-02T04:00", id="Havana, with two midnights"),
    ],
)
def test_a_period_begins_with_the_first_instant_of_its_date(
    zone: str, date: str, begins: str, decide: Decide
) -> None:
    line = participant(enrolled=f"{date}T12:00", billing_day=int(date[-2:]), zone=zone)
    assert decide.line(line).bounds[0] == datetime.fromisoformat(begins).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "granted"),
    [
        pytest.param(instant("2025-04-01"), {4: 100}, id="in the first instant of a paying period"),
        pytest.param(instant("2025-04-01T00:00:00.999999"), {4: 100}, id="in its first second"),
        pytest.param(instant("2025-04-01") - TICK, {}, id="just before"),
        pytest.param(instant("2025-05-01") - TICK, {4: 100}, id="in its last instant"),
        pytest.param(instant("2025-04-30T23:59:59"), {4: 100}, id="in its last second"),
        pytest.param(instant("2025-05-01"), {5: 100}, id="in the first instant of the next"),
    ],
)
def test_an_activity_releases_the_tranche_of_the_period_it_happened_in(
    at: datetime, granted: dict[int, float], decide: Decide
) -> None:
    line = participant(active_in=[2])
    line.does(at)
    assert decide.line(line).grants == granted


@pytest.mark.parametrize(
    ("changes", "dates"),
    [
        pytest.param([("2025-02-10", 15)], ["01-01", "02-01", "03-15", "04-15"], id="in mid-stage"),
        pytest.param([("2025-03-01", 15)], ["02-01", "03-01", "04-15"], id="at an end: the next period's"),
        pytest.param([("2025-02-10", 15), ("2025-03-10", 20)], ["02-01", "03-20", "04-20"], id="two in turn"),
        pytest.param(
            [("2025-02-10", 15), ("2025-02-11", 5)], ["02-01", "04-05", "05-05"], id="there and back"
        ),
        pytest.param([("2025-02-10", 31)], ["02-01", "03-31", "04-30"], id="to the 31st"),
        pytest.param([("2025-02-10", 1)], ["01-01", "02-01", "03-01", "04-01"], id="to the same day"),
    ],
)
def test_a_change_of_billing_day_lengthens_the_running_period(
    changes: list[tuple[str, int]], dates: list[str], decide: Decide
) -> None:
    line = participant()
    for at, day in reversed(changes):
        line.changes_billing_day(at, day)
    bounds = decide.line(line).bounds
    first = bounds.index(instant(f"2025-{dates[0]}"))
    assert bounds[first : first + len(dates)] == tuple(instant(f"2025-{date}") for date in dates)


def test_a_change_in_mid_stage_moves_the_stage_and_what_it_pays(decide: Decide) -> None:
    """From 1 to 15 on 10 February: 1 February to 15 March is one period, and period 4 begins on 15 April."""
    line = participant(active_in=[2])
    line.changes_billing_day("2025-02-10", 15)
    line.does("2025-04-14T23:59")
    released_by = line.does("2025-04-15T00:01")
    outcome = decide.line(line)
    assert outcome.grants == {4: 100}
    assert outcome.released[4].activity == released_by.id
    assert outcome.released[4].valid_until == instant("2025-05-15")


def test_a_prepaid_line_may_become_a_monthly_one(decide: Decide) -> None:
    line = participant(enrolled="2025-01-10", period_days=28, period_anchor="2025-01-06")
    line.changes_billing_day("2025-02-10", 20)
    dates = ["2025-01-06", "2025-02-03", "2025-03-20", "2025-04-20"]
    assert decide.line(line).bounds[:4] == tuple(map(instant, dates))


def test_a_change_learned_of_late_moves_no_grant_that_was_made(decide: Decide) -> None:
    line = participant(active_in=[2, 4, 5])
    line.changes_billing_day("2025-02-10", 15, received="2025-05-25")
    outcome = decide.line(line)
    assert outcome.released[4].granted_at == instant("2025-04-20T12:00")
    assert outcome.released[4].valid_until == instant("2025-05-01")
    assert outcome.released[5].valid_until == instant("2025-06-01")


def test_the_end_of_a_grant_is_the_one_known_when_it_was_made(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.does("2025-04-10")
    line.changes_billing_day("2025-04-11", 15)
    be_active(line, [5])
    outcome = decide.line(line)
    assert outcome.released[4].valid_until == instant("2025-05-01")
    assert outcome.released[5].valid_until == instant("2025-06-15")
