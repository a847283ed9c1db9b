"""Tell of the first volume that a running stage gives: how much, from when on, and what it still needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from selbsthelfer.kit.wording import Words, day, volume
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.history import Variant
from selbsthelfer.programmes.core.wording_facts import Phase, ToldEnrolment, ToldStage, Tranche, TrancheState

_EARNED: Final = frozenset(
    {TrancheState.WAITING_FOR_PERIOD, TrancheState.WAITING_FOR_ACTIVITY, TrancheState.BEING_GRANTED}
)


@dataclass(frozen=True, slots=True)
class Promise:
    """The first volume that a running stage gives from `from_at` on, if no contact too many counts.

    With `by_itself` no activity is needed then. `at_least` says that it may be more: a level may rise, or
    what was to come before may lapse and leave more of the cap.
    """

    window: int
    index: int
    bytes: int
    from_at: datetime
    by_itself: bool
    at_least: bool


def prospect_words(enrolment: ToldEnrolment, zone: str) -> Words | None:
    """Tell what the running stage gives first and from when on; none where it gives nothing any more."""
    stage = next((s for s in enrolment.stages if s.phase is Phase.CURRENT), None)
    if stage is None or enrolment.stopped_at is not None or enrolment.variant is Variant.CONTROL:
        return None
    promise = _promise(enrolment, stage)
    if promise is None:
        return None
    if not stage.missing_activities:
        return promise_words(promise, enrolment, zone)
    size, start = volume(promise.bytes), day(promise.from_at, zone)
    least = Words("mindestens ", "at least ") if promise.at_least else Words("", "")
    first = Words("", "") if _had_any(enrolment) or promise.at_least else Words("die ersten ", "the first ")
    return Words(
        f"Ist Stufe {stage.window} bestanden, gibt es {least.de}{first.de}{size.de} ab {start.de}.",
        f"Once stage {stage.window} is passed, {least.en}{first.en}{size.en} come from {start.en} on.",
    )


def promise_words(promise: Promise, enrolment: ToldEnrolment, zone: str) -> Words:
    """Name the date of the first volume; for a newcomer it is the first of all."""
    size, start = volume(promise.bytes), day(promise.from_at, zone)
    least = Words("mindestens ", "at least ") if promise.at_least else Words("", "")
    if promise.by_itself:
        return Words(
            f"Dann kommen {least.de}{size.de} am {start.de} von selbst.",
            f"Then {least.en}{size.en} will come by themselves on {start.en}.",
        )
    if _had_any(enrolment) or promise.at_least or promise.window > 1:
        return Words(
            f"Dann gibt es {least.de}{size.de} ab {start.de}, sobald Sie wieder etwas online erledigen.",
            f"Then there are {least.en}{size.en} from {start.en} on, once you do something online again.",
        )
    return Words(
        f"Die ersten {size.de} gibt es ab {start.de}, sobald Sie dann etwas online erledigen.",
        f"The first {size.en} come from {start.en} on, as soon as you do something online then.",
    )


def kept_promise(enrolment: ToldEnrolment, stage: ToldStage) -> Promise | None:
    """Find the first volume of a running stage that now only has to keep what it has."""
    return None if stage.missing_activities else _promise(enrolment, stage)


def first_in_prospect(enrolment: ToldEnrolment, stage: ToldStage) -> Tranche | None:
    """Find the first tranche that a stage would give."""
    of_stage = (tranche for tranche in enrolment.tranches if tranche.window == stage.window)
    return next((tranche for tranche in of_stage if tranche.state is TrancheState.WAITING_FOR_STAGE), None)


def _promise(enrolment: ToldEnrolment, stage: ToldStage) -> Promise | None:
    """Find the first volume of a running stage, whether or not it has all its activities yet."""
    if stage.state is not StageState.OPEN or stage.phase is not Phase.CURRENT or stage.contacts_to_spare < 0:
        return None
    first = first_in_prospect(enrolment, stage)
    if first is None:
        return None
    by_itself = not enrolment.releases_by_activity
    at_least = first.may_rise or first.is_cut
    return Promise(stage.window, first.index, first.bytes, first.starts_at, by_itself, at_least)


def _had_any(enrolment: ToldEnrolment) -> bool:
    """Tell whether any volume has come or was earned before."""
    return any(t.granted_at is not None or t.state in _EARNED for t in enrolment.tranches)
