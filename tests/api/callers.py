"""Clients of the API for tests: one with the scopes it needs, and requests made with its key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.http import HttpResponse
from django.test import Client

from selbsthelfer.identity.clients import add_client
from selbsthelfer.identity.core.scopes import Scope

_NUMBERS = count(1)
PREFIX = "/api/v1"


def make_client(*scopes: Scope, requests_per_minute: int = 60_000, name: str | None = None) -> str:
    """Add a client with some scopes, all without any named, and return its key."""
    return add_client(
        name=name or f"test-{next(_NUMBERS)}",
        scopes=scopes or tuple(Scope),
        requests_per_minute=requests_per_minute,
        now=datetime.now(UTC),
    )


class Asking:
    """A client that asks with a key; paths begin after `/api/v1`, bodies are written as JSON."""

    def __init__(self, client: Client, key: str) -> None:
        self.client = client
        self.key = key

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.send("GET", path, **headers)

    def post(
        self, path: str, body: object = None, *, once: str | None = None, **headers: str
    ) -> HttpResponse:
        return self.send("POST", path, body, once=once, **headers)

    def put(self, path: str, body: object = None, *, once: str | None = None, **headers: str) -> HttpResponse:
        return self.send("PUT", path, body, once=once, **headers)

    def patch(
        self, path: str, body: object = None, *, once: str | None = None, **headers: str
    ) -> HttpResponse:
        return self.send("PATCH", path, body, once=once, **headers)

    def delete(
        self, path: str, body: object = None, *, once: str | None = None, **headers: str
    ) -> HttpResponse:
        return self.send("DELETE", path, body, once=once, **headers)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        once: str | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> HttpResponse:
        """Ask; `once` is the `Idempotency-Key`, other headers are named like `if_none_match="…"`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("authorization", f"Bearer {self.key}")
        if once is not None:
            sent["idempotency-key"] = once
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer: Any = self.client.generic(
            method, PREFIX + path, content, content_type=content_type, headers=sent
        )
        assert isinstance(answer, HttpResponse)
        return answer


def asking(client: Client, key: str) -> Asking:
    """Ask with a key."""
    return Asking(client, key)


def read(answer: Any, status: int = 200) -> Any:
    """Read an answer that has this status."""
    assert answer.status_code == status, answer.content.decode()[:2_000]
    return json.loads(answer.content)


def read_problem(answer: Any, status: int, code: str) -> Any:
    """Read an answer that refuses with this status and code."""
    problem = read(answer, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem
