"""Call a charging system over HTTP, and know of each failure whether anything can have been sent.

No line of the log names a line, a path with an id in it, what was sent, or how one signs in.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from threading import Lock
from time import monotonic
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote

import httpcore
import httpx
import msgspec

from selbsthelfer.charging.adapters.transport import FAILURES, TimedTransport
from selbsthelfer.charging.core.port import UnreadableError
from selbsthelfer.kit.timed_stream import Deadline

MAX_ANSWER_BYTES: Final = 2_000_000
MAX_CONNECTIONS: Final = 64
MAX_IDLE_SECONDS: Final = 5.0
"""An idle connection is let go before most servers and proxies would, so that none dies while it is used."""
MAX_CONNECT_SECONDS: Final = 3.0
MIN_TIMEOUT_SECONDS: Final = 0.1
MAX_TIMEOUT_SECONDS: Final = 60.0

JSON: Final = {"content-type": "application/json"}
_SENDING: Final = frozenset({"http11.send_request_headers.started", "http11.send_request_body.started"})
"""What httpx tells its `trace` just before the first byte of a request, and before that of its body."""
_CONNECTED: Final = "connection.connect_tcp.complete"
_LOG = logging.getLogger(__name__)
S = TypeVar("S")

for _name in ("httpx", "httpcore"):  # below that they log addresses and headers: ids of lines and passwords
    logging.getLogger(_name).setLevel(logging.WARNING)


class SystemAddressError(ValueError):
    """The address of the charging system, or what is needed to sign in, cannot be used."""

    code: ClassVar[str] = "charging_address"


class NotSentError(RuntimeError):
    """Not one byte of the request was sent."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoAnswerError(RuntimeError):
    """Some of it was sent, and no whole answer came; what became of it is open."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; the parts of the path are made safe when it is sent."""

    method: str
    path: Sequence[str]
    body: bytes | None = field(default=None, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers are in lower case.

    `is_first`: it is the first of its connection, so that no answer to another request can lie before it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    is_first: bool = False

    def read(self, kind: type[S]) -> S | None:
        """Read the body as JSON; none where it is not of that kind."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, RecursionError):
            return None


class Caller:
    """Sends requests to one server; used by many threads at once.

    After an answer that was not what was asked for, connections are not used again (`start_anew`): what else
    lies in them would be taken for the answer to the next request.
    """

    def __init__(self, url: str, *, authorization: str, timeout_seconds: float) -> None:
        self._timeout_seconds = _within(timeout_seconds)
        self._base = _checked(url, authorization)
        self._headers = {"accept": "application/json", "accept-encoding": "identity"}
        if authorization:
            self._headers["authorization"] = authorization
        self._trust = _trust(self._base)
        self._deadline = Deadline()
        self._lock = Lock()
        self._pool = _Pool(self._client(MAX_CONNECTIONS))
        self._fresh = self._client(0)

    def close(self) -> None:
        with self._lock:
            pool = self._pool
        pool.retire()
        self._fresh.close()

    def start_anew(self) -> None:
        """Use no connection again that is open now; each is closed when the request in it is over."""
        with self._lock:
            before, self._pool = self._pool, _Pool(self._client(MAX_CONNECTIONS))
        before.retire()

    def send(self, request: Request, *, deadline: float) -> Answer:
        """Send a request once, if its first byte leaves before `deadline`.

        Raises `NotSentError` or `NoAnswerError`.
        """
        with self._lease() as client:
            return self._send(client, request, deadline)

    def send_alone(self, request: Request) -> Answer:
        """Send in a connection of its own, in which no answer to anything else can lie."""
        alone = replace(request, headers={**request.headers, "connection": "close"})
        return self._send(self._fresh, alone, monotonic() + self._timeout_seconds)

    def _send(self, client: httpx.Client, request: Request, deadline: float) -> Answer:
        gate = _Gate(deadline)
        try:
            return self._exchange(client, request, gate, deadline - monotonic())
        except NoAnswerError as error:
            log(request.path, error.code)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, *FAILURES, NotSentError) as error:
            if gate.is_open:
                code = (
                    "timed_out"
                    if isinstance(error, (httpx.TimeoutException, httpcore.TimeoutException))
                    else "broken_off"
                )
                log(request.path, code)
                raise NoAnswerError(code) from None
            code = error.code if isinstance(error, NotSentError) else "not_reached"
            log(request.path, code)
            raise NotSentError(code) from None

    def _exchange(self, client: httpx.Client, request: Request, gate: _Gate, left: float) -> Answer:
        if left <= 0:
            raise NotSentError("deadline_passed")
        wait = self._timeout_seconds
        before = min(wait, left)
        timeout = httpx.Timeout(wait, connect=min(MAX_CONNECT_SECONDS, before), pool=before)
        until = self._deadline.at = monotonic() + before + wait  # for all of it, also headers that drip
        taken = bytearray()
        with client.stream(
            request.method,
            self._url(request.path),
            params=request.query,
            content=request.body,
            headers={**request.headers, **({} if request.body is None else JSON)},
            timeout=timeout,
            extensions={"trace": gate.trace},
        ) as response:
            for chunk in response.iter_raw():
                taken += chunk
                if len(taken) > MAX_ANSWER_BYTES:
                    raise NoAnswerError("answer_too_large")
                if monotonic() > until:
                    raise NoAnswerError("timed_out")
            found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, found, bytes(taken), gate.is_first)

    def _url(self, path: Sequence[str]) -> httpx.URL:
        tail = "/".join(quote(part, safe="") for part in path)
        return self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + b"/" + tail.encode("ascii"))

    def _client(self, kept: int) -> httpx.Client:
        return httpx.Client(
            headers=self._headers,
            transport=TimedTransport(
                self._deadline,
                trust=self._trust,
                connections=MAX_CONNECTIONS,
                kept=kept,
                idle_seconds=MAX_IDLE_SECONDS,
            ),
            trust_env=False,  # neither a proxy that may repeat requests nor a .netrc
            follow_redirects=False,
        )

    @contextmanager
    def _lease(self) -> Iterator[httpx.Client]:
        with self._lock:
            pool = self._pool
            pool.take()
        try:
            yield pool.client
        finally:
            pool.give_back()


class _Gate:
    """Lets a request out before its deadline only, and remembers whether it did.

    Its body is asked for once more: a process that was stopped after the headers sends no more than them,
    and a server does nothing with a request that breaks off.
    """

    def __init__(self, deadline: float) -> None:
        self.is_open = False
        self.is_first = False
        self._deadline = deadline

    def trace(self, event: str, info: Mapping[str, Any]) -> None:  # noqa: ARG002 - as httpx calls it
        if event == _CONNECTED:
            self.is_first = True
        if event not in _SENDING:
            return
        if monotonic() > self._deadline:
            raise NotSentError("deadline_passed")
        self.is_open = True


class _Pool:
    """Connections that are closed together, once no request is in any of them."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self._lock = Lock()
        self._users = 0
        self._is_retired = False

    def take(self) -> None:
        with self._lock:
            self._users += 1

    def give_back(self) -> None:
        with self._lock:
            self._users -= 1
            is_over = self._is_retired and self._users == 0
        if is_over:
            self.client.close()

    def retire(self) -> None:
        with self._lock:
            self._is_retired = True
            is_over = self._users == 0
        if is_over:
            self.client.close()


@contextmanager
def reading() -> Iterator[None]:
    """Tell of a request that failed as of one from which nothing may be concluded."""
    try:
        yield
    except (NotSentError, NoAnswerError) as error:
        raise UnreadableError(error.code) from None


def log(path: Sequence[str], code: str) -> None:
    """Write down that a call failed: how its path begins, in which no id stands, and a code."""
    _LOG.warning("charging system failed at %s: %s", path[0], code)


def is_a_segment(text: str) -> bool:
    """Tell whether text can stand in a path as one part of it, whatever a server makes of paths."""
    return text not in {"", ".", ".."} and text.isprintable() and "/" not in text and "\\" not in text


def _within(seconds: float) -> float:
    if not MIN_TIMEOUT_SECONDS <= seconds <= MAX_TIMEOUT_SECONDS:
        raise SystemAddressError(
            f"the time-out of the charging system must be {MIN_TIMEOUT_SECONDS} to "
            f"{MAX_TIMEOUT_SECONDS:.0f} seconds"
        )
    return seconds


def _checked(url: str, authorization: str) -> httpx.URL:
    """Check the address: encrypted, unless the server is on this machine; raises `SystemAddressError`."""
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        raise SystemAddressError("the address of the charging system cannot be read") from None
    if (
        not found.host
        or found.scheme not in {"http", "https"}
        or found.userinfo
        or found.query
        or found.fragment
    ):
        raise SystemAddressError("the address of the charging system must be like https://host/path")
    if found.scheme == "http" and not _is_here(found.host):
        raise SystemAddressError("the address of the charging system must begin with https://")
    if authorization and not (authorization.isascii() and authorization.isprintable()):
        raise SystemAddressError("the token or password of the charging system cannot be sent")
    return found


def _trust(url: httpx.URL) -> ssl.SSLContext:
    """Trust whom this machine trusts; where nothing is encrypted the long list need not be read."""
    return ssl.create_default_context() if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False
