"""Read what volume a line has, had and used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.allowances.core.buckets import BURN_ORDER, included_bucket_id
from selbsthelfer.allowances.included import Included, Uncovered, plan_included
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.allowances")

MAX_ENTRIES = 500
"""Entries on one page."""


class UnknownLineError(LookupError):
    """No line is registered under this id."""


class LineBucket(NamedTuple):
    """A bucket of a line at an instant; `valid_until` is its own end or the line's, whichever comes first."""

    bucket_id: UUID
    kind: str
    size_bytes: int
    left_bytes: int
    valid_from: datetime
    valid_until: datetime
    is_resting: bool


@dataclass(frozen=True, slots=True)
class Allowance:
    """What volume a line has at an instant: its valid buckets in the order in which they burn.

    Buckets of a suspended line rest: they are listed, but nothing of them is usable. After its end a line has
    nothing.
    """

    buckets: tuple[LineBucket, ...]
    is_unlimited: bool

    @property
    def usable_bytes(self) -> int | None:
        """What can be used at that instant; none means unlimited."""
        if self.is_unlimited:
            return None
        return sum(bucket.left_bytes for bucket in self.buckets if not bucket.is_resting)


class EntryKey(NamedTuple):
    """Where a page of entries ended; the next one goes on before it."""

    happened_at: datetime
    bucket_id: UUID
    ordinal: int


class LineEntry(NamedTuple):
    """A movement of a bucket, with the fact that caused it where there is one."""

    kind: str
    bucket_id: UUID
    ordinal: int
    amount_bytes: int
    balance_bytes: int
    happened_at: datetime
    received_at: datetime
    fact_source: str | None
    fact_id: str | None

    @property
    def key(self) -> EntryKey:
        return EntryKey(self.happened_at, self.bucket_id, self.ordinal)


class UsageTotal(NamedTuple):
    """How much a line used, and how much of it found no volume."""

    records: int
    bytes: int
    unmet_bytes: int


_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_AFTER_ALL = EntryKey(_END_OF_TIME, UUID(int=2**128 - 1), 2**31 - 1)


def allowance_of_line(cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime) -> Allowance:
    """Tell what volume a line has at any instant, past instants included, as far as is known now.

    An entry counts from when it happened, however late it was received; suspension and the line's end do
    likewise. Included volume is shown also where no usage has made its bucket yet; reading writes nothing.
    Raises `UnknownLineError`.
    """
    parameters = {"line": line, "at": at, "burn_order": list(BURN_ORDER)}
    rows = cursor.execute(_SQL["allowance_at"], parameters).fetchall()
    if not rows:
        raise UnknownLineError(f"no line is registered as {line}")
    ended_at, is_resting = rows[0][:2]
    if ended_at is not None and ended_at <= at:
        return Allowance((), is_unlimited=False)
    buckets = [
        LineBucket(bucket_id, kind, size_bytes, left_bytes, valid_from, valid_until, is_resting)
        for _, _, bucket_id, kind, size_bytes, left_bytes, valid_from, valid_until in rows
        if bucket_id is not None
    ]
    is_unlimited = False
    if not any(bucket.kind == "included" for bucket in buckets):
        plan = plan_included(cursor, [Uncovered(0, line, at, _END_OF_TIME)])
        is_unlimited = bool(plan.unlimited) and not is_resting
        buckets += [_not_made_yet(included, is_resting) for included in plan.to_make]
        buckets.sort(key=_burns)
    end = ended_at or _END_OF_TIME
    return Allowance(tuple(b._replace(valid_until=min(b.valid_until, end)) for b in buckets), is_unlimited)


def buckets_of_line(cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime) -> Sequence[LineBucket]:
    """List the buckets valid at an instant in the order in which they burn; raises `UnknownLineError`."""
    return allowance_of_line(cursor, line, at=at).buckets


def balance(cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime) -> int | None:
    """Tell how many bytes are usable at an instant, none if unlimited; raises `UnknownLineError`."""
    return allowance_of_line(cursor, line, at=at).usable_bytes


def entries_of_line(
    cursor: psycopg.Cursor[Any], line: UUID, *, limit: int, before: EntryKey | None = None
) -> Sequence[LineEntry]:
    """Page through the entries of a line, newest first, at most `MAX_ENTRIES` at once."""
    rows = cursor.execute(
        _SQL["entries"],
        {"line": line, "limit": min(limit, MAX_ENTRIES), **(before or _AFTER_ALL)._asdict()},
    )
    return [LineEntry(*row) for row in rows]


def usage_total(
    cursor: psycopg.Cursor[Any], line: UUID, *, from_at: datetime, until_at: datetime
) -> UsageTotal:
    """Add up what a line used in a stretch of time, from ≤ time < until."""
    parameters = {"line": line, "from_at": from_at, "until_at": until_at}
    row = cursor.execute(_SQL["usage_total"], parameters).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return UsageTotal(*row)


def _not_made_yet(included: Included, is_resting: bool) -> LineBucket:
    line, bytes_, stretch = included
    bucket_id = included_bucket_id(line, stretch.starts_at)
    return LineBucket(bucket_id, "included", bytes_, bytes_, *stretch, is_resting)


def _burns(bucket: LineBucket) -> tuple[datetime, int, datetime, UUID]:
    return bucket.valid_until, BURN_ORDER.index(bucket.kind), bucket.valid_from, bucket.bucket_id
