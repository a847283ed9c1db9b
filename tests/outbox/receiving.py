"""A receiver of webhooks on this machine that checks every signature, and misbehaves when told to."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from django.db import transaction
from standardwebhooks import Webhook, WebhookVerificationError

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import EventKind
from selbsthelfer.outbox.couriers import Couriers
from selbsthelfer.outbox.delivering_events import send_events
from selbsthelfer.outbox.event_queries import (
    AttemptRow,
    DeliveryRow,
    EndpointState,
    attempts_of_endpoint,
    deliveries_of_endpoint,
    endpoint_of_id,
)
from selbsthelfer.outbox.events import EventRow, put_events
from selbsthelfer.outbox.operations import Round
from selbsthelfer.outbox.webhooks import SecretMade, add_endpoint

RESET, SILENCE = -1, -2
"""Instead of a status: break the connection off; say nothing until the other side gives up."""
GRANT = EventKind.GRANT_RELEASED


@dataclass
class Receiver:
    """Answers each request with the next of `answers`, then with 204; `always` overrides both."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    always: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    answer_bytes: int = 0
    drip_seconds: float = 0.0
    slow_seconds: float = 0.0
    bodies: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    being_sent: Counter[str] = field(default_factory=Counter)
    twice_at_once: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ids(self) -> list[str]:
        """The ids of what arrived and was answered with success or not, in order."""
        return [id_ for id_, _ in self.bodies]

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Keep a request and say how to answer; a wrong signature is kept apart."""
        id_ = headers["webhook-id"]
        for secret in self.secrets:
            try:
                Webhook(secret).verify(body, headers)
            except WebhookVerificationError:
                self.unsigned.append(id_)
        self.raw.append(body)
        self.bodies.append((id_, json.loads(body)))
        if self.always is not None:
            return self.always
        return self.answers.pop(0) if self.answers else 204


def _say_nothing(handler: BaseHTTPRequestHandler, *, reset: bool) -> None:
    """Break the connection off, or keep it until the other side does."""
    handler.close_connection = True
    if reset:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
    else:
        handler.connection.settimeout(5)
        handler.connection.recv(1)


def _handler_for(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            id_ = headers["webhook-id"]
            with receiver.lock:
                receiver.at_once += 1
                receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
                receiver.being_sent[id_] += 1
                if receiver.being_sent[id_] > 1:
                    receiver.twice_at_once.append(id_)
                status = receiver.take(headers, body)
            time.sleep(receiver.slow_seconds)
            with receiver.lock:
                receiver.at_once -= 1
                receiver.being_sent[id_] -= 1
            self.answer(status)

        def answer(self, status: int) -> None:
            if status < 0:
                _say_nothing(self, reset=status == RESET)
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            body_bytes = 0 if status == 204 else receiver.answer_bytes
            self.send_header("Content-Length", str(body_bytes))
            self.end_headers()
            self.drip(body_bytes)

        def drip(self, count: int) -> None:
            step = 1 if receiver.drip_seconds else 65_536
            with suppress(OSError):
                for place in range(0, count, step):
                    self.wfile.write(b"x" * min(step, count - place))
                    time.sleep(receiver.drip_seconds)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is part of the test."""


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    made = Receiver()
    server = _Server(("127.0.0.1", 0), _handler_for(made))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/events"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def add(to: Receiver, now: datetime, *kinds: str) -> SecretMade:
    """Add an endpoint for a receiver, which then checks its signatures."""
    made = add_endpoint(url=to.url, kinds=kinds or [GRANT], now=now, private=True)
    to.secrets.append(made.secret)
    return made


def tell(now: datetime, *keys: str, kind: str = GRANT, line: UUID | None = None) -> None:
    with transaction.atomic():
        put_events(open_cursor(), [EventRow(key, kind, line, {"key": key}, now) for key in keys])


def deliver(now: datetime, *, limit: int = 1_000, timeout_seconds: float = 2.0) -> Round:
    """Send what is due and wait until all of it is noted."""
    with Couriers(private=True, timeout_seconds=timeout_seconds) as couriers:
        return send_events(limit=limit, now_of=lambda: now, couriers=couriers, wait_seconds=None)


def state_of(endpoint_id: UUID) -> EndpointState:
    with transaction.atomic():
        found = endpoint_of_id(open_cursor(), endpoint_id)
    assert found is not None
    return found


def deliveries(endpoint_id: UUID) -> list[DeliveryRow]:
    """What went or goes to an endpoint, oldest first."""
    with transaction.atomic():
        return list(reversed(deliveries_of_endpoint(open_cursor(), endpoint_id)))


def attempts(endpoint_id: UUID) -> list[AttemptRow]:
    """Every attempt, oldest first."""
    with transaction.atomic():
        return list(reversed(attempts_of_endpoint(open_cursor(), endpoint_id)))
