"""Ask the portal in this process, without a socket, as a server's worker does: so server time is measured."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse

from bench.world import NOW
from selbsthelfer.identity.models import User

PAGES_AT = NOW + timedelta(minutes=20)
"""When the pages are opened: after everything that intake was fed with."""
_SECRET = "b" * 32


class PinnedClock:
    """Answer every request as of `PAGES_AT`, since the made-up year ends there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request._now = PAGES_AT  # type: ignore[attr-defined]
        return self.get_response(request)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how long the server took."""

    status: int
    body: bytes
    seconds: float
    location: str


@dataclass(slots=True)
class Browser:
    """Somebody with cookies; without a line, a stranger."""

    handler: WSGIHandler
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = "192.0.2.7"

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, b"")

    def post(self, path: str, sent: Mapping[str, str]) -> Answer:
        """Send a form, with the token that belongs to the cookie."""
        self.cookies["csrf"] = _SECRET
        return self._ask("POST", path, urlencode({**sent, "csrfmiddlewaretoken": _SECRET}).encode())

    def _ask(self, method: str, path: str, body: bytes) -> Answer:
        heads: list[tuple[str, list[tuple[str, str]]]] = []
        plain, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": plain,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "HTTP_ACCEPT_LANGUAGE": "de",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

        def begin(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Callable[[bytes], object]:
            heads.append((status, headers))
            return lambda _: None

        start = time.perf_counter()
        response: Any = self.handler(environ, begin)
        content = b"".join(response)
        response.close()
        elapsed = time.perf_counter() - start
        status, headers = heads[0]
        return Answer(int(status.split()[0]), content, elapsed, self._keep(headers))

    def _keep(self, headers: list[tuple[str, str]]) -> str:
        """Keep the cookies that were set; return where the answer leads."""
        location = ""
        for name, value in headers:
            if name.lower() == "set-cookie":
                self.cookies.update({key: morsel.value for key, morsel in SimpleCookie(value).items()})
            elif name.lower() == "location":
                location = value
        return location


def signed_in(handler: WSGIHandler, user: User) -> Browser:
    """Open a browser in which a user has just signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "selbsthelfer.identity.backends.LineBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key is not None
    return Browser(handler, {"session": session.session_key})


@contextmanager
def statements_sent() -> Iterator[list[str]]:
    """Gather every statement that reaches the server, whichever cursor sends it, but no savepoints."""
    sent: list[str] = []
    kept = {name: getattr(psycopg.Cursor, name) for name in ("execute", "executemany", "copy")}

    def recording(name: str) -> Any:
        def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **named: Any) -> Any:
            text = query.decode() if isinstance(query, bytes) else str(query)
            if "SAVEPOINT" not in text:
                sent.append(text)
            return kept[name](self, query, *args, **named)

        return record

    for name in kept:
        setattr(psycopg.Cursor, name, recording(name))
    try:
        yield sent
    finally:
        for name, method in kept.items():
            setattr(psycopg.Cursor, name, method)
