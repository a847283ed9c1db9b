"""A charging system in memory that fails as told: the second implementation of the port, for fast laws."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from itertools import count
from uuid import UUID

from selbsthelfer.charging.core.port import (
    Capabilities,
    Credit,
    Credited,
    Found,
    NotCredited,
    Outcome,
    Unknown,
    UnreadableError,
)

SETTLE_SECONDS = 60
ABLE = Capabilities(
    own_bucket=True,
    own_expiry=True,
    priority=False,
    read_back=True,
    reverse=True,
    reauthorise=False,
    keeps_used_up=True,
    settle_seconds=SETTLE_SECONDS,
)
BELIEVED = replace(ABLE, settle_seconds=None)
"""Nobody can find out more by reading such a system back, so its first refusal is believed."""


class Fault(Enum):
    """What goes wrong with one call; of a credit, whether it has taken effect."""

    NONE = auto()
    BUSY = auto()
    LOST_BEFORE = auto()
    LOST_AFTER = auto()
    LATE = auto()
    SLOW = auto()
    DIES_BEFORE = auto()
    DIES_AFTER = auto()
    REFUSED = auto()
    UNREADABLE = auto()
    EARLY = auto()


class Crash(BaseException):
    """The worker is killed."""


class Clock:
    """A clock that stands still until told; `crash_in` kills whoever asks it for the n-th time."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.crash_in: int | None = None
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            if self.crash_in is not None:
                self.crash_in -= 1
                if self.crash_in < 0:
                    self.crash_in = None
                    raise Crash
            return self.at

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.at += timedelta(seconds=seconds)


@dataclass
class MemorySystem:
    """Buckets by recipient. Nothing makes crediting twice harmless, as everywhere."""

    clock: Clock = field(default_factory=lambda: Clock(datetime(2026, 2, 20, 12, tzinfo=UTC)))
    capabilities: Capabilities = ABLE
    name: str = "memory"
    faults: deque[Fault] = field(default_factory=deque)
    reading_faults: deque[Fault] = field(default_factory=deque)
    buckets: dict[str, list[Found]] = field(default_factory=dict)
    sent: list[Credit] = field(default_factory=list)
    read: Counter[str] = field(default_factory=Counter)
    sessions: list[str] = field(default_factory=list)
    _landing: list[tuple[datetime, Credit]] = field(default_factory=list)
    _places: count[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, faults: Iterable[Fault]) -> None:
        self.faults.extend(faults)

    def credit(self, credit: Credit, *, deadline: float) -> Outcome:  # noqa: ARG002 - time stands still here
        with self._lock:
            self._land()
            fault = self.faults.popleft() if self.faults else Fault.NONE
            self.sent.append(credit)
            if fault is Fault.DIES_BEFORE:
                raise Crash
            if fault is Fault.BUSY:
                return NotCredited("busy", is_permanent=False)
            if fault is Fault.EARLY:
                return NotCredited("too_early", is_permanent=False)
            if fault is Fault.REFUSED:
                return NotCredited("account_unknown", is_permanent=True)
            if fault is Fault.LOST_BEFORE:
                return Unknown("timeout")
            if fault is Fault.LATE:
                self._landing.append((self.clock.at + timedelta(seconds=SETTLE_SECONDS - 1), credit))
                return Unknown("timeout")
            place = self._put(credit)
            if fault is Fault.DIES_AFTER:
                raise Crash
            if fault is Fault.SLOW:
                self.clock.advance(3)
            return Unknown("timeout") if fault is Fault.LOST_AFTER else Credited(place)

    def read_back(self, recipient: str) -> tuple[Found, ...]:
        with self._lock:
            self._land()
            self.read[recipient] += 1
            fault = self.reading_faults.popleft() if self.reading_faults else Fault.NONE
            if fault is Fault.UNREADABLE:
                raise UnreadableError("timeout")
            if fault is Fault.DIES_BEFORE:
                raise Crash
            return tuple(self.buckets.get(recipient, ()))

    def reverse(self, recipient: str, found: Found) -> Outcome:
        with self._lock:
            if found not in self.buckets.get(recipient, []):
                return NotCredited("unknown_bucket", is_permanent=True)
            self.buckets[recipient].remove(found)
            return Credited(found.place)

    def reauthorise(self, recipient: str) -> None:
        self.sessions.append(recipient)

    def close(self) -> None:
        """Nothing is held."""

    def has(self) -> Counter[UUID | None]:
        """Count the buckets of each credit, also those that will still land."""
        there = [bucket.credit_id for buckets in self.buckets.values() for bucket in buckets]
        return Counter(there) + Counter(credit.credit_id for _, credit in self._landing)

    def alter(self, credit_id: UUID, **changes: object) -> None:
        """Change every bucket of a credit, as somebody in that system might."""
        for recipient, buckets in self.buckets.items():
            self.buckets[recipient] = [
                replace(b, **changes) if b.credit_id == credit_id else b
                for b in buckets  # type: ignore[arg-type]
            ]

    def remove(self, credit_id: UUID) -> None:
        for recipient, buckets in self.buckets.items():
            self.buckets[recipient] = [b for b in buckets if b.credit_id != credit_id]

    def put(self, credit: Credit) -> str:
        with self._lock:
            return self._put(credit)

    def _put(self, credit: Credit) -> str:
        place = f"bucket-{next(self._places):04}"
        self.buckets.setdefault(credit.recipient, []).append(
            Found(place, credit.credit_id, credit.bytes, credit.bytes, credit.valid_from, credit.valid_until)
        )
        return place

    def _land(self) -> None:
        """Let take effect what was on its way for long."""
        due = [credit for at, credit in self._landing if at <= self.clock.at]
        self._landing = [(at, credit) for at, credit in self._landing if at > self.clock.at]
        for credit in due:
            self._put(credit)
