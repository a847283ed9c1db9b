"""Lay out where a line's enrolments stand as a page: ready-made text in one language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from selbsthelfer.conversations.core.cases import AboutContact, Case
from selbsthelfer.kit.wording import Language, Words, day, days, last_day, moment, volume
from selbsthelfer.portal.presenting_contacts import ContactItem, choose_contacts, present_contact
from selbsthelfer.programmes.core.wording_facts import (
    Period,
    ToldEnrolment,
    ToldStage,
    Tranche,
    TrancheState,
)
from selbsthelfer.programmes.core.wording_stages import (
    MAX_DAYS,
    PHASES,
    STAGE_STATES,
    is_to_do,
    next_step,
    stage_sentence,
)
from selbsthelfer.programmes.core.wording_status import TrancheStatus, status_words, tranche_status
from selbsthelfer.programmes.core.wording_success import release_preview
from selbsthelfer.programmes.core.wording_tranches import tranche_sentence
from selbsthelfer.programmes.explaining import Participation

_PAYOUT: Final = Words("Auszahlung der letzten Stufe", "Payout of the last stage")
_OVER: Final = frozenset({TrancheStatus.USED, TrancheStatus.EXPIRED})
"""What was credited and is no more: the ledger tells the rest."""


@dataclass(frozen=True, slots=True)
class TrancheNote:
    """A tranche in a cell: its state at a glance, and what there is to say about it."""

    status: str
    status_word: str
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
    """A window with its periods; without a state it is the stretch after the last one, which pays out.

    `counted` are the contacts that its sentence counts, as far as they are shown.
    """

    title: str
    days: str
    state: str
    state_word: str
    sentence: str
    counted: Sequence[ContactItem]
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class EnrolmentBlock:
    """All that the page tells of one enrolment; `may_leave` until it has ended."""

    programme: str
    version: int
    title: str
    next_step: str
    is_to_do: bool
    preview: str
    earned: str
    cap: str
    earned_bytes: int
    cap_bytes: int
    stages: Sequence[StageBlock]
    contacts: Sequence[ContactItem]
    contacts_left_out: int
    since: str
    beginning: str
    may_leave: bool


@dataclass(frozen=True, slots=True)
class RewardsPage:
    as_of: str
    ended: str
    enrolments: Sequence[EnrolmentBlock]


def present(
    explanation: Participation,
    language: Language,
    disputes: Mapping[AboutContact, Case] | None = None,
) -> RewardsPage:
    """Lay out where a line stands; `disputes` are its cases by their contact."""
    return _Presenter(explanation, language, disputes or {}).page(explanation)


class _Presenter:
    """Puts values into words of one language, with times of one zone."""

    def __init__(
        self, explanation: Participation, language: Language, disputes: Mapping[AboutContact, Case]
    ) -> None:
        self.at = explanation.at
        self.zone = explanation.timezone
        self.language = language
        self.disputes = disputes

    def tell(self, words: Words) -> str:
        return words.told(self.language)

    def page(self, explanation: Participation) -> RewardsPage:
        at = moment(explanation.at, self.zone)
        return RewardsPage(
            as_of=self.tell(Words(f"Stand: {at.de}", f"As known on {at.en}")),
            ended=self.ended(explanation),
            enrolments=[self.enrolment(enrolment) for enrolment in explanation.enrolments],
        )

    def ended(self, explanation: Participation) -> str:
        if explanation.ended_at is None:
            return ""
        at = moment(explanation.ended_at, self.zone)
        return self.tell(Words(f"Dieser Anschluss endete am {at.de}.", f"This line ended on {at.en}."))

    def enrolment(self, enrolment: ToldEnrolment) -> EnrolmentBlock:
        shown = choose_contacts(enrolment.contacts)
        items = [present_contact(c, enrolment, self.zone, self.language, self.disputes) for c in shown]
        at = [(contact.happened_at, item) for contact, item in zip(shown, items, strict=True) if item.counts]
        stages = [self.stage(stage, enrolment, at) for stage in enrolment.stages]
        return EnrolmentBlock(
            programme=enrolment.programme,
            version=enrolment.version,
            title=self.tell(enrolment.title),
            next_step=self.tell(next_step(enrolment, self.zone)),
            is_to_do=is_to_do(enrolment),
            preview=self.preview(enrolment),
            earned=self.tell(volume(enrolment.earned_bytes)),
            cap=self.tell(volume(enrolment.cap_bytes)),
            earned_bytes=enrolment.earned_bytes,
            cap_bytes=enrolment.cap_bytes,
            stages=[*stages, self.payout(enrolment)],
            contacts=items,
            contacts_left_out=len(enrolment.contacts) - len(shown),
            since=self.tell(moment(enrolment.enrolled_at, self.zone)),
            beginning=self.beginning(enrolment),
            may_leave=enrolment.stopped_at is None and not enrolment.is_closed,
        )

    def preview(self, enrolment: ToldEnrolment) -> str:
        """Tell how long the volume that lies ready would live, if it were released now."""
        words = release_preview(enrolment, self.at, self.zone)
        return "" if words is None else self.tell(words)

    def beginning(self, enrolment: ToldEnrolment) -> str:
        """Tell somebody who has just joined what comes next, with dates."""
        stage = enrolment.stages[0]
        until = last_day(stage.ends_at, self.zone)
        first = next((tranche for tranche in enrolment.tranches if tranche.bytes), None)
        if first is None:
            return self.tell(Words(f"Stufe 1 läuft bis zum {until.de}.", f"Stage 1 runs until {until.en}."))
        size, since = volume(first.bytes), day(first.starts_at, self.zone)
        return self.tell(
            Words(
                f"Stufe 1 läuft bis zum {until.de} · die ersten {size.de} gibt es ab dem {since.de}.",
                f"Stage 1 runs until {until.en} · the first {size.en} come from {since.en} on.",
            )
        )

    def stage(
        self, stage: ToldStage, enrolment: ToldEnrolment, counted: Iterable[tuple[datetime, ContactItem]]
    ) -> StageBlock:
        named = stage.counted_at[:MAX_DAYS]
        return StageBlock(
            title=self.tell(Words(f"Stufe {stage.window}", f"Stage {stage.window}")),
            days=self.tell(days(stage.starts_at, stage.ends_at, self.zone)),
            state=stage.state.value,
            state_word=self.tell(STAGE_STATES[stage.state]),
            sentence=self.tell(stage_sentence(stage, enrolment, self.zone)),
            counted=[item for happened_at, item in counted if happened_at in named],
            cells=[self.cell(p, enrolment) for p in enrolment.periods_of_window(stage.window)],
        )

    def payout(self, enrolment: ToldEnrolment) -> StageBlock:
        periods = enrolment.closing_periods
        return StageBlock(
            title=self.tell(_PAYOUT),
            days=self.tell(days(periods[0].starts_at, periods[-1].ends_at, self.zone)),
            state="",
            state_word="",
            sentence="",
            counted=(),
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
        status = tranche_status(tranche)
        return TrancheNote(
            status=status.value,
            status_word=self.tell(status_words(status)),
            sentence=self.tell(
                self.credited(tranche) if status in _OVER else tranche_sentence(tranche, enrolment, self.zone)
            ),
        )

    def credited(self, tranche: Tranche) -> Words:
        """Tell in few words what was credited; what has become of it stands in the badge."""
        assert tranche.granted_at is not None  # noqa: S101 - it was credited
        size, on = volume(tranche.bytes), day(tranche.granted_at, self.zone)
        rest = Words("", "")
        if tranche.state is TrancheState.EXPIRED and tranche.left_bytes == tranche.bytes:
            rest = Words(", nichts davon verbraucht", ", none of it used")
        elif tranche.state is TrancheState.EXPIRED and tranche.left_bytes:
            left = volume(tranche.left_bytes)
            rest = Words(f", davon {left.de} nicht verbraucht", f", {left.en} of it not used")
        return Words(
            f"{size.de} am {on.de} gutgeschrieben{rest.de}.", f"{size.en} credited on {on.en}{rest.en}."
        )
