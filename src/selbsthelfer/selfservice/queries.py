"""Read receipts, and what became of tasks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from selbsthelfer.kit.numbers import BrokenNumberError
from selbsthelfer.kit.sql import statements
from selbsthelfer.kit.wording import Words
from selbsthelfer.programmes.core.grants import GrantMade
from selbsthelfer.programmes.queries import grants_of_activity
from selbsthelfer.selfservice.core.receipt_numbers import RECEIPT_NUMBER
from selbsthelfer.selfservice.core.reminders import ReminderKind
from selbsthelfer.selfservice.core.results import UNKNOWN, Credited, Detail, Done, Outcome, Receipt
from selbsthelfer.selfservice.core.tasks import SOURCE

_SQL = statements("selbsthelfer.selfservice")

MAX_RECEIPTS = 100
"""Receipts on one page."""
MAX_EXPORTED = 10_000
"""Newest rows of each kind in an export of one line."""

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class ReceiptKey(NamedTuple):
    """Where a page of receipts ended; the next one goes on before it."""

    started_at: datetime
    number: str


class Standing(NamedTuple):
    """What decides whether a task may be taken for a line, and in which zone its days are."""

    subject: str
    timezone: str
    ended_at: datetime | None


class _Row(NamedTuple):
    task_id: UUID
    subject: str
    activity: str
    receipt: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    details: str
    reason: str | None
    field: str | None
    effective: str | None
    has_fact: bool


def receipt_of_line(cursor: psycopg.Cursor[Any], line: UUID, number: str) -> Receipt | None:
    """Read a receipt of this line by its number, however it is written; none where it has no such one."""
    try:
        receipt = RECEIPT_NUMBER.read(number)
    except BrokenNumberError:
        return None
    row = cursor.execute(_SQL["receipt"], {"line": line, "receipt": receipt}).fetchone()
    return None if row is None else _receipt(line, _Row(*row), _credited_by(cursor, line, _Row(*row)))


def receipts_of_line(
    cursor: psycopg.Cursor[Any],
    line: UUID,
    *,
    limit: int = MAX_RECEIPTS,
    before: ReceiptKey | None = None,
) -> Sequence[Receipt]:
    """Page through the receipts of a line, newest first, at most `MAX_RECEIPTS` at once.

    What was merely opened is left out unless it failed. Only `receipt_of_line` tells what a task brought.
    `receipt_key` of the last one leads to the next page.
    """
    start = before or ReceiptKey(_END_OF_TIME, "")
    rows = cursor.execute(
        _SQL["receipts"],
        {
            "line": line,
            "limit": min(limit, MAX_RECEIPTS),
            "before_at": start.started_at,
            "before_receipt": start.number,
        },
    )
    return [_receipt(line, _Row(*row), ()) for row in rows]


def receipt_key(receipt: Receipt) -> ReceiptKey:
    """Tell where a page that ends with this receipt ends."""
    return ReceiptKey(receipt.started_at, receipt.number)


def done_of_task(cursor: psycopg.Cursor[Any], line: UUID, task_id: UUID) -> Done | None:
    """Tell what became of a task, with what it brought; none where there is no such task."""
    found = cursor.execute(_SQL["task"], {"line": line, "task": task_id}).fetchone()
    if found is None:
        return None
    row = _Row(*found)
    return _done(row, _credited_by(cursor, line, row))


def standing_with_tasks(
    cursor: psycopg.Cursor[Any], line: UUID, tasks: Sequence[UUID]
) -> tuple[Standing | None, Mapping[UUID, Done]]:
    """Tell how a line stands, and what became of such of these tasks as there are, without the credit."""
    rows = cursor.execute(_SQL["line_with_tasks"], {"line": line, "tasks": list(tasks)}).fetchall()
    found = [_Row(*row[3:]) for row in rows if row[3] is not None]
    return Standing(*rows[0][:3]) if rows else None, {row.task_id: _done(row, ()) for row in found}


def reminders_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> frozenset[ReminderKind]:
    """Tell what a line wants to be reminded of; without a choice that is nothing."""
    rows = cursor.execute(_SQL["reminders_of_line"], {"line": line})
    return frozenset(ReminderKind(kind) for (kind,) in rows)


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Give what is kept of a line's tasks and choices as plain values, at most `MAX_EXPORTED` of each."""
    parameters = {"line": line, "limit": MAX_EXPORTED}
    return {
        "tasks": [json.loads(row[0]) for row in cursor.execute(_SQL["export_tasks"], parameters)],
        "reminders": [json.loads(row[0]) for row in cursor.execute(_SQL["export_reminders"], parameters)],
    }


def _credited_by(cursor: psycopg.Cursor[Any], line: UUID, row: _Row) -> tuple[Credited, ...]:
    if row.state != Outcome.SUCCEEDED or not row.has_fact:
        return ()
    return _credited(grants_of_activity(cursor, line, source=SOURCE, activity_id=str(row.task_id)))


def _credited(grants: Iterable[GrantMade]) -> tuple[Credited, ...]:
    return tuple(Credited(g.programme, g.bytes, g.usable_until, g.is_confirmed) for g in grants)


def _receipt(line: UUID, row: _Row, credited: tuple[Credited, ...]) -> Receipt:
    return Receipt(row.receipt, line, _done(row, credited), row.started_at)


def _done(row: _Row, credited: tuple[Credited, ...]) -> Done:
    is_unknown = row.finished_at is None
    return Done(
        receipt=row.receipt,
        activity=row.activity,
        outcome=Outcome.UNKNOWN if is_unknown else Outcome(row.state),
        finished_at=row.finished_at or row.started_at,
        reason=UNKNOWN if is_unknown else _words(row.reason),
        field=row.field,
        effective=_words(row.effective),
        details=msgspec.json.decode(row.details, type=tuple[Detail, ...]),
        credited=credited,
        fact_source=SOURCE if row.has_fact else None,
        fact_id=str(row.task_id) if row.has_fact else None,
    )


def _words(kept: str | None) -> Words | None:
    return None if kept is None else msgspec.json.decode(kept, type=Words)
