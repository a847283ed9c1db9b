"""Lay out an explanation as a page: ready-made text in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from selbsthelfer.allowances.queries import Allowance
from selbsthelfer.kit.wording import Language, Words, days, last_day, moment, volume
from selbsthelfer.portal.wording import TEXTS
from selbsthelfer.programmes.core.wording_contacts import (
    activity_name,
    channel_name,
    contact_sentence,
    topic_name,
)
from selbsthelfer.programmes.core.wording_facts import (
    Period,
    ToldContact,
    ToldEnrolment,
    ToldStage,
    Tranche,
    TrancheState,
)
from selbsthelfer.programmes.core.wording_stages import PHASES, STAGE_STATES, next_step, stage_sentence
from selbsthelfer.programmes.core.wording_tranches import BUCKET_KINDS, TRANCHE_STATES, tranche_sentence
from selbsthelfer.programmes.explaining import Explanation

MAX_CONTACTS: Final = 40
"""Contacts shown for one enrolment; those that count come before those that do not."""
_CREDITED: Final = frozenset({TrancheState.GRANTED, TrancheState.EXPIRED})
_BADGED: Final = _CREDITED | {
    TrancheState.WAITING_FOR_PERIOD,
    TrancheState.WAITING_FOR_ACTIVITY,
    TrancheState.BEING_GRANTED,
}


@dataclass(frozen=True, slots=True)
class BucketRow:
    kind: str
    left: str
    size: str
    until: str


@dataclass(frozen=True, slots=True)
class TrancheNote:
    """A tranche in a cell: what there is to say about it, with a badge where it is or may soon be had."""

    state: str
    state_word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A billing period in the timeline."""

    days: str
    phase: str
    phase_word: str
    done: str
    tranche: TrancheNote | None


@dataclass(frozen=True, slots=True)
class StageBlock:
    """A window with its periods; without a state it is the stretch after the last one, which pays out."""

    title: str
    days: str
    state: str
    state_word: str
    sentence: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class ContactItem:
    at: str
    instant: str
    channel: str
    topic: str
    counts: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class CreditRow:
    volume: str
    at: str
    by: str
    use: str


@dataclass(frozen=True, slots=True)
class EnrolmentBlock:
    title: str
    next_step: str
    earned: str
    cap: str
    earned_bytes: int
    cap_bytes: int
    stages: Sequence[StageBlock]
    contacts: Sequence[ContactItem]
    contacts_left_out: str
    credits: Sequence[CreditRow]
    rules: str


@dataclass(frozen=True, slots=True)
class LinePage:
    subject: str
    as_of: str
    ended: str
    usable: str
    is_resting: bool
    buckets: Sequence[BucketRow]
    enrolments: Sequence[EnrolmentBlock]


def present(explanation: Explanation, language: Language) -> LinePage:
    """Lay out where a line stands."""
    return _Presenter(explanation.timezone, language).page(explanation)


class _Presenter:
    """Puts values into words of one language, with times of one zone."""

    def __init__(self, zone: str, language: Language) -> None:
        self.zone = zone
        self.language = language

    def tell(self, words: Words) -> str:
        return words.told(self.language)

    def page(self, explanation: Explanation) -> LinePage:
        at = moment(explanation.at, self.zone)
        allowance = explanation.allowance
        return LinePage(
            subject=explanation.subject,
            as_of=self.tell(
                Words(f"Stand: {at.de} ({self.zone})", f"As known on {at.en} ({self.zone})"),
            ),
            ended=self.ended(explanation),
            usable=self.usable(allowance),
            is_resting=any(bucket.is_resting for bucket in allowance.buckets),
            buckets=[
                BucketRow(
                    kind=self.tell(BUCKET_KINDS[bucket.kind]),
                    left=self.volume(bucket.left_bytes),
                    size=self.volume(bucket.size_bytes),
                    until=self.until(bucket.valid_until),
                )
                for bucket in allowance.buckets
            ],
            enrolments=[self.enrolment(enrolment) for enrolment in explanation.enrolments],
        )

    def until(self, end: datetime) -> str:
        day = last_day(end, self.zone)
        return self.tell(Words(f"bis {day.de}", f"until {day.en}"))

    def volume(self, bytes_: int) -> str:
        return self.tell(volume(bytes_))

    def usable(self, allowance: Allowance) -> str:
        usable = allowance.usable_bytes
        if usable is None:
            return self.tell(TEXTS["unlimited"])
        return self.volume(usable) if usable else self.tell(TEXTS["nothing"])

    def ended(self, explanation: Explanation) -> str:
        if explanation.ended_at is None:
            return ""
        at = moment(explanation.ended_at, self.zone)
        return self.tell(Words(f"Dieser Anschluss endete am {at.de}.", f"This line ended on {at.en}."))

    def enrolment(self, enrolment: ToldEnrolment) -> EnrolmentBlock:
        shown = _choose(enrolment.contacts)
        left_out = len(enrolment.contacts) - len(shown)
        since = moment(enrolment.enrolled_at, self.zone)
        name, version = enrolment.programme, enrolment.version
        return EnrolmentBlock(
            title=self.tell(enrolment.title),
            next_step=self.tell(next_step(enrolment, self.zone)),
            earned=self.volume(enrolment.earned_bytes),
            cap=self.volume(enrolment.cap_bytes),
            earned_bytes=enrolment.earned_bytes,
            cap_bytes=enrolment.cap_bytes,
            stages=[*(self.stage(stage, enrolment) for stage in enrolment.stages), self.payout(enrolment)],
            contacts=[self.contact(contact) for contact in shown],
            contacts_left_out=self.left_out(left_out),
            credits=[self.credit(t) for t in enrolment.tranches if t.state in _CREDITED],
            rules=self.tell(
                Words(
                    f"Teilnahme seit {since.de} nach den Regeln {name}, Fassung {version}.",
                    f"Taking part since {since.en} by the rules {name}, version {version}.",
                )
            ),
        )

    def stage(self, stage: ToldStage, enrolment: ToldEnrolment) -> StageBlock:
        return StageBlock(
            title=self.tell(Words(f"Stufe {stage.window}", f"Stage {stage.window}")),
            days=self.tell(days(stage.starts_at, stage.ends_at, self.zone)),
            state=stage.state.value,
            state_word=self.tell(STAGE_STATES[stage.state]),
            sentence=self.tell(stage_sentence(stage, enrolment, self.zone)),
            cells=[self.cell(p, enrolment) for p in enrolment.periods_of_window(stage.window)],
        )

    def payout(self, enrolment: ToldEnrolment) -> StageBlock:
        periods = enrolment.closing_periods
        return StageBlock(
            title=self.tell(TEXTS["payout"]),
            days=self.tell(days(periods[0].starts_at, periods[-1].ends_at, self.zone)),
            state="",
            state_word="",
            sentence="",
            cells=[self.cell(period, enrolment) for period in periods],
        )

    def cell(self, period: Period, enrolment: ToldEnrolment) -> Cell:
        done = len(period.activities)
        return Cell(
            days=self.tell(days(period.starts_at, period.ends_at, self.zone)),
            phase=period.phase.value,
            phase_word=self.tell(PHASES[period.phase]),
            done=self.tell(Words(f"{done}-mal online erledigt", f"{done} done online")) if done else "",
            tranche=None if period.tranche is None else self.tranche(period.tranche, enrolment),
        )

    def tranche(self, tranche: Tranche, enrolment: ToldEnrolment) -> TrancheNote:
        """Note a tranche; one that was credited stands in the table of credits with all its details."""
        state = TrancheState.GRANTED if tranche.state in _CREDITED else tranche.state
        sentence = self.tell(tranche_sentence(tranche, enrolment, self.zone))
        return TrancheNote(
            state=state.value,
            state_word=self.tell(TRANCHE_STATES[state]) if state in _BADGED else "",
            sentence=self.credited(tranche) if tranche.state in _CREDITED else sentence,
        )

    def credited(self, tranche: Tranche) -> str:
        """Tell in few words how much was credited and what has become of it."""
        return f"{self.volume(tranche.bytes)}, {self.rest(tranche)}"

    def rest(self, tranche: Tranche) -> str:
        """Tell what is left of a credit."""
        if tranche.state is TrancheState.EXPIRED:
            return self.tell(TRANCHE_STATES[tranche.state])
        if not tranche.left_bytes:
            return self.tell(TEXTS["used_up"])
        left = volume(tranche.left_bytes)
        return self.tell(Words(f"{left.de} übrig", f"{left.en} left"))

    def contact(self, contact: ToldContact) -> ContactItem:
        return ContactItem(
            at=self.tell(moment(contact.happened_at, self.zone)),
            instant=_rfc3339(contact.happened_at),
            channel=self.tell(channel_name(contact.channel)),
            topic=self.tell(topic_name(contact.topic)),
            counts=contact.counts,
            sentence=self.tell(contact_sentence(contact.ground, contact.channel, self.zone)),
        )

    def left_out(self, number: int) -> str:
        if number == 0:
            return ""
        return self.tell(
            Words(
                f"{number} weitere Kontakte sind hier nicht aufgeführt.",
                f"{number} more contacts are not listed here.",
            )
        )

    def credit(self, tranche: Tranche) -> CreditRow:
        assert tranche.granted_at is not None  # noqa: S101 - it was credited
        assert tranche.usable_until is not None  # noqa: S101
        by, until, rest = tranche.released_by, last_day(tranche.usable_until, self.zone), self.rest(tranche)
        return CreditRow(
            volume=self.volume(tranche.bytes),
            at=self.tell(moment(tranche.granted_at, self.zone)),
            by="" if by is None else self.tell(activity_name(by.activity)),
            use=self.tell(Words(f"nutzbar bis {until.de}, {rest}", f"usable until {until.en}, {rest}")),
        )


def _choose(contacts: Sequence[ToldContact]) -> list[ToldContact]:
    """Choose what one page can show: contacts that count first, then the newest; newest first."""
    kept = sorted(contacts, key=lambda c: (c.counts, c.happened_at), reverse=True)[:MAX_CONTACTS]
    return sorted(kept, key=lambda c: (c.happened_at, c.id), reverse=True)


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
