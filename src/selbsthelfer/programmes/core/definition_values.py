"""The values a definition is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Exemptions(StrEnum):
    """Whether contacts that the line could not avoid are left out."""

    FAIR = "fair"
    NONE = "none"


class MissedStageRule(StrEnum):
    """How a missed stage changes the levels of the windows after it."""

    CALENDAR = "calendar"
    REPEAT = "repeat"
    RESET = "reset"


class ReleaseRule(StrEnum):
    """What releases a tranche: a counting activity, or the start of its period."""

    ACTIVITY = "activity"
    PERIOD_START = "period_start"


class Join(StrEnum):
    """Who may enrol: everybody eligible, or only who is invited."""

    OPEN = "open"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True)
class Title:
    """What people read as the name of a programme."""

    de: str
    en: str


@dataclass(frozen=True, slots=True)
class StageTerms:
    """What a stage passed at this level gives for each period of the window that follows."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Which lines may take part; no `tariffs` means every tariff."""

    tariffs: frozenset[str]
    tenure_days_min: int
    unlimited: bool
