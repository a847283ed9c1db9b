"""What a page says when something has been done: what it brought, or what it was good for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words, volume
from selbsthelfer.portal.languages import tell
from selbsthelfer.programmes.core.counting import FAILED_ACTIVITY_REACH
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment
from selbsthelfer.programmes.core.wording_success import SuccessKind, success_of, success_words
from selbsthelfer.programmes.explaining import Explanation, explain_to_subscriber
from selbsthelfer.selfservice.core.results import Done, Outcome
from selbsthelfer.subscribers.core.lines import LineRef

_HOTLINE: Final = "hotline"
_UNLIMITED: Final = Words("unbegrenzt", "unlimited")
_UNCOUNTED: Final = frozenset({SuccessKind.UNCOUNTED, SuccessKind.STOPPED})


@dataclass(frozen=True, slots=True)
class SuccessPanel:
    """What to say after a success, as ready-made text in the reader's language.

    `credits` tells of volume it released and `sentences` what else it was good for; `is_waiting` says that a
    charging system has yet to confirm a credit, so that the page looks again. `balance` comes with a credit.
    `counts` says that some programme counts it.
    """

    receipt: str
    credits: Sequence[str]
    sentences: Sequence[str]
    effective: str
    balance: str
    is_waiting: bool
    counts: bool


def success_panel(done: Done, line: LineRef, now: datetime) -> SuccessPanel | None:
    """Say what a task brought; none if it has not succeeded."""
    if done.outcome is not Outcome.SUCCEEDED:
        return None
    with transaction.atomic():
        explanation = explain_to_subscriber(open_cursor(), line.subscriber_id, at=now)
    return panel_of(done, explanation)


def panel_of(done: Done, explanation: Explanation) -> SuccessPanel:
    """Say what a task brought to a line that has been explained already."""
    released = {credited.programme for credited in done.credited}
    told = _told(done, explanation)
    return SuccessPanel(
        receipt=done.receipt,
        credits=[sentence for programme, sentence in told if programme in released],
        sentences=[sentence for programme, sentence in told if programme not in released],
        effective="" if done.effective is None else tell(done.effective),
        balance=tell(_balance(explanation)) if done.credited else "",
        is_waiting=any(not credited.is_confirmed for credited in done.credited),
        counts=_counts(done, explanation),
    )


def excuse_of_failure(done: Done, explanation: Explanation) -> str:
    """Say that a call about what failed will not count; nothing where it is too late or takes no part."""
    if (
        not excuses_failures(explanation.enrolments)
        or explanation.at >= done.finished_at + FAILED_ACTIVITY_REACH
    ):
        return ""
    hours = FAILED_ACTIVITY_REACH // timedelta(hours=1)
    return tell(
        Words(
            f"Wir haben den Versuch vermerkt: Rufen Sie deswegen innerhalb von {hours} Stunden danach an, "
            "zählt dieser Anruf nicht.",
            f"We have noted the attempt: if you call about it within {hours} hours of it, that call does not "
            "count.",
        )
    )


def excuses_failures(enrolments: Iterable[ToldEnrolment]) -> bool:
    """Tell whether a call about what failed online is free in every running programme that counts calls."""
    running = [e for e in enrolments if e.stopped_at is None and not e.is_closed]
    counting = [e for e in running if _HOTLINE in e.channels]
    return bool(counting) and all(e.is_fair for e in counting)


def _told(done: Done, explanation: Explanation) -> list[tuple[str, str]]:
    """Tell for each programme what a task was good for."""
    source, id_ = done.fact_source, done.fact_id
    if source is None or id_ is None:
        return []
    return [
        (enrolment.programme, tell(success_words(enrolment, source, id_, explanation.timezone)))
        for enrolment in explanation.enrolments
    ]


def _counts(done: Done, explanation: Explanation) -> bool:
    """Tell whether a task counts in any programme of the line."""
    source, id_ = done.fact_source, done.fact_id
    if source is None or id_ is None:
        return False
    return any(success_of(e, source, id_).kind not in _UNCOUNTED for e in explanation.enrolments)


def _balance(explanation: Explanation) -> Words:
    usable = explanation.allowance.usable_bytes
    return _UNLIMITED if usable is None else volume(usable)
