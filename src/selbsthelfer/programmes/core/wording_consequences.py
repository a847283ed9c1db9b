"""Tell what a contact means for its stage, and what comes next: the half of the sentence after the reason."""

from __future__ import annotations

from selbsthelfer.kit.wording import Words, day, last_day
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.wording_facts import Phase, ToldContact, ToldEnrolment, ToldStage
from selbsthelfer.programmes.core.wording_stages import noun_of


def contact_outcome(reason: Words, contact: ToldContact, enrolment: ToldEnrolment, zone: str) -> Words:
    """Join the reason why a contact counts or not with what follows from it, in one sentence."""
    stage = next((stage for stage in enrolment.stages if stage.window == contact.window), None)
    if stage is None or enrolment.stopped_at is not None or enrolment.is_closed:
        return reason
    follows = _cost(stage, enrolment, zone) if contact.counts else _kept(stage, enrolment, zone)
    return Words(
        f"{reason.de.removesuffix('.')}; {follows.de}.", f"{reason.en.removesuffix('.')}; {follows.en}."
    )


def _cost(stage: ToldStage, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell what a contact that counts does to its stage."""
    number, noun = stage.window, noun_of(enrolment)
    if stage.state is StageState.PASSED:
        return Words(f"Stufe {number} ist trotzdem bestanden", f"stage {number} is passed all the same")
    if stage.contacts_to_spare >= 0 and stage.phase is Phase.PAST:
        return _undecided(number)
    if stage.contacts_to_spare >= 0:
        end = last_day(stage.ends_at, zone)
        if stage.contacts_to_spare == 0:
            return Words(
                f"Stufe {number} ist noch zu schaffen, wenn bis zum {end.de} kein weiterer {noun.de} zählt",
                f"stage {number} can still be passed if no other {noun.en} counts by {end.en}",
            )
        spare = stage.contacts_to_spare
        return Words(
            f"Stufe {number} ist noch zu schaffen, wenn bis zum {end.de} höchstens {spare} weitere zählen",
            f"stage {number} can still be passed if at most {spare} more count by {end.en}",
        )
    then = _afterwards(stage, enrolment, zone)
    if stage.state is StageState.MISSED:
        return Words(
            f"Stufe {number} wurde damit verfehlt{then.de}", f"stage {number} was missed by it{then.en}"
        )
    return Words(
        f"Stufe {number} wird damit verfehlt, wenn eine Prüfung nichts anderes ergibt{then.de}",
        f"stage {number} will be missed by it unless a review finds otherwise{then.en}",
    )


def _kept(stage: ToldStage, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell how a stage stands that a contact costs nothing."""
    number, noun = stage.window, noun_of(enrolment)
    if stage.state is StageState.PASSED:
        return Words(f"Stufe {number} ist bestanden", f"stage {number} is passed")
    then = _afterwards(stage, enrolment, zone)
    if stage.state is StageState.MISSED:
        return Words(
            f"an ihm lag es nicht, dass Stufe {number} verfehlt wurde{then.de}",
            f"it was not why stage {number} was missed{then.en}",
        )
    if stage.contacts_to_spare < 0:
        return Words(
            f"für Stufe {number} zählte schon ein anderer {noun.de}{then.de}",
            f"another {noun.en} has counted for stage {number} already{then.en}",
        )
    if stage.phase is Phase.PAST:
        return _undecided(number)
    end = last_day(stage.ends_at, zone)
    if stage.missing_activities:
        return Words(
            f"Stufe {number} braucht bis zum {end.de} nur noch, dass Sie etwas online erledigen",
            f"stage {number} only needs you to do something online by {end.en}",
        )
    return Words(
        f"Stufe {number} bleibt auf gutem Weg und ist bestanden, wenn bis zum {end.de} kein {noun.de} zählt"
        if stage.contacts_to_spare == 0
        else f"Stufe {number} bleibt auf gutem Weg bis zum {end.de}",
        f"stage {number} stays on course and is passed if no {noun.en} counts by {end.en}"
        if stage.contacts_to_spare == 0
        else f"stage {number} stays on course until {end.en}",
    )


def _undecided(number: int) -> Words:
    return Words(f"über Stufe {number} wird noch entschieden", f"stage {number} has yet to be decided")


def _afterwards(stage: ToldStage, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell which stage goes on after one that is lost; nothing after the last."""
    following = next((one for one in enrolment.stages if one.window == stage.window + 1), None)
    if following is None or following.phase is Phase.PAST:
        return Words("", "")
    start, number = day(following.starts_at, zone), following.window
    if following.phase is Phase.CURRENT:
        return Words(
            f", seit dem {start.de} läuft Stufe {number}", f", stage {number} has run since {start.en}"
        )
    return Words(f", ab dem {start.de} läuft Stufe {number}", f", stage {number} runs from {start.en} on")
