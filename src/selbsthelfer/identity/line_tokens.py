"""Sign what lets an app of the operator's read one line, and read it again. Nothing of it is kept.

What is signed is not secret but cannot be altered. A token and a panel's link are signed apart from each
other, so that one is never taken for the other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.core.signing import BadSignature, Signer

from selbsthelfer.identity.core.line_tokens import (
    MAX_SIGNED_CHARACTERS,
    TOKEN_PREFIX,
    BrokenTokenError,
    ExpiredTokenError,
    LineToken,
    PanelLink,
)
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.known_keys import Client, client_named
from selbsthelfer.kit.wording import Language

_TOKENS: Final = "selbsthelfer.identity.line_token"
_PANELS: Final = "selbsthelfer.identity.panel_link"


def write_token(token: LineToken) -> str:
    """Write a token as its client gets it; the same token is written the same way again."""
    said = [token.client, token.subject, _seconds(token.valid_until)]
    return TOKEN_PREFIX + _signer(_TOKENS).sign_object(said)


def read_token(text: str, *, now: datetime) -> LineToken:
    """Read a token that still holds; raises `BrokenTokenError` and `ExpiredTokenError`.

    Whoever lets somebody in by it asks `maker_of` first.
    """
    if not text.startswith(TOKEN_PREFIX):
        raise BrokenTokenError("this is no token")
    client, subject, seconds = _read(_TOKENS, text.removeprefix(TOKEN_PREFIX), parts=3)
    token = LineToken(client, subject, _instant(seconds))
    if not token.holds(now):
        raise ExpiredTokenError("the time of this token is over")
    return token


def write_panel_link(link: PanelLink) -> str:
    """Write what stands in the address of a panel."""
    said = [
        link.client,
        link.line.hex,
        _seconds(link.valid_until),
        link.language.value,
        link.appearance,
        link.return_url,
    ]
    return _signer(_PANELS).sign_object(said)


def read_panel_link(text: str) -> PanelLink:
    """Read what stands in the address of a panel, whether or not it still holds; raises `BrokenTokenError`.

    Whoever shows a line by it asks `holds` and `maker_of` first.
    """
    client, line, seconds, language, appearance, return_url = _read(_PANELS, text, parts=6)
    return PanelLink(client, UUID(line), _instant(seconds), Language(language), appearance, return_url)


def maker_of(token: LineToken | PanelLink) -> Client | None:
    """Find the client that made this; none where all its keys are revoked, or it may make no more tokens.

    What a client has made ends with it, within `known_keys.KNOWN_SECONDS`.
    """
    client = client_named(token.client)
    return client if client is not None and Scope.TOKENS_WRITE in client.scopes else None


def _signer(purpose: str) -> Signer:
    return Signer(salt=purpose, sep=".")


def _read(purpose: str, text: str, *, parts: int) -> list[Any]:
    """Read what was signed for a purpose; raises `BrokenTokenError`."""
    if len(text) > MAX_SIGNED_CHARACTERS or not text.isascii():
        raise BrokenTokenError("this is no token")
    try:
        said: list[Any] = _signer(purpose).unsign_object(text)
    except BadSignature as error:
        raise BrokenTokenError("this is not as we signed it") from error
    # What an older version of ours signed in another shape is as good as altered.
    if len(said) != parts:
        raise BrokenTokenError("this is not as we sign it today")
    return said


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
