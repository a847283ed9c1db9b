"""Post events over HTTP, only to where they may go, and never for longer than said."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import httpcore
import httpx

from selbsthelfer.outbox.core.webhooks import is_allowed

TIMEOUT_SECONDS: Final = 15.0
"""For all of an attempt: connecting, sending, and reading the answer, however slowly it drips."""
MAX_ANSWER_BYTES: Final = 16_384
"""Read of an answer's body, and dropped; a longer one is cut off."""
MAX_ADDRESSES: Final = 4
"""Addresses of one name that are tried."""
IDLE_SECONDS: Final = 5.0
"""How long a connection is kept for the next event."""


class Answer(NamedTuple):
    """What came of an attempt; `failure` is a code, none where the event arrived.

    `retry_after_seconds` is what the receiver asks for, 0 where it asks for nothing.
    """

    status: int | None
    failure: str | None
    latency_ms: int
    retry_after_seconds: int = 0


class AddressRefusedError(Exception):
    """A name resolves to where events may not go."""

    code = "address_refused"


class UnresolvedError(Exception):
    """A name is not known."""

    code = "name_unknown"


class Poster:
    """Posts by HTTP/1.1 over kept connections; may be used by many threads at once.

    What a name resolves to is looked at when connecting, and that very address is connected to. Redirects are
    not followed and proxies not used.
    """

    def __init__(self, *, private: bool, connections: int, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._deadline = _Deadline()
        secure = httpx.create_ssl_context()
        self._pools = {
            scheme: httpcore.ConnectionPool(
                ssl_context=secure,
                max_connections=connections,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=_GuardedBackend(self._deadline, private=private, local_only=local_only),
            )
            for scheme, local_only in (("https", False), ("http", True))
        }

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post once and tell what came of it; nothing that the other side does raises an error."""
        started = time.monotonic()
        self._deadline.at = started + self._timeout_seconds
        status, failure, asked = None, None, 0
        try:
            status, asked = self._exchange(url, body, headers)
            failure = None if 200 <= status < 300 else f"http_{status}"
        except (httpcore.TimeoutException, TimeoutError):
            failure = "timeout"
        except (AddressRefusedError, UnresolvedError) as error:
            failure = error.code
        except httpcore.ConnectError as error:
            failure = "tls" if _is_of_tls(error) else "unreachable"
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError):
            failure = "broken_off"
        return Answer(status, failure, round((time.monotonic() - started) * 1_000), asked)

    def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, int]:
        """Send and return the status and the seconds asked for; the rest of the answer is dropped."""
        seconds = self._timeout_seconds
        timeouts = {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}
        with self._pools[url.partition(":")[0].lower()].stream(
            "POST",
            url,
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            content=body,
            extensions={"timeout": timeouts},
        ) as response:
            read = 0
            for chunk in response.iter_stream():
                read += len(chunk)
                if read > MAX_ANSWER_BYTES:
                    break
            return response.status, _asked_seconds(response.headers)

    def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            pool.close()


class _Deadline(threading.local):
    """Until when the attempt of this thread may last, on the monotonic clock."""

    at: float = 0.0

    def left(self, timeout: float | None) -> float:
        remaining = self.at - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout("the attempt took too long")
        return remaining if timeout is None else min(timeout, remaining)


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to allowed addresses only."""

    def __init__(self, deadline: _Deadline, *, private: bool, local_only: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline
        self._private = private
        self._local_only = local_only

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host, port)
        error: httpcore.ConnectError | None = None
        for address in addresses[:MAX_ADDRESSES]:
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except httpcore.ConnectError as failed:
                error = failed
            else:
                return _TimedStream(stream, self._deadline)
        raise error or httpcore.ConnectError("the name has no address")

    def _resolve(self, host: str, port: int) -> list[str]:
        """Resolve a name; one address that is not allowed refuses them all."""
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UnresolvedError from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if not is_allowed(address, private=self._private, local_only=self._local_only):
                raise AddressRefusedError
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection on which each attempt ends by its deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _asked_seconds(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Read `Retry-After` where it is a number of seconds."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) <= 6:
            return int(value)
    return 0
