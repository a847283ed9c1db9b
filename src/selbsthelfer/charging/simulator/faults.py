"""What goes wrong, how often, for which request: settled by the seed and not by how threads take turns."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import blake2b
from threading import Lock
from typing import Final

READS: Final = "read:"
"""Before the name of a fault that strikes questions rather than credits."""
MAX_PLANNED: Final = 100_000


class Fault(StrEnum):
    """Something that goes wrong, before or after the effect of a request."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    LATE_EFFECT = "late_effect"
    """It is never answered, and has its effect only seconds later."""
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    GATEWAY_AFTER = "gateway_after"
    """It has its effect, and somebody between says that it took too long."""
    SLOW = "slow"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    DUPLICATE = "duplicate"
    """It has its effect, and is answered twice, or by the answer to the request before."""
    GARBAGE = "garbage"
    """It has its effect, and half an answer comes."""
    BUSY = "busy"
    """It is turned away with the wish to come again later."""
    RESTART = "restart"
    """The process ends before or after the effect, with all connections, and starts again from its folder."""


class FaultError(ValueError):
    """There is no such fault, or its share is none."""

    code = "fault_unknown"


class FaultPlan:
    """Decides about each request, by its key and how often it has come."""

    def __init__(self, shares: Mapping[str, float], seed: int) -> None:
        self._seed = seed
        self._lock = Lock()
        self._planned: deque[Fault | None] = deque()
        self._visits: Counter[str] = Counter()
        self._met: Counter[str] = Counter()
        self._credits: tuple[tuple[Fault, float], ...] = ()
        self._reads: tuple[tuple[Fault, float], ...] = ()
        self.set_shares(shares)

    def set_shares(self, shares: Mapping[str, float]) -> None:
        """Say how many of all requests each fault strikes, from 0 to 1; raises `FaultError`."""
        for_credits = {name: share for name, share in shares.items() if not name.startswith(READS)}
        for_reads = {name[len(READS) :]: share for name, share in shares.items() if name.startswith(READS)}
        found = _shares(for_credits), _shares(for_reads)
        with self._lock:
            self._credits, self._reads = found

    def plan(self, faults: Sequence[str | None]) -> None:
        """Have the next credits struck by these, one each; none is no fault. Raises `FaultError`."""
        if len(faults) > MAX_PLANNED:
            raise FaultError(f"at most {MAX_PLANNED:,} faults can be planned")
        planned = [None if name is None else _fault(name) for name in faults]
        with self._lock:
            self._planned = deque(planned)

    def shares(self) -> dict[str, float]:
        with self._lock:
            return {
                **{fault.value: share for fault, share in self._credits},
                **{f"{READS}{fault}": share for fault, share in self._reads},
            }

    def met(self) -> dict[str, int]:
        """Count the faults that struck so far."""
        with self._lock:
            return dict(self._met)

    def take(self, key: str, *, is_credit: bool) -> tuple[Fault | None, float]:
        """Decide about a request; with a number from 0 to 1 for what a fault leaves open."""
        with self._lock:
            shares = self._credits if is_credit else self._reads
            if not shares and not (is_credit and self._planned):
                return None, 0.0
            visit = self._visits[key]
            self._visits[key] += 1
            first, second = _numbers(f"{self._seed}:{is_credit}:{key}:{visit}")
            fault = self._planned.popleft() if is_credit and self._planned else _drawn(shares, first)
            if fault is not None:
                self._met[fault.value if is_credit else READS + fault.value] += 1
            return fault, second


def _drawn(shares: Sequence[tuple[Fault, float]], number: float) -> Fault | None:
    for fault, share in shares:
        if number < share:
            return fault
        number -= share
    return None


def _numbers(text: str) -> tuple[float, float]:
    digest = blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:]) / 2**64


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        raise FaultError(f"there is no fault “{name}”; there are {', '.join(Fault)}") from None


def _shares(shares: Mapping[str, float]) -> tuple[tuple[Fault, float], ...]:
    found = tuple((_fault(name), float(share)) for name, share in shares.items() if share)
    if any(not 0 <= share <= 1 for _, share in found) or sum(share for _, share in found) > 1.000_001:
        raise FaultError("the shares of faults are from 0 to 1, and together at most 1")
    return found
