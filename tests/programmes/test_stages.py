"""When a stage is open, passed or missed, and what is learned late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from selbsthelfer.programmes.core.definition import StageTerms
from tests.programmes.deciding import Decide, be_active, participant
from tests.programmes.events import crisis, instant

pytestmark = pytest.mark.django_db

END = instant("2025-04-01")
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
OPEN, PASSED, MISSED = "open", "passed", "missed"


@pytest.mark.parametrize(("now", "state"), [(END - TICK, OPEN), (END, PASSED), (END + DAY, PASSED)], ids=str)
def test_a_stage_is_passed_with_its_end(now: datetime, state: str, decide: Decide) -> None:
    line = participant(active_in=[1, 2, 3])
    assert decide.line(line, now=now).states == [state, OPEN, OPEN]


@pytest.mark.parametrize(
    ("now", "state"), [(END, OPEN), (END + DAY - TICK, OPEN), (END + DAY, MISSED)], ids=str
)
def test_a_stage_is_missed_only_when_it_has_settled(now: datetime, state: str, decide: Decide) -> None:
    line = participant(active_in=[1, 2, 3])
    line.calls("2025-02-10")
    assert decide.line(line, now=now).states == [state, OPEN, OPEN]


@pytest.mark.parametrize(
    ("settings", "activities", "calls", "state"),
    [
        ({}, 1, 0, PASSED),
        ({}, 0, 0, MISSED),
        ({}, 1, 1, MISSED),
        ({"activities_min": 3}, 2, 0, MISSED),
        ({"activities_min": 3}, 3, 0, PASSED),
        ({"activities_min": 0}, 0, 0, PASSED),
        ({"contacts_max": 1}, 1, 1, PASSED),
        ({"contacts_max": 1}, 1, 2, MISSED),
        ({"goodwill_contacts": 1}, 1, 1, PASSED),
        ({"settle_delay_hours": 0}, 0, 0, MISSED),
    ],
    ids=str,
)
def test_a_stage_asks_for_activities_and_allows_contacts(
    settings: dict[str, int], activities: int, calls: int, state: str, decide: Decide
) -> None:
    line = participant()
    for day in range(1, activities + 1):
        line.does(f"2025-03-{day:02}")
    for week in range(calls):
        line.calls(instant("2025-02-01") + week * 10 * DAY)
    stage = decide.line(line, now=END + DAY, **settings).stages[0]
    assert (stage.state, stage.activities) == (state, activities)


def test_a_stage_tells_the_contacts_that_counted_in_order_of_time(decide: Decide) -> None:
    line = participant()
    second = line.calls("2025-02-20", "use.view", fact_id="a")
    first = line.calls("2025-02-10", fact_id="b")
    line.calls("2025-02-15", "fault")
    assert decide.line(line).stages[0].counting_contacts == (first.id, second.id)


def test_all_windows_are_told_of_from_the_beginning(decide: Decide) -> None:
    outcome = decide.line(participant(), now="2025-01-15T12:00")
    assert [(stage.window, stage.level, stage.state) for stage in outcome.stages] == [
        (1, 1, OPEN),
        (2, 2, OPEN),
        (3, 3, OPEN),
    ]


@pytest.mark.parametrize(
    ("rule", "levels"),
    [("calendar", [1, 2, 3, 4]), ("repeat", [1, 2, 2, 3]), ("reset", [1, 2, 1, 2])],
)
def test_the_level_follows_from_the_windows_before(rule: str, levels: list[int], decide: Decide) -> None:
    line = participant(active_in=[2, 8, 11])
    four = tuple(StageTerms(100_000_000 * level) for level in range(1, 5))
    outcome = decide.line(line, on_missed_stage=rule, stages=four)
    assert outcome.states == [PASSED, MISSED, PASSED, PASSED]
    assert outcome.levels == levels


def test_a_late_activity_passes_a_missed_stage_and_releases_what_was_waiting(decide: Decide) -> None:
    line = participant(active_in=[4, 5])
    line.does("2025-03-10", received="2025-05-25")
    missed = decide.line(line, now="2025-05-24")
    assert (missed.states[0], missed.grants) == (MISSED, {})
    healed = decide.line(line, now="2025-05-25")
    assert (healed.states[0], healed.grants) == (PASSED, {4: 100, 5: 100})
    assert {release.granted_at for release in healed.releases} == {instant("2025-05-25")}
    assert {release.valid_until for release in healed.releases} == {instant("2025-06-01")}


def test_a_reclassification_passes_a_missed_stage(decide: Decide) -> None:
    line = participant(active_in=[2, 4])
    call = line.calls("2025-02-10")
    line.reclassified("2025-04-28", call, counts=False)
    assert decide.line(line, now="2025-04-27").states[0] == MISSED
    healed = decide.line(line)
    assert healed.states[0] == PASSED
    assert healed.released[4].granted_at == instant("2025-04-28")


def test_a_coding_in_time_and_a_late_failure_pass_a_stage_too(decide: Decide) -> None:
    line = participant(active_in=[2, 4])
    coded, failed_before = line.calls("2025-02-10"), line.calls("2025-03-10", "use.view")
    line.coded("2025-02-11", coded, "fault", received=END + DAY - TICK)
    line.fails("2025-03-09", "use.view", received="2025-04-21")
    outcome = decide.line(line)
    assert outcome.codes == {coded.id: "fault", failed_before.id: "selfservice_failed"}
    assert outcome.released[4].granted_at == instant("2025-04-21")


def test_a_crisis_heals_the_past(decide: Decide) -> None:
    line = participant(active_in=[2, 4])
    line.calls("2025-02-10T09:00")
    declared = crisis("2025-02-10", "2025-02-11", declared="2025-04-28")
    outcome = decide.line(line, declared)
    assert outcome.states[0] == PASSED
    assert outcome.released[4].granted_at == instant("2025-04-28")


def test_a_call_learned_of_after_the_release_undoes_nothing(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.does("2025-04-01T08:00")
    call = line.calls("2025-03-31T20:00", received="2025-04-01T09:00")
    be_active(line, [5, 6])
    outcome = decide.line(line)
    assert outcome.grants == {4: 100, 5: 100, 6: 100}
    assert outcome.states[0] == PASSED
    assert outcome.stages[0].counting_contacts == (call.id,)


def test_a_call_learned_of_before_the_release_holds_it_back(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.calls("2025-03-31T20:00", received="2025-04-01T07:59")
    line.does("2025-04-01T08:00")
    assert decide.line(line).grants == {}


def test_what_becomes_known_together_is_decided_together(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.does("2025-04-01T08:00", received="2025-04-01T09:00")
    line.calls("2025-03-31T20:00", received="2025-04-01T09:00")
    assert decide.line(line).grants == {}


def test_in_control_a_release_makes_the_window_passed_for_good_as_well(decide: Decide) -> None:
    line = participant(active_in=[2], variant="control")
    line.does("2025-04-01T08:00")
    line.calls("2025-03-31T20:00", received="2025-04-01T09:00")
    outcome = decide.line(line)
    assert outcome.states[0] == PASSED
    assert [release.index for release in outcome.releases] == [4]
    assert outcome.grants == {}


@pytest.mark.parametrize("rule", ["repeat", "reset"])
def test_after_a_late_correction_the_tranches_of_one_window_differ(rule: str, decide: Decide) -> None:
    """Window 1 was missed when index 7 was released at level 1; healed, it lifts the rest of window 2."""
    line = participant(active_in=[2, 5, 7, 8])
    call = line.calls("2025-02-10")
    line.reclassified("2025-08-01", call, counts=False)
    outcome = decide.line(line, on_missed_stage=rule)
    assert outcome.grants == {5: 100, 7: 100, 8: 200}
    assert outcome.levels[:2] == [1, 2]


def test_a_passed_stage_without_a_release_may_still_be_lost(decide: Decide) -> None:
    line = participant(active_in=[2])
    line.calls("2025-03-31T20:00", received="2025-04-01T20:00")
    assert decide.line(line, now=END).states[0] == PASSED
    assert decide.line(line, now="2025-04-01T20:00").states[0] == OPEN
    assert decide.line(line, now=END + DAY).states[0] == MISSED
