"""Deliver open orders into the charging system, each marked uncertain before it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db import transaction

from selbsthelfer.charging.core.orders import (
    NO_RECIPIENT,
    Action,
    Order,
    OrderState,
    ended,
    noted,
    reopened,
    taken_to_send,
    unsent,
)
from selbsthelfer.charging.core.port import ChargingSystem, Credited, NotCredited, Outcome
from selbsthelfer.charging.recipients import RecipientKind, recipient_kind
from selbsthelfer.charging.together import Answers, do_together
from selbsthelfer.charging.writing import (
    AttemptEnd,
    Key,
    OrderOfLine,
    begin_attempts,
    change_orders,
    drop_attempts,
    end_attempts,
    lock_orders,
    locked_orders,
)
from selbsthelfer.kit.sql import open_cursor

MAX_TAKEN: Final = 500
"""Orders taken in one round; a crash leaves at most so many to be read back."""
MAX_ENDED: Final = 1_000
"""Orders closed in one round because their volume has ended."""


class Round(NamedTuple):
    """What became of the orders that a worker took; `unsent` ones are given back as they were."""

    credited: int = 0
    postponed: int = 0
    refused: int = 0
    uncertain: int = 0
    unsent: int = 0

    @property
    def taken(self) -> int:
        return sum(self)


class _Taken(NamedTuple):
    """An order as it was when it was taken, and as it is sent."""

    before: Order
    order: Order


class _Ended(NamedTuple):
    outcome: Outcome
    at: datetime


def never() -> bool:
    """Tell that nobody wants to stop."""
    return False


def work_orders(
    *,
    limit: int = MAX_TAKEN,
    now_of: Callable[[], datetime],
    system: ChargingSystem,
    is_stopping: Callable[[], bool] = never,
) -> Round:
    """Take up to `limit` due orders, at most `MAX_TAKEN`, send them in parallel, and note the answers.

    Three steps: a transaction that marks them uncertain, the sending, a transaction that notes. Whoever dies
    in between leaves them to `settle_orders`. What is not on its way in time, or before a stop,
    is given back. Raises what the adapter raised, after noting what became of all others.
    """
    send_within = system.capabilities.pace.send_within
    monotonic_deadline = time.monotonic() + send_within.total_seconds()
    taken_at = now_of()
    taken, put_off = _take(min(limit, MAX_TAKEN), taken_at, system)
    if not taken:
        return Round(postponed=put_off)

    def send(order: Order) -> _Ended | None:
        # Both clocks are asked: one stands still while a machine sleeps, the other can be set back.
        is_late = time.monotonic() >= monotonic_deadline or now_of() >= taken_at + send_within
        if is_late or is_stopping():
            return None
        outcome = system.credit(order.to_send(), deadline=monotonic_deadline)
        return _Ended(outcome, now_of())

    answers = do_together(send, {each.order.key: each.order for each in taken})
    done = _note(taken, answers, system)
    if system.capabilities.reauthorise:
        _tell_sessions(taken, answers, system)
    answers.raise_first()
    return done._replace(postponed=done.postponed + put_off)


def end_orders(*, limit: int = MAX_ENDED, now: datetime) -> int:
    """Close orders that nobody delivered before their volume ended, and owe it; return how many.

    Needs no system: it may be gone for good.
    """
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        parameters = {"now": now, "limit": min(limit, MAX_ENDED)}
        found = locked_orders(cursor, "that_have_ended", parameters)
        change_orders(
            cursor,
            [(f.order, ended(f.order, at=now, is_line_ended=f.has_ended(now))) for f in found],
        )
    return len(found)


def _take(limit: int, at: datetime, system: ChargingSystem) -> tuple[Sequence[_Taken], int]:
    """Mark due orders uncertain; return those to send, and how many were put off or closed instead."""
    kind = recipient_kind()
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        parameters = {"state": "open", "now": at, "system": system.name, "limit": limit}
        found = locked_orders(cursor, "that_are_due", parameters)
        changes = [(each.order, _sent_or_closed(each, kind, at, system)) for each in found]
        change_orders(cursor, changes)
        taken = [_Taken(before, after) for before, after in changes if after.attempts > before.attempts]
        begin_attempts(cursor, [each.order for each in taken], Action.CREDIT, at)
    return taken, len(found) - len(taken)


def _sent_or_closed(found: OrderOfLine, kind: RecipientKind, at: datetime, system: ChargingSystem) -> Order:
    """Mark an order to be sent, close it with its line, or put it off until its line has a name."""
    if found.has_ended(at):
        return ended(found.order, at=at, is_line_ended=True)
    recipient = found.order.recipient or kind.of(found.subject, found.msisdn, found.account)
    if not recipient:
        return reopened(found.order, NO_RECIPIENT, at=at, capabilities=system.capabilities)
    return taken_to_send(found.order, recipient, at=at, capabilities=system.capabilities)


def _note(taken: Sequence[_Taken], answers: Answers[Key, _Ended | None], system: ChargingSystem) -> Round:
    """Note all that is known; an order whose adapter failed stays uncertain, which is the truth."""
    given_back = [each for each in taken if answers.got.get(each.order.key, _NOTHING) is None]
    ends = {key: end for key, end in answers.got.items() if end is not None}
    attempts = {each.order.key: each.order.attempts for each in taken}
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        standing = lock_orders(cursor, sorted(answers.got))
        changes = [
            (
                before,
                noted(
                    before,
                    attempts[key],
                    ends[key].outcome,
                    at=ends[key].at,
                    capabilities=system.capabilities,
                ),
            )
            for key, before in standing.items()
            if key in ends
        ]
        for each in given_back:
            before = standing[each.order.key]
            changes.append((before, unsent(before, each.order.attempts, before=each.before)))
        change_orders(cursor, changes)
        end_attempts(cursor, [_attempt_end(key, attempts[key], end) for key, end in ends.items()])
        drop_attempts(cursor, [(*each.order.key, each.order.attempts) for each in given_back])
    closed = sum(after.state is OrderState.REFUSED for _, after in changes)
    return _counted(ends, closed, unsent_=len(given_back), failed=len(taken) - len(answers.got))


_NOTHING: Final = object()


def _attempt_end(key: Key, ordinal: int, end: _Ended) -> AttemptEnd:
    match end.outcome:
        case Credited():
            return AttemptEnd(key, ordinal, end.at, "credited", None)
        case NotCredited(code, is_permanent):
            return AttemptEnd(key, ordinal, end.at, "refused" if is_permanent else "not_credited", code)
        case other:
            return AttemptEnd(key, ordinal, end.at, "unknown", other.code)


def _counted(ends: Mapping[Key, _Ended], refused: int, *, unsent_: int, failed: int) -> Round:
    outcomes = [end.outcome for end in ends.values()]
    postponed = sum(isinstance(outcome, NotCredited) and not outcome.is_permanent for outcome in outcomes)
    credited = sum(isinstance(outcome, Credited) for outcome in outcomes)
    return Round(
        credited=credited,
        postponed=postponed,
        refused=refused,
        uncertain=len(outcomes) - credited - postponed - refused + failed,
        unsent=unsent_,
    )


def _tell_sessions(
    taken: Sequence[_Taken], answers: Answers[Key, _Ended | None], system: ChargingSystem
) -> None:
    """Have sessions that run learn of their volume, each recipient once; the volume is there without it."""
    credited = {
        each.order.recipient
        for each in taken
        if (end := answers.got.get(each.order.key)) is not None and isinstance(end.outcome, Credited)
    }
    do_together(system.reauthorise, {name: name for name in credited if name is not None}).raise_first()
