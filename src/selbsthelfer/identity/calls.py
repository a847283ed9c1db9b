"""How many calls a client has left in this minute: for all processes together, mostly from memory.

A process takes a block of the minute's calls in one statement and spends it without asking again. What it
does not spend is lost with the minute, so that a client may be refused a little early (a block for each
process), never late.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final, NamedTuple

from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements

_SQL = statements("selbsthelfer.identity")

WINDOW_SECONDS: Final = 60
BLOCKS_PER_MINUTE: Final = 60
"""Into how many blocks a minute's calls are cut."""
MAX_PURSES: Final = 10_000
"""Clients that a process remembers; when there are more, it begins anew."""


class Spent(NamedTuple):
    """Whether a call is allowed, and about how many calls are left for how long, as this process knows."""

    is_allowed: bool
    most: int
    left: int
    seconds_left: int


@dataclass(slots=True)
class _Purse:
    """What one process holds of a client's minute."""

    lock: Lock = field(default_factory=Lock)
    minute: int = -1
    held: int = 0
    taken: int = 0
    """Calls that all processes have taken, as of the last block."""


_PURSES: Final[MutableMapping[str, _Purse]] = {}
_PURSES_LOCK: Final = Lock()


def spend_call(*, client: str, most: int, now: datetime) -> Spent:
    """Spend one of the calls that a client has in the minute of `now`."""
    second = int(now.timestamp())
    minute = second // WINDOW_SECONDS
    purse = _purse_of(client)
    with purse.lock:
        if purse.minute < minute:
            purse.minute, purse.held, purse.taken = minute, 0, 0
        if purse.held == 0 and purse.taken < most:
            _take_block(purse, client, most, minute)
        is_allowed = purse.held > 0
        purse.held -= is_allowed
        left = max(most - purse.taken, 0) + purse.held
        # A minute that began elsewhere, by a clock that is ahead, ends later.
        seconds_left = (purse.minute + 1) * WINDOW_SECONDS - second
    return Spent(is_allowed, most, left, seconds_left)


def forget_purses() -> None:
    """Forget what this process holds, as a new one would."""
    with _PURSES_LOCK:
        _PURSES.clear()


def _purse_of(client: str) -> _Purse:
    purse = _PURSES.get(client)
    if purse is None:
        with _PURSES_LOCK:
            if len(_PURSES) >= MAX_PURSES:
                _PURSES.clear()
            purse = _PURSES.setdefault(client, _Purse())
    return purse


def _take_block(purse: _Purse, client: str, most: int, minute: int) -> None:
    block = max(most // BLOCKS_PER_MINUTE, 1)
    parameters = {"client": client, "minute": minute, "block": block, "most": most}
    with transaction.atomic():
        row = open_cursor().execute(_SQL["take_calls"], parameters).fetchone()
    assert row is not None  # noqa: S101 - the statement always gives one
    purse.minute, purse.taken, purse.held = row
