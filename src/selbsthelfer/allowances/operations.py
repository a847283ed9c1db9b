"""Move volume: credit it, give it as courtesy, burn it by usage.

Every function runs inside the transaction of intake, which holds the locks of the lines it touches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.allowances.core.buckets import (
    BURN_ORDER,
    NOTICE_PERCENTS,
    courtesy_bucket_id,
    included_bucket_id,
)
from selbsthelfer.allowances.included import Included, Uncovered, plan_included
from selbsthelfer.allowances.telling import notice_event
from selbsthelfer.charging.operations import NewOrder, order_credits
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import plan_by_key, plan_by_set, statements
from selbsthelfer.outbox.operations import MessageRow, put_messages
from selbsthelfer.subscribers.core.billing import Calendar, period_end
from selbsthelfer.subscribers.queries import LineBilling, line_billings
from selbsthelfer.subscribers.telling import put_line_events

_SQL = statements("selbsthelfer.allowances")

NOTICE_KIND = "allowance.notice"
"""The kind of the message that tells how much of the included volume is used."""

_BUCKET_COLUMNS = ("subscriber_id", "bucket_id", "kind", "size_bytes", "valid_from", "valid_until")
_ENTRY_COLUMNS = (
    "subscriber_id", "bucket_id", "ordinal", "amount_bytes", "balance_bytes", "happened_at", "received_at"
)  # fmt: skip
_AVAILABLE_COLUMNS = (*_BUCKET_COLUMNS, "ordinal", "opening_bytes", "balance_bytes")


class Credit(NamedTuple):
    """Volume to credit under a deterministic id; valid from ≤ time < until."""

    subscriber_id: UUID
    credit_id: UUID
    kind: str
    bytes: int
    valid_from: datetime
    valid_until: datetime


class UsageRow(NamedTuple):
    """A fact `usage.recorded`: bytes used since the last record."""

    subscriber_id: UUID
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    bytes: int


class CourtesyRow(NamedTuple):
    """A fact `courtesy.granted`."""

    subscriber_id: UUID
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    bytes: int
    reason: str | None
    by: str | None


class _Passed(NamedTuple):
    """An included bucket of which a percentage is used, with the bonus that is still usable then."""

    subscriber_id: UUID
    bucket_id: UUID
    percent: int
    happened_at: datetime
    received_at: datetime
    bonus_bytes: int
    valid_until: datetime


def credit(cursor: psycopg.Cursor[Any], credits_: Iterable[Credit], *, now: datetime) -> None:
    """Credit volume inside the transaction that decided it.

    A bucket that has already ended (in an import) exists for the ledger, but orders no delivery. With an
    external charging system it burns only once its order is confirmed.
    """
    rows = list(credits_)
    _put_buckets(cursor, rows)
    order_credits(
        cursor,
        [
            NewOrder(c.subscriber_id, c.credit_id, c.bytes, c.valid_from, c.valid_until)
            for c in rows
            if c.valid_until > now
        ],
        now=now,
    )


def grant_courtesies(cursor: psycopg.Cursor[Any], rows: Sequence[CourtesyRow], *, now: datetime) -> None:
    """Give courtesy volume, usable from when the fact was received until the end of that billing period.

    The end is the one known then and never moves. The caller refuses facts of more than `COURTESY_MAX_BYTES`.
    """
    billings = line_billings(cursor, list({row.subscriber_id for row in rows}))
    granted = [(row, courtesy_bucket_id(row.subscriber_id, row.source, row.id)) for row in rows]
    copy_rows(
        cursor,
        "allowances_courtesy",
        (*CourtesyRow._fields, "bucket_id"),
        [(*row, bucket_id) for row, bucket_id in granted],
    )
    credit(
        cursor,
        [
            Credit(
                row.subscriber_id,
                bucket_id,
                "courtesy",
                row.bytes,
                row.received_at,
                period_end(_calendar_known(billings[row.subscriber_id], row.received_at), row.received_at),
            )
            for row, bucket_id in granted
        ],
        now=now,
    )


def record_usage(cursor: psycopg.Cursor[Any], rows: Sequence[UsageRow], *, now: datetime) -> None:
    """Record usage and burn volume for it, as far as there is some: the rest is unmet.

    A line's usage burns in the order in which it was received, then (time, id, source): each from the buckets
    that are valid at its time and still hold something, also where it arrives late.
    """
    ordered = sorted(rows, key=lambda r: (r.subscriber_id.int, r.received_at, r.happened_at, r.id, r.source))
    cursor.execute(_SQL["prepare"], prepare=False)
    copy_rows(
        cursor,
        "allowances_used",
        ("position", *UsageRow._fields),
        [(position, *row) for position, row in enumerate(ordered)],
    )
    plan_by_key(cursor)
    cursor.execute(_SQL["find_available"])
    cursor.execute(_SQL["find_burning"])
    unlimited = _make_included(cursor, ordered)
    plan_by_set(cursor)
    if unlimited:
        cursor.execute(_SQL["leave_out_unlimited"], {"positions": list(unlimited)})
    _burn(cursor, one_each=_is_one_each(ordered))
    cursor.execute(_SQL["put_usage"], {"unlimited": list(unlimited)})
    passed = [
        _Passed(*row) for row in cursor.execute(_SQL["find_passed"], {"percents": list(NOTICE_PERCENTS)})
    ]
    plan_by_key(cursor)
    cursor.execute(_SQL["put_entries"])
    if passed:
        _notify(cursor, passed, now=now)


def _make_included(cursor: psycopg.Cursor[Any], ordered: Sequence[UsageRow]) -> Sequence[int]:
    """Make the included buckets that usage finds missing; return the positions of unlimited usage."""
    plan_by_set(cursor)
    uncovered = [
        Uncovered(position, row.subscriber_id, row.happened_at, row.received_at)
        for position, row in ((p, ordered[p]) for (p,) in cursor.execute(_SQL["find_uncovered"]))
    ]
    plan_by_key(cursor)
    if not uncovered:
        return []
    plan = plan_included(cursor, uncovered)
    made = [_included_credit(included) for included in plan.to_make]
    if made:
        _put_buckets(cursor, made)
        copy_rows(
            cursor, "allowances_available", _AVAILABLE_COLUMNS, [(*c, 1, c.bytes, c.bytes) for c in made]
        )
    return plan.unlimited


def _included_credit(included: Included) -> Credit:
    line, bytes_, stretch = included
    return Credit(line, included_bucket_id(line, stretch.starts_at), "included", bytes_, *stretch)


def _burn(cursor: psycopg.Cursor[Any], *, one_each: bool) -> None:
    """Burn round by round; where each line has one usage there is one round."""
    rounds = 1
    if not one_each:
        cursor.execute(_SQL["cut_rounds"])
        row = cursor.execute(_SQL["count_rounds"]).fetchone()
        rounds = row[0] if row else 0
    for round_ in range(1, rounds + 1):
        cursor.execute(_SQL["burn_round"], {"round": round_, "burn_order": list(BURN_ORDER)})
        if round_ < rounds:
            cursor.execute(_SQL["carry_balances"], {"round": round_})


def _is_one_each(rows: Iterable[UsageRow]) -> bool:
    return max(Counter(row.subscriber_id for row in rows).values(), default=0) <= 1


def _notify(cursor: psycopg.Cursor[Any], passed: Sequence[_Passed], *, now: datetime) -> None:
    """Keep which included buckets passed a percentage, and tell the subscriber while the volume is usable."""
    copy_rows(
        cursor,
        "allowances_notice",
        ("subscriber_id", "bucket_id", "percent", "noticed_at", "received_at", "bonus_bytes"),
        [p[:-1] for p in passed],
    )
    lines = {
        line: (ended_at, language)
        for line, ended_at, language in cursor.execute(
            _SQL["lines_to_tell"], {"lines": list({p.subscriber_id for p in passed})}
        )
    }
    messages, events = [], []
    for p in passed:
        ended_at, language = lines[p.subscriber_id]
        usable_until = min(p.valid_until, ended_at or p.valid_until)
        if usable_until > now:
            messages.append(_message(p, usable_until, language, now))
            events.append(
                notice_event(p.subscriber_id, p.bucket_id, p.percent, usable_until, p.bonus_bytes, now)
            )
    put_messages(cursor, messages)
    put_line_events(cursor, events)


def _message(passed: _Passed, usable_until: datetime, language: str | None, now: datetime) -> MessageRow:
    return MessageRow(
        key=f"{NOTICE_KIND}/{passed.bucket_id}/{passed.percent}",
        kind=NOTICE_KIND,
        subscriber_id=passed.subscriber_id,
        content={
            "percent": passed.percent,
            "usable_until": usable_until.isoformat(),
            "bonus_bytes": passed.bonus_bytes,
            "language": language,
        },
        created_at=now,
    )


def _calendar_known(billing: LineBilling, known_at: datetime) -> Calendar:
    changes = tuple(change for change, received_at in billing.changes if received_at <= known_at)
    return Calendar(billing.timezone, billing.cycle, changes)


def _put_buckets(cursor: psycopg.Cursor[Any], credits_: Sequence[Credit]) -> None:
    copy_rows(cursor, "allowances_bucket", _BUCKET_COLUMNS, credits_)
    copy_rows(
        cursor,
        "allowances_entry",
        _ENTRY_COLUMNS,
        [(c.subscriber_id, c.credit_id, 1, c.bytes, c.bytes, c.valid_from, c.valid_from) for c in credits_],
    )
