"""Ask again for tasks that the back end has not answered, so that a crash or a timeout loses nothing."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.selfservice.core.order_forms import order_of_plain
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.results import Outcome
from selbsthelfer.selfservice.core.tasks import ASK_AGAIN_AFTER, LONGEST_WAIT, MAX_ATTEMPTS
from selbsthelfer.selfservice.finishing import GIVEN_UP, Answer, OpenTask, ask, finish
from selbsthelfer.selfservice.keeping import zone_of_line
from selbsthelfer.subscribers.core.lines import LineRef

_SQL = statements("selbsthelfer.selfservice")
_LOG = logging.getLogger(__name__)

MAX_SETTLED: Final = 500
"""Tasks asked for in one round."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How many tasks were asked for, and how many of them are finished now."""

    asked: int
    finished: int


def settle_started(*, now: datetime, limit: int = MAX_SETTLED) -> Settled:
    """Ask the back end again for tasks without an answer, under their own keys; at most `MAX_SETTLED`.

    A task is asked for at most `MAX_ATTEMPTS` times. Then it counts as failed, in the customer's favour, and
    its receipt says that nobody knows.
    """
    with transaction.atomic(durable=True):
        parameters = {
            "now": now,
            "limit": min(limit, MAX_SETTLED),
            "wait": ASK_AGAIN_AFTER,
            "longest_wait": LONGEST_WAIT,
        }
        rows = open_cursor().execute(_SQL["take_open_tasks"], parameters).fetchall()
    finished = 0
    for subscriber_id, subject, task_id, activity, order, started_at, times in rows:
        line = LineRef(subscriber_id, subject)
        task = OpenTask(line, task_id, activity, started_at)
        kept = order_of_plain(activity, json.loads(order))
        finished += _settle(task, kept, task_id=task_id, times=times, now=now)
    return Settled(len(rows), finished)


def _settle(task: OpenTask, order: Order, *, task_id: UUID, times: int, now: datetime) -> bool:
    """Ask for one task; return whether it is finished."""
    answer = ask(task.line, order, task_id=task_id, now=now)
    if answer.outcome is Outcome.FAILED:
        # The first attempt may have reached the back end all the same, so this is no answer to it.
        answer = Answer(Outcome.UNKNOWN)
    if answer.outcome is Outcome.UNKNOWN and times >= MAX_ATTEMPTS:
        _LOG.warning("task %s was given up after %s attempts", task_id, times)
        answer = Answer(Outcome.FAILED, GIVEN_UP)
    done = finish(task, answer, timezone=zone_of_line(open_cursor(), task.line), now=now)
    return done.outcome is not Outcome.UNKNOWN
