"""Read what courtesy volume staff gave to a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.allowances")

MAX_COURTESIES: Final = 500
"""Courtesies on one page; one more may be read, which tells whether another page follows."""


class CourtesyKey(NamedTuple):
    """Where a page of courtesies ended; the next one goes on before it."""

    happened_at: datetime
    id: str
    source: str


class CourtesyGiven(NamedTuple):
    """Courtesy volume with its bucket, usable from `valid_from` until `usable_until` once it is confirmed.

    `usable_until` is the bucket's own end or the line's, whichever comes first.
    """

    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    bytes: int
    reason: str | None
    by: str | None
    bucket_id: UUID
    valid_from: datetime
    usable_until: datetime
    left_bytes: int
    is_confirmed: bool

    @property
    def key(self) -> CourtesyKey:
        return CourtesyKey(self.happened_at, self.id, self.source)


_AFTER_ALL: Final = CourtesyKey(datetime.max.replace(tzinfo=UTC), "", "")


def courtesies_of_line(
    cursor: psycopg.Cursor[Any], line: UUID, *, limit: int, before: CourtesyKey | None = None
) -> Sequence[CourtesyGiven]:
    """Page through the courtesy volume of a line, newest first. One query.

    At most `MAX_COURTESIES` at once, and one more.
    """
    start = before or _AFTER_ALL
    parameters = {"line": line, "limit": min(limit, MAX_COURTESIES + 1), **start._asdict()}
    rows = cursor.execute(_SQL["courtesy"] + "\n" + _SQL["and_on_page"], parameters)
    return [CourtesyGiven(*row) for row in rows]


def courtesy_of_fact(
    cursor: psycopg.Cursor[Any], line: UUID, *, source: str, fact_id: str
) -> CourtesyGiven | None:
    """Find what one fact of courtesy volume gave; none where the line has no such fact."""
    parameters = {"line": line, "source": source, "id": fact_id}
    row = cursor.execute(_SQL["courtesy"] + "\n" + _SQL["and_of_fact"], parameters).fetchone()
    return None if row is None else CourtesyGiven(*row)


def courtesy_keys_of_buckets(
    cursor: psycopg.Cursor[Any], buckets: Sequence[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], tuple[str, str]]:
    """Find which fact gave each bucket, as (source, id); buckets that are no courtesy are missing."""
    parameters = {"lines": [line for line, _ in buckets], "buckets": [bucket_id for _, bucket_id in buckets]}
    rows = cursor.execute(_SQL["courtesy_keys_of_buckets"], parameters)
    return {(line, bucket_id): (source, fact_id) for line, bucket_id, source, fact_id in rows}
