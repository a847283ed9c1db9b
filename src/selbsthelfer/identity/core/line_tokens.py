"""What lets an app of the operator's read one line for some minutes: a token, or the link of a panel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

from selbsthelfer.kit.wording import Language

TOKEN_PREFIX: Final = "slt_"  # noqa: S105 - it tells a token from a key, and opens nothing
MIN_VALID_SECONDS: Final = 30
"""The shortest time a token or a link may hold: a phone needs some of it to open it."""
MAX_TOKEN_SECONDS: Final = 3_600
TOKEN_SECONDS: Final = 600
"""How long a token holds where nothing else is asked for."""
MAX_PANEL_SECONDS: Final = 600
PANEL_SECONDS: Final = 300
"""How long a link to a panel holds where nothing else is asked for."""
MAX_RETURN_URL_CHARACTERS: Final = 300
MAX_SIGNED_CHARACTERS: Final = 6_000
"""Characters of a token or of a panel's link that are looked at."""
APPEARANCES: Final = ("system", "light", "dark")

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class BrokenTokenError(ValueError):
    """This is no token of ours, or not as we made it."""

    code: ClassVar[str] = "token_broken"


class ExpiredTokenError(ValueError):
    """The time of this token is over; the operator's server makes a new one."""

    code: ClassVar[str] = "token_expired"


class WrongReturnUrlError(ValueError):
    """No page may send people there."""

    code: ClassVar[str] = "return_url_invalid"


@dataclass(frozen=True, slots=True)
class LineToken:
    """What a token says: which client made it, and which line it reads until when."""

    client: str
    subject: str
    valid_until: datetime

    def holds(self, now: datetime) -> bool:
        """Tell whether its time is not over."""
        return now < self.valid_until


@dataclass(frozen=True, slots=True)
class PanelLink:
    """What the link of a panel says; it names the line by our id of it, as addresses end up in logs."""

    client: str
    line: UUID
    valid_until: datetime
    language: Language
    appearance: str = APPEARANCES[0]
    return_url: str = ""

    def holds(self, now: datetime) -> bool:
        """Tell whether its time is not over."""
        return now < self.valid_until


def check_return_url(text: str) -> str:
    """Check where a panel leads back to: an address by HTTPS, or by HTTP on this machine.

    Raises `WrongReturnUrlError`.
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise WrongReturnUrlError("this is no address") from error
    is_plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    if not is_plain or not is_safe or not parts.hostname or "@" in parts.netloc:
        raise WrongReturnUrlError("an address that begins with https:// and a host is needed")
    if len(text) > MAX_RETURN_URL_CHARACTERS:
        raise WrongReturnUrlError(f"at most {MAX_RETURN_URL_CHARACTERS} characters are taken")
    return text
