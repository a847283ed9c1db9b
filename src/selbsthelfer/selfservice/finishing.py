"""Finish a task: ask the back end, keep its answer, report the fact and tell whoever must know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
import psycopg
from django.db import transaction

from selbsthelfer.intake.core.facts import ActivityFinished, SelfserviceFinished
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.kit.wording import Words, day
from selbsthelfer.outbox.operations import MessageRow, put_messages
from selbsthelfer.selfservice.back_end import (
    BackEndUnavailableError,
    Confirmation,
    OrderRefusedError,
    OutcomeUnknownError,
)
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.results import Done, Outcome
from selbsthelfer.selfservice.core.tasks import SOURCE
from selbsthelfer.selfservice.queries import done_of_task
from selbsthelfer.subscribers.core.billing import first_instant
from selbsthelfer.subscribers.core.lines import LineRef

_SQL = statements("selbsthelfer.selfservice")

FAILED: Final = Words(
    "Das hat gerade nicht geklappt: Unser System antwortet nicht. Es wurde nichts geändert.",
    "This did not work just now: our system is not answering. Nothing was changed.",
)
GIVEN_UP: Final = Words(
    "Unser System hat nicht geantwortet. Bitte sehen Sie nach, ob die Änderung gilt, oder fragen Sie uns.",
    "Our system has not answered. Please check whether the change took effect, or ask us.",
)

_ALERTS: Final[Mapping[str, str]] = MappingProxyType(
    {"bill.iban": "bank_account_changed", "acc.address": "address_changed", "sim.block": "sim_blocked"}
)
"""What is told to the contact that the line had before, as somebody else may have done it."""


class FactNotTakenError(RuntimeError):
    """Intake did not take the fact of a task, so nothing of it was kept; it is tried again later."""

    code: ClassVar[str] = "fact_not_taken"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the back end said to an order."""

    outcome: Outcome
    reason: Words | None = None
    field: str | None = None
    confirmation: Confirmation | None = None


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that the back end has not answered."""

    line: LineRef
    task_id: UUID
    activity: str
    started_at: datetime


def ask(line: LineRef, order: Order, *, task_id: UUID, now: datetime) -> Answer:
    """Ask the back end to carry an order out; asking again with the same task does nothing anew."""
    try:
        confirmation = the_back_end().carry_out(line, order, key=str(task_id), now=now)
    except OrderRefusedError as error:
        return Answer(Outcome.REFUSED, error.reason, error.field)
    except BackEndUnavailableError:
        return Answer(Outcome.FAILED, FAILED)
    except OutcomeUnknownError:
        return Answer(Outcome.UNKNOWN)
    return Answer(Outcome.SUCCEEDED, confirmation=confirmation)


def finish(task: OpenTask, answer: Answer, *, timezone: str, now: datetime) -> Done:
    """Keep the answer to a task with all that follows, in one transaction; of two answers the first holds."""
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        parameters: dict[str, Any] = {"line": task.line.subscriber_id, "task": task.task_id}
        if cursor.execute(_SQL["lock_open_task"], parameters).fetchone() is not None:
            if answer.outcome is Outcome.UNKNOWN:
                cursor.execute(_SQL["leave_unknown"], parameters)
            else:
                _close(cursor, task, answer, timezone=timezone, now=now)
        done = done_of_task(cursor, task.line.subscriber_id, task.task_id)
    assert done is not None  # noqa: S101 - the row was written before the back end was asked
    return done


def enter_fact(task: OpenTask, outcome: Outcome, *, now: datetime) -> None:
    """Report a task through the one door, inside the running transaction; raises `FactNotTakenError`.

    A failure happened when the customer tried, however long it took to find out: a call made meanwhile is
    to be excused.
    """
    succeeded = outcome is Outcome.SUCCEEDED
    fact = ActivityFinished(
        id=str(task.task_id),
        source=SOURCE,
        time=now if succeeded else task.started_at,
        subject=task.line.subject,
        data=SelfserviceFinished(activity=task.activity, outcome="succeeded" if succeeded else "failed"),
    )
    receipt = accept([fact], terms=Terms(now=now))
    if receipt.results[0] not in ("accepted", "known"):
        raise FactNotTakenError(receipt.results[0])


def _close(
    cursor: psycopg.Cursor[Any], task: OpenTask, answer: Answer, *, timezone: str, now: datetime
) -> None:
    # What the back end refuses is the customer's own input put right, neither a success nor a failed attempt.
    has_fact = answer.outcome is not Outcome.REFUSED
    effective = _effective(answer.confirmation, timezone, now)
    cursor.execute(
        _SQL["close_task"],
        {
            "line": task.line.subscriber_id,
            "task": task.task_id,
            "state": answer.outcome.value,
            "finished_at": now,
            "reason": _json(answer.reason),
            "field": answer.field,
            "effective": _json(effective),
            "reference": answer.confirmation.reference if answer.confirmation else None,
            "has_fact": has_fact,
        },
    )
    if has_fact:
        enter_fact(task, answer.outcome, now=now)
    if answer.outcome is Outcome.SUCCEEDED:
        _alert(cursor, task, timezone=timezone, now=now)


def _effective(confirmation: Confirmation | None, timezone: str, now: datetime) -> Words | None:
    if confirmation is None or confirmation.effective_on is None:
        return None
    begins_at = first_instant(timezone, confirmation.effective_on)
    if begins_at <= now - timedelta(days=1):
        return None
    begins = day(begins_at, timezone)
    return Words(f"Gilt ab {begins.de}.", f"Takes effect on {begins.en}.")


def _alert(cursor: psycopg.Cursor[Any], task: OpenTask, *, timezone: str, now: datetime) -> None:
    """Tell the contact that the line had before about what somebody else might have done."""
    kind = _ALERTS.get(task.activity)
    if kind is None:
        return
    line = task.line.subscriber_id
    row = cursor.execute(_SQL["addresses_of_line"], {"line": line}).fetchone()
    msisdn, email, language = row or (None, None, None)
    content = {"at": now.isoformat(), "timezone": timezone, "language": language or "de"}
    to = [(place, address) for place, address in (("sms", msisdn), ("email", email)) if address]
    put_messages(
        cursor,
        [
            MessageRow(f"{kind}/{task.task_id}/{place}", kind, line, content, now, to=address)
            for place, address in to or [("inbox", None)]
        ],
    )


def _json(words: Words | None) -> str | None:
    return None if words is None else json.dumps(msgspec.to_builtins(words))
