"""HTTP/1.1 on loopback, small and quick: a thread for each connection, which a fault may break."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event, Lock, Thread, current_thread
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

HOST: Final = "127.0.0.1"
MAX_HEAD_BYTES: Final = 32_768
MAX_BODY_BYTES: Final = 1_000_000
MAX_WAITING: Final = 256
"""Connections that wait to be accepted."""
MAX_IDLE_SECONDS: Final = 60.0
JSON: Final = {"content-type": "application/json"}
_REASONS: Final = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 404: "Not Found"}
_END: Final = b"\r\n\r\n"


class HangUpError(Exception):
    """The connection is to be closed without another byte."""


@dataclass(frozen=True)
class Request:
    """A request; names of headers are in lower case."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The body as JSON; none where it is not."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Write the reply as it goes out."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status != 204:
            lines.append(f"content-length: {len(self.body)}")
        return "\r\n".join(lines).encode("latin-1") + _END + self.body


class Connection:
    """One connection, with what was read of it and not used yet."""

    def __init__(self, taken: socket.socket, stopping: Event) -> None:
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        taken.settimeout(MAX_IDLE_SECONDS)
        self._socket = taken
        self._stopping = stopping
        self._buffer = bytearray()
        self.is_reset = False

    def read(self) -> Request:
        """Read the next request; raises `HangUpError` where none comes or it is too large.

        After a reset none is read, though more of it may have arrived.
        """
        while (end := self._buffer.find(_END)) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise HangUpError
            self._fill()
        head = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + len(_END)]
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        size = headers.get("content-length", "0")
        if not size.isdigit() or int(size) > MAX_BODY_BYTES or "transfer-encoding" in headers:
            raise HangUpError
        while len(self._buffer) < int(size):
            self._fill()
        body = bytes(self._buffer[: int(size)])
        del self._buffer[: int(size)]
        return _request(head[0], headers, body)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def wait_for_hang_up(self, seconds: float) -> None:
        """Say nothing until the other side gives up, the server stops, or the seconds are over."""
        step = 0.05
        for _ in range(int(seconds / step)):
            if self._stopping.is_set() or self.is_reset:
                return
            with suppress(OSError, ValueError):
                readable, _, _ = select.select([self._socket], [], [], step)
                if readable:
                    return

    def reset(self) -> None:
        """Break off, so that the other side sees a reset; may be called by another thread."""
        self.is_reset = True
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _fill(self) -> None:
        part = self._socket.recv(65_536)
        if not part or self.is_reset:
            raise HangUpError
        self._buffer += part


class Server:
    """Accepts connections on loopback, and serves each in a thread until it ends."""

    def __init__(self, serve: Callable[[Connection, Request], None], port: int) -> None:
        """Bind; port 0 is any free one. Raises `OSError` where the port is taken."""
        self._serve = serve
        self._stopping = Event()
        self._lock = Lock()
        self._open: set[Connection] = set()
        self._threads: set[Thread] = set()
        self._socket = socket.create_server((HOST, port), backlog=MAX_WAITING)
        self.port: int = self._socket.getsockname()[1]
        self._accepting = Thread(target=self._accept, name="charging-simulator", daemon=True)

    def start(self) -> None:
        self._accepting.start()

    def close(self) -> None:
        """Stop, and let all connections go."""
        self._stopping.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.reset_all()
        if self._accepting.is_alive():
            self._accepting.join()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout=2)

    def reset_all(self) -> None:
        """Break every connection off, as the end of a process would."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.reset()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return
            connection = Connection(taken, self._stopping)
            thread = Thread(target=self._run, args=(connection,), daemon=True)
            with self._lock:
                self._open.add(connection)
                self._threads.add(thread)
            thread.start()

    def _run(self, connection: Connection) -> None:
        try:
            while not self._stopping.is_set():
                self._serve(connection, connection.read())
        except (HangUpError, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
                self._threads.discard(current_thread())
            connection.close()


def as_json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _request(first: str, headers: Mapping[str, str], body: bytes) -> Request:
    parts = first.split(" ")
    if len(parts) != 3:
        raise HangUpError
    path, _, query = parts[1].partition("?")
    segments = tuple(unquote(part) for part in path.split("/") if part)
    return Request(parts[0], segments, dict(parse_qsl(query, keep_blank_values=True)), headers, body)
