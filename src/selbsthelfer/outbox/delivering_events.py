"""Carry events to the endpoints that want them, each at least once, and none behind a slow endpoint."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.outbox.adapters.posting import Answer
from selbsthelfer.outbox.core.webhooks import DisabledReason, is_given_up, next_try_at, rests_until
from selbsthelfer.outbox.couriers import Carried, Couriers, Destination, Outcome
from selbsthelfer.outbox.operations import Round
from selbsthelfer.outbox.sealing import SealBrokenError, unseal
from selbsthelfer.outbox.webhooks import MAX_ENDPOINTS, MAX_LISTENERS

_SQL = statements("selbsthelfer.outbox")
_LOG = logging.getLogger(__name__)

MAX_SENT: Final = 5_000
"""Events sent in one round."""
MAX_TAKEN: Final = 200
"""Events taken for one endpoint at once."""
LEASE: Final = timedelta(minutes=5)
"""For how long a delivery belongs to the sender that took it: longer than a thread keeps any."""
WAIT_SECONDS: Final = 2.0
"""How long a round waits for slow endpoints; what they are at is noted by the next one."""
MAX_FORGOTTEN: Final = 1_000
"""Rows of each kind forgotten in one round."""
EVENTS_KEPT_FOR: Final = timedelta(days=30)
"""How long events, deliveries and attempts are kept."""
GONE: Final = 410


def send_events(
    *,
    limit: int,
    now_of: Callable[[], datetime],
    couriers: Couriers,
    wait_seconds: float | None = WAIT_SECONDS,
) -> Round:
    """Send up to `limit` events that are due, at most `MAX_SENT`; then forget old ones.

    Each arrives at least once: whoever dies between sending and noting that leaves it to be sent again, with
    the same id. The round waits `wait_seconds` (None: as long as it takes) for endpoints that are slow, and
    the next round with the same couriers notes what they were at; the others are served meanwhile.
    """
    total, left = Round(0, 0, 0), min(limit, MAX_SENT)
    ends_at = None if wait_seconds is None else time.monotonic() + wait_seconds
    while True:
        left -= _take(couriers, left, now_of)
        if not couriers.busy:
            break
        remaining = None if ends_at is None else max(0.0, ends_at - time.monotonic())
        outcomes = couriers.finished(remaining)
        if not outcomes and remaining is not None:
            break
        total = _sum(total, _note(outcomes, now_of()))
    _forget_old(now_of())
    return total


def send_one(
    *, event_id: UUID, endpoint_id: UUID, now_of: Callable[[], datetime], couriers: Couriers
) -> Round:
    """Send one event to one endpoint and wait for what comes of it; nothing else is taken.

    Nothing is sent where the endpoint is disabled or rests, or another sender has the event.
    """
    now = now_of()
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        ready = _ready(cursor, (), MAX_ENDPOINTS + MAX_LISTENERS, now)
        if endpoint_id not in ready:
            return Round(0, 0, 0)
        parameters = {
            "event_id": event_id,
            "endpoint_id": endpoint_id,
            "now": now,
            "leased_until": now + LEASE,
        }
        rows = cursor.execute(_SQL["take_delivery"], parameters).fetchall()
    _start(couriers, ready, rows, now_of)
    return _finish(couriers, now_of)


def stop_sending(*, now_of: Callable[[], datetime], couriers: Couriers) -> Round:
    """Let the attempts in hand end and note what became of them, so that nothing has to be sent twice."""
    couriers.stop()
    total = _finish(couriers, now_of)
    couriers.close()
    return total


def _finish(couriers: Couriers, now_of: Callable[[], datetime]) -> Round:
    """Wait for what is under way, and note it."""
    total = Round(0, 0, 0)
    while couriers.busy:
        total = _sum(total, _note(couriers.finished(None), now_of()))
    return total


def _sum(one: Round, other: Round) -> Round:
    return Round(*(a + b for a, b in zip(one, other, strict=True)))


def _take(couriers: Couriers, limit: int, now_of: Callable[[], datetime]) -> int:
    """Take events for every endpoint that is free, the same number for each, and start them; count them."""
    if limit <= 0:
        return 0
    now = now_of()
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        ready = _ready(cursor, couriers.busy, limit, now)
        if not ready:
            return 0
        share = max(1, min(MAX_TAKEN, limit // len(ready)))
        parameters = {
            "endpoints": list(ready),
            "limits": [1 if destination.is_failing else share for destination in ready.values()],
            "now": now,
            "leased_until": now + LEASE,
        }
        rows = cursor.execute(_SQL["take_deliveries"], parameters).fetchall()
    _start(couriers, ready, rows, now_of)
    return len(rows)


def _start(
    couriers: Couriers,
    ready: dict[UUID, Destination],
    rows: Iterable[tuple[Any, ...]],
    now_of: Callable[[], datetime],
) -> None:
    """Give the couriers what was taken, by endpoint."""
    taken: dict[UUID, list[Carried]] = defaultdict(list)
    for carried in sorted(Carried(*row) for row in rows):
        taken[carried.endpoint_id].append(carried)
    for endpoint_id, deliveries in taken.items():
        couriers.start(ready[endpoint_id], deliveries, now_of=now_of)


def _ready(
    cursor: psycopg.Cursor[Any], busy: Collection[UUID], limit: int, now: datetime
) -> dict[UUID, Destination]:
    """Find the endpoints that may be served now; one whose secret cannot be read is logged and left aside."""
    parameters = {"now": now, "busy": list(busy), "limit": limit}
    rows = cursor.execute(_SQL["endpoints_ready"], parameters).fetchall()
    ready = {}
    for endpoint_id, url, sealed, sealed_old, old_until, is_failing in rows:
        is_old_valid = old_until is not None and old_until > now
        try:
            secrets = tuple(unseal(text) for text in ([sealed, sealed_old] if is_old_valid else [sealed]))
        except SealBrokenError as error:
            _LOG.error("endpoint %s: %s", endpoint_id, error.code)
            continue
        ready[endpoint_id] = Destination(endpoint_id, url, secrets, is_failing)
    return ready


def _note(outcomes: Sequence[Outcome], now: datetime) -> Round:
    """Note what became of deliveries and of their endpoints, in one transaction."""
    tried = [(o.carried, o.answer, o.started_at) for o in outcomes if o.answer is not None]
    arrived = [carried for carried, answer, _ in tried if answer.failure is None]
    failed = [(carried, answer) for carried, answer, _ in tried if answer.failure is not None]
    due = [_next_try(carried, answer, now) for carried, answer in failed]
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        if arrived:
            parameters = {"deliveries": [carried.delivery_id for carried in arrived], "now": now}
            cursor.execute(_SQL["mark_delivered"], parameters)
        if failed:
            _mark_undelivered(cursor, failed, due, now)
        _give_back(cursor, [o.carried for o in outcomes if o.answer is None])
        _log(cursor, tried)
        _judge_endpoints(cursor, arrived, failed, now)
    for carried, answer in failed:
        _LOG.warning(
            "%s not delivered, event %s to endpoint %s: %s",
            carried.kind,
            carried.event_id,
            carried.endpoint_id,
            answer.failure,
        )
    given_up = due.count(None)
    return Round(len(arrived), len(failed) - given_up, given_up)


def _next_try(carried: Carried, answer: Answer, now: datetime) -> datetime | None:
    if answer.status == GONE:
        return None
    return next_try_at(
        attempts=carried.tries,
        first_tried_at=carried.first_tried_at,
        failed_at=now,
        salt=str(carried.event_id),
        asked_seconds=answer.retry_after_seconds,
    )


def _mark_undelivered(
    cursor: psycopg.Cursor[Any],
    failed: Sequence[tuple[Carried, Answer]],
    due: Sequence[datetime | None],
    now: datetime,
) -> None:
    cursor.execute(
        _SQL["mark_undelivered"],
        {
            "deliveries": [carried.delivery_id for carried, _ in failed],
            "attempts": [carried.attempts for carried, _ in failed],
            "due_at": list(due),
            "failures": [answer.failure for _, answer in failed],
            "now": now,
        },
    )


def _give_back(cursor: psycopg.Cursor[Any], carried: Sequence[Carried]) -> None:
    if carried:
        parameters = {
            "deliveries": [one.delivery_id for one in carried],
            "attempts": [one.attempts for one in carried],
        }
        cursor.execute(_SQL["give_back"], parameters)


def _log(cursor: psycopg.Cursor[Any], tried: Sequence[tuple[Carried, Answer, datetime | None]]) -> None:
    if tried:
        cursor.execute(
            _SQL["put_attempts"],
            {
                "endpoints": [carried.endpoint_id for carried, _, _ in tried],
                "events": [carried.event_id for carried, _, _ in tried],
                "kinds": [carried.kind for carried, _, _ in tried],
                "numbers": [carried.attempts for carried, _, _ in tried],
                "started_at": [started_at for _, _, started_at in tried],
                "latency_ms": [answer.latency_ms for _, answer, _ in tried],
                "statuses": [answer.status for _, answer, _ in tried],
                "failures": [answer.failure for _, answer, _ in tried],
            },
        )


def _judge_endpoints(
    cursor: psycopg.Cursor[Any],
    arrived: Sequence[Carried],
    failed: Sequence[tuple[Carried, Answer]],
    now: datetime,
) -> None:
    """Note which endpoints work, which fail and rest, and which are given up; in the order of their ids."""
    gone = {carried.endpoint_id for carried, answer in failed if answer.status == GONE}
    working = {carried.endpoint_id for carried in arrived}
    for endpoint_id in sorted(working | {carried.endpoint_id for carried, _ in failed}):
        if endpoint_id in gone:
            _disable(cursor, endpoint_id, DisabledReason.GONE, now)
        elif endpoint_id in working:
            cursor.execute(_SQL["endpoint_succeeded"], {"endpoint_id": endpoint_id, "now": now})
        else:
            asked = [a.retry_after_seconds for carried, a in failed if carried.endpoint_id == endpoint_id]
            _let_rest(cursor, endpoint_id, max(asked), now)


def _let_rest(cursor: psycopg.Cursor[Any], endpoint_id: UUID, asked_seconds: int, now: datetime) -> None:
    """Leave an endpoint alone that fails, longer each time; disable it when it failed for too long."""
    row = cursor.execute(_SQL["endpoint_failing"], {"endpoint_id": endpoint_id, "now": now}).fetchone()
    if row is None:
        return
    failing_since, failures = row
    if is_given_up(failing_since=failing_since, now=now):
        _disable(cursor, endpoint_id, DisabledReason.FAILING, now)
        return
    parameters = {"endpoint_id": endpoint_id, "rests_until": rests_until(failures, now, asked_seconds)}
    cursor.execute(_SQL["endpoint_rests"], parameters)


def _disable(cursor: psycopg.Cursor[Any], endpoint_id: UUID, reason: DisabledReason, now: datetime) -> None:
    parameters = {"endpoint_id": endpoint_id, "reason": reason.value, "now": now}
    if cursor.execute(_SQL["disable_endpoint"], parameters).rowcount:
        _LOG.error("endpoint %s is disabled: %s", endpoint_id, reason.value)


def _forget_old(now: datetime) -> None:
    """Forget what is older than a month, within bounds."""
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        for name in ("forget_deliveries", "forget_events", "forget_attempts"):
            cursor.execute(_SQL[name], {"before": now - EVENTS_KEPT_FOR, "limit": MAX_FORGOTTEN})
