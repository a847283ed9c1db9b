"""Boundaries and ends of the enrolments for which they depend on when one looks.

Calendar work is never done in SQL. Few lines change their billing day or leave, so theirs is done here, one
enrolment at a time, while the others carry their boundaries in the enrolment's row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import statements
from selbsthelfer.programmes.core.definition import Definition, read_definition
from selbsthelfer.programmes.core.history import KnownChange
from selbsthelfer.programmes.core.windows import Windows, windows_while_open
from selbsthelfer.subscribers.queries import LineBilling, line_billings, line_ends

_SQL = statements("selbsthelfer.programmes")
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shape:
    """An enrolment's boundaries, and the instant from which facts do not count (none: not yet)."""

    windows: Windows
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What can alter the enrolments of one line, each with the instant it was received."""

    billing: LineBilling
    ends: Sequence[tuple[datetime, datetime]]
    withdrawals: Mapping[str, Sequence[tuple[datetime, datetime]]]

    @property
    def changes(self) -> tuple[KnownChange, ...]:
        return tuple(KnownChange(change, received_at) for change, received_at in self.billing.changes)

    def shape(
        self, programme: str, definition: Definition, enrolled_at: datetime, known_until: datetime
    ) -> Shape:
        """Draw an enrolment as known at an instant, at the latest when it closed."""
        billing = self.billing
        windows = windows_while_open(
            billing.timezone, billing.cycle, self.changes, enrolled_at, definition, known_until
        )
        known_until = min(known_until, windows.closes_at)
        stops = [happened_at for happened_at, received_at in self.ends if received_at <= known_until]
        for happened_at, received_at in self.withdrawals.get(programme, ()):
            if received_at <= known_until and happened_at >= enrolled_at:
                stops.append(happened_at)
        return Shape(windows, min(stops, default=None))


@lru_cache(maxsize=200)
def parse_definition(text: str) -> Definition:
    """Read a published definition; it was checked when it was published."""
    return read_definition(text)


def definition_of(cursor: psycopg.Cursor[Any], programme: str, version: int) -> Definition:
    """Load the definition of a published version."""
    row = cursor.execute(
        _SQL["definition_of_version"], {"programme": programme, "version": version}
    ).fetchone()
    assert row is not None, f"{programme} has no version {version}"  # noqa: S101 - guarded by a foreign key
    return parse_definition(row[0])


def alter_lines(cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> None:
    """Bring the enrolments of lines whose billing day changed or that left up to date."""
    enrolments = cursor.execute(_SQL["enrolments_of_lines"], {"lines": list(lines)}).fetchall()
    known = _load_known(cursor, lines)
    for subscriber_id, programme, version, _, enrolled_at, _ in enrolments:
        definition = definition_of(cursor, programme, version)
        shape = known[subscriber_id].shape(programme, definition, enrolled_at, END_OF_TIME)
        cursor.execute(_SQL["alter"], _parameters(subscriber_id, programme, shape))


def settle_altered(cursor: psycopg.Cursor[Any]) -> None:
    """Give each altered enrolment that is asked about its shape as known at the instant of the question."""
    asked = cursor.execute(_SQL["altered"]).fetchall()
    if not asked:
        return
    known = _load_known(cursor, list({row[0] for row in asked}))
    for subscriber_id, programme, version, enrolled_at, known_until in asked:
        definition = definition_of(cursor, programme, version)
        shape = known[subscriber_id].shape(programme, definition, enrolled_at, known_until)
        cursor.execute(
            _SQL["settle_altered"],
            {**_parameters(subscriber_id, programme, shape), "known_until": known_until},
        )


def altered_clock_instants(
    cursor: psycopg.Cursor[Any], lines: Sequence[UUID]
) -> Mapping[UUID, frozenset[datetime]]:
    """List every instant that was the start of a period at some time, for altered lines with a clock."""
    altered = [row[0] for row in cursor.execute(_SQL["altered_clock_lines"], {"lines": list(lines)})]
    known = _load_known(cursor, altered)
    instants: dict[UUID, set[datetime]] = defaultdict(set)
    for subscriber_id, programme, version, _, enrolled_at, known_from in cursor.execute(
        _SQL["enrolments_of_lines"], {"lines": altered}
    ).fetchall():
        definition = definition_of(cursor, programme, version)
        line = known[subscriber_id]
        for known_until in (known_from, *(change.received_at for change in line.changes)):
            windows = line.shape(programme, definition, enrolled_at, known_until).windows
            instants[subscriber_id].update(windows.bounds)
    return {line: frozenset(found) for line, found in instants.items()}


def _load_known(cursor: psycopg.Cursor[Any], lines: Sequence[UUID]) -> Mapping[UUID, _Known]:
    withdrawals: dict[UUID, dict[str, list[tuple[datetime, datetime]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for subscriber_id, programme, happened_at, _, _, received_at in cursor.execute(
        _SQL["withdrawals_of_lines"], {"lines": list(lines)}
    ):
        withdrawals[subscriber_id][programme].append((happened_at, received_at))
    ends = line_ends(cursor, lines)
    return {
        line: _Known(billing, ends.get(line, ()), withdrawals[line])
        for line, billing in line_billings(cursor, lines).items()
    }


def _parameters(subscriber_id: UUID, programme: str, shape: Shape) -> dict[str, Any]:
    return {
        "subscriber_id": subscriber_id,
        "programme": programme,
        "period_bounds": list(shape.windows.bounds),
        "closes_at": shape.windows.closes_at,
        "stopped_at": shape.stopped_at,
    }
