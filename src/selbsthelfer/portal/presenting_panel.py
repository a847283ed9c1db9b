"""Lay out the panel that an app of the operator's embeds: what is left, what comes, what was credited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from selbsthelfer.kit.wording import Language, Words, moment
from selbsthelfer.portal.presenting import EnrolmentBlock, StageBlock, present
from selbsthelfer.portal.presenting_contacts import rfc3339
from selbsthelfer.portal.presenting_home import HomePage, HomeProgramme, present_home
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.core.wording_facts import Phase, ToldEnrolment, Tranche, TrancheState
from selbsthelfer.programmes.core.wording_status import status_words, tranche_status
from selbsthelfer.programmes.core.wording_tranches import tranche_sentence
from selbsthelfer.programmes.explaining import Explanation
from selbsthelfer.selfservice.core.results import OUTCOMES, Receipt

MAX_PANEL_CREDITS: Final = 5
"""Newest credits of a programme in the panel; the portal shows all."""
MAX_PANEL_RECEIPTS: Final = 3
"""Newest receipts in the panel."""
_ON_THE_WAY: Final = frozenset({TrancheState.BEING_GRANTED, TrancheState.WAITING_FOR_PERIOD})


@dataclass(frozen=True, slots=True)
class PanelCredit:
    """A credit with the sentence that says where it comes from."""

    status: str
    status_word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PanelReceipt:
    """A task that was done, or was tried."""

    name: str
    outcome: str
    at: str
    instant: str
    number: str


@dataclass(frozen=True, slots=True)
class PanelProgramme:
    """A programme as the first page and the page of rewards tell it; `stage` is the one that runs, if any."""

    home: HomeProgramme
    is_to_do: bool
    stage: StageBlock | None
    coming: str
    credits: Sequence[PanelCredit]


@dataclass(frozen=True, slots=True)
class PanelPage:
    """All that the panel shows; `ended` is empty while the line runs."""

    as_of: str
    ended: str
    home: HomePage
    programmes: Sequence[PanelProgramme]
    receipts: Sequence[PanelReceipt]


def present_panel(explanation: Explanation, receipts: Iterable[Receipt], language: Language) -> PanelPage:
    """Lay out where a line stands, in the words and figures of the portal's own pages."""
    home = present_home(explanation, explanation.allowance.usage, None, language)
    rewards = present(explanation, language)
    zone = explanation.timezone
    parts = zip(explanation.enrolments, home.programmes, rewards.enrolments, strict=True)
    return PanelPage(
        as_of=rewards.as_of,
        ended=rewards.ended,
        home=home,
        programmes=[
            PanelProgramme(
                home=programme,
                is_to_do=block.is_to_do,
                stage=_running(enrolment, block),
                coming=_coming(enrolment, zone, language),
                credits=_credits(enrolment, zone, language),
            )
            for enrolment, programme, block in parts
        ],
        receipts=[_receipt(receipt, zone, language) for receipt in receipts],
    )


def _running(enrolment: ToldEnrolment, block: EnrolmentBlock) -> StageBlock | None:
    """Find the stage that runs, or the stretch after the last one while it pays out."""
    if enrolment.stopped_at is not None or enrolment.is_closed:
        return None
    phases = [stage.phase for stage in enrolment.stages]
    if Phase.CURRENT in phases:
        return block.stages[phases.index(Phase.CURRENT)]
    pays_out = any(period.phase is Phase.CURRENT for period in enrolment.closing_periods)
    return block.stages[-1] if pays_out else None


def _coming(enrolment: ToldEnrolment, zone: str, language: Language) -> str:
    """Tell of the next volume that is certain; what is only in prospect is told with the stage."""
    tranche = next((t for t in enrolment.tranches if t.state in _ON_THE_WAY), None)
    return "" if tranche is None else tranche_sentence(tranche, enrolment, zone).told(language)


def _credits(enrolment: ToldEnrolment, zone: str, language: Language) -> Sequence[PanelCredit]:
    """Tell of the newest credits, newest first."""
    granted: list[tuple[datetime, Tranche]] = [
        (tranche.granted_at, tranche) for tranche in enrolment.tranches if tranche.granted_at is not None
    ]
    granted.sort(key=lambda entry: entry[0], reverse=True)
    return [
        PanelCredit(
            status=tranche_status(tranche).value,
            status_word=status_words(tranche_status(tranche)).told(language),
            sentence=tranche_sentence(tranche, enrolment, zone).told(language),
        )
        for _, tranche in granted[:MAX_PANEL_CREDITS]
    ]


def _receipt(receipt: Receipt, zone: str, language: Language) -> PanelReceipt:
    done = receipt.done
    at: Words = moment(done.finished_at, zone)
    return PanelReceipt(
        name=activity_name(done.activity).told(language),
        outcome=OUTCOMES[done.outcome].told(language),
        at=at.told(language),
        instant=rfc3339(done.finished_at),
        number=receipt.number,
    )
