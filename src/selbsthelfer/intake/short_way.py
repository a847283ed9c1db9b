"""The short way through the door, for a few facts of lines that exist: three round trips instead of twenty.

It does what `operations` does for a batch, with arrays in place of temporary tables, which cost a
millisecond to fill and another to empty at the commit. What depends on more than lines and keys goes the
whole way: registrations, enrolments, crises, and facts of lines that are not registered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.intake import recording
from selbsthelfer.intake.arrivals import Arrival, Arrivals, key_of, lines_of
from selbsthelfer.intake.behind import find_behind, later_instants
from selbsthelfer.intake.core.facts import ActivityFinished, ProgrammeEnrolled, SubscriberRegistered
from selbsthelfer.intake.recording import Entering
from selbsthelfer.kit.sql import array_of, statements
from selbsthelfer.programmes import operations as programmes
from selbsthelfer.programmes.operations import Outstanding, Touch

_SQL = statements("selbsthelfer.intake")

MAX_FEW = 100
"""Facts that go the short way; for more, filling tables by COPY is quicker than arrays."""
_NOT_FEW = frozenset({SubscriberRegistered, ProgrammeEnrolled})


class WholeWayError(RuntimeError):
    """Some line is not registered: what was done is to be undone, and the whole way taken."""


class FewTaken(NamedTuple):
    """Which facts were known already, and how many tranches were released."""

    known: Sequence[Arrival]
    released: int


class _Held(NamedTuple):
    """What is known once lines and keys are held: the lines' frontiers before and after, and what is new."""

    spans: Sequence[tuple[UUID, datetime, datetime]]
    entering: Sequence[Entering]
    known: Sequence[Arrival]
    may_be_outstanding: bool


def are_few(arrivals: Arrivals) -> bool:
    """Tell whether all of a batch can go the short way."""
    return (
        0 < len(arrivals.of_lines) <= MAX_FEW
        and not arrivals.crises
        and not any(type(arrival.fact) in _NOT_FEW for arrival in arrivals.of_lines)
    )


def take_few(cursor: psycopg.Cursor[Any], arrivals: Sequence[Arrival], *, now: datetime) -> FewTaken:
    """Take a few facts of lines: lock, leave out what is known, record, decide.

    Raises `WholeWayError` where a line is not registered; the caller rolls back.
    """
    held = _hold(cursor, arrivals)
    behind = find_behind(held.entering, {line: decided_at for line, decided_at, _ in held.spans})
    outstanding = [
        Outstanding(line, behind.get(line, decided_at), until)
        for line, decided_at, until in held.spans
        if held.may_be_outstanding
    ]
    # As on the whole way: asked before and after recording.
    touches = programmes.outstanding_touches(cursor, outstanding)
    if held.entering:
        news = recording.touches_of(held.entering, behind)
        releasing = _record(cursor, held.entering, news)
        touches += programmes.outstanding_touches(cursor, outstanding)
        touches += later_instants(cursor, behind)
        # What else is decided for a line may make news matter that did not matter before.
        touches += news if touches else [touch for touch in news if touch.subscriber_id in releasing]
    released = programmes.decide(cursor, touches, now=now) if touches else 0
    recording.move_volume(cursor, held.entering, now=now)
    return FewTaken(held.known, released)


def _hold(cursor: psycopg.Cursor[Any], arrivals: Sequence[Arrival]) -> _Held:
    """Lock the lines, advance their frontiers and hold the keys, in one round trip."""
    lines = lines_of(arrivals)
    ordered = sorted(lines.values(), key=lambda line: line.subscriber_id)
    placed = [(lines[key_of(a.fact)[0]].subscriber_id, a) for a in arrivals]
    keys, others = psycopg.Cursor(cursor.connection), psycopg.Cursor(cursor.connection)
    with cursor.connection.pipeline():
        others.execute(_SQL["plan_few_by_key"])
        cursor.execute(
            _SQL["lock_few"],
            {
                "lines": array_of(line.subscriber_id for line in ordered),
                "received_at": array_of(line.last_received_at for line in ordered),
            },
        )
        keys.execute(_SQL["hold_few"], _keys(placed))
        is_outstanding = programmes.may_be_outstanding(
            others, min(line.first_received_at for line in ordered)
        )
    spans = cursor.fetchall()
    if len(spans) < len(lines):
        raise WholeWayError
    new = set(keys.fetchall())
    entering, known = [], []
    for line, arrival in placed:
        if (line, arrival.fact.source, arrival.fact.id) in new:
            entering.append((line, arrival.received_at, arrival.fact))
        else:
            known.append(arrival)
    return _Held(spans, entering, known, is_outstanding)


def _keys(placed: Sequence[tuple[UUID, Arrival]]) -> Mapping[str, str]:
    return {
        "lines": array_of(line for line, _ in placed),
        "sources": array_of(arrival.fact.source for _, arrival in placed),
        "ids": array_of(arrival.fact.id for _, arrival in placed),
        "received_at": array_of(arrival.received_at for _, arrival in placed),
    }


def _record(
    cursor: psycopg.Cursor[Any], entering: Sequence[Entering], news: Sequence[Touch]
) -> frozenset[UUID]:
    """Record new facts; return the lines for which the news may release or miss something."""
    others = [entry for entry in entering if type(entry[2]) is not ActivityFinished]
    if others:
        recording.record(cursor, others, {})
    with cursor.connection.pipeline():
        recording.record_few_activities(
            psycopg.Cursor(cursor.connection),
            [entry for entry in entering if type(entry[2]) is ActivityFinished],
        )
        return programmes.touched_lines(cursor, news)
