"""Carry requests of httpx over connections that end by a deadline, which httpx itself does not offer."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from typing import Final

import httpcore
import httpx

from selbsthelfer.kit.timed_stream import Deadline, TimedBackend

FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
"""What is raised when a request fails; nothing translates it to the errors of httpx."""


class TimedTransport(httpx.BaseTransport):
    """HTTP/1.1 over kept connections; used by many threads at once, each with its own deadline."""

    def __init__(
        self, deadline: Deadline, *, trust: ssl.SSLContext, connections: int, kept: int, idle_seconds: float
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=connections,
            max_keepalive_connections=kept,
            keepalive_expiry=idle_seconds,
            network_backend=TimedBackend(deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101 - the client is not asynchronous
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, Iterable)  # noqa: S101 - as above
        stream = _Stream(answer.stream)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, inner: Iterable[bytes]) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inner)

    def close(self) -> None:
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()
