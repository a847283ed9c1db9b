"""Read what is decided for lines, by the same set statements that decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import plan_by_key, statements
from selbsthelfer.programmes.alterations import settle_altered
from selbsthelfer.programmes.operations import judge_asked

_SQL = statements("selbsthelfer.programmes")

MAX_LINES = 5_000
"""Lines judged at once."""


class StageRow(NamedTuple):
    subscriber_id: UUID
    programme: str
    window: int
    level: int
    state: str
    activities: int
    counting_contacts: list[str]


class JudgedRow(NamedTuple):
    subscriber_id: UUID
    programme: str
    window: int
    happened_at: datetime
    source: str
    id: str
    code: str | None


class CountingRow(NamedTuple):
    subscriber_id: UUID
    programme: str
    index: int  # type: ignore[assignment]  # the tuple's own method of this name is not used
    happened_at: datetime
    source: str
    id: str


class ReleaseRow(NamedTuple):
    subscriber_id: UUID
    programme: str
    index: int  # type: ignore[assignment]  # the tuple's own method of this name is not used
    window: int
    level: int
    bytes: int
    granted_at: datetime
    valid_until: datetime
    activity_source: str | None
    activity_id: str | None
    credit_id: UUID


class EnrolmentState(NamedTuple):
    subscriber_id: UUID
    programme: str
    version: int
    variant: str
    enrolled_at: datetime
    stopped_at: datetime | None
    closes_at: datetime
    period_bounds: list[datetime]


@dataclass(frozen=True, slots=True)
class Standings:
    """Where lines stand at an instant, each list ordered by line, programme and time."""

    enrolments: list[EnrolmentState]
    stages: list[StageRow]
    contacts: list[JudgedRow]
    activities: list[CountingRow]
    releases: list[ReleaseRow]


def ask_standings(cursor: psycopg.Cursor[Any], lines: Sequence[UUID], *, now: datetime) -> None:
    """Decide the stages of lines as known at `now`, into the temporary tables of this transaction."""
    cursor.execute(_SQL["prepare"], prepare=False)
    cursor.execute(_SQL["clear"], prepare=False)
    plan_by_key(cursor)
    cursor.execute(_SQL["ask_lines"], {"lines": list(lines), "now": now})
    cursor.execute(_SQL["ask_all"])
    settle_altered(cursor)
    judge_asked(cursor)


def standings(cursor: psycopg.Cursor[Any], lines: Sequence[UUID], *, now: datetime) -> Standings:
    """Tell where lines stand, as known at `now`; at most `MAX_LINES` at once."""
    if len(lines) > MAX_LINES:
        raise ValueError(f"at most {MAX_LINES} lines are judged at once")
    ask_standings(cursor, lines, now=now)
    enrolments = []
    for row in cursor.execute(_SQL["enrolments"]):
        enrolments.append(EnrolmentState(*row))  # noqa: PERF401 - the cursor is read before the next statement
    stages = [StageRow(*row) for row in cursor.execute(_SQL["stages"])]
    contacts = [JudgedRow(*row) for row in cursor.execute(_SQL["judged"])]
    activities = [CountingRow(*row) for row in cursor.execute(_SQL["counting"])]
    parameters = {"lines": list(lines), "now": now}
    releases = [ReleaseRow(*row) for row in cursor.execute(_SQL["releases"], parameters)]
    return Standings(enrolments, stages, contacts, activities, releases)


def enrolled_lines(cursor: psycopg.Cursor[Any]) -> Iterator[list[tuple[str, UUID]]]:
    """Yield every enrolled line's own id and ours, in pages of `MAX_LINES` by the operator's id."""
    beyond = ""
    while True:
        page = cursor.execute(_SQL["enrolled_lines"], {"beyond": beyond, "limit": MAX_LINES}).fetchall()
        if not page:
            return
        yield page
        beyond = page[-1][0]
