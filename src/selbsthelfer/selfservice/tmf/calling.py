"""Call a server over HTTP within limits: how long, how much, how many pages; and tell apart how it failed.

No line of the log names a line, a path with an id in it, or what was sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic
from typing import ClassVar, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from selbsthelfer.selfservice.back_end import BackEndUnavailableError
from selbsthelfer.selfservice.tmf.plain import OddAnswerError
from selbsthelfer.selfservice.tmf.shapes import Ref, encode

MAX_PAGE: Final = 100
"""Entries asked for at once."""
MAX_PAGES: Final = 20
"""Pages of one list."""
MAX_ANSWER_BYTES: Final = 4_000_000
MAX_READ_ATTEMPTS: Final = 2
"""How often a read is tried where the connection broke; one that took too long is not tried again."""
MAX_CONNECTIONS: Final = 20

_LOG = logging.getLogger(__name__)
S = TypeVar("S")

logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it logs addresses, which hold ids of lines


class BackEndAddressError(ValueError):
    """The address or the token of the back end cannot be used."""

    code: ClassVar[str] = "back_end_address"


class NotSentError(RuntimeError):
    """No connection came about, so nothing was sent."""


class NoAnswerError(RuntimeError):
    """It was sent, and no whole answer came; what became of it is open."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the back end is waited for, in seconds."""

    connect_seconds: float = 3.0
    read_seconds: float = 8.0
    look_up_seconds: float = 4.0
    """For asking whether an order that got no answer was made."""
    task_seconds: float = 12.0
    """For all the requests of one reading."""
    poll_seconds: tuple[float, ...] = (0.2, 0.4, 0.9, 1.5, 3.0)
    """Between the looks at an order that is under way; 6 seconds in all."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    total: int | None

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


class Caller:
    """Sends requests with a token to one server, and reads its JSON."""

    def __init__(self, base_url: str, token: str, patience: Patience) -> None:
        self._patience = patience
        self._client = httpx.Client(
            base_url=_checked(base_url, token),
            headers={
                "authorization": f"Bearer {token}",
                "accept": "application/json",
                "accept-encoding": "identity",
            },
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
        )

    def close(self) -> None:
        self._client.close()

    def deadline(self) -> float:
        """Begin a task: tell until when its requests may take."""
        return monotonic() + self._patience.task_seconds

    def one(self, path: str, id_: str, kind: type[S], *, until: float) -> S:
        """Read one resource by its id."""
        answer = self._get(path, f"{path}/{quote(id_, safe='')}", {}, until)
        return _decoded(answer.body, kind, path)

    def many(
        self, path: str, kind: type[S], query: Mapping[str, str], *, limit: int, until: float
    ) -> list[S]:
        """Read up to `limit` entries of a list, page by page."""
        found: list[S] = []
        for _ in range(MAX_PAGES):
            size = min(MAX_PAGE, limit - len(found))
            page_query = {**query, "limit": str(size), "offset": str(len(found))}
            answer = self._get(path, path, page_query, until)
            page = _decoded_list(answer.body, kind, path)
            if page and found[-len(page) :] == page:
                raise _failed(path, "offset_ignored")
            found += page
            is_last = len(found) >= answer.total if answer.total is not None else len(page) < size
            if not page or is_last or len(found) >= limit:
                break
        return found[:limit]

    def post(self, path: str, shape: object, *, until: float | None = None) -> Answer:
        """Send something once; raises `NotSentError` or `NoAnswerError`."""
        try:
            return self._call("POST", path, {}, encode(shape), until or self.deadline())
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
            log(path, "not_sent")
            raise NotSentError from None
        except (httpx.HTTPError, httpx.InvalidURL, _TooMuchError):
            log(path, "no_answer")
            raise NoAnswerError from None

    def _get(self, name: str, path: str, query: Mapping[str, str], until: float) -> Answer:
        for attempt in range(1, MAX_READ_ATTEMPTS + 1):
            try:
                answer = self._call("GET", path, query, None, until)
            except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError, httpx.CloseError):
                if attempt == MAX_READ_ATTEMPTS:
                    raise _failed(name, "broken_off") from None
            except httpx.TimeoutException:
                raise _failed(name, "timed_out") from None
            except (httpx.HTTPError, httpx.InvalidURL, _TooMuchError) as error:
                raise _failed(name, type(error).__name__) from None
            else:
                if answer.is_good:
                    return answer
                raise _failed(name, f"status_{answer.status}")
        raise _failed(name, "broken_off")

    def _call(
        self, method: str, path: str, query: Mapping[str, str], content: bytes | None, until: float
    ) -> Answer:
        left = until - monotonic()
        if left <= 0:
            raise _TooMuchError
        wait = min(self._patience.read_seconds, left)
        timeout = httpx.Timeout(wait, connect=min(self._patience.connect_seconds, left))
        headers = {"content-type": "application/json"} if content is not None else {}
        body = bytearray()
        with self._client.stream(
            method, path, params=query, content=content, headers=headers, timeout=timeout
        ) as response:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES or monotonic() > until:
                    raise _TooMuchError
            total = response.headers.get("x-total-count", "")
        return Answer(response.status_code, bytes(body), int(total) if _is_count(total) else None)


class _TooMuchError(RuntimeError):
    """An answer was larger or came later than we take."""


def decoded(answer: Answer, kind: type[S]) -> S | None:
    """Read an answer to something sent; none where it cannot be read."""
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, RecursionError):
        return None


def log(path: str, code: str) -> None:
    """Write down that a call failed: the kind of resource and a code, never an id."""
    _LOG.warning("back end failed at %s: %s", path, code)


def _failed(path: str, code: str) -> BackEndUnavailableError:
    log(path, code)
    return BackEndUnavailableError(code)


def _decoded(body: bytes, kind: type[S], path: str) -> S:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError):
        raise _failed(path, "not_readable") from None


def _decoded_list(body: bytes, kind: type[S], path: str) -> Sequence[S]:
    return _decoded(body, list[kind], path)  # type: ignore[valid-type]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _checked(base_url: str, token: str) -> httpx.URL:
    """Check the address: encrypted, unless the server is on this machine; raises `BackEndAddressError`."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise BackEndAddressError("the address of the back end cannot be read") from None
    if not url.host or url.scheme not in {"http", "https"} or url.userinfo or url.query:
        raise BackEndAddressError("the address of the back end must be like https://host/path")
    if url.scheme == "http" and not _is_here(url.host):
        raise BackEndAddressError("the address of the back end must begin with https://")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise BackEndAddressError("the token of the back end is missing or cannot be sent")
    return url


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def making_sense(path: str) -> Iterator[None]:
    """Tell of an answer that makes no sense as of one that did not come."""
    try:
        yield
    except OddAnswerError as error:
        log(path, error.code)
        raise BackEndUnavailableError(error.code) from None


def expect(found: str | None, wanted: str) -> None:
    """Guard against a server that passes over a filter and tells of somebody else."""
    if found != wanted:
        raise OddAnswerError("of_another")


def expect_one(wanted: str, refs: Sequence[Ref | None]) -> None:
    if not any(ref is not None and ref.id == wanted for ref in refs):
        raise OddAnswerError("of_another")
