"""Tell the operator's systems how much is used, and which bonus is about to end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from selbsthelfer.allowances.queries import MAX_ENDING, EndingBucket, EndingKey, buckets_ending
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import EventKind, write_instant
from selbsthelfer.outbox.events import EventRow, wanted_kinds
from selbsthelfer.subscribers.telling import put_line_events

EXPIRING_WITHIN: Final = timedelta(hours=72)
"""How long before its end a bonus is told to expire."""
MAX_PAGES: Final = 10_000
"""Pages of one round; more buckets than they hold wait for the next round."""
_INSTANT: Final = timedelta(microseconds=1)


def notice_event(
    line: UUID, bucket_id: UUID, percent: int, usable_until: datetime, bonus_bytes: int, now: datetime
) -> EventRow:
    """Make the event that a percentage of an included bucket is used."""
    return EventRow(
        key=f"{EventKind.ALLOWANCE_NOTICE}/{bucket_id}/{percent}",
        kind=EventKind.ALLOWANCE_NOTICE,
        subscriber_id=line,
        data={
            "bucket": str(bucket_id),
            "percent": percent,
            "usable_until": write_instant(usable_until),
            "bonus_bytes": bonus_bytes,
        },
        happened_at=now,
    )


def tell_expiring(*, now: datetime, limit: int = MAX_ENDING) -> int:
    """Tell of every bonus bucket that ends within `EXPIRING_WITHIN` and still holds something, each once.

    Page by page of `limit` buckets, each in one transaction; nothing is looked at while no endpoint wants it.
    Returns how many were due; those told before are among them.
    """
    beyond: EndingKey | None = None
    due = 0
    for _ in range(MAX_PAGES):
        with transaction.atomic():
            cursor = open_cursor()
            if EventKind.BUCKET_EXPIRING not in wanted_kinds(cursor):
                break
            buckets = buckets_ending(
                cursor,
                from_at=now + _INSTANT,
                until_at=now + EXPIRING_WITHIN + _INSTANT,
                beyond=beyond,
                limit=min(limit, MAX_ENDING),
            )
            if not buckets:
                break
            beyond = buckets[-1].key
            put_line_events(cursor, [_expiring_event(bucket, now) for bucket in buckets])
            due += len(buckets)
    return due


def _expiring_event(bucket: EndingBucket, now: datetime) -> EventRow:
    return EventRow(
        key=f"{EventKind.BUCKET_EXPIRING}/{bucket.bucket_id}",
        kind=EventKind.BUCKET_EXPIRING,
        subscriber_id=bucket.subscriber_id,
        data={
            "bucket": str(bucket.bucket_id),
            "size_bytes": bucket.size_bytes,
            "left_bytes": bucket.left_bytes,
            "ends_at": write_instant(bucket.ends_at),
        },
        happened_at=now,
    )
