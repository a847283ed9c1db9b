"""Whether a request was made on this machine, and not passed on to it by a proxy."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from django.http import HttpRequest

PASSED_ON: Final = (
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-Ip",
    "Forwarded",
    "Via",
)
"""Headers that only a proxy writes: then the request came from elsewhere."""


def is_from_here(request: HttpRequest) -> bool:
    """Tell whether a request came straight from this machine."""
    if any(header in request.headers for header in PASSED_ON):
        return False
    return is_loopback(request.META.get("REMOTE_ADDR", ""))


def is_loopback(address: str) -> bool:
    """Tell whether an address of the network is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
