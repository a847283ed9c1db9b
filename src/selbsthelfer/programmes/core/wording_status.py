"""Tell apart, in one or two words, what has become of a tranche, so that no two of them look alike."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.programmes.core.wording_facts import Tranche, TrancheState


class TrancheStatus(StrEnum):
    """What a person needs to know of a tranche at a glance."""

    OPEN = "open"
    PASSED = "passed"
    WAITING = "waiting"
    BEING_CREDITED = "being_credited"
    USABLE = "usable"
    USED = "used"
    EXPIRED = "expired"
    MISSED = "missed"
    LAPSED = "lapsed"
    ENDED = "ended"
    NOTHING = "nothing"


TRANCHE_STATUSES: Final[Mapping[TrancheStatus, Words]] = MappingProxyType(
    {
        TrancheStatus.OPEN: Words("noch offen", "still open"),
        TrancheStatus.PASSED: Words("verdient", "earned"),
        TrancheStatus.WAITING: Words("liegt bereit", "ready for you"),
        TrancheStatus.BEING_CREDITED: Words("wird gebucht", "being credited"),
        TrancheStatus.USABLE: Words("nutzbar", "usable"),
        TrancheStatus.USED: Words("verbraucht", "used up"),
        TrancheStatus.EXPIRED: Words("abgelaufen", "expired"),
        TrancheStatus.MISSED: Words("entfällt", "not earned"),
        TrancheStatus.LAPSED: Words("nicht abgeholt", "not collected"),
        TrancheStatus.ENDED: Words("beendet", "ended"),
        TrancheStatus.NOTHING: Words("ohne Guthaben", "no volume"),
    }
)

_STATUS: Final[Mapping[TrancheState, TrancheStatus]] = MappingProxyType(
    {
        TrancheState.WAITING_FOR_STAGE: TrancheStatus.OPEN,
        TrancheState.WAITING_FOR_PERIOD: TrancheStatus.PASSED,
        TrancheState.WAITING_FOR_ACTIVITY: TrancheStatus.WAITING,
        TrancheState.BEING_GRANTED: TrancheStatus.BEING_CREDITED,
        TrancheState.EXPIRED: TrancheStatus.EXPIRED,
        TrancheState.NOT_EARNED: TrancheStatus.MISSED,
        TrancheState.LAPSED: TrancheStatus.LAPSED,
        TrancheState.NOTHING_LEFT: TrancheStatus.NOTHING,
        TrancheState.NO_VOLUME: TrancheStatus.NOTHING,
        TrancheState.STOPPED: TrancheStatus.ENDED,
        TrancheState.RECORDED: TrancheStatus.NOTHING,
        TrancheState.WITHHELD: TrancheStatus.NOTHING,
    }
)


def tranche_status(tranche: Tranche) -> TrancheStatus:
    """Tell what has become of a tranche; of volume granted, whether any of it is left."""
    if tranche.left_bytes == 0:
        return TrancheStatus.USED
    if tranche.state is TrancheState.GRANTED:
        return TrancheStatus.USABLE
    return _STATUS[tranche.state]


def status_words(status: TrancheStatus) -> Words:
    """Name a status."""
    return TRANCHE_STATUSES[status]
