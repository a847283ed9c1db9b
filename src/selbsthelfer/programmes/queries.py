"""Read what is published, what is decided for lines (by the statements that decide), and what was granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.kit.sql import plan_by_key, statements
from selbsthelfer.programmes.alterations import parse_definition, settle_altered
from selbsthelfer.programmes.core.grants import GrantMade, LedgerGrant, status_of_grant
from selbsthelfer.programmes.core.versions import PublishedVersion
from selbsthelfer.programmes.operations import judge_asked

_SQL = statements("selbsthelfer.programmes")
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)

MAX_LINES = 5_000
"""Lines judged at once."""
MAX_VERSIONS = 200
"""Newest versions of one programme that are listed."""
MAX_GRANTS = 200
"""Grants on one page of the ledger."""
MAX_EXPORTED = 10_000
"""Newest rows of each kind in an export of one line."""


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


class GrantKey(NamedTuple):
    """Where a page of the ledger ended; the next one goes on before it."""

    granted_at: datetime
    programme: str
    index: int  # type: ignore[assignment]  # the tuple's own method of this name is not used


class TrancheWaiting(NamedTuple):
    """A tranche of the running period that one counting activity would release."""

    subscriber_id: UUID
    programme: str
    version: int
    index: int  # type: ignore[assignment]  # the tuple's own method of this name is not used
    window: int
    level: int
    bytes: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """The tranches that wait, of one page of lines; the next page, if any, starts beyond `next_beyond`.

    A page may hold no tranche and still have one after it.
    """

    tranches: tuple[TrancheWaiting, ...]
    next_beyond: UUID | None


def version_at(cursor: psycopg.Cursor[Any], programme: str, at: datetime) -> PublishedVersion | None:
    """Load the version of a programme that was in force at an instant; none if none was published by then."""
    row = cursor.execute(_SQL["version_at"], {"programme": programme, "at": at}).fetchone()
    return None if row is None else _version(row)


def versions_of(cursor: psycopg.Cursor[Any], programme: str) -> Sequence[PublishedVersion]:
    """List the versions of a programme, newest first, at most `MAX_VERSIONS`."""
    rows = cursor.execute(_SQL["versions_of"], {"programme": programme, "limit": MAX_VERSIONS})
    return [_version(row) for row in rows]


def versions_at(cursor: psycopg.Cursor[Any], at: datetime) -> Sequence[PublishedVersion]:
    """List the version of each programme that was in force at an instant, by name."""
    return [_version(row) for row in cursor.execute(_SQL["versions_at"], {"at": at})]


def open_programmes(cursor: psycopg.Cursor[Any], *, at: datetime) -> Sequence[PublishedVersion]:
    """List the programmes in force at an instant whose dates let lines enrol then, by name."""
    return [version for version in versions_at(cursor, at) if version.is_open(at)]


def _version(row: tuple[Any, ...]) -> PublishedVersion:
    programme, version, digest, text, published_at = row
    return PublishedVersion(programme, version, digest, parse_definition(text), published_at)


def grants_of_activity(
    cursor: psycopg.Cursor[Any], line: UUID, *, source: str, activity_id: str
) -> Sequence[GrantMade]:
    """List what one activity of a line brought, at most one grant in each programme. One query.

    Told is `usable_until` as it is now known: the end of the line cuts it. In `control` nothing is granted.
    """
    parameters = {"line": line, "source": source, "activity_id": activity_id}
    return [_grant(row) for row in cursor.execute(_SQL["grants_of_activity"], parameters)]


def grants_of_line(
    cursor: psycopg.Cursor[Any],
    line: UUID,
    *,
    at: datetime,
    limit: int = MAX_GRANTS,
    before: GrantKey | None = None,
) -> Sequence[LedgerGrant]:
    """Page through every grant of a line, newest first, as they stood at an instant. One query.

    At most `MAX_GRANTS` at once; `ledger_key` of the last one leads to the next page.
    """
    start = before or GrantKey(_END_OF_TIME, "", 0)
    parameters = {"line": line, "at": at, "limit": min(limit, MAX_GRANTS), **start._asdict()}
    ledger = []
    for *row, activity, source, id_, left_bytes in cursor.execute(_SQL["grants_of_line"], parameters):
        grant = _grant(tuple(row))
        status = status_of_grant(grant, left_bytes, at)
        ledger.append(LedgerGrant(grant, activity, source, id_, left_bytes, status))
    return ledger


def ledger_key(entry: LedgerGrant) -> GrantKey:
    """Tell where a page that ends with this grant ends."""
    return GrantKey(entry.grant.granted_at, entry.grant.programme, entry.grant.index)


def _grant(row: tuple[Any, ...]) -> GrantMade:
    programme, version, index, window, level, bytes_, granted_at, usable_until, credit_id, state = row
    return GrantMade(
        programme=programme,
        version=version,
        index=index,
        window=window,
        level=level,
        bytes=bytes_,
        granted_at=granted_at,
        usable_until=usable_until,
        credit_id=credit_id,
        order_state=None if state is None else OrderState(state),
    )


def tranches_waiting(
    cursor: psycopg.Cursor[Any], *, at: datetime, beyond: UUID | None = None, limit: int = MAX_LINES
) -> WaitingPage:
    """List the tranches that only an activity is missing to, of one page of lines by key.

    The lines are decided by the same statements that release, as known at `at`; at most `MAX_LINES` at once.
    It runs inside a transaction: the statements fill temporary tables that end with it.
    """
    limit = min(limit, MAX_LINES)
    parameters = {"at": at, "beyond": beyond or UUID(int=0), "limit": limit}
    lines = [row[0] for row in cursor.execute(_SQL["lines_with_periods_that_pay"], parameters)]
    if not lines:
        return WaitingPage((), None)
    ask_standings(cursor, lines, now=at)
    rows = cursor.execute(_SQL["tranches_waiting"], {"lines": lines})
    tranches = tuple(TrancheWaiting(*row) for row in rows)
    return WaitingPage(tranches, lines[-1] if len(lines) == limit else None)


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Tell all that this room keeps of a line, as plain values for JSON, newest first.

    Bytes are whole numbers, instants are RFC 3339 in UTC. At most `MAX_EXPORTED` rows of each kind.
    """
    parameters = {"line": line, "limit": MAX_EXPORTED}

    def told(statement: str) -> list[dict[str, object]]:
        found = cursor.execute(_SQL[statement], parameters)
        names = [column.name for column in found.description or ()]
        return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in found]

    return {
        "enrolments": told("export_enrolments"),
        "releases": told("export_releases"),
        "withdrawals": told("export_withdrawals"),
        "invitations": told("export_invitations"),
    }


def _plain(value: object) -> object:
    """Write an instant as text; numbers and texts stay."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


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
