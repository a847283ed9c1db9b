"""When a tranche is released, how large it is, how long it lasts, and what ends a programme for a line."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from selbsthelfer.programmes.core.definition import StageTerms
from tests.programmes.deciding import PROGRAMME, YEAR, Decide, be_active, participant
from tests.programmes.events import Line, instant

pytestmark = pytest.mark.django_db

MB = 1_000_000
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
CLOSES = instant("2026-01-01") + 90 * DAY


def test_the_first_counting_activity_of_a_period_releases_its_tranche(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.does("2025-04-02", "acc.lang")
    line.fails("2025-04-03", "bill.iban")
    line.does("2025-04-05", received="2025-04-06", fact_id="z")
    line.does("2025-04-04", received="2025-04-06", fact_id="y")
    line.does("2025-04-01", received="2025-04-20", fact_id="x")
    released = decide.line(line).released[4]
    assert (released.activity, released.granted_at) == ("y", instant("2025-04-06"))


def test_tranches_that_become_due_together_are_granted_in_order_of_their_index(decide: Decide) -> None:
    """The cap leaves 250 MB: the earlier periods get theirs, the last one the rest."""
    line = participant(active_in=[4, 5, 6])
    line.does("2025-02-10", received="2025-06-25")
    outcome = decide.line(line, cap_bytes=250 * MB)
    assert outcome.grants == {4: 100, 5: 100, 6: 50}


@pytest.mark.parametrize(
    ("cap", "granted"),
    [
        (1_800 * MB, {4: 100, 5: 100, 6: 100, 7: 200, 8: 200, 9: 200, 10: 300, 11: 300, 12: 300}),
        (1_750 * MB, {4: 100, 5: 100, 6: 100, 7: 200, 8: 200, 9: 200, 10: 300, 11: 300, 12: 250}),
        (450 * MB, {4: 100, 5: 100, 6: 100, 7: 150}),
        (300 * MB + 1, {4: 100, 5: 100, 6: 100, 7: 1e-06}),
        (1, {4: 1e-06}),
    ],
    ids=str,
)
def test_all_grants_together_stay_within_the_cap(cap: int, granted: dict[int, float], decide: Decide) -> None:
    outcome = decide.line(participant(active_in=YEAR), cap_bytes=cap)
    assert outcome.grants == granted
    assert list(outcome.released) == list(range(4, 13)), (
        "a tranche cut to nothing is released without a grant"
    )


def test_a_tranche_cut_to_nothing_makes_its_window_passed_for_good(decide: Decide) -> None:
    line = participant(active_in=[2, 4, 5])
    line.does("2025-07-01T08:00")
    line.calls("2025-06-30T20:00", received="2025-07-01T09:00")
    outcome = decide.line(line, cap_bytes=200 * MB)
    assert outcome.released[7].bytes == 0
    assert outcome.states[1] == "passed"


def test_a_stage_may_give_nothing(decide: Decide) -> None:
    stages = (StageTerms(0), StageTerms(200 * MB), StageTerms(300 * MB))
    outcome = decide.line(participant(active_in=YEAR), stages=stages)
    assert outcome.grants == {7: 200, 8: 200, 9: 200, 10: 300, 11: 300, 12: 300}


@pytest.mark.parametrize(
    ("leaves", "granted"),
    [
        pytest.param("2025-04-20T12:00", {}, id="at the instant of the activity"),
        pytest.param("2025-04-20T12:00:01", {4: 100}, id="just after it"),
        pytest.param("2025-01-15T12:00", {}, id="at the enrolment"),
        pytest.param("2025-01-15T11:59:59", {4: 100, 5: 100}, id="before the enrolment: counts for nothing"),
    ],
)
def test_a_withdrawal_ends_what_counts_and_leaves_what_was_granted(
    leaves: str, granted: dict[int, float], decide: Decide
) -> None:
    line = participant(active_in=[2, 4, 5])
    line.withdraws(leaves, PROGRAMME)
    outcome = decide.line(line)
    assert outcome.grants == granted
    assert all(release.valid_until.day == 30 for release in outcome.releases[:1])


def test_the_earliest_withdrawal_holds_whenever_it_is_learned_of(decide: Decide) -> None:
    line = participant(active_in=[2, 4, 5])
    line.withdraws("2025-06-10", PROGRAMME)
    line.withdraws("2025-05-10", PROGRAMME, received="2025-06-20")
    be_active(line, [6])
    outcome = decide.line(line)
    assert outcome.grants == {4: 100, 5: 100}, "granted before anybody knew of it, and never taken back"
    assert outcome.stopped_at == instant("2025-05-10")


def test_a_withdrawal_from_another_programme_changes_nothing(decide: Decide) -> None:
    line = participant(active_in=[2, 4])
    line.withdraws("2025-03-01", "another")
    assert decide.line(line).grants == {4: 100}


def test_a_window_with_a_withdrawal_in_it_is_decided_by_what_came_before(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.withdraws("2025-03-10", PROGRAMME)
    line.calls("2025-03-20")
    assert decide.line(line).states == ["passed", "missed", "missed"]


def test_an_activity_before_the_withdrawal_that_is_learned_of_after_it_releases(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.withdraws("2025-04-10", PROGRAMME)
    line.does("2025-04-05", received="2025-05-05")
    released = decide.line(line).released[4]
    assert (released.granted_at, released.valid_until) == (instant("2025-05-05"), instant("2025-06-01"))


@pytest.mark.parametrize("before_enrolment", [False, True])
def test_the_end_of_the_line_is_like_a_withdrawal_and_always_counts(
    before_enrolment: bool, decide: Decide
) -> None:
    line = participant(active_in=[2, 4, 5])
    line.ends("2025-01-10" if before_enrolment else "2025-05-10")
    assert decide.line(line).grants == ({} if before_enrolment else {4: 100})


def test_grants_made_before_the_end_was_known_are_kept(decide: Decide) -> None:
    line = participant(active_in=[2, 4])
    line.ends("2025-04-10", received="2025-04-25")
    outcome = decide.line(line)
    assert outcome.grants == {4: 100}
    assert outcome.released[4].valid_until == instant("2025-05-01")


@pytest.mark.parametrize(
    ("received", "granted"),
    [
        pytest.param(CLOSES - TICK, {4: 100}, id="just before it closes"),
        pytest.param(CLOSES, {4: 100}, id="at the instant it closes"),
        pytest.param(CLOSES + TICK, {}, id="later"),
    ],
)
def test_facts_received_after_an_enrolment_has_closed_decide_nothing(
    received: datetime, granted: dict[int, float], decide: Decide
) -> None:
    line = participant(active_in=[4])
    line.does("2025-02-10", received=received)
    line.calls("2025-05-10", received=received)
    outcome = decide.line(line, now="2027-01-01")
    assert outcome.grants == granted
    assert len(outcome.codes) == (1 if granted else 0)


def test_a_change_of_billing_day_received_after_closing_does_not_open_again(decide: Decide) -> None:
    line = participant(active_in=[4])
    line.changes_billing_day("2025-12-15", 31, received=CLOSES + TICK)
    line.does("2025-02-10", received=CLOSES + TICK)
    outcome = decide.line(line, now="2027-01-01")
    assert outcome.grants == {}
    assert outcome.closes_at == CLOSES


def test_a_change_of_billing_day_may_bring_the_closing_forward(decide: Decide) -> None:
    """Known just when the enrolment closes, it moves the end of the last period from the 31st to the 28th."""
    line = participant(enrolled="2024-12-31", billing_day=31)
    closes_at = instant("2025-12-31") + 90 * DAY
    line.changes_billing_day("2025-02-10", 28, received=closes_at)
    outcome = decide.line(line, now=closes_at)
    assert outcome.closes_at == instant("2025-12-28") + 90 * DAY


def test_nothing_is_decided_before_registration_and_enrolment_are_known(decide: Decide) -> None:
    line = Line("line")
    line.registers("2025-01-01", received="2025-04-25")
    line.enrols("2025-01-15", PROGRAMME, received="2025-04-27")
    line.does("2025-04-05", received="2025-04-05")
    line.does("2025-04-26", received="2025-04-26")
    line.does("2025-03-20", received="2025-03-27")
    first = decide.line(line).released[4]
    assert first.granted_at == instant("2025-04-27")
    assert first.activity == "line-003"


def test_of_several_enrolments_the_first_received_holds(decide: Decide) -> None:
    line = Line("line")
    line.registers()
    line.enrols("2025-01-05", PROGRAMME, "control", received="2025-02-10")
    line.enrols("2025-02-05", PROGRAMME, "treatment", received="2025-02-05")
    line.enrols("2024-12-05", PROGRAMME, "control", received="2025-02-06")
    be_active(line, [3, 5])
    outcome = decide.line(line)
    assert outcome.bounds[0] == instant("2025-02-01")
    assert outcome.grants == {4: 100}


def test_a_grant_outlasts_the_period_of_its_activity_when_learned_of_in_the_next(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.does("2025-04-20", received="2025-05-02")
    released = decide.line(line).released[4]
    assert (released.granted_at, released.valid_until) == (instant("2025-05-02"), instant("2025-06-01"))


def test_other_shapes_of_a_programme(decide: Decide) -> None:
    """Two windows of one period each: observed in periods 1 and 2, paid in 2 and 3."""
    stages = (StageTerms(10 * MB), StageTerms(20 * MB))
    outcome = decide.line(participant(active_in=YEAR), stages=stages, periods_per_stage=1)
    assert outcome.grants == {2: 10, 3: 20}
    assert outcome.closes_at == instant("2025-04-01") + 90 * DAY
