"""Included volume of lines: what is known of it, and where a bucket is still to be made.

Calendar work is never done in SQL. It is needed once for a line and billing period, when the first usage of
the period finds no included bucket, and where a page shows one before that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.allowances.core.buckets import included_bucket_id
from selbsthelfer.allowances.core.included import (
    IncludedChange,
    Stretch,
    covering,
    free_part,
    included_bytes_from,
    included_stretch,
)
from selbsthelfer.kit.sql import statements
from selbsthelfer.subscribers.core.billing import Calendar, Cycle
from selbsthelfer.subscribers.queries import LineBilling, line_billings

_SQL = statements("selbsthelfer.allowances")


class Included(NamedTuple):
    """The included volume of a line for a stretch of time; without bytes it is unlimited."""

    subscriber_id: UUID
    bucket_id: UUID
    bytes: int | None
    valid_from: datetime
    valid_until: datetime


class UncoveredUsage(NamedTuple):
    """Usage at a time for which no included bucket was made."""

    position: int
    subscriber_id: UUID
    happened_at: datetime
    received_at: datetime


@dataclass(slots=True)
class _Terms:
    """How much a line includes, as registered and by each change; none means unlimited."""

    registered_bytes: int | None
    changes: list[IncludedChange] = field(default_factory=list)


class IncludedVolume:
    """The included volume of some lines, as known in the running transaction."""

    def __init__(self, cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> None:
        self._terms = _load_terms(cursor, lines)
        limited = [line for line, terms in self._terms.items() if terms.registered_bytes or terms.changes]
        self._billings = line_billings(cursor, limited) if limited else {}
        self._made = _load_made(cursor, [line for line, b in self._billings.items() if b.changes])
        self._steady: dict[tuple[str, Cycle], Stretch] = {}

    def at(self, line: UUID, at: datetime, *, known_at: datetime | None = None) -> Included | None:
        """Tell which included volume would be made for an instant; none where the tariff includes nothing.

        With `known_at` only what was received until then is taken into account.
        """
        terms = self._terms[line]
        changes = [c for c in terms.changes if known_at is None or c.received_at <= known_at]
        if not changes and not terms.registered_bytes:
            return None if terms.registered_bytes == 0 else Included(line, line, None, at, at)
        stretch = self._stretch(self._billings[line], at, known_at)
        bytes_ = included_bytes_from(terms.registered_bytes, changes, stretch.starts_at)
        if bytes_ == 0:
            return None
        stretch = free_part(stretch, self._made[line], at)
        return Included(line, included_bucket_id(line, stretch.starts_at), bytes_, *stretch)

    def is_made(self, line: UUID, at: datetime) -> bool:
        """Tell whether a bucket for an instant was noted here."""
        return covering(self._made[line], at) is not None

    def note_made(self, included: Included) -> None:
        stretch = Stretch(included.valid_from, included.valid_until)
        self._made[included.subscriber_id].append(stretch)

    def _stretch(self, billing: LineBilling, at: datetime, known_at: datetime | None) -> Stretch:
        """Find the stretch of an instant; most lines of a batch share their cycle and period."""
        changes = tuple(
            change for change, received_at in billing.changes if known_at is None or received_at <= known_at
        )
        if changes:
            return included_stretch(Calendar(billing.timezone, billing.cycle, changes), at)
        key = (billing.timezone, billing.cycle)
        steady = self._steady.get(key)
        if steady is None or not steady.covers(at):
            steady = self._steady[key] = included_stretch(Calendar(*key), at)
        return steady


def plan_included(
    volume: IncludedVolume, uncovered: Iterable[UncoveredUsage]
) -> tuple[list[Included], list[int]]:
    """List the buckets to make, and the positions of usage that burns nothing because it is unlimited."""
    to_make: list[Included] = []
    unlimited: list[int] = []
    for usage in uncovered:
        line, at = usage.subscriber_id, usage.happened_at
        if volume.is_made(line, at):
            continue
        included = volume.at(line, at, known_at=usage.received_at)
        if included is None:
            continue
        if included.bytes is None:
            unlimited.append(usage.position)
        else:
            to_make.append(included)
            volume.note_made(included)
    return to_make, unlimited


def _load_terms(cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> Mapping[UUID, _Terms]:
    terms: dict[UUID, _Terms] = {}
    for line, registered_bytes, at, id_, source, received_at, bytes_ in cursor.execute(
        _SQL["included_terms"], {"lines": list(lines)}
    ):
        known = terms.setdefault(line, _Terms(registered_bytes))
        if at is not None:
            known.changes.append(IncludedChange(at, id_, source, received_at, bytes_))
    return terms


def _load_made(cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> defaultdict[UUID, list[Stretch]]:
    """Load the stretches that have their bucket; needed only where a change has moved billing periods."""
    made: defaultdict[UUID, list[Stretch]] = defaultdict(list)
    if lines:
        for line, starts_at, ends_at in cursor.execute(_SQL["included_made"], {"lines": list(lines)}):
            made[line].append(Stretch(starts_at, ends_at))
    return made
