"""Lay out what leaving a programme means for a line: what stays, and what ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from selbsthelfer.kit.wording import Language, Words, last_day, volume
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.wording_facts import Phase, ToldEnrolment, TrancheState

_EARNED: Final = frozenset({TrancheState.WAITING_FOR_PERIOD, TrancheState.WAITING_FOR_ACTIVITY})


@dataclass(frozen=True, slots=True)
class LeavingPage:
    programme: str
    title: str
    stays: Sequence[str]
    ends: Sequence[str]


def present_leaving(enrolment: ToldEnrolment, zone: str, language: Language) -> LeavingPage:
    """Put into words what a line keeps and what it gives up; times in its zone."""
    return LeavingPage(
        programme=enrolment.programme,
        title=enrolment.title.told(language),
        stays=[words.told(language) for words in _stays(enrolment, zone)],
        ends=[words.told(language) for words in _ends(enrolment, zone)],
    )


def _stays(enrolment: ToldEnrolment, zone: str) -> Iterator[Words]:
    earned = volume(enrolment.earned_bytes)
    if enrolment.earned_bytes:
        yield Words(
            f"Was Sie bisher bekommen haben, zusammen {earned.de}, nimmt Ihnen niemand weg.",
            f"What you have received so far, {earned.en} in all, nobody takes away.",
        )
    for tranche in enrolment.tranches:
        if tranche.state is TrancheState.GRANTED and tranche.left_bytes and tranche.usable_until:
            left, until = volume(tranche.left_bytes), last_day(tranche.usable_until, zone)
            yield Words(
                f"{left.de} davon bleiben bis zum {until.de} nutzbar.",
                f"{left.en} of it stay usable until {until.en}.",
            )
    yield Words(
        "Ihr Tarif, Ihre Rechnung und die Hotline bleiben, wie sie sind.",
        "Your tariff, your bill and the hotline stay as they are.",
    )


def _ends(enrolment: ToldEnrolment, zone: str) -> Iterator[Words]:
    earned_bytes = sum(tranche.bytes for tranche in enrolment.tranches if tranche.state in _EARNED)
    if earned_bytes:
        size = volume(earned_bytes)
        yield Words(
            f"{size.de} aus bestandenen Stufen, die noch nicht gutgeschrieben sind, kommen dann nicht mehr.",
            f"{size.en} from stages already passed that have not been credited yet will no longer come.",
        )
    for stage in enrolment.stages:
        if stage.phase is Phase.CURRENT and stage.state is StageState.OPEN:
            until, number = last_day(stage.ends_at, zone), stage.window
            yield Words(
                f"Stufe {number}, die bis zum {until.de} läuft, bringt dann kein Guthaben.",
                f"Stage {number}, which runs until {until.en}, will bring no volume.",
            )
    yield Words(
        "Ein zweites Mal teilnehmen können Sie an diesem Programm nicht.",
        "You cannot take part in this programme a second time.",
    )
