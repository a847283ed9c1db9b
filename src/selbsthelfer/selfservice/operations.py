"""Do tasks: ask the back end, keep what became of it, and report the fact through the one door.

`carry_out` is for what the back end does, `report_done` for what this system does itself, `report_view` for
what is read. Each answers with what the task brought, so that the same page can say so. All of them raise
`LineUnknownError`, `LineEndedError` and `ActivityUnknownError`; then nothing was done.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.selfservice.core.order_details import details_of
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.reminders import ReminderKind
from selbsthelfer.selfservice.core.results import Detail, Done, Outcome
from selbsthelfer.selfservice.core.tasks import key_of_view, task_id_of
from selbsthelfer.selfservice.finishing import FAILED, OpenTask, ask, enter_fact, finish
from selbsthelfer.selfservice.keeping import (
    ActivityUnknownError,
    LineEndedError,
    LineUnknownError,
    NewTask,
    add_task,
    check_standing,
    check_task,
)
from selbsthelfer.selfservice.queries import done_of_task, standing_with_tasks
from selbsthelfer.subscribers.core.lines import LineRef

_SQL = statements("selbsthelfer.selfservice")
_DAY: Final = timedelta(days=1)

__all__ = [
    "ActivityUnknownError",
    "LineEndedError",
    "LineUnknownError",
    "carry_out",
    "choose_reminders",
    "erase_line",
    "report_done",
    "report_failed",
    "report_view",
]


def carry_out(
    line: LineRef, order: Order, *, key: UUID, now: datetime, details: Sequence[Detail] = ()
) -> Done:
    """Have the back end do something, once per `key`; the receipt tells whatever became of it.

    The task is kept before the back end is asked, so that a crash loses nothing: `settling` asks again.
    It refuses to run inside a transaction (`RuntimeError`): undoing that one would lose the task after the
    back end has acted on it.
    """
    task_id = task_id_of(line.subscriber_id, order.activity, str(key))
    new = NewTask(line, task_id, order.activity, details or details_of(order), now, order=order)
    known = None
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        timezone = check_task(cursor, line, order.activity, now=now)
        if not add_task(cursor, new):
            known = done_of_task(cursor, line.subscriber_id, task_id)
    if known is not None:
        return replace(known, is_new=False)
    answer = ask(line, order, task_id=task_id, now=now)
    return finish(OpenTask(line, task_id, order.activity, now), answer, timezone=timezone, now=now)


def report_done(
    line: LineRef, activity: str, *, key: str, now: datetime, details: Sequence[Detail] = ()
) -> Done:
    """Report a task that this system has done itself, once per `key`."""
    with transaction.atomic():
        cursor = open_cursor()
        check_task(cursor, line, activity, now=now)
        task_id = task_id_of(line.subscriber_id, activity, key)
        return _report(
            cursor, NewTask(line, task_id, activity, details, now, outcome=Outcome.SUCCEEDED), now=now
        )


def report_view(line: LineRef, activity: str, *, now: datetime) -> Done:
    """Report that fresh data were opened: one fact for each activity and local day of the line.

    Opened again on the same day, it answers with the receipt of that day, not new and without the credit.
    """
    with transaction.atomic():
        cursor = open_cursor()
        # The day is the line's own, and its zone comes with the answer: of the three days that it may be
        # anywhere on earth the right one is picked afterwards.
        today = now.astimezone(UTC).date()
        views = {
            on: task_id_of(line.subscriber_id, activity, key_of_view(on))
            for on in (today - _DAY, today, today + _DAY)
        }
        standing, known = standing_with_tasks(cursor, line.subscriber_id, list(views.values()))
        timezone = check_standing(standing, line, activity, now=now)
        task_id = views[now.astimezone(ZoneInfo(timezone)).date()]
        if task_id in known:
            return replace(known[task_id], is_new=False)
        new = NewTask(line, task_id, activity, (), now, outcome=Outcome.SUCCEEDED, is_view=True)
        return _report(cursor, new, now=now)


def report_failed(line: LineRef, activity: str, *, key: str, now: datetime) -> Done:
    """Report that a task could not even be shown because the back end failed, once per `key`."""
    with transaction.atomic():
        cursor = open_cursor()
        check_task(cursor, line, activity, now=now)
        task_id = task_id_of(line.subscriber_id, activity, f"failed/{key}")
        new = NewTask(line, task_id, activity, (), now, outcome=Outcome.FAILED, reason=FAILED)
        return _report(cursor, new, now=now)


def choose_reminders(line: LineRef, chosen: Set[ReminderKind], *, now: datetime) -> None:
    """Have a line be reminded of what is chosen only; a choice that does not change keeps its instant."""
    with transaction.atomic():
        cursor = open_cursor()
        for kind in ReminderKind:
            cursor.execute(
                _SQL["choose_reminder"],
                {"line": line.subscriber_id, "kind": kind.value, "is_on": kind in chosen, "now": now},
            )


def erase_line(cursor: psycopg.Cursor[Any], line: UUID, *, now: datetime) -> int:
    """Erase what tasks of a line said, inside the running transaction; return of how many.

    A receipt keeps its number, its activity, its outcome and its instants. A task that the back end has not
    answered is left alone until it is finished. What the operator's systems keep is theirs to erase.
    """
    erased = cursor.execute(_SQL["erase_tasks"], {"line": line}).rowcount
    cursor.execute(_SQL["forget_reminders"], {"line": line, "now": now})
    return erased


def _report(cursor: psycopg.Cursor[Any], new: NewTask, *, now: datetime) -> Done:
    """Keep a task that is finished, and report it if it is new, inside the running transaction."""
    assert new.outcome is not None  # noqa: S101 - the callers tell it
    is_new = add_task(cursor, new)
    if is_new:
        enter_fact(OpenTask(new.line, new.task_id, new.activity, now), new.outcome, now=now)
    done = done_of_task(cursor, new.line.subscriber_id, new.task_id)
    assert done is not None  # noqa: S101 - it is kept by now
    return replace(done, is_new=is_new)
