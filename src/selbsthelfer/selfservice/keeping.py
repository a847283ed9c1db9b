"""Keep tasks: whether one may be taken, and its row from the first attempt on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import psycopg

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.kit.sql import statements
from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.order_forms import order_as_plain
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.receipt_numbers import RECEIPT_NUMBER
from selbsthelfer.selfservice.core.results import MAX_DETAILS, Detail, Outcome
from selbsthelfer.selfservice.core.tasks import ASK_AGAIN_AFTER
from selbsthelfer.selfservice.queries import Standing
from selbsthelfer.subscribers.core.lines import LineRef

_SQL = statements("selbsthelfer.selfservice")


class LineUnknownError(LookupError):
    """No such line is registered; nothing was done."""

    code: ClassVar[str] = "line_unknown"


class LineEndedError(ValueError):
    """The line has ended, so nothing can be done for it any more."""

    code: ClassVar[str] = "line_ended"


class ActivityUnknownError(LookupError):
    """The catalogue has no such activity; nothing was done."""

    code: ClassVar[str] = "activity_unknown"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be kept; `outcome` is told where it is known from the start."""

    line: LineRef
    task_id: UUID
    activity: str
    details: Sequence[Detail]
    started_at: datetime
    order: Order | None = None
    outcome: Outcome | None = None
    reason: Words | None = None
    is_view: bool = False


def check_task(cursor: psycopg.Cursor[Any], line: LineRef, activity: str, *, now: datetime) -> str:
    """Return the time zone of a line for which a task may be taken.

    Raises `LineUnknownError`, `LineEndedError` and `ActivityUnknownError`.
    """
    row = cursor.execute(_SQL["line_of_task"], {"line": line.subscriber_id}).fetchone()
    return check_standing(None if row is None else Standing(*row), line, activity, now=now)


def check_standing(standing: Standing | None, line: LineRef, activity: str, *, now: datetime) -> str:
    """Return the time zone of a line that stands so; raises like `check_task`."""
    if activity not in CATALOGUE:
        raise ActivityUnknownError(activity)
    if standing is None or standing.subject != line.subject:
        raise LineUnknownError("no such line is registered")
    _, timezone, ended_at = standing
    if ended_at is not None and ended_at <= now:
        raise LineEndedError("this line has ended")
    return timezone


def zone_of_line(cursor: psycopg.Cursor[Any], line: LineRef) -> str:
    """Return the time zone of a line, ended or not; raises `LineUnknownError`."""
    row = cursor.execute(_SQL["line_of_task"], {"line": line.subscriber_id}).fetchone()
    if row is None:
        raise LineUnknownError("no such line is registered")
    return str(row[1])


def add_task(cursor: psycopg.Cursor[Any], task: NewTask) -> bool:
    """Keep a new task under a new receipt number; return false where it is kept already."""
    is_open = task.outcome is None
    row = cursor.execute(
        _SQL["add_task"],
        {
            "line": task.line.subscriber_id,
            "task": task.task_id,
            "subject": task.line.subject,
            "activity": task.activity,
            "receipt": RECEIPT_NUMBER.written(secrets.randbits(RECEIPT_NUMBER.bits)),
            "state": "started" if task.outcome is None else task.outcome.value,
            "is_view": task.is_view,
            "order": None if task.order is None else json.dumps(order_as_plain(task.order)),
            "details": json.dumps(msgspec.to_builtins(task.details[:MAX_DETAILS])),
            "reason": None if task.reason is None else json.dumps(msgspec.to_builtins(task.reason)),
            "has_fact": not is_open,
            "started_at": task.started_at,
            "finished_at": None if is_open else task.started_at,
            "ask_again_at": task.started_at + ASK_AGAIN_AFTER if is_open else None,
        },
    ).fetchone()
    return row is not None
