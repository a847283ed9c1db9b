"""How often a client may ask, told in the headers that every answer has."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from allauth.core.internal.ratelimit import get_ip
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest

from selbsthelfer.api.problems import Problem
from selbsthelfer.identity.calls import Spent, spend_call
from selbsthelfer.identity.limits import TooOftenError, count_try

FAILED_KEYS: Final = {"key_from_address": "100/10m/ip"}
"""Keys that are nobody's, by address of the network; a key that was good before is never refused for them."""
REFUSED_SECONDS: Final = 10.0
"""How long an address that sent too many is refused from memory, but for keys that were good before."""
MAX_REFUSED: Final = 10_000
"""Addresses remembered; when there are more, all are forgotten."""

_NOWHERE: Final = "nowhere"
"""The address of all whose address cannot be told: behind fewer proxies than the settings name."""

_REFUSED_UNTIL: Final[MutableMapping[str, float]] = {}


def count_call(request: HttpRequest, *, client: str, most: int) -> None:
    """Count a call of a client against the calls it has in a minute; raises `Problem` 429 beyond them."""
    spent = spend_call(client=client, most=most, now=datetime.now(UTC))
    request.rate = _headers(spent)  # type: ignore[attr-defined]
    if not spent.is_allowed:
        raise Problem(
            429,
            "too_many_requests",
            f"This client may ask {most:,} times a minute.",
            headers={"Retry-After": str(spent.seconds_left)},
        )


def check_refused(request: HttpRequest) -> None:
    """Raise `Problem` 429 where an address has just sent too many keys that are nobody's."""
    # Nearly always there are none, and to tell an address takes time.
    if _REFUSED_UNTIL and _REFUSED_UNTIL.get(_address_of(request), 0.0) > monotonic():
        raise _too_many_keys()


def count_failed_key(request: HttpRequest) -> None:
    """Count a key that is nobody's; raises `Problem` 429 where an address has sent too many of them."""
    check_refused(request)
    address = _address_of(request)
    try:
        count_try(request, "key_from_address", address=address, rates=FAILED_KEYS)
    except TooOftenError as error:
        if len(_REFUSED_UNTIL) >= MAX_REFUSED:
            _REFUSED_UNTIL.clear()
        _REFUSED_UNTIL[address] = monotonic() + REFUSED_SECONDS
        raise _too_many_keys() from error


def _address_of(request: HttpRequest) -> str:
    try:
        return str(get_ip(request))
    except (PermissionDenied, ImproperlyConfigured):
        return _NOWHERE


def forget_refused() -> None:
    """Forget which addresses are refused, as a new process would."""
    _REFUSED_UNTIL.clear()


def rate_headers(request: HttpRequest) -> Mapping[str, str]:
    """Give the headers on what is left of a client's minute; none where nobody was counted."""
    return getattr(request, "rate", {})


def _headers(spent: Spent) -> Mapping[str, str]:
    """Write the policy and what is left, as in `draft-ietf-httpapi-ratelimit-headers`."""
    return {
        "RateLimit-Policy": f'"client";q={spent.most};w=60',
        "RateLimit": f'"client";r={spent.left};t={spent.seconds_left}',
    }


def _too_many_keys() -> Problem:
    return Problem(
        429,
        "too_many_keys",
        "Too many wrong keys came from this address.",
        headers={"Retry-After": str(round(REFUSED_SECONDS))},
    )
