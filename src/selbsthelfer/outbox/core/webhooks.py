"""Where events may be sent, when they are tried again, and when an endpoint is given up."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL_CHARACTERS: Final = 2_000
MAX_DESCRIPTION_CHARACTERS: Final = 200
SECRET_BYTES: Final = 32
TRIED_FOR: Final = timedelta(days=3)
"""How long a delivery is tried, and how long an endpoint may fail without a single success."""
FIRST_RETRY: Final = timedelta(seconds=30)
MAX_RETRY: Final = timedelta(hours=8)
"""The longest wait between two attempts of a delivery."""
FIRST_REST: Final = timedelta(seconds=5)
MAX_REST: Final = timedelta(minutes=10)
"""The longest time for which an endpoint that fails is left alone."""
OLD_SECRET_VALID_FOR: Final = timedelta(hours=24)
MAX_OLD_SECRET_VALID_FOR: Final = timedelta(days=30)
"""The longest time for which a secret stays valid beside the one that took its place."""

_RETRY_GROWS: Final = 4
_REST_GROWS: Final = 2
_MAX_DOUBLINGS: Final = 16
_JITTER: Final = 0.2
_LOCAL_HOST: Final = "localhost"
_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
"""IPv6 networks whose addresses end in an IPv4 address, which is where they lead."""


class DisabledReason(StrEnum):
    """Why nothing is sent to an endpoint."""

    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It failed for `TRIED_FOR` without a success."""
    BY_HAND = "by_hand"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class EndpointRefusedError(ValueError):
    """An endpoint cannot be as asked; `field` says what is wrong, the message why."""

    code = "endpoint_refused"
    field = "url"


class UrlRefusedError(EndpointRefusedError):
    """Events may not be sent to this address."""

    code = "url_refused"


def checked_url(url: str, *, private: bool) -> str:
    """Check where events are to go: HTTPS, or HTTP on this machine. Raises `UrlRefusedError`.

    `private` allows addresses of this machine and of private networks. What a name resolves to is checked by
    `is_allowed` at every connection.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise UrlRefusedError(f"an address has at most {MAX_URL_CHARACTERS} characters")
    parts = _split(url)
    if "@" in parts.netloc:
        raise UrlRefusedError("an address holds no user and no password")
    if parts.fragment:
        raise UrlRefusedError("an address holds no fragment")
    host = parts.hostname or ""
    literal = _literal(host)
    is_local = host == _LOCAL_HOST or (literal is not None and literal.is_loopback)
    if parts.scheme != "https" and not is_local:
        raise UrlRefusedError("an address begins with https://")
    if not private and (is_local or (literal is not None and not is_public(literal))):
        raise UrlRefusedError("an address on this machine or in a private network is not allowed here")
    return url


def _split(url: str) -> SplitResult:
    """Take a URL apart; raises `UrlRefusedError` where it is none of a web server."""
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise UrlRefusedError("this is no address of a web server") from error
    if not is_sound or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise UrlRefusedError("this is no address of a web server")
    return parts


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_allowed(address: str, *, private: bool, local_only: bool) -> bool:
    """Tell whether to connect to what a name resolved to; without TLS only this machine is allowed."""
    resolved = ip_address(address.partition("%")[0])
    if local_only:
        return private and resolved.is_loopback
    return private or is_public(resolved)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address lies in the public internet, also where it wraps another one."""
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def write_secret(key: bytes) -> str:
    """Write the key of an endpoint as Standard Webhooks want it."""
    return "whsec_" + b64encode(key).decode()


def next_try_at(
    *, attempts: int, first_tried_at: datetime, failed_at: datetime, salt: str, asked_seconds: int = 0
) -> datetime | None:
    """Tell when to try a delivery again after so many attempts, or None once it was tried for `TRIED_FOR`.

    The wait grows and varies by a fifth, by `salt`, so that what failed together does not come back together.
    `asked_seconds` is what the receiver asks for; it is heeded up to `MAX_RETRY`. The last attempt is made
    when the time is over.
    """
    ends_at = first_tried_at + TRIED_FOR
    if failed_at >= ends_at:
        return None
    wait: timedelta = FIRST_RETRY * _RETRY_GROWS ** min(attempts - 1, _MAX_DOUBLINGS)
    share = int.from_bytes(sha256(f"{salt}/{attempts}".encode()).digest()[:4]) / 2**32
    varied = min(wait, MAX_RETRY) * (1 + _JITTER * (share - 0.5))
    asked = min(timedelta(seconds=min(asked_seconds, MAX_RETRY.total_seconds())), MAX_RETRY)
    return min(failed_at + max(varied, asked), ends_at)


def rests_until(failures: int, now: datetime, asked_seconds: int = 0) -> datetime:
    """Tell how long to leave an endpoint alone that failed so many times in a row, or asks for a pause."""
    rest: timedelta = FIRST_REST * _REST_GROWS ** min(failures - 1, _MAX_DOUBLINGS)
    return now + min(max(rest, timedelta(seconds=asked_seconds)), MAX_REST)


def is_given_up(*, failing_since: datetime, now: datetime) -> bool:
    """Tell whether an endpoint failed for so long that it is disabled."""
    return now - failing_since >= TRIED_FOR
