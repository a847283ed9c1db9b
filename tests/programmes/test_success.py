"""What is told after a success: never more than the rules give, and kind where it brings nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from selbsthelfer.kit.wording import Words
from selbsthelfer.programmes.core.decision import StageState, standing_at
from selbsthelfer.programmes.core.definition import Definition, load_preset
from selbsthelfer.programmes.core.history import ActivityFact, History
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment, TrancheState
from selbsthelfer.programmes.core.wording_outline import PinnedVersion, Released, tell_enrolment
from selbsthelfer.programmes.core.wording_status import (
    TRANCHE_STATUSES,
    TrancheStatus,
    status_words,
    tranche_status,
)
from selbsthelfer.programmes.core.wording_success import (
    Success,
    SuccessKind,
    release_preview,
    success_of,
    success_words,
)
from selbsthelfer.programmes.core.wording_tranches import tranche_sentence
from tests.effort import tries
from tests.programmes.deciding import PROGRAMME, be_active, participant, programme
from tests.programmes.events import BERLIN, SOURCE, Event, Line, instant
from tests.programmes.histories import histories_of
from tests.programmes.plots import TICK, Plot, plots

MB = 1_000_000


def tell(
    history: History,
    definition: Definition,
    now: datetime,
    *,
    left: int | None = None,
    confirmed: bool = True,
) -> ToldEnrolment:
    """Tell an enrolment with what the core has released by then."""
    releases = {
        release.index: Released(release, _activity(history, release.activity), left, confirmed)
        for release in standing_at(history, definition, now).releases
    }
    return tell_enrolment(history, PinnedVersion(1, definition.digest(), definition), releases, now)


def _activity(history: History, id_: str | None) -> tuple[str, str] | None:
    return next((fact.key for fact in sorted(history.activities) if fact.id == id_), None)


def told(line: Line, now: str | datetime, definition: Definition | None = None, **how: Any) -> ToldEnrolment:
    at = instant(now) if isinstance(now, str) else now
    history = histories_of([e for e in line.events if e.received_at <= at], at)["line", PROGRAMME]
    return tell(history, definition or programme(), at, **how)


def words(line: Line, event: Event, now: str | datetime | None = None, **settings: Any) -> Words:
    """Tell what an activity was good for, at once unless said."""
    at = event.received_at if now is None else now
    return success_words(told(line, at, programme(**settings)), SOURCE, event.id, BERLIN)


def kind(line: Line, event: Event, now: str | datetime | None = None, **settings: Any) -> SuccessKind:
    at = event.received_at if now is None else now
    return success_of(told(line, at, programme(**settings)), SOURCE, event.id).kind


def test_a_newcomer_sees_what_the_first_success_was_good_for() -> None:
    line = participant()
    done = line.does("2025-01-20T12:00")
    assert words(line, done) == Words(
        "Zählt für Stufe 1. Bestanden, wenn bis 31. März 2025 kein Anruf zählt. "
        "Die ersten 100 MB gibt es ab 1. April 2025, sobald Sie dann etwas online erledigen.",
        "Counts for stage 1. Passed if no call counts by 31 March 2025. "
        "The first 100 MB come from 1 April 2025 on, as soon as you do something online then.",
    )


def test_a_second_success_counts_too() -> None:
    line = participant(active_in=[1])
    done = line.does("2025-02-20T12:00")
    assert kind(line, done) is SuccessKind.COUNTS_TOO
    assert words(line, done).de.startswith("Zählt mit; Stufe 1 hatte schon, was sie braucht. Bestanden, wenn")


def test_a_stage_that_needs_more_says_how_much() -> None:
    line = participant()
    done = line.does("2025-01-20T12:00")
    said = words(line, done, activities_min=3)
    assert said.de == (
        "Zählt für Stufe 1. Noch nötig: bis 31. März 2025 noch 2-mal etwas online erledigen, das zählt."
    )


def test_volume_that_was_released_is_named_with_its_end() -> None:
    line = participant(active_in=[1])
    done = line.does("2025-04-20T12:00")
    assert words(line, done) == Words(
        "100 MB gutgeschrieben, nutzbar bis 30. April 2025. Zählt auch für Stufe 2.",
        "100 MB credited, usable until 30 April 2025. Counts for stage 2 as well.",
    )


def test_volume_that_is_not_confirmed_is_never_called_usable() -> None:
    line = participant(active_in=[1])
    done = line.does("2025-04-20T12:00")
    enrolment = told(line, done.received_at, confirmed=False, left=100 * MB)
    said = success_words(enrolment, SOURCE, done.id, BERLIN)
    assert said.de == "100 MB werden gerade gebucht. Zählt auch für Stufe 2."
    (tranche,) = [t for t in enrolment.tranches if t.index == 4]
    assert tranche_status(tranche) is TrancheStatus.BEING_CREDITED
    for text in (said, tranche_sentence(tranche, enrolment, BERLIN), status_words(tranche_status(tranche))):
        assert "nutzbar" not in text.de
        assert "usable" not in text.en


def test_the_second_success_of_a_paying_period_counts_for_the_running_stage() -> None:
    line = participant(active_in=[1, 4])
    done = line.does("2025-04-25T12:00")
    assert kind(line, done) is SuccessKind.COUNTS_TOO


def test_a_stage_already_lost_says_what_can_still_be_had() -> None:
    line = participant()
    line.calls("2025-02-01T12:00")
    done = line.does("2025-02-20T12:00")
    said = words(line, done)
    assert kind(line, done) is SuccessKind.TOO_LATE
    assert said.de == (
        "Gemerkt; für Stufe 1 reicht es aber nur, wenn ein Kontakt neu bewertet wird. "
        "Ab 1. April 2025 läuft Stufe 2; ist sie bestanden, gibt es ab 1. Juli 2025 200 MB."
    )


def test_in_the_last_periods_the_next_volume_is_named() -> None:
    line = participant(active_in=[1, 4, 7, 10])
    done = line.does("2025-10-25T12:00")
    assert kind(line, done) is SuccessKind.NOTHING
    assert words(line, done).de == (
        "Zählt; das Guthaben dieses Zeitraums haben Sie schon bekommen. "
        "Die nächsten 300 MB gibt es ab 1. November 2025, sobald Sie dann etwas online erledigen."
    )


@pytest.mark.parametrize(
    ("activity", "expected"),
    [
        ("acc.lang", "„Sprache und Darstellung“ zählt nie, weder für noch gegen Sie."),
        ("bill.paperless", "„Auf papierlos umstellen“ zählt nur beim ersten Mal, und das hatten Sie schon."),
        (
            "use.view",
            "„Verbrauch ansehen“ hat in diesem Abrechnungszeitraum schon gezählt; "
            "ab 1. Februar 2025 zählt es wieder.",
        ),
        (
            "bill.iban",
            "„Bankverbindung ändern“ zählt nur alle 183 Tage; wieder nach dem 22. Juli 2025, "
            "wenn es bis dahin ruht.",
        ),
    ],
)
def test_what_does_not_count_says_why_kindly_and_what_comes_next(activity: str, expected: str) -> None:
    line = participant()
    line.does("2025-01-16T12:00", activity)
    again = line.does("2025-01-20T12:00", activity)
    said = words(line, again).de
    assert said.startswith(expected)
    assert said.removeprefix(expected).strip(), "and what comes next"
    assert kind(line, again) is SuccessKind.UNCOUNTED


@pytest.mark.parametrize("activity", ["use.view", "bill.iban"])
def test_what_is_told_to_count_again_does(activity: str) -> None:
    line = participant()
    line.does("2025-01-16T12:00", activity)
    again = line.does("2025-01-20T12:00", activity)
    uncounted = success_of(told(line, again.time), SOURCE, again.id).uncounted
    assert uncounted is not None
    assert uncounted.counts_again_at is not None
    before = line.does(uncounted.counts_again_at - TICK, activity)
    assert kind(line, before) is SuccessKind.UNCOUNTED
    line.events.remove(before)
    assert kind(line, line.does(uncounted.counts_again_at, activity)) is not SuccessKind.UNCOUNTED


def test_after_leaving_nothing_counts_any_more() -> None:
    line = participant(active_in=[1])
    line.withdraws("2025-02-01", PROGRAMME)
    done = line.does("2025-02-20T12:00")
    assert kind(line, done) is SuccessKind.STOPPED
    assert words(line, done).de.startswith("Für das Programm zählt das nicht mehr.")


def test_a_line_in_control_is_told_nothing() -> None:
    line = participant(active_in=[1], variant="control")
    done = line.does("2025-04-20T12:00")
    assert words(line, done) == Words("Erledigt.", "Done.")
    assert release_preview(told(line, "2025-05-10"), instant("2025-05-10"), BERLIN) is None


def test_an_unknown_activity_is_told_plainly() -> None:
    line = participant(active_in=[1])
    enrolment = told(line, "2025-02-01")
    assert success_words(enrolment, SOURCE, "no such", BERLIN).de.startswith(
        "Für das Programm zählt das nicht."
    )


@pytest.mark.parametrize(
    ("now", "span"),
    [
        ("2025-05-22T12:00", "noch 9 Tage."),
        ("2025-05-30T23:59", "noch 1 Tag."),
        ("2025-05-31T00:00", "nur noch heute."),
    ],
)
def test_before_a_release_the_page_says_how_long_the_volume_will_live(now: str, span: str) -> None:
    line = participant(active_in=[1])
    preview = release_preview(told(line, now), instant(now), BERLIN)
    assert preview is not None
    assert preview.de == (
        f"Wenn Sie heute etwas online erledigen, das zählt: 100 MB, nutzbar bis 31. Mai 2025 – {span}"
    )


def test_before_anything_waits_there_is_no_preview() -> None:
    line = participant(active_in=[1])
    for now in ("2025-03-20", "2025-04-25", "2026-03-01"):
        if now == "2025-04-25":
            line.does("2025-04-20T12:00")
        assert release_preview(told(line, now), instant(now), BERLIN) is None


def test_every_status_looks_different_and_every_state_has_one() -> None:
    assert set(TRANCHE_STATUSES) == set(TrancheStatus)
    assert (
        len({w.de for w in TRANCHE_STATUSES.values()}) == len({w.en for w in TRANCHE_STATUSES.values()}) == 11
    )
    line = participant(active_in=[1, 4])
    enrolment = told(line, "2025-04-25", left=30 * MB)
    for state in TrancheState:
        assert tranche_status(replace(enrolment.tranches[0], state=state)) in TrancheStatus


def test_usable_used_up_and_expired_are_told_apart() -> None:
    line = participant(active_in=[1, 4])

    def first(now: str, left: int) -> TrancheStatus:
        return tranche_status(told(line, now, left=left).tranches[0])

    assert first("2025-04-25", 30 * MB) is TrancheStatus.USABLE
    assert first("2025-04-25", 0) is TrancheStatus.USED
    assert first("2025-05-25", 30 * MB) is TrancheStatus.EXPIRED
    assert first("2025-05-25", 0) is TrancheStatus.USED


@dataclass(frozen=True)
class Told:
    """One success of one line, as told at an instant from what was known then."""

    at: datetime
    history: History
    definition: Definition
    enrolment: ToldEnrolment
    fact: ActivityFact

    @property
    def success(self) -> Success:
        return success_of(self.enrolment, self.fact.source, self.fact.id)


def successes(plot: Plot) -> Iterator[Told]:
    """Tell every success as known now, and every third as it is told on a page: the moment it is received."""
    instants = sorted({e.received_at for e in plot.known if e.type == "selfservice.finished"})
    for at in (*instants[::3], plot.now):
        yield from _successes_at(plot, at, at_once=at != plot.now)


def _successes_at(plot: Plot, at: datetime, *, at_once: bool) -> Iterator[Told]:
    by_name = {definition.name: definition for definition in plot.definitions}
    events = [event for event in plot.known if event.received_at <= at]
    for (_, name), history in histories_of(events, at).items():
        enrolment = tell(history, by_name[name], at)
        for fact in history.activities:
            if fact.happened_at < history.enrolment.enrolled_at or not fact.succeeded:
                continue
            if fact.received_at == at or not at_once:
                yield Told(at, history, by_name[name], enrolment, fact)


@tries(120)
@given(plots())
def test_nothing_is_promised_that_the_rules_do_not_give(plot: Plot) -> None:
    """If nothing else happens than one activity on the day that is named, at least that volume comes then."""
    for told_once in successes(plot):
        history, definition, promise = told_once.history, told_once.definition, told_once.success.promise
        if promise is None or history.enrolment.variant == "control":
            continue
        later = ActivityFact(promise.from_at, "zz", "/later", promise.from_at, "call.voicemail", True)
        more = () if promise.by_itself else (later,)
        future = replace(history, activities=(*history.activities, *more))
        releases = {r.index: r for r in standing_at(future, definition, promise.from_at).releases}
        assert promise.index in releases
        assert releases[promise.index].bytes >= promise.bytes
        assert promise.at_least or releases[promise.index].bytes == promise.bytes
        assert releases[promise.index].granted_at == promise.from_at


@tries(80)
@given(plots())
def test_what_is_told_to_be_credited_was_and_what_counts_counts(plot: Plot) -> None:
    for one in successes(plot):
        enrolment, fact, success = one.enrolment, one.fact, one.success
        released = {r.activity: r for r in standing_at(one.history, one.definition, one.at).releases}
        counted = {(a.source, a.id) for period in enrolment.periods for a in period.activities}
        if success.kind in (SuccessKind.UNCOUNTED, SuccessKind.STOPPED):
            assert fact.key not in counted
        if success.kind is SuccessKind.CREDITED:
            assert success.tranche is not None
            assert released[fact.id].bytes == success.tranche.bytes > 0
        if success.kind is SuccessKind.PASSED:
            assert success.stage is not None
            assert enrolment.stages[success.stage.window - 1].state is StageState.PASSED


@tries(80)
@given(plots())
def test_every_success_is_told_in_whole_sentences(plot: Plot) -> None:
    for one in successes(plot):
        said = success_words(one.enrolment, one.fact.source, one.fact.id, one.history.timezone)
        for text in (said.de, said.en):
            assert text
            assert text[-1] in ".!"
            assert "  " not in text
            assert "None" not in text


def test_the_laws_meet_every_kind_of_success() -> None:
    reached: set[SuccessKind] = set()
    promised: list[int] = []

    @tries(150)
    @given(plots())
    def look(plot: Plot) -> None:
        for one in successes(plot):
            reached.add(one.success.kind)
            promised.extend([one.success.promise.window] if one.success.promise else [])

    look()
    assert reached >= set(SuccessKind) - {SuccessKind.BEING_CREDITED}
    assert len(promised) > 20


def test_the_forms_of_a_preset_are_told_alike() -> None:
    line = participant()
    done = line.does("2025-01-20T12:00")
    automatic = replace(load_preset("o2-2017-automatic"), name=PROGRAMME)
    said = success_words(told(line, done.time, automatic), SOURCE, done.id, BERLIN)
    assert said.de.endswith("Dann kommen 100 MB am 1. April 2025 von selbst.")
    be_active(line, [2])
    assert told(line, done.time + timedelta(days=1), automatic).releases_by_activity is False
