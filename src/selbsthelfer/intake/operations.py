"""The one door for facts: what comes in, and all that follows from it, in one transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from django.db import transaction

from selbsthelfer.contacts import operations as contacts
from selbsthelfer.intake import recording
from selbsthelfer.intake.arrivals import (
    PARKED_FOR,
    Arrival,
    Arrivals,
    ArrivingLine,
    Refusal,
    Terms,
    key_of,
    lines_of,
    read_batch,
)
from selbsthelfer.intake.behind import find_behind, later_instants
from selbsthelfer.intake.core.facts import CrisisFact, Fact, ProgrammeEnrolled, SubscriberRegistered
from selbsthelfer.intake.core.validation import Rejection, read_fact
from selbsthelfer.intake.recording import Entering
from selbsthelfer.intake.refusals import keep_refusals
from selbsthelfer.intake.short_way import WholeWayError, are_few, take_few
from selbsthelfer.kit.collecting import without_cycle_collection
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.metrics import count_batch
from selbsthelfer.kit.sql import open_cursor, plan_by_key, statements
from selbsthelfer.programmes import operations as programmes
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.operations import Outstanding

__all__ = ["MAX_BATCH", "BatchTooLargeError", "Receipt", "Terms", "accept", "later_instants"]

_SQL = statements("selbsthelfer.intake")

MAX_BATCH = 10_000
"""Facts in one transaction: enough for sets to pay, few enough that a lock is held for less than a second."""

MAX_ATTEMPTS = 5
"""How often a batch begins anew when another took what it needed; each attempt leaves nothing behind."""

_ALREADY_REGISTERED = Rejection("already_registered", "subject", "this line is registered already")
_BUDGET_EXHAUSTED = Rejection(
    "budget_exhausted", "data.programme", "the programme's budget cannot keep another enrolment's promise"
)
_PARKED_TOO_LONG = Rejection(
    "parked_too_long", "received", "the line was registered 30 days or more after this fact was received"
)


class BatchTooLargeError(ValueError):
    """A batch has more than `MAX_BATCH` facts; nothing was taken."""


class _RegisteredMeanwhileError(RuntimeError):
    """A line that was unknown a moment ago has been registered by another batch."""


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


def accept(batch: Sequence[bytes | Fact], *, terms: Terms) -> Receipt:
    """Take a batch of facts, each once, with all consequences, durably and in one transaction.

    A fact is given as JSON or already decoded. Each is `accepted`, `known`, `parked` (its line is not
    registered yet) or `rejected` with a reason; a rejected one does not hinder the others.
    Raises `BatchTooLargeError`.
    """
    if len(batch) > MAX_BATCH:
        raise BatchTooLargeError(f"a batch has at most {MAX_BATCH} facts, this one has {len(batch)}")
    may_be_short, started = True, time.monotonic()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        receipt = Receipt(results=["accepted"] * len(batch))
        try:
            with without_cycle_collection(), transaction.atomic():
                _Intake(open_cursor(), terms, receipt).take(batch, may_be_short=may_be_short)
        except WholeWayError:
            may_be_short = False
        except (_RegisteredMeanwhileError, psycopg.errors.DeadlockDetected):
            if attempt == MAX_ATTEMPTS:
                raise
        else:
            count_batch(receipt.counts, time.monotonic() - started)
            return receipt
    raise AssertionError("the last attempt returns or raises")


class _Intake:
    """One batch on its way through the door."""

    def __init__(self, cursor: psycopg.Cursor[Any], terms: Terms, receipt: Receipt) -> None:
        self.cursor = cursor
        self.terms = terms
        self.receipt = receipt
        self.refusals: list[Refusal] = []
        self._published: Mapping[str, tuple[int, Definition]] | None = None

    def take(self, batch: Sequence[bytes | Fact], *, may_be_short: bool) -> None:
        arrivals = read_batch(batch, self.terms, self._check)
        self.refusals = arrivals.refusals
        self._say(arrivals.repeated, "known")
        if may_be_short and are_few(arrivals):
            taken = take_few(self.cursor, arrivals.of_lines, now=self.terms.now)
            self._say([arrival.ordinal for arrival in taken.known], "known")
            self.receipt.released = taken.released
        elif arrivals.of_lines or arrivals.crises:
            self._take_whole_way(arrivals)
        self._close_refusals()

    def _take_whole_way(self, arrivals: Arrivals) -> None:
        self.cursor.execute(_SQL["prepare"], prepare=False)
        plan_by_key(self.cursor)
        self._declare(arrivals.crises)
        of_lines = self._register(arrivals.of_lines)
        if of_lines:
            self._take_of_lines(of_lines)

    def _take_of_lines(self, arrivals: Sequence[Arrival]) -> None:
        """Take the facts of lines: lock, leave out what cannot enter, record, decide."""
        lines = lines_of(arrivals)
        placed = [(lines[key_of(a.fact)[0]], a) for a in arrivals]
        copy_rows(
            self.cursor,
            "intake_arrived",
            ("ordinal", "subscriber_id", "source", "id", "received_at"),
            [
                (n, line.subscriber_id, a.fact.source, a.fact.id, a.received_at)
                for n, (line, a) in enumerate(placed)
            ],
        )
        frontiers = self._lock(lines)
        entering = self._hold_keys(placed)
        behind = find_behind(entering, frontiers)
        # Asked before and after recording: a new billing day moves boundaries, and both the old instants of
        # the clock, which have passed, and the new ones are to be decided.
        outstanding = self._outstanding(lines, behind)
        touches = programmes.outstanding_touches(self.cursor, outstanding)
        if entering:
            recording.record(self.cursor, entering, self._versions)
            touches += programmes.outstanding_touches(self.cursor, outstanding)
            touches += later_instants(self.cursor, behind)
            touches += recording.touches_of(entering, behind)
        self.receipt.released = programmes.decide(self.cursor, touches, now=self.terms.now)
        recording.move_volume(self.cursor, entering, now=self.terms.now)

    def _check(self, fact: Fact) -> Rejection | None:
        """Check what depends on what is published."""
        if type(fact) is ProgrammeEnrolled and fact.data.programme not in self._versions:
            name = fact.data.programme
            return Rejection("unknown_programme", "data.programme", f"“{name}” is not published")
        return None

    @property
    def _versions(self) -> Mapping[str, tuple[int, Definition]]:
        if self._published is None:
            self._published = programmes.versions_in_force(self.cursor)
        return self._published

    def _declare(self, crises: Sequence[Arrival]) -> None:
        if crises:
            new = contacts.declare_crises(
                self.cursor, [recording.crisis_row(a.fact, a.received_at) for a in crises]
            )
            self._say(
                [
                    a.ordinal
                    for a in crises
                    if a.ordinal is not None and (a.fact.source, a.fact.id) not in new
                ],
                "known",
            )

    def _register(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Register new lines; return the facts to take, with those that were parked for these lines."""
        registrations = [a for a in arrivals if type(a.fact) is SubscriberRegistered]
        if not registrations:
            return arrivals
        self.cursor.execute(_SQL["register_alone"])
        lines = lines_of(registrations)
        ids = {line.subscriber_id: subject for subject, line in lines.items()}
        for (known,) in self.cursor.execute(_SQL["registered"], {"lines": list(ids)}):
            del lines[ids[known]]
        first: dict[str, Arrival] = {}
        for arrival in sorted(registrations, key=lambda a: (a.received_at, *a.content)):
            subject = key_of(arrival.fact)[0]
            if subject in lines and subject not in first:
                first[subject] = arrival
                arrival.registers = True
        new = [(lines[subject].subscriber_id, a.received_at, a.fact) for subject, a in first.items()]
        recording.register(self.cursor, new)
        copy_rows(self.cursor, "intake_line", ("subscriber_id", "frontier_at"), [row[:2] for row in new])
        return self._in_time(self._unparked([row[0] for row in new]) + arrivals, first)

    def _unparked(self, lines: Sequence[UUID]) -> list[Arrival]:
        """Fetch the facts that waited for lines; they come before what arrives with the registration."""
        waiting = []
        for (body,) in self.cursor.execute(_SQL["unpark"], {"lines": list(lines)}).fetchall():
            fact = read_fact(bytes(body))
            assert not isinstance(fact, Rejection)  # noqa: S101 - it was checked when it was parked
            assert fact.received is not None  # noqa: S101 - parking writes it
            waiting.append(Arrival(fact, fact.received))
        return waiting

    def _in_time(self, arrivals: Sequence[Arrival], registered: Mapping[str, Arrival]) -> list[Arrival]:
        """Refuse facts received too long before their line was registered, and repetitions of parked ones."""
        in_time: dict[tuple[str, str, str], Arrival] = {}
        for arrival in arrivals:
            key = key_of(arrival.fact)
            registration = registered.get(key[0])
            if registration is not None and arrival.received_at + PARKED_FOR <= registration.received_at:
                self._refuse(arrival, _PARKED_TOO_LONG)
            elif in_time.setdefault(key, arrival) is not arrival:
                self._say([arrival.ordinal], "known")
        return list(in_time.values())

    def _lock(self, lines: Mapping[str, ArrivingLine]) -> dict[UUID, datetime]:
        """Lock the registered lines and advance their frontiers.

        Returns the frontiers that were before, of the lines of which something arrives behind them.
        """
        rows = self.cursor.execute(_SQL["lock_lines"]).fetchall()
        if len(rows) < len(lines):
            self.cursor.execute(_SQL["park_with_others"])
            by_id = {line.subscriber_id: line for line in lines.values()}
            unregistered = [row[0] for row in self.cursor.execute(_SQL["unregistered_lines"])]
            if len(unregistered) + len(rows) != len(lines):
                raise _RegisteredMeanwhileError
            for line in unregistered:
                by_id[line].is_registered = False
        return {line: frontier_at for line, frontier_at in rows if line is not None}

    def _hold_keys(self, placed: Sequence[tuple[ArrivingLine, Arrival]]) -> list[Entering]:
        """Hold the keys of the facts that enter.

        Left out are facts of lines that are not registered, keys that are held already, registrations of
        lines that exist, and enrolments that a budget cannot keep.
        """
        left_out = self._park_unregistered(placed)
        for (n,) in self.cursor.execute(_SQL["known_facts"]):
            if n not in left_out:
                self._say([placed[n][1].ordinal], "known")
                left_out.add(n)
        for n, (_, arrival) in enumerate(placed):
            if type(arrival.fact) is SubscriberRegistered and not arrival.registers and n not in left_out:
                self._refuse(arrival, _ALREADY_REGISTERED)
                left_out.add(n)
        left_out |= self._refuse_beyond_budget(placed, left_out)
        self.cursor.execute(_SQL["hold_keys"], {"left_out": list(left_out)})
        return [
            (line.subscriber_id, a.received_at, a.fact)
            for n, (line, a) in enumerate(placed)
            if n not in left_out
        ]

    def _park_unregistered(self, placed: Sequence[tuple[ArrivingLine, Arrival]]) -> set[int]:
        """Set aside the facts of lines that are not registered; return their places."""
        unknown = [(n, line, a) for n, (line, a) in enumerate(placed) if not line.is_registered]
        self.cursor.executemany(
            _SQL["park"], [_parking(a, line.subscriber_id, self.terms.now) for _, line, a in unknown]
        )
        self._say([a.ordinal for _, _, a in unknown], "parked")
        return {n for n, _, _ in unknown}

    def _refuse_beyond_budget(
        self, placed: Sequence[tuple[ArrivingLine, Arrival]], left_out: set[int]
    ) -> set[int]:
        """Refuse enrolments that a budget cannot keep; a replay asks what would be, so it refuses none."""
        if self.terms.is_history:
            return set()
        wishes = [
            (n, recording.enrolment_row(line.subscriber_id, a.received_at, a.fact))
            for n, (line, a) in enumerate(placed)
            if type(a.fact) is ProgrammeEnrolled and n not in left_out
        ]
        if not wishes:
            return set()
        answers = programmes.affordable(self.cursor, [row for _, row in wishes], self._versions)
        refused = {n for (n, _), is_affordable in zip(wishes, answers, strict=True) if not is_affordable}
        for n in refused:
            self._refuse(placed[n][1], _BUDGET_EXHAUSTED)
        return refused

    def _outstanding(
        self, lines: Mapping[str, ArrivingLine], behind: Mapping[UUID, datetime]
    ) -> list[Outstanding]:
        """Tell between which instants the clock and crises may still be undecided for each line."""
        since = min(line.first_received_at for line in lines.values())
        if not programmes.may_be_outstanding(self.cursor, since):
            return []
        rows = self.cursor.execute(_SQL["spans"]).fetchall()
        return [Outstanding(line, behind.get(line, decided_at), until) for line, decided_at, until in rows]

    def _say(self, ordinals: Iterable[int | None], result: str) -> None:
        for ordinal in ordinals:
            if ordinal is not None:
                self.receipt.results[ordinal] = result

    def _refuse(self, arrival: Arrival, rejection: Rejection) -> None:
        self.refusals.append(Refusal(rejection, arrival.content[1], arrival.fact, arrival.ordinal))

    def _close_refusals(self) -> None:
        """Keep every refused fact with its reason, and tell of it in the receipt."""
        for refusal in self.refusals:
            if refusal.ordinal is not None:
                self.receipt.results[refusal.ordinal] = "rejected"
                self.receipt.rejections.append((refusal.ordinal, refusal.rejection))
        keep_refusals(self.cursor, self.refusals, now=self.terms.now)


def _parking(arrival: Arrival, line: UUID, now: datetime) -> dict[str, Any]:
    """Write a fact down with the instant it was received, to enter as it arrived."""
    fact = arrival.fact
    assert not isinstance(fact, CrisisFact)  # noqa: S101 - crises are kept apart
    return {
        "subscriber_id": line,
        "source": fact.source,
        "id": fact.id,
        "received_at": arrival.received_at,
        "parked_at": now,
        "body": msgspec.json.encode(msgspec.structs.replace(fact, received=arrival.received_at)),
    }
