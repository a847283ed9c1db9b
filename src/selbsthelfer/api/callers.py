"""Who asks: a client of the operator's, or an app that holds a token for one line."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.http import HttpRequest

from selbsthelfer.api.problems import Problem
from selbsthelfer.identity.clients import client_of_key
from selbsthelfer.identity.core.scopes import Scope

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="selbsthelfer"'}


class Caller(NamedTuple):
    """Who asks; `subject` is set where a token is good for one line only."""

    name: str
    scopes: frozenset[Scope]
    subject: str | None = None


class Needs:
    """Ask for a key with a scope, as `Authorization: Bearer …`; an app's token where `of_line` allows it.

    Raises `Problem` 401 without a valid key, 403 where its scopes lack the one that is needed.
    """

    openapi_type: Final = "http"
    openapi_scheme: Final = "bearer"

    def __init__(self, scope: Scope, *, of_line: bool = False) -> None:
        self.scope = scope
        self.of_line = of_line

    def __call__(self, request: HttpRequest) -> Caller:
        caller = _caller(request)
        if self.scope not in caller.scopes or (caller.subject is not None and not self.of_line):
            raise Problem(
                403,
                "scope_missing",
                "This key may not do that.",
                f"It needs the scope “{self.scope}”.",
            )
        return caller


def caller_of(request: HttpRequest) -> Caller:
    """Give who was let in by `Needs`."""
    caller = request.auth  # type: ignore[attr-defined]
    assert isinstance(caller, Caller)  # noqa: S101 - every route names what it needs
    return caller


def _caller(request: HttpRequest) -> Caller:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    client = client_of_key(key.strip()) if kind.lower() == "bearer" and key else None
    if client is None:
        raise Problem(401, "key_invalid", "A valid key is needed.", headers=_CHALLENGE)
    return Caller(client.name, client.scopes)
