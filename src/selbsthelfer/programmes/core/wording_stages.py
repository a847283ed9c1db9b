"""Tell the subscriber how a stage stands and what is to be done next."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from selbsthelfer.kit.wording import Words, day, last_day, moment, volume
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.wording_facts import (
    Phase,
    ToldEnrolment,
    ToldStage,
    Tranche,
    TrancheState,
)

MAX_DAYS: Final = 3
"""Days of counting contacts that one sentence names."""

STAGE_STATES: Final[Mapping[StageState, Words]] = MappingProxyType(
    {
        StageState.OPEN: Words("offen", "open"),
        StageState.PASSED: Words("bestanden", "passed"),
        StageState.MISSED: Words("verfehlt", "missed"),
    }
)
PHASES: Final[Mapping[Phase, Words]] = MappingProxyType(
    {
        Phase.PAST: Words("vorbei", "past"),
        Phase.CURRENT: Words("läuft", "running"),
        Phase.COMING: Words("kommt noch", "to come"),
    }
)


def stage_sentence(stage: ToldStage, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell how a stage stands, what it still needs and until when."""
    if stage.state is StageState.PASSED:
        return _passed(stage, enrolment, zone)
    if enrolment.stopped_at is not None and enrolment.stopped_at < stage.ends_at:
        stopped = day(enrolment.stopped_at, zone)
        return Words(
            f"Bringt kein Guthaben mehr, weil die Teilnahme am {stopped.de} geendet hat.",
            f"Brings no more volume, because taking part ended on {stopped.en}.",
        )
    if stage.state is StageState.MISSED:
        return _falls_short(stage, enrolment, zone, Words("Verfehlt", "Missed"))
    match stage.phase:
        case Phase.COMING:
            start = day(stage.starts_at, zone)
            return Words(f"Beginnt am {start.de}.", f"Begins on {start.en}.")
        case Phase.CURRENT:
            return _running(stage, enrolment, zone)
        case Phase.PAST:
            settles = moment(stage.settles_at, zone)
            short = _falls_short(stage, enrolment, zone, Words("Noch nicht bestanden", "Not passed yet"))
            return Words(
                f"{short.de} Was uns bis zum {settles.de} erreicht, wird noch berücksichtigt.",
                f"{short.en} Whatever reaches us by {settles.en} will still be taken into account.",
            )


def next_step(enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell the one thing that is to be done now, or that there is nothing to do."""
    if enrolment.is_closed:
        return Words(
            "Das Programm ist für diesen Anschluss abgeschlossen.",
            "The programme has finished for this line.",
        )
    if enrolment.stopped_at is not None:
        stopped = day(enrolment.stopped_at, zone)
        if enrolment.ended_with_line:
            return Words(f"Die Teilnahme hat am {stopped.de} geendet.", f"Taking part ended on {stopped.en}.")
        return Words(
            f"Die Teilnahme hat am {stopped.de} geendet; Gutgeschriebenes bleibt nutzbar wie zugesagt.",
            f"Taking part ended on {stopped.en}; what was credited stays usable as promised.",
        )
    if enrolment.periods[-1].phase is Phase.PAST:
        return Words(
            "Alle Zeiträume dieses Programms sind vorbei.", "All periods of this programme are over."
        )
    waiting, stage = _volume_to_release(enrolment), _stage_to_pass(enrolment)
    if waiting is not None:
        size, until = volume(waiting.bytes), last_day(waiting.ends_at, zone)
        return Words(
            f"{size.de} liegen bereit: Erledigen Sie bis zum {until.de} etwas online, "
            "dann sind sie sofort gutgeschrieben.",
            f"{size.en} are ready for you: do one thing online by {until.en} and they are credited at once.",
        )
    if stage is not None:
        until, number = last_day(stage.ends_at, zone), stage.window
        return Words(
            f"Erledigen Sie bis zum {until.de} {to_do(stage).de} online, damit Stufe {number} gelingt.",
            f"Do {to_do(stage).en} online by {until.en} to keep stage {number} on course.",
        )
    return _what_comes(enrolment, zone)


def is_to_do(enrolment: ToldEnrolment) -> bool:
    """Tell whether something is to be done online now, as `next_step` says in words."""
    if enrolment.is_closed or enrolment.stopped_at is not None:
        return False
    return _volume_to_release(enrolment) is not None or _stage_to_pass(enrolment) is not None


def _volume_to_release(enrolment: ToldEnrolment) -> Tranche | None:
    """Find volume that waits for something to be done."""
    return next((t for t in enrolment.tranches if t.state is TrancheState.WAITING_FOR_ACTIVITY), None)


def _stage_to_pass(enrolment: ToldEnrolment) -> ToldStage | None:
    """Find the running stage, if something done now can still help it."""
    for stage in enrolment.stages:
        if stage.phase is Phase.CURRENT and stage.missing_activities and stage.contacts_to_spare >= 0:
            return stage
    return None


def _what_comes(enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell what comes where nothing is to be done: of a stage that is lost, and of what is earned already."""
    told, noun = [], noun_of(enrolment)
    lost = next((s for s in enrolment.stages if s.phase is Phase.CURRENT and s.contacts_to_spare < 0), None)
    if lost is not None and lost.state is not StageState.PASSED:
        told.append(
            Words(
                f"Stufe {lost.window} ist nur noch zu schaffen, wenn ein {noun.de} neu bewertet wird.",
                f"Stage {lost.window} can only be passed if a {noun.en} is judged anew.",
            )
        )
    earned = next((t for t in enrolment.tranches if t.state is TrancheState.WAITING_FOR_PERIOD), None)
    if earned is not None:
        size, start = volume(earned.bytes), day(earned.starts_at, zone)
        told.append(
            Words(
                f"Ab dem {start.de} liegen {size.de} für Sie bereit.",
                f"From {start.en} on {size.en} are ready for you.",
            )
        )
    elif lost is not None and lost.window < len(enrolment.stages):
        start, number = day(lost.ends_at, zone), lost.window + 1
        told.append(
            Words(f"Ab dem {start.de} läuft Stufe {number}.", f"From {start.en} on stage {number} runs.")
        )
    if not told:
        return Words("Im Moment ist nichts zu tun.", "There is nothing to do at the moment.")
    return Words(" ".join(words.de for words in told), " ".join(words.en for words in told))


def _passed(stage: ToldStage, enrolment: ToldEnrolment, zone: str) -> Words:
    done, contacts = _done(stage.activities), _contacts(stage, enrolment, zone)
    if stage.missing_activities == 0 and stage.contacts_to_spare >= 0:
        return Words(f"Bestanden: {done.de}, {contacts.de}.", f"Passed: {done.en}, {contacts.en}.")
    return Words(
        f"Bestanden, und dabei bleibt es, weil daraus schon Guthaben kam: {done.de}, {contacts.de}.",
        f"Passed, and it stays so because volume has come from it already: {done.en}, {contacts.en}.",
    )


def _falls_short(stage: ToldStage, enrolment: ToldEnrolment, zone: str, verdict: Words) -> Words:
    """Name everything that keeps a stage from being passed."""
    reasons = []
    if stage.contacts_to_spare < 0:
        contacts, most = _contacts(stage, enrolment, zone), stage.contacts_max
        reasons.append(
            contacts
            if most == 0
            else Words(f"{contacts.de}, erlaubt {most}", f"{contacts.en}, {most} allowed")
        )
    if stage.missing_activities:
        done, least = _done(stage.activities), stage.activities_min
        reasons.append(
            done
            if stage.activities == 0
            else Words(f"nur {done.de}, nötig {least}-mal", f"only {done.en}, {least} needed")
        )
    return Words(
        f"{verdict.de}: {' und '.join(reason.de for reason in reasons)}.",
        f"{verdict.en}: {' and '.join(reason.en for reason in reasons)}.",
    )


def _running(stage: ToldStage, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell what a running stage has and what it needs until its end."""
    end = last_day(stage.ends_at, zone)
    done, contacts, noun = _done(stage.activities), _contacts(stage, enrolment, zone), noun_of(enrolment)
    so_far = Words(f"Bisher {done.de}, {contacts.de}.", f"So far {done.en}, {contacts.en}.")
    spare = stage.contacts_to_spare
    if spare < 0:
        return Words(
            f"{so_far.de} Damit wird sie verfehlt, wenn kein {noun.de} mehr neu bewertet wird.",
            f"{so_far.en} With that it will be missed, unless a {noun.en} is judged anew.",
        )
    if stage.missing_activities:
        return Words(
            f"{so_far.de} Noch nötig: bis zum {end.de} {to_do(stage).de} online erledigen.",
            f"{so_far.en} Still needed: {to_do(stage).en} done online by {end.en}.",
        )
    rest = rest_of(stage, enrolment)
    return Words(
        f"{so_far.de} Auf gutem Weg: bestanden, wenn bis zum {end.de} {rest.de}.",
        f"{so_far.en} On course: passed if {rest.en} by {end.en}.",
    )


def rest_of(stage: ToldStage, enrolment: ToldEnrolment) -> Words:
    """Tell which contacts a stage that has all its activities can still bear."""
    spare, noun = stage.contacts_to_spare, noun_of(enrolment)
    further = Words("weiterer ", "more ") if stage.counting_contacts else Words("", "")
    return Words(
        f"höchstens {spare} {further.de and 'weitere '}zählen"
        if spare
        else f"kein {further.de}{noun.de} zählt",
        f"at most {spare} {further.en}count" if spare else f"no {further.en}{noun.en} counts",
    )


def _done(activities: int) -> Words:
    match activities:
        case 0:
            return Words("nichts online erledigt", "nothing done online")
        case 1:
            return Words("einmal etwas online erledigt", "one thing done online")
        case _:
            return Words(f"{activities}-mal etwas online erledigt", f"{activities} things done online")


def to_do(stage: ToldStage) -> Words:
    """Name how much is still to be done online."""
    missing, again = stage.missing_activities, stage.activities > 0
    if missing == 1:
        return Words(
            "noch einmal etwas" if again else "einmal etwas", "one more thing" if again else "one thing"
        )
    return Words(
        f"noch {missing}-mal etwas" if again else f"{missing}-mal etwas",
        f"{missing} more things" if again else f"{missing} things",
    )


def noun_of(enrolment: ToldEnrolment) -> Words:
    """Name what may count: calls, unless the programme looks at other channels too."""
    return Words("Anruf", "call") if enrolment.channels == ("hotline",) else Words("Kontakt", "contact")


def _contacts(stage: ToldStage, enrolment: ToldEnrolment, zone: str) -> Words:
    """Count the contacts that count, and name the days of the first few."""
    noun, number = noun_of(enrolment), stage.counting_contacts
    if number == 0:
        return Words(f"kein {noun.de}, der zählt", f"no {noun.en} that counts")
    days = [day(at, zone) for at in stage.counted_at[:MAX_DAYS]]
    more = ", …" if number > MAX_DAYS else ""
    named = Words(", ".join(d.de for d in days) + more, ", ".join(d.en for d in days) + more)
    if number == 1:
        return Words(f"ein {noun.de}, der zählt ({named.de})", f"one {noun.en} that counts ({named.en})")
    return Words(
        f"{number} {noun.de}e, die zählen ({named.de})", f"{number} {noun.en}s that count ({named.en})"
    )
