"""What is known about one line, as frozen values: the input of every rule.

Each fact carries `happened_at` (when it happened) and `received_at` (when it was learned of). The rules see
only facts received up to the instant they decide for: `History.known_at`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from selbsthelfer.subscribers.core.billing import BillingDayChange, Cycle


class Variant(StrEnum):
    """In `treatment` a release grants volume; in `control` it is only recorded, for measurement."""

    TREATMENT = "treatment"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """A fact's place in the order of things: by time, then id, then source."""

    happened_at: datetime
    id: str
    source: str
    received_at: datetime = field(compare=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.id

    def comes_before(self, other: Fact) -> bool:
        """Tell whether this fact is before another by (time, id)."""
        return (self.happened_at, self.id) < (other.happened_at, other.id)


@dataclass(frozen=True, slots=True, order=True)
class ActivityFact(Fact):
    activity: str = field(compare=False)
    succeeded: bool = field(compare=False)


@dataclass(frozen=True, slots=True, order=True)
class ContactFact(Fact):
    """A contact; `happened_at` is its end. A member that the contact centre did not tell is None."""

    channel: str | None = field(compare=False, default=None)
    direction: str | None = field(compare=False, default=None)
    outcome: str | None = field(compare=False, default=None)
    talk_seconds: int | None = field(compare=False, default=None)
    topic: str | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True, order=True)
class CodingFact(Fact):
    """An agent gave a contact its topic."""

    contact: tuple[str, str] = field(compare=False)
    topic: str = field(compare=False)


@dataclass(frozen=True, slots=True, order=True)
class ReclassificationFact(Fact):
    """An agent decided, with a reason, that a contact counts or does not count."""

    contact: tuple[str, str] = field(compare=False)
    counts: bool = field(compare=False)


@dataclass(frozen=True, slots=True, order=True)
class TariffFact(Fact):
    """From `happened_at` on the line is in another tariff."""

    tariff: str = field(compare=False)


@dataclass(frozen=True, slots=True, order=True)
class StopFact(Fact):
    """A withdrawal from the programme, or the end of the line itself."""


@dataclass(frozen=True, slots=True)
class KnownChange:
    """A change of billing day and when it was learned of."""

    change: BillingDayChange
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Crisis:
    """A declared crisis: `from_at` ≤ time < `until_at`; no topics means all topics."""

    from_at: datetime
    until_at: datetime
    received_at: datetime
    topics: frozenset[str] = frozenset()

    def covers(self, at: datetime, topic: str | None) -> bool:
        return self.from_at <= at < self.until_at and (not self.topics or topic in self.topics)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A line's place in a programme from `enrolled_at` (t0) on, decided since `known_from`.

    `known_from` is the instant at which both the registration and the enrolment were known.
    """

    enrolled_at: datetime
    known_from: datetime
    variant: Variant


@dataclass(frozen=True, slots=True)
class History:
    """Everything recorded about one enrolled line."""

    timezone: str
    cycle: Cycle
    tariff: str | None
    enrolment: Enrolment
    billing_day_changes: tuple[KnownChange, ...] = ()
    tariffs: tuple[TariffFact, ...] = ()
    withdrawals: tuple[StopFact, ...] = ()
    ends: tuple[StopFact, ...] = ()
    activities: tuple[ActivityFact, ...] = ()
    contacts: tuple[ContactFact, ...] = ()
    codings: tuple[CodingFact, ...] = ()
    reclassifications: tuple[ReclassificationFact, ...] = ()
    crises: tuple[Crisis, ...] = ()

    def known_at(self, known_until: datetime) -> History:
        """Leave out everything received after an instant."""
        return replace(
            self,
            billing_day_changes=tuple(c for c in self.billing_day_changes if c.received_at <= known_until),
            tariffs=tuple(f for f in self.tariffs if f.received_at <= known_until),
            withdrawals=tuple(f for f in self.withdrawals if f.received_at <= known_until),
            ends=tuple(f for f in self.ends if f.received_at <= known_until),
            activities=tuple(f for f in self.activities if f.received_at <= known_until),
            contacts=tuple(f for f in self.contacts if f.received_at <= known_until),
            codings=tuple(f for f in self.codings if f.received_at <= known_until),
            reclassifications=tuple(f for f in self.reclassifications if f.received_at <= known_until),
            crises=tuple(c for c in self.crises if c.received_at <= known_until),
        )

    @property
    def stopped_at(self) -> datetime | None:
        """The earliest withdrawal or the line's end: facts from then on do not count at all.

        A withdrawal from before the enrolment is a fact from before t0, which counts for nothing.
        """
        since = self.enrolment.enrolled_at
        stops = [fact.happened_at for fact in self.withdrawals if fact.happened_at >= since]
        return min((*stops, *(fact.happened_at for fact in self.ends)), default=None)

    @property
    def received_instants(self) -> tuple[datetime, ...]:
        """Every instant at which something about the line became known, in order."""
        facts: tuple[Fact | Crisis | KnownChange, ...] = (
            *self.tariffs,
            *self.withdrawals,
            *self.ends,
            *self.activities,
            *self.contacts,
            *self.codings,
            *self.reclassifications,
            *self.crises,
            *self.billing_day_changes,
        )
        return tuple(sorted({self.enrolment.known_from, *(fact.received_at for fact in facts)}))

    def tariff_at(self, at: datetime) -> str | None:
        """Tell the tariff in force at an instant, as far as is known."""
        changes = [change for change in self.tariffs if change.happened_at <= at]
        return max(changes).tariff if changes else self.tariff
