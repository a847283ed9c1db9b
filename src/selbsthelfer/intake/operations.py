"""The one door for facts: what comes in, and all that follows from it, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
from django.db import transaction

from selbsthelfer.contacts import operations as contacts
from selbsthelfer.intake import recording
from selbsthelfer.intake.core.facts import CrisisFact, Fact, ProgrammeEnrolled, SubscriberRegistered
from selbsthelfer.intake.core.validation import Rejection, in_future, is_in_future, read_fact
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes import operations as programmes
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.operations import Outstanding, Touch
from selbsthelfer.subscribers.core.lines import subscriber_id_of

_SQL = statements("selbsthelfer.intake")

MAX_BATCH = 10_000
"""Facts in one transaction: enough for sets to pay, few enough that a lock is held for less than a second."""
PARKED_FOR = timedelta(days=30)
"""How long a fact waits for its line to be registered."""
EVERY_LINE = UUID(int=0)
"""Stands where a fact has no line of its own."""
MAX_SWEPT = 5_000
"""Lines in one transaction of a sweep."""
MAX_KEPT_CHARACTERS = 4_000
"""How much of a refused fact is kept."""


class BatchTooLargeError(ValueError):
    """A batch has more than `MAX_BATCH` facts; nothing was taken."""


@dataclass(slots=True)
class Receipt:
    """What became of a batch, counted and fact by fact in the order given."""

    results: list[str] = field(default_factory=list)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)
    released: int = 0

    @property
    def counts(self) -> Counter[str]:
        """Count `accepted`, `known`, `parked` and `rejected`."""
        return Counter(self.results)


@dataclass(slots=True)
class _Arrival:
    """A sound fact on its way in, with its place in the batch and the instant it counts as received."""

    ordinal: int
    fact: Fact
    received_at: datetime
    subscriber_id: UUID
    raw: bytes | None
    registers: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a batch enters.

    `may_backdate` lets a fact tell when it was received (imports, and clients with the scope
    `facts:backdate`). `is_history` is for a replay: time has already passed, so nothing lies in the future.
    """

    now: datetime
    may_backdate: bool = False
    is_history: bool = False


def accept(batch: Sequence[bytes | Fact], *, terms: Terms) -> Receipt:
    """Take a batch of facts, each once, with all consequences, durably and in one transaction.

    A fact is given as JSON or already decoded. Each is `accepted`, `known`, `parked` (its line is not
    registered yet) or `rejected` with a reason; a rejected one does not hinder the others.
    Raises `BatchTooLargeError`.
    """
    if len(batch) > MAX_BATCH:
        raise BatchTooLargeError(f"a batch has at most {MAX_BATCH} facts, this one has {len(batch)}")
    receipt = Receipt(results=["accepted"] * len(batch))
    with transaction.atomic():
        _Intake(open_cursor(), terms, receipt).take(batch)
    return receipt


class _Intake:
    """One batch on its way through the door."""

    def __init__(self, cursor: psycopg.Cursor[Any], terms: Terms, receipt: Receipt) -> None:
        self.cursor = cursor
        self.terms = terms
        self.receipt = receipt
        self.ids: dict[str, UUID] = {}
        self._published: Mapping[str, tuple[int, Definition]] | None = None

    def take(self, batch: Sequence[bytes | Fact]) -> None:
        self.cursor.execute(_SQL["prepare"], prepare=False)
        self.cursor.execute(_SQL["clear"], prepare=False)
        self.cursor.execute(_SQL["plan_by_index"], prepare=False)
        arrivals = self._read(batch)
        self._declare_crises([a for a in arrivals if isinstance(a.fact, CrisisFact)])
        of_lines = [a for a in arrivals if a.subscriber_id is not EVERY_LINE]
        of_lines = self._register(of_lines)
        if of_lines:
            self._take_of_lines(of_lines)

    def _take_of_lines(self, arrivals: list[_Arrival]) -> None:
        """Take the facts of lines: lock, leave out what is known, record, decide."""
        instants = _instants_by_line(arrivals)
        frontiers = self._lock(instants)
        entering = self._leave_out_known(self._park_unregistered(arrivals, frontiers))
        if not entering:
            return
        copy_rows(
            self.cursor,
            "intake_key",
            ("subscriber_id", "source", "id", "received_at"),
            [(a.subscriber_id, a.fact.source, a.fact.id, a.received_at) for a in entering],
        )
        facts = [(a.subscriber_id, a.received_at, a.fact) for a in entering]
        before = self._outstanding(entering, frontiers)
        touches = programmes.outstanding_touches(self.cursor, before)
        recording.record(self.cursor, facts, self._versions)
        touches |= programmes.outstanding_touches(self.cursor, before)
        touches |= self._instants_decided_again(entering, frontiers)
        touches |= recording.touches_of(facts)
        self.cursor.execute(_SQL["advance_frontiers"])
        self.receipt.released += programmes.decide(self.cursor, touches, now=self.terms.now)
        recording.burn_usage(self.cursor, facts, now=self.terms.now)

    def _read(self, batch: Sequence[bytes | Fact]) -> list[_Arrival]:
        """Decode and check each fact; of a repeated key the first received enters."""
        arrivals: list[_Arrival] = []
        for ordinal, item in enumerate(batch):
            fact = read_fact(item) if isinstance(item, bytes) else item
            raw = item if isinstance(item, bytes) else None
            if isinstance(fact, Rejection):
                self._reject(ordinal, fact, raw, None)
                continue
            rejection = self._check_here(fact)
            if rejection is not None:
                self._reject(ordinal, rejection, raw, fact)
                continue
            arrivals.append(_Arrival(ordinal, fact, self._received_at(fact), self._line_of(fact), raw))
        arrivals.sort(key=lambda a: a.received_at)
        return self._first_of_each_key(arrivals)

    def _first_of_each_key(self, arrivals: Iterable[_Arrival]) -> list[_Arrival]:
        seen: dict[tuple[UUID, str, str], _Arrival] = {}
        for arrival in arrivals:
            key = (arrival.subscriber_id, arrival.fact.source, arrival.fact.id)
            first = seen.setdefault(key, arrival)
            if first is arrival:
                continue
            self.receipt.results[arrival.ordinal] = "known"
            if first.received_at == arrival.received_at and _content(arrival) < _content(first):
                self.receipt.results[first.ordinal] = "known"
                self.receipt.results[arrival.ordinal] = "accepted"
                seen[key] = arrival
        return list(seen.values())

    def _check_here(self, fact: Fact) -> Rejection | None:
        """Check what depends on the moment of arrival and on what is published."""
        if not self.terms.is_history:
            if is_in_future(fact.time, self.terms.now):
                return in_future("time", fact.time, self.terms.now)
            if self.terms.may_backdate and fact.received and is_in_future(fact.received, self.terms.now):
                return in_future("received", fact.received, self.terms.now)
        if isinstance(fact, ProgrammeEnrolled) and fact.data.programme not in self._versions:
            name = fact.data.programme
            return Rejection("unknown_programme", "data.programme", f"“{name}” is not published")
        return None

    @property
    def _versions(self) -> Mapping[str, tuple[int, Definition]]:
        if self._published is None:
            self._published = programmes.versions_in_force(self.cursor)
        return self._published

    def _received_at(self, fact: Fact) -> datetime:
        """Tell when a fact counts as received: never earlier than it happened."""
        if self.terms.may_backdate:
            return max(fact.received or fact.time, fact.time)
        return max(self.terms.now, fact.time)

    def _line_of(self, fact: Fact) -> UUID:
        if isinstance(fact, CrisisFact):
            return EVERY_LINE
        line = self.ids.get(fact.subject)
        if line is None:
            line = self.ids[fact.subject] = subscriber_id_of(fact.subject)
        return line

    def _declare_crises(self, arrivals: Sequence[_Arrival]) -> None:
        if not arrivals:
            return
        new = contacts.declare_crises(
            self.cursor, [recording.crisis_row(a.fact, a.received_at) for a in arrivals]
        )
        for arrival in arrivals:
            if (arrival.fact.source, arrival.fact.id) not in new:
                self.receipt.results[arrival.ordinal] = "known"

    def _register(self, arrivals: list[_Arrival]) -> list[_Arrival]:
        """Register new lines; return the facts to take, with those that were parked for these lines."""
        registrations = [a for a in arrivals if isinstance(a.fact, SubscriberRegistered)]
        if not registrations:
            return arrivals
        lines = list({a.subscriber_id for a in registrations})
        known = {row[0] for row in self.cursor.execute(_SQL["registered"], {"lines": lines})}
        new: dict[UUID, _Arrival] = {}
        for arrival in sorted(registrations, key=lambda a: (a.received_at, *_content(a))):
            if arrival.subscriber_id not in known:
                new.setdefault(arrival.subscriber_id, arrival)
        recording.register(self.cursor, [(a.subscriber_id, a.received_at, a.fact) for a in new.values()])
        copy_rows(
            self.cursor,
            "intake_line",
            ("subscriber_id", "frontier_at"),
            [(line, arrival.received_at) for line, arrival in new.items()],
        )
        for arrival in new.values():
            arrival.registers = True
        return self._in_time(self._unparked(list(new)) + arrivals, new)

    def _unparked(self, lines: list[UUID]) -> list[_Arrival]:
        """Fetch the facts that waited for lines; they come before what arrives with the registration."""
        waiting = []
        for (body,) in self.cursor.execute(_SQL["unpark"], {"lines": lines}).fetchall():
            fact = read_fact(bytes(body))
            assert not isinstance(fact, Rejection | CrisisFact)  # noqa: S101 - it was checked when parked
            assert fact.received is not None  # noqa: S101 - parking writes it
            waiting.append(_Arrival(-1, fact, fact.received, subscriber_id_of(fact.subject), None))
        return waiting

    def _in_time(self, arrivals: Sequence[_Arrival], registered: Mapping[UUID, _Arrival]) -> list[_Arrival]:
        """Refuse facts received too long before their line was registered, and repetitions of parked ones."""
        in_time: dict[tuple[UUID, str, str], _Arrival] = {}
        for arrival in arrivals:
            registration = registered.get(arrival.subscriber_id)
            if registration is not None and arrival.received_at + PARKED_FOR <= registration.received_at:
                self._reject(arrival.ordinal, _PARKED_TOO_LONG, arrival.raw, arrival.fact)
                continue
            key = (arrival.subscriber_id, arrival.fact.source, arrival.fact.id)
            if in_time.setdefault(key, arrival) is not arrival:
                self._say(arrival, "known")
        return list(in_time.values())

    def _lock(self, instants: Mapping[UUID, tuple[datetime, datetime]]) -> dict[UUID, datetime]:
        """Lock the rows of the registered lines, in key order, and return how far each is decided."""
        lines = list(instants)
        copy_rows(
            self.cursor,
            "intake_arrived_line",
            ("ordinal", "subscriber_id", "first_received_at", "last_received_at"),
            [(ordinal, line, *instants[line]) for ordinal, line in enumerate(lines)],
        )
        return {lines[ordinal]: at for ordinal, at in self.cursor.execute(_SQL["lock_lines"])}

    def _park_unregistered(
        self, arrivals: Sequence[_Arrival], frontiers: Mapping[UUID, datetime]
    ) -> list[_Arrival]:
        """Set aside the facts of lines that are not registered; return the others."""
        registered, unknown = [], []
        for arrival in arrivals:
            (registered if arrival.subscriber_id in frontiers else unknown).append(arrival)
        if unknown:
            self.cursor.executemany(_SQL["park"], [_parking(arrival) for arrival in unknown])
            for arrival in unknown:
                self.receipt.results[arrival.ordinal] = "parked"
        return registered

    def _leave_out_known(self, arrivals: Sequence[_Arrival]) -> list[_Arrival]:
        """Leave out facts whose key is held already, and registrations of lines that exist."""
        copy_rows(
            self.cursor,
            "intake_arrived",
            ("ordinal", "subscriber_id", "source", "id", "received_at"),
            [(n, a.subscriber_id, a.fact.source, a.fact.id, a.received_at) for n, a in enumerate(arrivals)],
        )
        known = {row[0] for row in self.cursor.execute(_SQL["known_facts"])}
        entering = []
        for n, arrival in enumerate(arrivals):
            if n in known:
                self._say(arrival, "known")
            elif isinstance(arrival.fact, SubscriberRegistered) and not arrival.registers:
                self._reject(arrival.ordinal, _ALREADY_REGISTERED, arrival.raw, arrival.fact)
            else:
                entering.append(arrival)
        return entering

    def _outstanding(
        self, arrivals: Sequence[_Arrival], frontiers: Mapping[UUID, datetime]
    ) -> list[Outstanding]:
        """Tell for each line between which instants the clock and crises may still be undecided."""
        return [
            Outstanding(line, min(first, frontiers[line]), max(last, frontiers[line]))
            for line, (first, last) in _instants_by_line(arrivals).items()
        ]

    def _instants_decided_again(
        self, arrivals: Sequence[_Arrival], frontiers: Mapping[UUID, datetime]
    ) -> set[Touch]:
        """List the later instants of lines that learn something from behind their frontier."""
        behind = {
            line: first for line, (first, _) in _instants_by_line(arrivals).items() if first < frontiers[line]
        }
        return later_instants(self.cursor, behind)

    def _say(self, arrival: _Arrival, result: str) -> None:
        if arrival.ordinal >= 0:
            self.receipt.results[arrival.ordinal] = result

    def _reject(self, ordinal: int, rejection: Rejection, raw: bytes | None, fact: Fact | None) -> None:
        """Keep a refused fact with its reason."""
        if ordinal >= 0:
            self.receipt.results[ordinal] = "rejected"
            self.receipt.rejections.append((ordinal, rejection))
        body = raw if raw is not None else msgspec.json.encode(fact)
        self.cursor.execute(
            _SQL["reject"],
            {
                "digest": sha256(rejection.code.encode() + b"\0" + body).digest(),
                "code": rejection.code,
                "field": rejection.field,
                "reason": _storable(rejection.reason),
                "source": fact and fact.source,
                "id": fact and fact.id,
                "subject": None if fact is None or isinstance(fact, CrisisFact) else fact.subject,
                "body": _storable(body[:MAX_KEPT_CHARACTERS].decode(errors="replace")),
                "rejected_at": self.terms.now,
            },
        )


_ALREADY_REGISTERED = Rejection("already_registered", "subject", "this line is registered already")
_PARKED_TOO_LONG = Rejection(
    "parked_too_long", "received", "the line was registered 30 days or more after this fact was received"
)


def later_instants(cursor: psycopg.Cursor[Any], behind: Mapping[UUID, datetime]) -> set[Touch]:
    """List the instants after a given one at which each line learned something."""
    if not behind:
        return set()
    parameters = {"lines": list(behind), "after": list(behind.values())}
    return {Touch(line, at, at) for line, at in cursor.execute(_SQL["later_instants"], parameters)}


def _instants_by_line(arrivals: Iterable[_Arrival]) -> dict[UUID, tuple[datetime, datetime]]:
    """Find the first and last instant at which a batch tells something of each line."""
    instants: dict[UUID, tuple[datetime, datetime]] = {}
    for arrival in arrivals:
        line, at = arrival.subscriber_id, arrival.received_at
        found = instants.get(line)
        if found is None:
            instants[line] = (at, at)
        elif not found[0] <= at <= found[1]:
            instants[line] = (min(found[0], at), max(found[1], at))
    return instants


def _content(arrival: _Arrival) -> tuple[datetime, bytes]:
    """Order two tellings of one fact that were received at the same instant."""
    return arrival.fact.time, arrival.raw or msgspec.json.encode(arrival.fact)


def _parking(arrival: _Arrival) -> dict[str, Any]:
    """Write a fact down with the instant it was received, to enter as it arrived."""
    return {
        "subscriber_id": arrival.subscriber_id,
        "source": arrival.fact.source,
        "id": arrival.fact.id,
        "received_at": arrival.received_at,
        "body": msgspec.json.encode(msgspec.structs.replace(arrival.fact, received=arrival.received_at)),
    }


def _storable(text: str) -> str:
    """Leave out what PostgreSQL cannot store in a text."""
    return text.replace("\x00", "�")


def sweep(*, now: datetime) -> int:
    """Decide what the clock and newly declared crises have made due for lines that no fact touches.

    Runs in batches of `MAX_SWEPT` lines, each a transaction of its own, so that it may be interrupted and
    started again. Returns the number of tranches released.
    """
    released = 0
    with transaction.atomic():
        crises = open_cursor().execute(_SQL["unswept_crises"]).fetchall()
    for source, id_, received_at in crises:
        released += _sweep_batches(
            _SQL["lines_in_crisis"], {"source": source, "id": id_}, crisis_at=received_at, now=now
        )
        with transaction.atomic():
            open_cursor().execute(_SQL["mark_swept"], {"source": source, "id": id_, "now": now})
    return released + _sweep_batches(_SQL["lines_behind_clock"], {"until": now}, crisis_at=None, now=now)


def _sweep_batches(
    statement: LiteralString, parameters: dict[str, object], *, crisis_at: datetime | None, now: datetime
) -> int:
    released, beyond = 0, EVERY_LINE
    while True:
        with transaction.atomic():
            cursor = open_cursor()
            found = cursor.execute(statement, {**parameters, "beyond": beyond, "limit": MAX_SWEPT}).fetchall()
            if not found:
                return released
            lines: list[UUID] = [row[0] for row in found]
            released += _sweep_lines(cursor, lines, crisis_at, now)
            beyond = lines[-1]


def _sweep_lines(
    cursor: psycopg.Cursor[Any], lines: list[UUID], crisis_at: datetime | None, now: datetime
) -> int:
    """Decide one batch: a crisis at its own instant and all later ones, the clock up to now."""
    frontiers: dict[UUID, datetime] = dict(
        cursor.execute(_SQL["lock_swept_lines"], {"lines": lines}).fetchall()
    )
    until = crisis_at or now
    outstanding = [Outstanding(line, min(at, until), max(at, until)) for line, at in frontiers.items()]
    touches = programmes.outstanding_touches(cursor, outstanding)
    if crisis_at is not None:
        touches |= {Touch(line, crisis_at, crisis_at) for line in frontiers}
        touches |= later_instants(cursor, dict.fromkeys(frontiers, crisis_at))
    cursor.execute(_SQL["advance_swept_lines"], {"lines": lines, "until": until})
    return programmes.decide(cursor, touches, now=now)
