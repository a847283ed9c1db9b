"""What there is to tell about one enrolment, as frozen values, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from selbsthelfer.activities.core.catalogue import CountingClass
from selbsthelfer.kit.wording import Words
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.history import Variant
from selbsthelfer.programmes.core.wording_grounds import Ground


class Phase(StrEnum):
    """Where a span of time lies, seen from the instant of telling."""

    PAST = "past"
    CURRENT = "current"
    COMING = "coming"


class TrancheState(StrEnum):
    """What has become of a tranche."""

    WAITING_FOR_STAGE = "waiting_for_stage"
    WAITING_FOR_PERIOD = "waiting_for_period"
    WAITING_FOR_ACTIVITY = "waiting_for_activity"
    BEING_GRANTED = "being_granted"
    GRANTED = "granted"
    EXPIRED = "expired"
    NOT_EARNED = "not_earned"
    LAPSED = "lapsed"
    NOTHING_LEFT = "nothing_left"
    NO_VOLUME = "no_volume"
    STOPPED = "stopped"
    RECORDED = "recorded"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class CountedActivity:
    """A self-service activity that counts."""

    source: str
    id: str
    activity: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class UncountedActivity:
    """A self-service activity that succeeded and does not count, because of its class or after the stop.

    `counts_again_at` is the instant from which another of its kind may count, if none succeeds before then.
    """

    source: str
    id: str
    activity: str
    happened_at: datetime
    counting_class: CountingClass
    is_after_stop: bool
    counts_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class ToldContact:
    """A contact inside a window; `topic` never names what only the contact room may know."""

    source: str
    id: str
    window: int
    happened_at: datetime
    channel: str | None
    topic: str | None
    code: str | None
    ground: Ground

    @property
    def counts(self) -> bool:
        return self.code is None


@dataclass(frozen=True, slots=True)
class Tranche:
    """The volume that a window gives for one later period.

    `bytes` is what was granted, or what would be now. `may_rise` says that earlier windows, still open, can
    lift its level. `released_by` is the activity that released it; `left_bytes` is told of what was granted.
    """

    index: int
    window: int
    level: int
    state: TrancheState
    bytes: int
    is_cut: bool
    may_rise: bool
    starts_at: datetime
    ends_at: datetime
    granted_at: datetime | None = None
    usable_until: datetime | None = None
    left_bytes: int | None = None
    released_by: CountedActivity | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period by its index; `window` where it is observed, `tranche` where it can pay out."""

    index: int
    window: int | None
    starts_at: datetime
    ends_at: datetime
    phase: Phase
    activities: tuple[CountedActivity, ...]
    counting_contacts: int
    tranche: Tranche | None


@dataclass(frozen=True, slots=True)
class ToldStage:
    """A window with its state and what it still needs until `ends_at`; contacts counted at `counted_at`."""

    window: int
    level: int
    state: StageState
    phase: Phase
    starts_at: datetime
    ends_at: datetime
    settles_at: datetime
    activities: int
    activities_min: int
    counted_at: tuple[datetime, ...]
    contacts_max: int
    bytes: int

    @property
    def missing_activities(self) -> int:
        return max(0, self.activities_min - self.activities)

    @property
    def counting_contacts(self) -> int:
        return len(self.counted_at)

    @property
    def contacts_to_spare(self) -> int:
        """Counting contacts that it can still bear; below 0 where there were too many."""
        return self.contacts_max - self.counting_contacts


@dataclass(frozen=True, slots=True)
class ToldEnrolment:
    """Where one enrolment stands; `is_fair` says that contacts are free by their topic and after a failure.

    `stopped_at`, `ended_with_line` (the line itself is no more) and `is_closed` are as known when it is told.
    """

    programme: str
    version: int
    digest: str
    title: Words
    variant: Variant
    channels: tuple[str, ...]
    releases_by_activity: bool
    is_fair: bool
    enrolled_at: datetime
    stopped_at: datetime | None
    ended_with_line: bool
    closes_at: datetime
    is_closed: bool
    periods: tuple[Period, ...]
    stages: tuple[ToldStage, ...]
    contacts: tuple[ToldContact, ...]
    uncounted: tuple[UncountedActivity, ...]
    earned_bytes: int
    cap_bytes: int

    @property
    def tranches(self) -> tuple[Tranche, ...]:
        return tuple(period.tranche for period in self.periods if period.tranche is not None)

    def periods_of_window(self, window: int) -> tuple[Period, ...]:
        return tuple(period for period in self.periods if period.window == window)

    @property
    def closing_periods(self) -> tuple[Period, ...]:
        """The periods after the last window: they only pay out."""
        return tuple(period for period in self.periods if period.window is None)
