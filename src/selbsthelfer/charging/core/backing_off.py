"""When an order is tried again: soon at first, ever more rarely, and no two orders at the same instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from selbsthelfer.charging.core.pace import PACE, Pace

MAX_ATTEMPTS: Final = 4_000
"""How often an order is tried in vain, or read back, which takes about a month; then it waits for its end."""

_DOUBLED_AT_MOST: Final = 20
_PARTS: Final = 1_000


def next_attempt_at(
    credit_id: UUID, failures: int, failed_at: datetime, pace: Pace = PACE
) -> datetime | None:
    """Tell when to send again after so many failures, or None if that was the last.

    The wait doubles and is cut by up to a half, by an amount that follows from the id: a system that comes
    back does not meet everything at once, and the same order has the same waits in every test.
    """
    if failures >= MAX_ATTEMPTS:
        return None
    wait = pace.first_wait * 2 ** min(max(failures - 1, 0), _DOUBLED_AT_MOST)
    return failed_at + _cut(min(wait, pace.max_wait), credit_id, failures)


def next_read_at(
    credit_id: UUID, attempts: int, sent_at: datetime, read_at: datetime, pace: Pace = PACE
) -> datetime | None:
    """Tell when to read back again what was sent then, or None if it was tried too often.

    As long is waited as has passed already, cut as above; no count of reads is kept.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = max(read_at - sent_at, pace.first_wait)
    return read_at + _cut(min(wait, pace.max_wait), credit_id, attempts)


def _cut(wait: timedelta, credit_id: UUID, times: int) -> timedelta:
    cut = (credit_id.int + times * 619) % _PARTS
    return wait * (1 - cut / _PARTS / 2)
