"""With `release = "period_start"` the clock releases: at the first instant of each paying period."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from selbsthelfer.intake.sweeping import sweep
from tests.programmes.deciding import PROGRAMME, Decide, be_active, participant, programme
from tests.programmes.events import Line, crisis, instant
from tests.programmes.outcomes import Outcome, deliver, publish_all, read_outcomes

pytestmark = pytest.mark.django_db

CLOCK = {"release": "period_start"}
TICK = timedelta(microseconds=1)


def granted_on(outcome: Outcome) -> dict[int, datetime]:
    return {index: release.granted_at for index, release in outcome.released.items()}


def on(**days: str) -> dict[int, datetime]:
    """Write `index_4="04-01"` for: the tranche of index 4 on 1 April 2025."""
    return {int(name.removeprefix("index_")): instant(f"2025-{day}") for name, day in days.items()}


def test_each_paying_period_of_a_passed_window_releases_with_its_first_instant(decide: Decide) -> None:
    line = participant(active_in=[2, 5, 8])
    outcome = decide.line(line, now="2026-02-01", **CLOCK)
    for index, release in outcome.released.items():
        begins, ends = outcome.bounds[index - 1 : index + 1]
        assert (release.granted_at, release.valid_until, release.activity) == (begins, ends, None)
    assert list(outcome.grants.values()) == [100, 100, 100, 200, 200, 200, 300, 300, 300]


def test_the_clock_has_struck_up_to_now_and_not_further(decide: Decide) -> None:
    line = participant(active_in=[2])
    assert decide.line(line, now=instant("2025-04-01") - TICK, **CLOCK).grants == {}
    assert decide.line(line, now="2025-04-01", **CLOCK).grants == {4: 100}
    assert decide.line(line, now="2025-05-31", **CLOCK).grants == {4: 100, 5: 100}


def test_the_clock_comes_before_the_facts_received_at_the_same_instant(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.calls("2025-03-31T20:00", received="2025-04-01")
    line.withdraws("2025-05-01", PROGRAMME)
    outcome = decide.line(line, **CLOCK)
    assert outcome.grants == {4: 100, 5: 100}


def test_an_activity_at_that_instant_comes_after_the_clock(decide: Decide) -> None:
    line = participant()
    line.does("2025-03-20", received="2025-04-01")
    outcome = decide.line(line, **CLOCK)
    assert outcome.released[4].granted_at == instant("2025-04-01")
    assert outcome.states[0] == "passed"


def test_a_period_that_begins_after_the_withdrawal_gives_nothing(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.withdraws("2025-04-30T23:59:59", PROGRAMME)
    assert decide.line(line, **CLOCK).grants == {4: 100}


def test_a_stage_healed_later_releases_the_periods_begun_by_then_and_the_others_in_turn(
    decide: Decide,
) -> None:
    line = participant(active_in=[2])
    call = line.calls("2025-02-10")
    line.reclassified("2025-05-10", call, counts=False)
    outcome = decide.line(line, now="2025-06-15", **CLOCK)
    assert granted_on(outcome) == on(index_4="05-10", index_5="05-10", index_6="06-01")


@pytest.mark.parametrize(
    ("leaves", "granted"),
    [
        pytest.param("2025-05-05", {4: 100, 5: 100}, id="in a period"),
        pytest.param("2025-05-01", {4: 100}, id="with the first instant of a period"),
    ],
)
def test_a_stage_healed_after_a_withdrawal_releases_the_periods_that_began_before_it(
    leaves: str, granted: dict[int, float], decide: Decide
) -> None:
    line = participant(active_in=[2])
    call = line.calls("2025-02-10")
    line.withdraws(leaves, PROGRAMME)
    line.reclassified("2025-04-30", call, counts=False, received="2025-07-10")
    assert decide.line(line, **CLOCK).grants == granted


def test_clock_instants_before_the_enrolment_was_known_are_made_up_at_once(decide: Decide) -> None:
    line = Line("line")
    line.registers()
    line.enrols("2025-01-15", PROGRAMME, received="2025-05-10")
    be_active(line, [2])
    outcome = decide.line(line, now="2025-06-15", **CLOCK)
    assert granted_on(outcome) == on(index_4="05-10", index_5="05-10", index_6="06-01")


def test_a_change_of_billing_day_moves_the_clock_from_when_it_is_known(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.changes_billing_day("2025-04-10", 15)
    line.changes_billing_day("2025-05-20", 20, received="2025-06-18")
    outcome = decide.line(line, now="2025-08-01", **CLOCK)
    assert granted_on(outcome) == on(index_4="04-01", index_5="05-15", index_6="06-15")
    assert outcome.released[6].valid_until == instant("2025-07-15")


def test_a_crisis_and_the_clock_are_decided_in_their_order(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.calls("2025-02-10T09:00")
    declared = crisis("2025-02-10", "2025-02-11", declared="2025-04-10")
    outcome = decide.line(line, declared, now="2025-05-15", **CLOCK)
    assert granted_on(outcome) == on(index_4="04-10", index_5="05-01")


NOW = instant("2025-06-15")


def delivered(line: Line, *, now: str) -> Outcome:
    """Deliver what was received by then and read, without any sweep."""
    at = instant(now)
    deliver([event for event in line.events if event.received_at <= at], now=at)
    return read_outcomes([line.subject], now=at)[line.subject, PROGRAMME]


def test_a_fact_first_decides_the_instants_of_the_clock_that_are_outstanding() -> None:
    publish_all([programme(**CLOCK)])
    line = participant(active_in=[2])
    assert delivered(line, now="2025-03-15").grants == {}
    line.tell("usage.recorded", "2025-06-10", bytes=1)
    outcome = delivered(line, now="2025-06-10")
    assert granted_on(outcome) == on(index_4="04-01", index_5="05-01", index_6="06-01")


def test_a_sweep_decides_the_clock_for_lines_of_which_nothing_is_heard() -> None:
    publish_all([programme(**CLOCK)])
    lines = [participant(active_in=[2], subject=f"line-{n}") for n in range(3)]
    for line in lines:
        delivered(line, now="2025-03-15")
    assert sweep(now=instant("2025-04-01") - TICK) == 0
    assert sweep(now=instant("2025-04-01")) == 3
    assert sweep(now=instant("2025-04-01")) == 0
    assert sweep(now=NOW) == 6
    for outcome in read_outcomes([line.subject for line in lines], now=NOW).values():
        assert outcome.grants == {4: 100, 5: 100, 6: 100}


def test_a_sweep_decides_a_crisis_at_the_instant_it_was_received() -> None:
    publish_all([programme()])
    line = participant(active_in=[2, 4])
    line.calls("2025-02-10T09:00")
    assert delivered(line, now="2025-05-10").grants == {}
    deliver([crisis("2025-02-10", "2025-02-11", declared="2025-05-12")], now=instant("2025-05-12"))
    assert sweep(now=NOW) == 1
    outcome = read_outcomes([line.subject], now=NOW)[line.subject, PROGRAMME]
    assert outcome.released[4].granted_at == instant("2025-05-12")
    assert sweep(now=NOW) == 0


def test_a_crisis_learned_of_behind_what_was_decided_heals_what_came_after_it() -> None:
    publish_all([programme()])
    line = participant(active_in=[2, 4, 5])
    line.calls("2025-02-10T09:00")
    assert delivered(line, now="2025-06-10").grants == {}
    deliver([crisis("2025-02-10", "2025-02-11", received="2025-04-25")], now=instant("2025-06-10"))
    assert sweep(now=instant("2025-06-10")) == 2
    outcome = read_outcomes([line.subject], now=NOW)[line.subject, PROGRAMME]
    assert granted_on(outcome) == {4: instant("2025-04-25"), 5: instant("2025-05-20T12:00")}


def test_a_crisis_not_swept_yet_is_decided_before_the_next_fact_of_the_line() -> None:
    publish_all([programme()])
    line = participant(active_in=[2, 4])
    line.calls("2025-02-10T09:00")
    delivered(line, now="2025-05-10")
    deliver([crisis("2025-02-10", "2025-02-11", declared="2025-05-12")], now=instant("2025-05-12"))
    line.tell("usage.recorded", "2025-05-20", bytes=1)
    outcome = delivered(line, now="2025-05-20")
    assert outcome.released[4].granted_at == instant("2025-05-12")
