"""When an order is tried again: soon at first, ever more rarely, and no two orders at the same instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from selbsthelfer.charging.core.pace import PACE, Pace

MAX_ATTEMPTS: Final = 1_000
"""How often an order is tried, which takes about a month; then it waits for the end of its volume."""

_DOUBLED_AT_MOST: Final = 20
_PARTS: Final = 1_000


def next_attempt_at(
    credit_id: UUID, attempts: int, failed_at: datetime, pace: Pace = PACE
) -> datetime | None:
    """Tell when to try again after so many attempts, or None if that was the last.

    The wait doubles and is cut by up to a half, by an amount that follows from the id: a system that comes
    back does not meet everything at once, and the same order has the same waits in every test.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    wait: timedelta = pace.first_wait * 2 ** min(max(attempts - 1, 0), _DOUBLED_AT_MOST)
    cut = (credit_id.int + attempts * 619) % _PARTS
    return failed_at + min(wait, pace.max_wait) * (1 - cut / _PARTS / 2)
