"""Carry events to the endpoints that want them, each at least once, and none behind a slow endpoint."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction
from standardwebhooks import Webhook

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.outbox.adapters.posting import TIMEOUT_SECONDS, Answer, Poster
from selbsthelfer.outbox.core.events import write_body
from selbsthelfer.outbox.core.webhooks import DisabledReason, is_given_up, next_try_at, rests_until
from selbsthelfer.outbox.operations import Round
from selbsthelfer.outbox.sealing import SealBrokenError, unseal
from selbsthelfer.outbox.webhooks import MAX_ENDPOINTS

_SQL = statements("selbsthelfer.outbox")
_LOG = logging.getLogger(__name__)

MAX_SENT: Final = 5_000
"""Events sent in one round."""
MAX_TAKEN: Final = 200
"""Events taken for one endpoint at once."""
LANES: Final = 8
"""Threads that carry events to one endpoint at the same time."""
LANE_SECONDS: Final = 10.0
"""After so long a thread begins no further attempt: what is left is given back."""
LEASE: Final = timedelta(minutes=5)
"""For how long a delivery belongs to the sender that took it: longer than a thread keeps any."""
WAIT_SECONDS: Final = 2.0
"""How long a round waits for slow endpoints; what they are at is noted by the next one."""
MAX_FORGOTTEN: Final = 1_000
"""Rows of each kind forgotten in one round."""
EVENTS_KEPT_FOR: Final = timedelta(days=30)
"""How long events, deliveries and attempts are kept."""
GONE: Final = 410

_USER_AGENT: Final = "Selbsthelfer-Webhooks/1"


class Carried(NamedTuple):
    """What a thread has to do: a delivery, and where it goes. `tries` counts since it was last replayed."""

    delivery_id: int
    endpoint_id: UUID
    event_id: UUID
    kind: str
    happened_at: datetime
    data: str
    attempts: int
    tries: int
    first_tried_at: datetime


class Outcome(NamedTuple):
    """What became of a delivery; without an answer it was not tried and is given back."""

    carried: Carried
    started_at: datetime | None
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Destination:
    """An endpoint as a sender needs it; with `is_failing` one event at a time tries whether it is back."""

    endpoint_id: UUID
    url: str
    secrets: tuple[str, ...]
    is_failing: bool


class Couriers:
    """The threads that carry events. They know no database: who owns them takes and notes.

    A slow endpoint holds no more than its own `LANES` threads, and there are enough for every endpoint.
    """

    def __init__(self, *, private: bool = False, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        threads = MAX_ENDPOINTS * LANES
        self._poster = Poster(private=private, connections=threads, timeout_seconds=timeout_seconds)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="courier")
        self._running: dict[Future[list[Outcome]], UUID] = {}
        self._stopping = threading.Event()

    def __enter__(self) -> Couriers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def busy(self) -> Collection[UUID]:
        """The endpoints that are being served."""
        return set(self._running.values())

    def start(self, destination: Destination, carried: Sequence[Carried], *, now: datetime) -> None:
        """Begin to carry events to one endpoint."""
        for lane in range(min(LANES, len(carried))):
            future = self._threads.submit(self._carry, destination, carried[lane::LANES], now)
            self._running[future] = destination.endpoint_id

    def finished(self, wait_seconds: float | None) -> list[Outcome]:
        """Wait until a thread has finished, at most so long; return what became of what it had."""
        done, _ = wait(self._running, timeout=wait_seconds, return_when=FIRST_COMPLETED)
        for future in done:
            del self._running[future]
        return [outcome for future in done for outcome in future.result()]

    def stop(self) -> None:
        """Begin no further attempt: what is left of what was started is given back."""
        self._stopping.set()

    def close(self) -> None:
        """Let the attempts in hand end; what was taken and is not noted goes out again after its lease."""
        self.stop()
        self._threads.shutdown(wait=True)
        self._poster.close()

    def _carry(self, destination: Destination, carried: Sequence[Carried], now: datetime) -> list[Outcome]:
        """Carry events one after the other, until one fails or time is up."""
        began = time.monotonic()
        outcomes: list[Outcome] = []
        is_over = False
        for one in carried:
            seconds = time.monotonic() - began
            if is_over or seconds >= LANE_SECONDS or self._stopping.is_set():
                outcomes.append(Outcome(one, None, None))
                continue
            body = write_body(one.kind, one.happened_at, one.data)
            headers = signed_headers(destination.secrets, one.event_id, datetime.now(UTC), body)
            answer = self._poster.post(destination.url, body.encode(), headers)
            outcomes.append(Outcome(one, now + timedelta(seconds=seconds), answer))
            is_over = answer.failure is not None
        return outcomes


def signed_headers(secrets: Sequence[str], event_id: UUID, sent_at: datetime, body: str) -> Mapping[str, str]:
    """Write the headers of an attempt by Standard Webhooks, with a signature for each valid secret.

    The receiver compares the timestamp with its own clock, so it is the true time of the attempt.
    """
    signatures = [Webhook(secret).sign(str(event_id), sent_at, body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": _USER_AGENT,
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def send_events(
    *, limit: int, now: datetime, couriers: Couriers, wait_seconds: float | None = WAIT_SECONDS
) -> Round:
    """Send up to `limit` events that are due, at most `MAX_SENT`; then forget old ones.

    Each arrives at least once: whoever dies between sending and noting that leaves it to be sent again, with
    the same id. The round waits `wait_seconds` (None: as long as it takes) for endpoints that are slow, and
    the next round with the same couriers notes what they were at; the others are served meanwhile.
    """
    total, left = Round(0, 0, 0), min(limit, MAX_SENT)
    ends_at = None if wait_seconds is None else time.monotonic() + wait_seconds
    while True:
        left -= _take(couriers, left, now)
        if not couriers.busy:
            break
        remaining = None if ends_at is None else max(0.0, ends_at - time.monotonic())
        outcomes = couriers.finished(remaining)
        if not outcomes:
            break
        total = _sum(total, _note(outcomes, now))
    _forget_old(now)
    return total


def stop_sending(*, now: datetime, couriers: Couriers) -> Round:
    """Let the attempts in hand end and note what became of them, so that nothing has to be sent twice."""
    couriers.stop()
    total = Round(0, 0, 0)
    while couriers.busy:
        total = _sum(total, _note(couriers.finished(None), now))
    couriers.close()
    return total


def _sum(one: Round, other: Round) -> Round:
    return Round(*(a + b for a, b in zip(one, other, strict=True)))


def _take(couriers: Couriers, limit: int, now: datetime) -> int:
    """Take events for every endpoint that is free, the same number for each, and start them; count them."""
    if limit <= 0:
        return 0
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
    taken: dict[UUID, list[Carried]] = defaultdict(list)
    for carried in sorted(Carried(*row) for row in rows):
        taken[carried.endpoint_id].append(carried)
    for endpoint_id, deliveries in taken.items():
        couriers.start(ready[endpoint_id], deliveries, now=now)
    return len(rows)


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
