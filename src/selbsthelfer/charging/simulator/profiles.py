"""What a played system must be able to do, and what all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from selbsthelfer.charging.simulator.ledger import FAR, Effect, Ledger, SimulatedBucket
from selbsthelfer.charging.simulator.wire import Reply, Request


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request is, for faults: a credit or not, and what tells it from others."""

    key: str
    is_credit: bool


class Profile(Protocol):
    """One system that can be played."""

    name: str

    def visit(self, request: Request) -> Visit:
        """Tell what a request is, without doing it."""
        ...

    def answer(self, request: Request, ledger: Ledger) -> Reply:
        """Do what is asked, and answer."""
        ...

    def error(self, request: Request) -> Reply:
        """Fail as this system does."""
        ...

    def account_of(self, recipient: str) -> str:
        """Name an account as the ledger does."""
        ...

    def burning_order(self, bucket: SimulatedBucket) -> tuple[Any, ...]:
        """Give the place of a bucket among those of an account, the first to burn being the least."""
        ...

    keeps_used_up: bool


def now() -> datetime:
    return datetime.now(UTC)


def burn(profile: Profile, ledger: Ledger, account: str, volume: int) -> int:
    """Use volume in the order of the played system; returns how much was there to use."""
    at = now()
    left = volume
    with ledger.lock:
        valid = [bucket for bucket in ledger.buckets(account) if bucket.is_valid(at)]
        for bucket in sorted(valid, key=profile.burning_order):
            part = min(left, max(0, bucket.remaining_bytes))
            if part == 0:
                continue
            ledger.record(Effect(do="burn", account=account, place=bucket.place, bytes=part))
            left -= part
            if part == bucket.remaining_bytes and not profile.keeps_used_up:
                ledger.record(Effect(do="remove", account=account, place=bucket.place))
    return volume - left


def read_instant(text: object, *, with_zone: bool = True) -> datetime | None:
    """Read an instant; none where it is no text of that kind."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if (found.tzinfo is not None) != with_zone:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def is_text(value: object, most: int = 200) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most


def by_end(buckets: Sequence[SimulatedBucket]) -> list[SimulatedBucket]:
    return sorted(buckets, key=lambda bucket: (bucket.valid_until or FAR, bucket.place))
