"""Who asks: a client of the operator's, or an app that holds a token for one line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from django.http import HttpRequest

from selbsthelfer.api.bodies import read_body
from selbsthelfer.api.limits import check_refused, count_call, count_failed_key
from selbsthelfer.api.problems import Problem
from selbsthelfer.identity.clients import client_of_key, was_known
from selbsthelfer.identity.core.line_tokens import TOKEN_PREFIX, BrokenTokenError, ExpiredTokenError
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import maker_of, read_token

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="selbsthelfer"'}
MAX_CREDENTIAL_CHARACTERS: Final = 8_000
"""Characters of a key or token that are looked at."""
_SCOPES_OF_LINE: Final = frozenset({Scope.LINES_READ})
"""What a token for one line allows."""


class Caller(NamedTuple):
    """Who asks; `subject` is set where a token is good for one line only."""

    name: str
    scopes: frozenset[Scope]
    subject: str | None = None


class Needs:
    """Ask for a key with a scope, as `Authorization: Bearer …`; an app's token where `of_line` allows it.

    The call is counted against what its client may ask, and only then the body is read. Raises `Problem` 401
    without a valid key, 403 where its scopes lack the one that is needed, 429 for too many calls, and what
    `read_body` raises.
    """

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
        read_body(request)
        return caller


def caller_of(request: HttpRequest) -> Caller:
    """Give who was let in by `Needs`."""
    caller = request.auth  # type: ignore[attr-defined]
    assert isinstance(caller, Caller)  # noqa: S101 - every route names what it needs
    return caller


def client_name_of(request: HttpRequest) -> str:
    """Give the name of the client that asks, as far as that is known; `-` where it is not."""
    return getattr(request, "client_name", "-")


def _caller(request: HttpRequest) -> Caller:
    kind, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    key = key.strip()
    if kind.lower() != "bearer" or not key:
        raise _no_key("A key is needed, as “Authorization: Bearer …”.")
    if len(key) <= MAX_CREDENTIAL_CHARACTERS:
        if key.startswith(TOKEN_PREFIX):
            return _caller_by_token(request, key)
        if not was_known(key):
            check_refused(request)
        client = client_of_key(key)
        if client is not None:
            request.client_name = client.name  # type: ignore[attr-defined]
            count_call(request, client=client.name, most=client.requests_per_minute)
            return Caller(client.name, client.scopes)
    count_failed_key(request)
    raise _no_key("This key is unknown, revoked or over.")


def _caller_by_token(request: HttpRequest, text: str) -> Caller:
    """Read an app's token; its calls are counted apart, so that apps never use up what the client has."""
    try:
        token = read_token(text, now=datetime.now(UTC))
    except ExpiredTokenError as error:
        raise Problem(
            401, "token_expired", "The time of this token is over.", "Make a new one.", headers=_CHALLENGE
        ) from error
    except BrokenTokenError as error:
        count_failed_key(request)
        raise _no_key("This token is none of ours, or was altered.") from error
    client = maker_of(token)
    if client is None:
        raise _no_key("Whoever made this token may no longer.")
    request.client_name = client.name  # type: ignore[attr-defined]
    count_call(request, client=f"{client.name} tokens", most=client.requests_per_minute)
    return Caller(client.name, _SCOPES_OF_LINE, token.subject)


def _no_key(detail: str) -> Problem:
    return Problem(401, "key_invalid", "A valid key is needed.", detail, headers=_CHALLENGE)
