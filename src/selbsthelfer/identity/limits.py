"""How often something may be tried, counted in the cache that all servers share."""

from __future__ import annotations

from typing import Final

from allauth.core.exceptions import RateLimited
from allauth.core.internal.ratelimit import consume
from django.http import HttpRequest

RATES: Final = {
    "code_to_number": "5/10m/key,20/d/key",
    "code_from_address": "300/10m/ip",
    "check_from_address": "600/10m/ip",
    "second_proof": "20/10m/key",
    "customer_code": "5/h/key,30/d/ip",
    "invitation_code": "10/h/key",
}
"""Number, time and whether per key or per address of the network (`ip`), by what is limited.

An address is shared by hundreds of phones behind one gateway of a mobile network, so what is counted by
address is wide; what is counted by number or person is narrow.
"""


class TooOftenError(Exception):
    """Something was tried too often."""

    code = "too_often"


def count_try(request: HttpRequest, action: str, *, key: str | None = None) -> None:
    """Count a try; raises `TooOftenError` when there were too many."""
    try:
        allowed = consume(request, app="selbsthelfer.identity", action=action, config=dict(RATES), key=key)
    except RateLimited as error:
        raise TooOftenError(action) from error
    if not allowed:
        raise TooOftenError(action)
