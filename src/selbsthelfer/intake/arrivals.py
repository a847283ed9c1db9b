"""Facts on their way in, before anything is asked of the database: read, checked, in order, each key once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from selbsthelfer.intake.core.facts import CrisisFact, Fact
from selbsthelfer.intake.core.validation import Rejection, check_told_fact, in_future, is_in_future, read_fact
from selbsthelfer.subscribers.core.lines import subscriber_id_of

PARKED_FOR = timedelta(days=30)
"""How long a fact waits for its line to be registered."""
OWN_SOURCES = "/selbsthelfer/"
"""What the sources of our own facts begin with; no other system may use it."""
OLD_SOURCES = frozenset({"/conversations"})
"""Sources of our own facts that do not begin so; they are kept, as facts are known by them."""

_BACKDATED = Rejection(
    "backdating_not_allowed", "received", "only who may backdate tells when a fact was received"
)
_SOURCE_RESERVED = Rejection(
    "source_reserved", "source", f"sources that begin with {OWN_SOURCES} are our own"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a batch enters.

    `may_backdate` lets a fact tell when it was received (imports, and clients with the scope
    `facts:backdate`). `is_history` is for a replay: time has already passed, so nothing lies in the future.
    `is_foreign` is for facts that another system sends: it may not speak in our name, and what it may
    not say is refused instead of left aside.
    """

    now: datetime
    may_backdate: bool = False
    is_history: bool = False
    is_foreign: bool = False


@dataclass(slots=True, eq=False)
class ArrivingLine:
    """A line that a batch tells something of."""

    subscriber_id: UUID
    subject: str
    first_received_at: datetime
    last_received_at: datetime
    is_registered: bool = True

    def extend(self, received_at: datetime) -> None:
        """Take in another instant at which something of the line became known."""
        if received_at < self.first_received_at:
            self.first_received_at = received_at
        elif received_at > self.last_received_at:
            self.last_received_at = received_at


@dataclass(slots=True, eq=False)
class Arrival:
    """A sound fact; `ordinal` is its place in the batch, none if it had been parked."""

    fact: Fact
    received_at: datetime
    ordinal: int | None = None
    raw: bytes | None = None
    registers: bool = False

    @property
    def content(self) -> tuple[datetime, bytes]:
        """Order two tellings of one fact that were received at the same instant."""
        return self.fact.time, self.raw or msgspec.json.encode(self.fact)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A fact that is refused, with its place in the batch and as much of it as could be read."""

    rejection: Rejection
    raw: bytes
    fact: Fact | None = None
    ordinal: int | None = None


@dataclass(slots=True)
class Arrivals:
    """A batch as read: crises, facts of lines, refusals, and the places of facts told twice."""

    crises: list[Arrival] = field(default_factory=list)
    of_lines: list[Arrival] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)


def read_batch(
    batch: Sequence[bytes | Fact], terms: Terms, check: Callable[[Fact], Rejection | None]
) -> Arrivals:
    """Decode and check each fact; of a repeated key the first received enters."""
    found = Arrivals()
    sound: list[Arrival] = []
    for ordinal, item in enumerate(batch):
        raw = item if isinstance(item, bytes) else None
        fact = read_fact(item) if isinstance(item, bytes) else check_told_fact(item) or item
        if isinstance(fact, Rejection):
            found.refusals.append(Refusal(fact, raw or b"", ordinal=ordinal))
            continue
        rejection = _not_on_terms(fact, terms) or check(fact)
        if rejection is not None:
            found.refusals.append(Refusal(rejection, raw or msgspec.json.encode(fact), fact, ordinal))
        else:
            sound.append(Arrival(fact, _received_at(fact, terms), ordinal, raw))
    if terms.may_backdate:
        sound.sort(key=lambda a: a.received_at)
    for arrival in _first_of_each_key(sound, found.repeated):
        (found.crises if type(arrival.fact) is CrisisFact else found.of_lines).append(arrival)
    return found


def _not_on_terms(fact: Fact, terms: Terms) -> Rejection | None:
    """Tell what the terms forbid a sound fact."""
    if terms.is_foreign:
        if fact.received is not None and not terms.may_backdate:
            return _BACKDATED
        if fact.source.startswith(OWN_SOURCES) or fact.source in OLD_SOURCES:
            return _SOURCE_RESERVED
    return _too_early(fact, terms)


def _too_early(fact: Fact, terms: Terms) -> Rejection | None:
    if terms.is_history:
        return None
    if is_in_future(fact.time, terms.now):
        return in_future("time", fact.time, terms.now)
    if terms.may_backdate and fact.received is not None and is_in_future(fact.received, terms.now):
        return in_future("received", fact.received, terms.now)
    return None


def _received_at(fact: Fact, terms: Terms) -> datetime:
    """Tell when a fact counts as received: never earlier than it happened."""
    if terms.may_backdate:
        return max(fact.received or fact.time, fact.time)
    return max(terms.now, fact.time)


def key_of(fact: Fact) -> tuple[str, str, str]:
    """The key that identifies a fact for ever: its line, source and id."""
    return "" if type(fact) is CrisisFact else fact.subject, fact.source, fact.id  # type: ignore[union-attr]


def _first_of_each_key(arrivals: Iterable[Arrival], repeated: list[int]) -> Iterable[Arrival]:
    """Keep the first received of each key; note the places of the others, which are known already."""
    kept: dict[tuple[str, str, str], Arrival] = {}
    for arrival in arrivals:
        key = key_of(arrival.fact)
        first = kept.setdefault(key, arrival)
        if first is arrival:
            continue
        if first.received_at == arrival.received_at and arrival.content < first.content:
            kept[key], arrival = arrival, first
        if arrival.ordinal is not None:
            repeated.append(arrival.ordinal)
    return kept.values()


def lines_of(arrivals: Iterable[Arrival]) -> dict[str, ArrivingLine]:
    """Gather the lines of a batch by the operator's id, with the first and last instant told of each."""
    lines: dict[str, ArrivingLine] = {}
    for arrival in arrivals:
        subject, at = key_of(arrival.fact)[0], arrival.received_at
        line = lines.get(subject)
        if line is None:
            lines[subject] = ArrivingLine(subscriber_id_of(subject), subject, at, at)
        elif at != line.last_received_at:
            line.extend(at)
    return lines
