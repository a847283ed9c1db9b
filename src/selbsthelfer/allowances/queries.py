"""Read what volume a line has, had and used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.allowances.core.buckets import BURN_ORDER, included_bucket_id
from selbsthelfer.allowances.core.included import Stretch
from selbsthelfer.allowances.included import Included, plan_included_of_line
from selbsthelfer.kit.sql import statements
from selbsthelfer.subscribers.core.billing import period_bounds
from selbsthelfer.subscribers.queries import line_billings

_SQL = statements("selbsthelfer.allowances")

MAX_ENTRIES = 500
"""Entries on one page; one more may be read, which tells whether another page follows."""
MAX_ENDING = 5_000
"""Buckets about to end on one page."""
MAX_USAGE_DAYS = 62
"""Days of usage told at once: the two longest months in a row."""
MAX_EXPORTED = 10_000
"""Newest rows of each kind in an export of one line."""


class UnknownLineError(LookupError):
    """No line is registered under this id."""


class LineBucket(NamedTuple):
    """A bucket of a line at an instant; `valid_until` is its own end or the line's, whichever comes first.

    `is_confirmed` is false while a charging system has not said that it took the volume.
    """

    bucket_id: UUID
    kind: str
    size_bytes: int
    left_bytes: int
    valid_from: datetime
    valid_until: datetime
    is_resting: bool
    is_confirmed: bool = True

    @property
    def is_usable(self) -> bool:
        """Tell whether it may be used at that instant, and be called usable."""
        return self.is_confirmed and not self.is_resting


class UsageNow(NamedTuple):
    """What a line used so far in the running period, and its newest record, which tells how fresh that is."""

    starts_at: datetime
    ends_at: datetime
    records: int
    used_bytes: int
    last_record_happened_at: datetime | None
    last_received_at: datetime | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What volume a line has at an instant: its valid buckets in the order in which they burn.

    Buckets of a suspended line rest, and others are not confirmed yet: they are listed, but nothing of them
    is usable. After its end a line has nothing. `usage` is told where a period was asked about.
    """

    buckets: tuple[LineBucket, ...]
    is_unlimited: bool
    usage: UsageNow | None = None

    @property
    def usable_bytes(self) -> int | None:
        """What can be used at that instant; none means unlimited."""
        if self.is_unlimited:
            return None
        return sum(bucket.left_bytes for bucket in self.buckets if bucket.is_usable)


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


class DayUsage(NamedTuple):
    """What a line used from one instant to another, as a rule a local day."""

    starts_at: datetime
    ends_at: datetime
    bytes: int
    unmet_bytes: int


class EndingKey(NamedTuple):
    """Where a page of buckets about to end stopped; the next one goes on after it."""

    ends_at: datetime
    subscriber_id: UUID
    bucket_id: UUID


class EndingBucket(NamedTuple):
    """A bonus bucket that is about to end and still holds something."""

    subscriber_id: UUID
    bucket_id: UUID
    size_bytes: int
    left_bytes: int
    ends_at: datetime

    @property
    def key(self) -> EndingKey:
        return EndingKey(self.ends_at, self.subscriber_id, self.bucket_id)


class TooManyDaysError(ValueError):
    """More than `MAX_USAGE_DAYS` days were asked for, or boundaries that do not rise."""

    code: ClassVar[str] = "too_many_days"


_BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_FIRST_ID = UUID(int=0)
_INSTANT = timedelta(microseconds=1)
_LAST_ID = UUID(int=2**128 - 1)
_AFTER_ALL = EntryKey(_END_OF_TIME, _LAST_ID, 2**31 - 1)


def allowance_of_line(
    cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime, period: Stretch | None = None
) -> Allowance:
    """Tell what volume a line has at any instant, past instants included, as far as is known now.

    An entry counts from when it happened, however late it was received; suspension and the line's end do
    likewise. Included volume is shown also where no usage has made its bucket yet; reading writes nothing.
    With a `period` it tells as well what was used in it. One query, and one more before the first usage of a
    billing period. Raises `UnknownLineError`.
    """
    starts_at, ends_at = period or (at, at)
    parameters = {
        "line": line,
        "at": at,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "burn_order": list(BURN_ORDER),
    }
    rows = cursor.execute(_SQL["allowance_at"], parameters).fetchall()
    if not rows:
        raise UnknownLineError(f"no line is registered as {line}")
    ended_at, is_resting = rows[0][:2]
    usage = None if period is None else UsageNow(*period, *rows[0][-4:])
    if ended_at is not None and ended_at <= at:
        return Allowance((), is_unlimited=False, usage=usage)
    buckets = [
        LineBucket(bucket_id, kind, size_bytes, left_bytes, valid_from, valid_until, is_resting, is_confirmed)
        for _, _, bucket_id, kind, size_bytes, left_bytes, valid_from, valid_until, is_confirmed, *_ in rows
        if bucket_id is not None
    ]
    is_unlimited = False
    if not any(bucket.kind == "included" for bucket in buckets):
        plan = plan_included_of_line(cursor, line, at)
        is_unlimited = bool(plan.unlimited) and not is_resting
        buckets += [_not_made_yet(included, is_resting) for included in plan.to_make]
        buckets.sort(key=_burns)
    end = ended_at or _END_OF_TIME
    kept = tuple(b._replace(valid_until=min(b.valid_until, end)) for b in buckets)
    return Allowance(kept, is_unlimited, usage)


def buckets_of_line(cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime) -> Sequence[LineBucket]:
    """List the buckets valid at an instant in the order in which they burn; raises `UnknownLineError`."""
    return allowance_of_line(cursor, line, at=at).buckets


def balance(cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime) -> int | None:
    """Tell how many bytes are usable at an instant, none if unlimited; raises `UnknownLineError`."""
    return allowance_of_line(cursor, line, at=at).usable_bytes


def entries_of_line(
    cursor: psycopg.Cursor[Any],
    line: UUID,
    *,
    limit: int,
    before: EntryKey | None = None,
    from_at: datetime = _BEGINNING_OF_TIME,
    until_at: datetime = _END_OF_TIME,
) -> Sequence[LineEntry]:
    """Page through the entries of a line that happened from ≤ time < until, newest first.

    At most `MAX_ENTRIES` at once, and one more.
    """
    start = min(before or _AFTER_ALL, EntryKey(until_at, _FIRST_ID, 0))
    parameters = {"line": line, "limit": min(limit, MAX_ENTRIES + 1), "from_at": from_at, **start._asdict()}
    return [LineEntry(*row) for row in cursor.execute(_SQL["entries"], parameters)]


def usage_total(
    cursor: psycopg.Cursor[Any], line: UUID, *, from_at: datetime, until_at: datetime
) -> UsageTotal:
    """Add up what a line used in a stretch of time, from ≤ time < until."""
    parameters = {"line": line, "from_at": from_at, "until_at": until_at}
    row = cursor.execute(_SQL["usage_total"], parameters).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return UsageTotal(*row)


def usage_now(
    cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime, period: Stretch | None = None
) -> UsageNow:
    """Add up what a line used in the billing period of `at` up to then, and tell how fresh that is.

    One query where the caller knows the `period` (an explanation of the line does), else two.
    Raises `UnknownLineError`.
    """
    if period is None:
        billing = line_billings(cursor, [line]).get(line)
        if billing is None:
            raise UnknownLineError(f"no line is registered as {line}")
        period = Stretch(*period_bounds(billing.calendar, containing=at, until=at)[:2])
    row = cursor.execute(_SQL["usage_now"], {"line": line, "at": at, **period._asdict()}).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return UsageNow(*period, *row)


def usage_by_day(
    cursor: psycopg.Cursor[Any], line: UUID, *, bounds: Sequence[datetime]
) -> Sequence[DayUsage]:
    """Add up what a line used between each boundary and the next, days without usage included.

    The boundaries rise, and there are at most `MAX_USAGE_DAYS` days; else raises `TooManyDaysError`.
    """
    if len(bounds) > MAX_USAGE_DAYS + 1 or any(later <= earlier for earlier, later in pairwise(bounds)):
        raise TooManyDaysError(f"at most {MAX_USAGE_DAYS} days, by boundaries that rise")
    if len(bounds) < 2:
        return []
    parameters = {"line": line, "bounds": list(bounds), "from_at": bounds[0], "until_at": bounds[-1]}
    sums = {number: (used, unmet) for number, used, unmet in cursor.execute(_SQL["usage_by_day"], parameters)}
    return [
        DayUsage(start, end, *sums.get(number, (0, 0)))
        for number, (start, end) in enumerate(pairwise(bounds), start=1)
    ]


def buckets_ending(
    cursor: psycopg.Cursor[Any],
    *,
    from_at: datetime,
    until_at: datetime,
    beyond: EndingKey | None = None,
    limit: int = MAX_ENDING,
) -> Sequence[EndingBucket]:
    """Page through the bonus that ends from ≤ time < until and still holds something, by end and line.

    Volume that rests, is not confirmed or ends earlier with its line is left out; `MAX_ENDING` at once.
    """
    start = beyond or EndingKey(from_at - _INSTANT, _LAST_ID, _LAST_ID)
    parameters = {"until_at": until_at, "limit": min(limit, MAX_ENDING), **start._asdict()}
    return [EndingBucket(*row) for row in cursor.execute(_SQL["buckets_ending"], parameters)]


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Tell all that this room keeps of a line, as plain values for JSON, newest first.

    Bytes are whole numbers, instants are RFC 3339 in UTC. At most `MAX_EXPORTED` rows of each kind.
    """
    parameters = {"line": line, "limit": MAX_EXPORTED}

    def told(statement: str, *names: str) -> list[dict[str, object]]:
        rows = cursor.execute(_SQL[statement], parameters)
        return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows]

    return {
        "buckets": told(
            "export_buckets", "id", "kind", "size_bytes", "valid_from", "valid_until", "left_bytes"
        ),
        "usage": told("export_usage", "happened_at", "received_at", "bytes", "unmet_bytes"),
        "courtesies": told("export_courtesies", "happened_at", "received_at", "bytes", "reason"),
        "notices": told("export_notices", "percent", "noticed_at", "received_at", "bonus_bytes"),
    }


def _plain(value: object) -> object:
    """Write an instant or an id as text; numbers and texts stay."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value


def _not_made_yet(included: Included, is_resting: bool) -> LineBucket:
    line, bytes_, stretch = included
    bucket_id = included_bucket_id(line, stretch.starts_at)
    return LineBucket(bucket_id, "included", bytes_, bytes_, *stretch, is_resting)


def _burns(bucket: LineBucket) -> tuple[datetime, int, datetime, UUID]:
    return bucket.valid_until, BURN_ORDER.index(bucket.kind), bucket.valid_from, bucket.bucket_id
