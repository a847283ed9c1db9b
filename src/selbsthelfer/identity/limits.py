"""How often something may be tried, counted in a table that all servers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from allauth.core.internal.ratelimit import Rate, get_ip, parse_rates
from django.db import transaction
from django.http import HttpRequest

from selbsthelfer.kit.sql import open_cursor, statements

_SQL = statements("selbsthelfer.identity")

RATES: Final = {
    "code_to_number": "5/10m/key,20/d/key",
    "code_from_address": "300/10m/ip,2000/d/ip",
    "check_from_address": "600/10m/ip,4000/d/ip",
    "second_proof": "20/10m/key",
    "customer_code": "5/h/key,10/d/key,100/d/ip",
    "invitation_code": "10/h/key",
}
"""Number, time and whether per key or per address of the network (`ip`), by what is limited.

An address is shared by hundreds of phones behind one gateway of a mobile network, so what is counted by
address is wide; what is counted by number or person is narrow.
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class TooOftenError(Exception):
    """Something was tried too often."""

    code = "too_often"


def count_try(
    request: HttpRequest,
    action: str,
    *,
    key: str | None = None,
    address: str | None = None,
    rates: Mapping[str, str] = RATES,
) -> None:
    """Count a try, in one statement; raises `TooOftenError`, and counts none, when there were too many.

    The `address` is that of the request where none is given.
    """
    asked, now = parse_rates(rates[action]), datetime.now(UTC)
    # By address first: who has used up their own tries must not use up those of somebody's number.
    for per in sorted({rate.per for rate in asked}, key="ip".__ne__):
        who = key if per != "ip" else get_ip(request) if address is None else address
        assert who is not None, f"{action} is counted by key"  # noqa: S101 - a fault of the caller
        if not count_within(f"{action}/{per}/{who}", [rate for rate in asked if rate.per == per], now=now):
            raise TooOftenError(action)


def count_within(counted: str, rates: Sequence[Rate], *, now: datetime) -> bool:
    """Count a try if it is within all of its limits, and tell whether it is; a refused one leaves nothing."""
    spans = [timedelta(seconds=rate.duration) for rate in rates]
    parameters = {
        "key": sha256(counted.encode()).hexdigest(),
        "at": (now - _EPOCH) // _MICROSECOND,
        "amounts": [rate.amount for rate in rates],
        "spans": [span // _MICROSECOND for span in spans],
        "longest": max(spans) // _MICROSECOND,
        "ends_at": now + max(spans),
    }
    with transaction.atomic():
        return open_cursor().execute(_SQL["count_try"], parameters).fetchone() is not None
