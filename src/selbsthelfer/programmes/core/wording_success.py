"""Tell, right after something was done online, what it was good for; and before it, what it would bring.

What is told is found first, as a value that tests hold against the rules, and then put into words. Nothing is
promised that the facts known so far do not give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from selbsthelfer.activities.core.catalogue import CountingClass
from selbsthelfer.kit.wording import Words, day, last_day, quoted, volume
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.history import Variant
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.core.wording_facts import (
    CountedActivity,
    Period,
    Phase,
    ToldEnrolment,
    ToldStage,
    Tranche,
    TrancheState,
    UncountedActivity,
)
from selbsthelfer.programmes.core.wording_promise import (
    Promise,
    first_in_prospect,
    kept_promise,
    promise_words,
)
from selbsthelfer.programmes.core.wording_stages import next_step, rest_of, stage_sentence, to_do

_INSTANT = timedelta(microseconds=1)


class SuccessKind(StrEnum):
    """What a success was good for."""

    CREDITED = "credited"
    BEING_CREDITED = "being_credited"
    COUNTS = "counts"
    COUNTS_TOO = "counts_too"
    PASSED = "passed"
    TOO_LATE = "too_late"
    NOTHING = "nothing"
    STOPPED = "stopped"
    UNCOUNTED = "uncounted"


@dataclass(frozen=True, slots=True)
class Success:
    """What one success was good for, with what a sentence about it names."""

    kind: SuccessKind
    tranche: Tranche | None = None
    stage: ToldStage | None = None
    promise: Promise | None = None
    uncounted: UncountedActivity | None = None


def success_of(enrolment: ToldEnrolment, activity_source: str, activity_id: str) -> Success:
    """Find what a success, by the key of its fact, was good for in an enrolment."""
    key = activity_source, activity_id
    for period in enrolment.periods:
        for activity in period.activities:
            if (activity.source, activity.id) == key:
                return _of_counted(enrolment, period, activity)
    uncounted = next((a for a in enrolment.uncounted if (a.source, a.id) == key), None)
    if enrolment.is_closed or (uncounted is not None and uncounted.is_after_stop):
        return Success(SuccessKind.STOPPED, uncounted=uncounted)
    return Success(SuccessKind.UNCOUNTED, uncounted=uncounted)


def success_words(enrolment: ToldEnrolment, activity_source: str, activity_id: str, zone: str) -> Words:
    """Tell in one or two sentences what a success was good for; dates in the line's zone."""
    if enrolment.variant is Variant.CONTROL:
        return Words("Erledigt.", "Done.")
    success = success_of(enrolment, activity_source, activity_id)
    sentences = list(_sentences(success, enrolment, zone))
    return Words(" ".join(s.de for s in sentences), " ".join(s.en for s in sentences))


def release_preview(enrolment: ToldEnrolment, at: datetime, zone: str) -> Words | None:
    """Tell what something done at `at` would release, and how long that would live; none: nothing waits."""
    waiting = next((t for t in enrolment.tranches if t.state is TrancheState.WAITING_FOR_ACTIVITY), None)
    if waiting is None or enrolment.variant is Variant.CONTROL:
        return None
    size, until, left = volume(waiting.bytes), last_day(waiting.ends_at, zone), _days_after(at, waiting, zone)
    match left:
        case 0:
            span = Words("nur noch heute", "today is the last day")
        case 1:
            span = Words("noch 1 Tag", "1 more day")
        case _:
            span = Words(f"noch {left} Tage", f"{left} more days")
    return Words(
        f"Wenn Sie heute etwas online erledigen, das zählt: {size.de}, nutzbar bis {until.de} – {span.de}.",
        f"If you do something online today that counts: {size.en}, usable until {until.en} – {span.en}.",
    )


def _days_after(at: datetime, tranche: Tranche, zone: str) -> int:
    """Count the local days from that of `at` to the last one on which a tranche would be usable."""
    local = ZoneInfo(zone)
    last = (tranche.ends_at - _INSTANT).astimezone(local).date()
    return max(0, (last - at.astimezone(local).date()).days)


def _of_counted(enrolment: ToldEnrolment, period: Period, activity: CountedActivity) -> Success:
    tranche = period.tranche
    stage = None if period.window is None else enrolment.stages[period.window - 1]
    promise = None if stage is None else kept_promise(enrolment, stage)
    if tranche is not None and _is_released_by(enrolment, tranche, period, activity):
        kind = SuccessKind.CREDITED
        if tranche.state is TrancheState.BEING_GRANTED:
            kind = SuccessKind.BEING_CREDITED
        return Success(kind, tranche, stage, promise)
    if stage is None:
        return Success(SuccessKind.NOTHING, tranche)
    return Success(_kind(enrolment, stage, activity), tranche, stage, promise)


def _is_released_by(
    enrolment: ToldEnrolment, tranche: Tranche, period: Period, activity: CountedActivity
) -> bool:
    """Tell whether an activity released a tranche, or is the one on which it is just being granted."""
    if tranche.released_by is not None:
        named = (tranche.released_by.source, tranche.released_by.id)
        return named == (activity.source, activity.id) and tranche.bytes > 0
    return (
        enrolment.releases_by_activity
        and tranche.state is TrancheState.BEING_GRANTED
        and tranche.granted_at is None
        and period.activities[0] == activity
    )


def _kind(enrolment: ToldEnrolment, stage: ToldStage, activity: CountedActivity) -> SuccessKind:
    if stage.state is StageState.PASSED:
        return SuccessKind.PASSED
    if stage.state is StageState.MISSED or stage.contacts_to_spare < 0:
        return SuccessKind.TOO_LATE
    window = [a for period in enrolment.periods_of_window(stage.window) for a in period.activities]
    earlier = window.index(activity)
    return SuccessKind.COUNTS_TOO if earlier >= stage.activities_min else SuccessKind.COUNTS


def _sentences(success: Success, enrolment: ToldEnrolment, zone: str) -> Iterator[Words]:
    match success.kind:
        case SuccessKind.CREDITED | SuccessKind.BEING_CREDITED:
            yield from _credited(success, zone)
        case SuccessKind.COUNTS | SuccessKind.COUNTS_TOO:
            yield from _counts(success, enrolment, zone)
        case SuccessKind.PASSED:
            assert success.stage is not None  # noqa: S101 - that is what the kind says
            number = success.stage.window
            yield Words(
                f"Zählt für Stufe {number}, und die ist bestanden.",
                f"Counts for stage {number}, which is passed.",
            )
            yield next_step(enrolment, zone)
        case SuccessKind.TOO_LATE:
            yield from _too_late(success, enrolment, zone)
        case SuccessKind.NOTHING:
            yield from _nothing_more(success, enrolment, zone)
        case SuccessKind.STOPPED:
            yield Words("Für das Programm zählt das nicht mehr.", "It no longer counts for the programme.")
            yield next_step(enrolment, zone)
        case SuccessKind.UNCOUNTED:
            yield _uncounted(success.uncounted, zone)
            yield next_step(enrolment, zone)


def _credited(success: Success, zone: str) -> Iterator[Words]:
    """Tell of the volume that came, and that it helps the running stage as well."""
    tranche, stage = success.tranche, success.stage
    assert tranche is not None  # noqa: S101 - that is what the kind says
    size = volume(tranche.bytes)
    if success.kind is SuccessKind.BEING_CREDITED:
        yield Words(f"{size.de} werden gerade gebucht.", f"{size.en} are being credited right now.")
    else:
        until = last_day(tranche.usable_until or tranche.ends_at, zone)
        if tranche.state is TrancheState.EXPIRED:
            yield Words(
                f"{size.de} gutgeschrieben; nutzbar waren sie bis {until.de}.",
                f"{size.en} credited; they were usable until {until.en}.",
            )
        else:
            yield Words(
                f"{size.de} gutgeschrieben, nutzbar bis {until.de}.",
                f"{size.en} credited, usable until {until.en}.",
            )
    if stage is not None and stage.state is StageState.OPEN and stage.contacts_to_spare >= 0:
        yield Words(f"Zählt auch für Stufe {stage.window}.", f"Counts for stage {stage.window} as well.")


def _counts(success: Success, enrolment: ToldEnrolment, zone: str) -> Iterator[Words]:
    """Tell that it counts for a stage, what that still needs, and what the stage would bring first."""
    stage, promise = success.stage, success.promise
    assert stage is not None  # noqa: S101 - that is what the kind says
    number, end = stage.window, last_day(stage.ends_at, zone)
    if success.kind is SuccessKind.COUNTS_TOO:
        head = Words(
            f"Zählt mit; Stufe {number} hatte schon, was sie braucht.",
            f"This counts as well; stage {number} already had what it needs.",
        )
    else:
        head = Words(f"Zählt für Stufe {number}.", f"Counts for stage {number}.")
    if enrolment.stopped_at is not None:
        yield head
        yield next_step(enrolment, zone)
        return
    if stage.phase is not Phase.CURRENT:
        yield head
        yield stage_sentence(stage, enrolment, zone)
        return
    if stage.missing_activities:
        missing = to_do(stage)
        yield Words(
            f"{head.de} Noch nötig: bis {end.de} {missing.de} online erledigen, das zählt.",
            f"{head.en} Still needed: {missing.en} done online by {end.en}, of the kind that counts.",
        )
        return
    rest = rest_of(stage, enrolment)
    yield Words(
        f"{head.de} Bestanden, wenn bis {end.de} {rest.de}.", f"{head.en} Passed if {rest.en} by {end.en}."
    )
    if promise is not None:
        yield promise_words(promise, enrolment, zone)


def _too_late(success: Success, enrolment: ToldEnrolment, zone: str) -> Iterator[Words]:
    """Tell kindly that a stage cannot be saved by it, and what can still be had."""
    stage = success.stage
    assert stage is not None  # noqa: S101 - that is what the kind says
    if stage.state is StageState.MISSED:
        yield Words(
            f"Stufe {stage.window} war leider schon verfehlt.",
            f"We are sorry, stage {stage.window} had already been missed.",
        )
    else:
        judged = _judged_anew(-stage.contacts_to_spare)
        yield Words(
            f"Gemerkt; für Stufe {stage.window} reicht es aber nur, wenn {judged.de}.",
            f"Noted; but for stage {stage.window} it will do only if {judged.en}.",
        )
    coming = next((s for s in enrolment.stages[stage.window :] if s.phase is not Phase.PAST), None)
    first = None if coming is None else first_in_prospect(enrolment, coming)
    if coming is None or first is None:
        yield next_step(enrolment, zone)
        return
    size, start, paid = volume(first.bytes), day(coming.starts_at, zone), day(first.starts_at, zone)
    least = Words("mindestens ", "at least ") if first.may_rise else Words("", "")
    since = Words(f"Ab {start.de} läuft", f"From {start.en} on, stage {coming.window} is running")
    if coming.phase is Phase.CURRENT:
        since = Words("Jetzt läuft", f"Now stage {coming.window} is running")
    yield Words(
        f"{since.de} Stufe {coming.window}; ist sie bestanden, gibt es ab {paid.de} {least.de}{size.de}.",
        f"{since.en}; if it is passed, there are {least.en}{size.en} from {paid.en} on.",
    )


def _judged_anew(number: int) -> Words:
    if number == 1:
        return Words("ein Kontakt neu bewertet wird", "one contact is judged anew")
    return Words(f"{number} Kontakte neu bewertet werden", f"{number} contacts are judged anew")


def _nothing_more(success: Success, enrolment: ToldEnrolment, zone: str) -> Iterator[Words]:
    """Tell, in a period that only pays out, why this success brought nothing more, and what comes next."""
    tranche = success.tranche
    state = None if tranche is None else tranche.state
    if tranche is not None and state is TrancheState.NOT_EARNED:
        yield Words(
            f"Zählt, bringt aber jetzt kein Guthaben, weil Stufe {tranche.window} verfehlt wurde.",
            f"Counts, but brings no volume now, because stage {tranche.window} was missed.",
        )
    elif tranche is not None and state is TrancheState.WAITING_FOR_STAGE:
        yield Words(
            f"Zählt. Über Stufe {tranche.window} wird noch entschieden; "
            "ist sie bestanden, kommt das Guthaben von selbst.",
            f"Counts. Stage {tranche.window} is still to be decided; "
            "if it is passed, the volume comes by itself.",
        )
    elif tranche is not None and tranche.granted_at is not None and tranche.bytes:
        yield Words(
            "Zählt; das Guthaben dieses Zeitraums haben Sie schon bekommen.",
            "Counts; you have already had the volume of this period.",
        )
    else:
        yield Words("Zählt, bringt aber kein weiteres Guthaben.", "Counts, but brings no further volume.")
    ahead = next((t for t in enrolment.tranches if t.state is TrancheState.WAITING_FOR_PERIOD), None)
    if ahead is None:
        yield next_step(enrolment, zone)
        return
    size, start = volume(ahead.bytes), day(ahead.starts_at, zone)
    if enrolment.releases_by_activity:
        yield Words(
            f"Die nächsten {size.de} gibt es ab {start.de}, sobald Sie dann etwas online erledigen.",
            f"The next {size.en} come from {start.en} on, as soon as you do something online then.",
        )
    else:
        yield Words(
            f"Die nächsten {size.de} kommen am {start.de} von selbst.",
            f"The next {size.en} will come by themselves on {start.en}.",
        )


def _uncounted(uncounted: UncountedActivity | None, zone: str) -> Words:
    """Tell kindly why a success does not count, and when its kind counts again."""
    if uncounted is None:
        return Words("Für das Programm zählt das nicht.", "It does not count for the programme.")
    name = quoted(activity_name(uncounted.activity))
    match uncounted.counting_class:
        case CountingClass.NEVER:
            return Words(
                f"{name.de} zählt nie, weder für noch gegen Sie.",
                f"{name.en} never counts, neither for you nor against you.",
            )
        case CountingClass.ONCE:
            return Words(
                f"{name.de} zählt nur beim ersten Mal, und das hatten Sie schon.",
                f"{name.en} counts only the first time, and you have had that.",
            )
        case CountingClass.ONCE_PER_PERIOD if uncounted.counts_again_at is not None:
            again = day(uncounted.counts_again_at, zone)
            return Words(
                f"{name.de} hat in diesem Abrechnungszeitraum schon gezählt; ab {again.de} zählt es wieder.",
                f"{name.en} has already counted in this billing period; it counts again from {again.en} on.",
            )
        case CountingClass.ONCE_PER_183_DAYS if uncounted.counts_again_at is not None:
            again = day(uncounted.counts_again_at, zone)
            return Words(
                f"{name.de} zählt nur alle 183 Tage; wieder nach dem {again.de}, wenn es bis dahin ruht.",
                f"{name.en} counts only every 183 days; again after {again.en}, if you leave it until then.",
            )
        case _:
            return Words(f"{name.de} zählt diesmal nicht.", f"{name.en} does not count this time.")
