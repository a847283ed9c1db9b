"""Carry events to endpoints: threads that post and know no database."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, NamedTuple
from uuid import UUID

from standardwebhooks import Webhook

from selbsthelfer.outbox.adapters.posting import TIMEOUT_SECONDS, Answer, Poster
from selbsthelfer.outbox.core.events import write_body
from selbsthelfer.outbox.webhooks import MAX_ENDPOINTS, MAX_LISTENERS

_LOG = logging.getLogger(__name__)

LANES: Final = 8
"""Threads that carry events to one endpoint at the same time."""
LANE_SECONDS: Final = 10.0
"""After so long a thread begins no further attempt: what is left is given back."""
NOT_CARRIED: Final = "not_carried"
"""The failure of an attempt that broke on this side, before there was an answer."""

_USER_AGENT: Final = "Selbsthelfer-Webhooks/1"


class Carried(NamedTuple):
    """What a thread has to do: a delivery, and where it goes. `tries` counts since it was last replayed."""

    delivery_id: int
    endpoint_id: UUID
    event_id: UUID
    kind: str
    happened_at: datetime
    data: str
    is_whole_body: bool
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
        threads = (MAX_ENDPOINTS + MAX_LISTENERS) * LANES
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

    def start(
        self, destination: Destination, carried: Sequence[Carried], *, now_of: Callable[[], datetime]
    ) -> None:
        """Begin to carry events to one endpoint; the threads ask `now_of` when each attempt begins."""
        for lane in range(min(LANES, len(carried))):
            future = self._threads.submit(self._carry, destination, carried[lane::LANES], now_of)
            self._running[future] = destination.endpoint_id

    def finished(self, wait_seconds: float | None) -> list[Outcome]:
        """Wait until a thread has finished, at most so long; return what became of what it had."""
        done, _ = wait(self._running, timeout=wait_seconds, return_when=FIRST_COMPLETED)
        outcomes: list[Outcome] = []
        for future in done:
            endpoint_id = self._running.pop(future)
            if (error := future.exception()) is None:
                outcomes += future.result()
            else:
                _LOG.error("endpoint %s: a courier broke off: %s", endpoint_id, type(error).__name__)
        return outcomes

    def stop(self) -> None:
        """Begin no further attempt: what is left of what was started is given back."""
        self._stopping.set()

    def close(self) -> None:
        """Let the attempts in hand end; what was taken and is not noted goes out again after its lease."""
        self.stop()
        self._threads.shutdown(wait=True)
        self._poster.close()

    def _carry(
        self, destination: Destination, carried: Sequence[Carried], now_of: Callable[[], datetime]
    ) -> list[Outcome]:
        """Carry events one after the other, until one fails or time is up."""
        began = time.monotonic()
        outcomes: list[Outcome] = []
        is_over = False
        for one in carried:
            if is_over or time.monotonic() - began >= LANE_SECONDS or self._stopping.is_set():
                outcomes.append(Outcome(one, None, None))
                continue
            started_at = now_of()
            answer = self._attempt(destination, one)
            outcomes.append(Outcome(one, started_at, answer))
            is_over = answer.failure is not None
        return outcomes

    def _attempt(self, destination: Destination, one: Carried) -> Answer:
        """Post one event; whatever breaks on this side is a failed attempt of this event alone."""
        try:
            body = write_body(one.kind, one.happened_at, one.data, is_whole_body=one.is_whole_body)
            headers = signed_headers(destination.secrets, one.event_id, datetime.now(UTC), body)
            return self._poster.post(destination.url, body.encode(), headers)
        except Exception as error:  # noqa: BLE001 - a thread's edge: what others have carried must be noted
            _LOG.error("event %s was not carried: %s", one.event_id, type(error).__name__)
            return Answer(None, NOT_CARRIED, 0)


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
