"""Tell the subscriber what has become of a tranche: where it comes from, what it waits for, what is left."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from selbsthelfer.kit.wording import Words, day, last_day, moment, quoted, volume
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment, Tranche, TrancheState

TRANCHE_STATES: Final[Mapping[TrancheState, Words]] = MappingProxyType(
    {
        TrancheState.WAITING_FOR_STAGE: Words("in Aussicht", "in prospect"),
        TrancheState.WAITING_FOR_PERIOD: Words("verdient", "earned"),
        TrancheState.WAITING_FOR_ACTIVITY: Words("liegt bereit", "ready for you"),
        TrancheState.BEING_GRANTED: Words("wird gebucht", "being credited"),
        TrancheState.GRANTED: Words("gutgeschrieben", "credited"),
        TrancheState.EXPIRED: Words("abgelaufen", "expired"),
        TrancheState.NOT_EARNED: Words("nicht verdient", "not earned"),
        TrancheState.LAPSED: Words("nicht abgeholt", "not collected"),
        TrancheState.NOTHING_LEFT: Words("Obergrenze erreicht", "limit reached"),
        TrancheState.NO_VOLUME: Words("ohne Guthaben", "no volume"),
        TrancheState.STOPPED: Words("beendet", "ended"),
        TrancheState.RECORDED: Words("nur festgehalten", "only recorded"),
        TrancheState.WITHHELD: Words("ohne Gutschrift", "no credit"),
    }
)

BUCKET_KINDS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "included": Words("Inklusivvolumen", "Included volume"),
        "bonus": Words("Datenguthaben", "Data credit"),
        "courtesy": Words("Kulanz", "Courtesy"),
        "topup": Words("Datenpaket", "Data package"),
    }
)
"""What the kinds of volume are called."""


def tranche_sentence(tranche: Tranche, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell what has become of a tranche and what it waits for."""
    match tranche.state:
        case TrancheState.GRANTED | TrancheState.EXPIRED:
            return _granted(tranche, enrolment, zone)
        case TrancheState.WAITING_FOR_STAGE | TrancheState.WAITING_FOR_PERIOD:
            return _ahead(tranche, enrolment, zone)
        case TrancheState.WAITING_FOR_ACTIVITY | TrancheState.BEING_GRANTED:
            return _now(tranche, zone)
        case _:
            return _none(tranche, enrolment, zone)


def _ahead(tranche: Tranche, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell what a tranche still waits for, before its period has begun."""
    size = volume(tranche.bytes)
    if tranche.may_rise:
        size = Words(f"Mindestens {size.de}", f"At least {size.en}")
    if tranche.state is TrancheState.WAITING_FOR_STAGE:
        return Words(
            f"{size.de}, wenn Stufe {tranche.window} bestanden wird.",
            f"{size.en} if stage {tranche.window} is passed.",
        )
    start = day(tranche.starts_at, zone)
    if enrolment.releases_by_activity:
        return Words(
            f"{size.de} aus Stufe {tranche.window}: sobald Sie ab dem {start.de} etwas online erledigen.",
            f"{size.en} from stage {tranche.window}: as soon as you do something online from {start.en} on.",
        )
    return Words(
        f"{size.de} aus Stufe {tranche.window} kommen am {start.de} von selbst.",
        f"{size.en} from stage {tranche.window} will come by themselves on {start.en}.",
    )


def _now(tranche: Tranche, zone: str) -> Words:
    """Tell how a tranche of the running period is released, and how long its volume would live."""
    size, until = volume(tranche.bytes), last_day(tranche.ends_at, zone)
    if tranche.state is TrancheState.BEING_GRANTED:
        return Words(
            f"{size.de} aus Stufe {tranche.window} werden gerade gebucht.",
            f"{size.en} from stage {tranche.window} are being credited right now.",
        )
    return Words(
        f"{size.de} aus Stufe {tranche.window}: Erledigen Sie etwas online, dann sind sie sofort da, "
        f"nutzbar bis zum {until.de}.",
        f"{size.en} from stage {tranche.window}: do something online and they are yours at once, "
        f"usable until {until.en}.",
    )


def _granted(tranche: Tranche, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell when a tranche was granted, by what, until when it is usable and what is left."""
    assert tranche.granted_at is not None  # noqa: S101 - that is what the state says
    assert tranche.usable_until is not None  # noqa: S101
    size, at = volume(tranche.bytes), moment(tranche.granted_at, zone)
    until = last_day(tranche.usable_until, zone)
    by = Words("", "")
    if tranche.released_by is not None:
        name = quoted(activity_name(tranche.released_by.activity))
        by = Words(f" durch {name.de}", f" by {name.en}")
    cut = Words("", "")
    if tranche.is_cut:
        cap = volume(enrolment.cap_bytes)
        cut = Words(f", gekürzt auf die Obergrenze von {cap.de}", f", cut to the limit of {cap.en}")
    head = Words(
        f"{size.de} am {at.de}{by.de} gutgeschrieben{cut.de}", f"{size.en} credited on {at.en}{by.en}{cut.en}"
    )
    if tranche.state is TrancheState.EXPIRED:
        return Words(
            f"{head.de}; nutzbar waren sie bis zum {until.de}.",
            f"{head.en}; they were usable until {until.en}.",
        )
    if tranche.left_bytes is None:
        return Words(f"{head.de}, nutzbar bis zum {until.de}.", f"{head.en}, usable until {until.en}.")
    if tranche.left_bytes == 0:
        return Words(f"{head.de} und schon verbraucht.", f"{head.en} and used up.")
    left = volume(tranche.left_bytes)
    return Words(
        f"{head.de}; davon sind {left.de} übrig, nutzbar bis zum {until.de}.",
        f"{head.en}; {left.en} of it left, usable until {until.en}.",
    )


def _none(tranche: Tranche, enrolment: ToldEnrolment, zone: str) -> Words:
    """Tell why a period brings no volume."""
    match tranche.state:
        case TrancheState.NOT_EARNED:
            return Words(
                f"Kein Guthaben, weil Stufe {tranche.window} verfehlt wurde.",
                f"No volume, because stage {tranche.window} was missed.",
            )
        case TrancheState.LAPSED:
            size = volume(tranche.bytes)
            return Words(
                f"{size.de} nicht abgeholt, weil in diesem Zeitraum nichts online erledigt wurde.",
                f"{size.en} not collected, because nothing was done online in this period.",
            )
        case TrancheState.NOTHING_LEFT:
            cap = volume(enrolment.cap_bytes)
            return Words(
                f"Kein weiteres Guthaben, weil die Obergrenze von {cap.de} erreicht ist.",
                f"No further volume, because the limit of {cap.en} is reached.",
            )
        case TrancheState.STOPPED:
            stopped = day(enrolment.stopped_at or tranche.ends_at, zone)
            return Words(
                f"Kein Guthaben mehr, weil die Teilnahme am {stopped.de} geendet hat.",
                f"No further volume, because taking part ended on {stopped.en}.",
            )
        case TrancheState.RECORDED:
            at = moment(tranche.granted_at or tranche.starts_at, zone)
            return Words(
                f"Vergleichsgruppe: am {at.de} nur festgehalten, ohne Gutschrift.",
                f"Control group: only recorded on {at.en}, without a credit.",
            )
        case TrancheState.WITHHELD:
            return Words("Vergleichsgruppe: keine Gutschrift.", "Control group: no credit.")
        case _:
            return Words("Diese Stufe bringt kein Guthaben.", "This stage brings no volume.")
