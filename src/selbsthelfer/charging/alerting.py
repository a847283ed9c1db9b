"""Tell people of orders in trouble, at most once an hour."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.outbox.core.messages import Channel, UnusableAddressError, channel_of
from selbsthelfer.outbox.operations import MessageRow, put_messages

_SQL = statements("selbsthelfer.charging")

ADDRESS: Final = "SELBSTHELFER_ALERT_ADDRESS"
LANGUAGE: Final = "SELBSTHELFER_ALERT_LANGUAGE"
ALERT_KIND: Final = "alert.orders"
EVERY: Final = timedelta(hours=1)
"""How often people are told at most; the first time at once."""
KNOWN_AFTER: Final = timedelta(minutes=2)
"""Trouble is told so long after it began: by then whoever saw it has surely written it down."""
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AlertSettingError(ValueError):
    """The address for alerts cannot be used; the message never repeats it."""

    code = "alert_setting"


def alert_address(environ: Mapping[str, str]) -> str | None:
    """Read the e-mail address that alerts go to, if one is set; raises `AlertSettingError`."""
    address = environ.get(ADDRESS) or None
    try:
        is_email = address is None or channel_of(address) is Channel.EMAIL
    except UnusableAddressError:
        is_email = False
    if not is_email:
        raise AlertSettingError(f"{ADDRESS} is no e-mail address")
    return address


def alert_orders(*, now: datetime, environ: Mapping[str, str] = os.environ) -> bool:
    """Write one message about all orders that came into trouble since the last one, if any did.

    It says how many were refused, how many are stuck, and where the system differs; no numbers, no names.
    Returns whether one was written. Raises `AlertSettingError`.
    """
    address = alert_address(environ)
    if address is None:
        return False
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["lock_alerting"], {"first": _FIRST})
        row = cursor.execute(_SQL["told_until"]).fetchone()
        told_until: datetime = row[0] if row else _FIRST
        until = now - KNOWN_AFTER
        if until - told_until < EVERY:
            return False
        span = {"from_at": told_until, "until_at": until}
        counted = cursor.execute(_SQL["troubles_between"], span).fetchone()
        refused, stuck, drifts = counted or (0, 0, 0)
        if not refused + stuck + drifts:
            return False
        content = {
            "refused": refused,
            "stuck": stuck,
            "drifts": drifts,
            "language": environ.get(LANGUAGE) or "de",
        }
        message = MessageRow(f"{ALERT_KIND}/{now.isoformat()}", ALERT_KIND, None, content, now, to=address)
        put_messages(cursor, [message])
        cursor.execute(_SQL["tell_until"], {"until_at": until})
    return True
