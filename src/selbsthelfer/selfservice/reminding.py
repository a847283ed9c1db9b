"""Remind lines that want it of what waits for them or is about to end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.allowances.queries import MAX_ENDING, EndingKey, buckets_ending
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.outbox.operations import MessageRow, put_messages
from selbsthelfer.programmes.queries import MAX_LINES, tranches_waiting
from selbsthelfer.selfservice.core.reminders import BUCKET_REMINDED, TRANCHE_REMINDED, ReminderKind
from selbsthelfer.subscribers.queries import line_billings, line_standings

_SQL = statements("selbsthelfer.selfservice")

MAX_PAGES: Final = 10_000
"""Pages of one round; more lines than they hold wait for the next round."""
_BEFORE_ALL: Final = UUID(int=0)
_INSTANT: Final = timedelta(microseconds=1)


class Reminded(NamedTuple):
    """How many reminders of each kind were due; those that were written before are among them."""

    tranches: int
    buckets: int


class _Due(NamedTuple):
    """A reminder; `what` makes its key, so that it is written once however often it is due."""

    line: UUID
    what: str
    bytes: int
    until: datetime


def remind(*, now: datetime, limit: int = MAX_LINES) -> Reminded:
    """Write every reminder that is due, page by page of `limit` lines, each page in one transaction."""
    return Reminded(_remind_of_tranches(now, limit), _remind_of_buckets(now, limit))


def _remind_of_tranches(now: datetime, limit: int) -> int:
    """Pass over the lines that want to know, skipping pages in which nobody does."""
    beyond: UUID | None = _BEFORE_ALL
    due = 0
    for _ in range(MAX_PAGES):
        if beyond is None:
            break
        with transaction.atomic():
            cursor = open_cursor()
            parameters = {"kind": ReminderKind.TRANCHE_WAITING.value, "beyond": beyond}
            row = cursor.execute(_SQL["next_reminded_line"], parameters).fetchone()
            if row is None or row[0] is None:
                break
            page = tranches_waiting(cursor, at=now, beyond=UUID(int=row[0].int - 1), limit=limit)
            beyond = page.next_beyond
            due += _write(
                cursor,
                ReminderKind.TRANCHE_WAITING,
                [
                    _Due(t.subscriber_id, f"{t.programme}/{t.index}", t.bytes, t.ends_at)
                    for t in page.tranches
                    if t.ends_at - TRANCHE_REMINDED <= now
                ],
                now=now,
            )
    return due


def _remind_of_buckets(now: datetime, limit: int) -> int:
    beyond: EndingKey | None = None
    due = 0
    for _ in range(MAX_PAGES):
        with transaction.atomic():
            cursor = open_cursor()
            buckets = buckets_ending(
                cursor,
                from_at=now + _INSTANT,
                until_at=now + BUCKET_REMINDED,
                beyond=beyond,
                limit=min(limit, MAX_ENDING),
            )
            if not buckets:
                break
            beyond = buckets[-1].key
            due += _write(
                cursor,
                ReminderKind.BUCKET_ENDING,
                [_Due(b.subscriber_id, str(b.bucket_id), b.left_bytes, b.ends_at) for b in buckets],
                now=now,
            )
    return due


def _write(cursor: psycopg.Cursor[Any], kind: ReminderKind, due: Sequence[_Due], *, now: datetime) -> int:
    """Write the reminders of the lines that want them, inside the running transaction."""
    lines = list({reminder.line for reminder in due})
    parameters = {"kind": kind.value, "lines": lines}
    wanted = {row[0] for row in cursor.execute(_SQL["reminded_lines"], parameters)}
    standings, billings = line_standings(cursor, list(wanted)), line_billings(cursor, list(wanted))
    messages = [
        MessageRow(
            key=f"{kind.value}/{reminder.line}/{reminder.what}",
            kind=kind.value,
            subscriber_id=reminder.line,
            content={
                "bytes": reminder.bytes,
                "until": reminder.until.isoformat(),
                "language": standings[reminder.line].language or "de",
                "timezone": billings[reminder.line].timezone,
            },
            created_at=now,
            to=standings[reminder.line].msisdn,
        )
        for reminder in due
        if reminder.line in wanted
    ]
    put_messages(cursor, messages)
    return len(messages)
