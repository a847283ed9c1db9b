"""What the played system has, written into a journal before anybody is told.

The journal holds effects and never requests, so reading it again gives the same state.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Final, Literal, Protocol
from uuid import UUID, uuid5

import msgspec

JOURNAL: Final = "journal.jsonl"
MAX_LINES_READ: Final = 10_000_000
SPACE: Final = UUID("6f0f9fb5-2f3e-4f0a-9d52-0a6a0e5a7b11")
"""Ids that the played systems make are derived from numbers in it."""
FAR: Final = datetime.max.replace(tzinfo=UTC)


class Effect(msgspec.Struct, omit_defaults=True, frozen=True):
    """One line of the journal.

    `credit` makes the bucket `place`, or adds to it where it is there; `burn` and `take` lessen it; `remove`
    takes it away; `account` makes an account known.
    """

    do: Literal["account", "credit", "burn", "take", "remove"]
    account: str
    place: str = ""
    key: str = ""
    bytes: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    weight: float = 0
    is_ghost: bool = False


@dataclass(frozen=True, slots=True)
class SimulatedBucket:
    """A bucket of the played system; `key` is where it keeps the id of a credit."""

    place: str
    account: str
    key: str
    remaining_bytes: int
    valid_from: datetime | None
    valid_until: datetime | None
    weight: float = 0

    def is_valid(self, now: datetime) -> bool:
        return (self.valid_from or now) <= now < (self.valid_until or FAR)


@dataclass(frozen=True, slots=True)
class SimulatedCredit:
    """A credit that took effect. Two of one key are a double, whatever the system made of them."""

    id: str
    key: str
    account: str
    place: str
    bytes: int
    valid_from: datetime | None
    valid_until: datetime | None


class Journal(Protocol):
    """Where effects are kept beyond the process."""

    def write(self, line: bytes) -> None: ...

    def lines(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class MemoryJournal:
    """A journal that outlives a simulated restart, and no real one."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self._lines.append(line)

    def lines(self) -> Iterator[bytes]:
        return iter(self._lines)

    def close(self) -> None:
        """Keep nothing."""


class FileJournal:
    """A journal in a folder.

    A line is with the operating system before `write` returns, so a kill loses none; with `is_synced` it is
    on the disk, so that a power cut loses none either.
    """

    def __init__(self, folder: Path, *, is_synced: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / JOURNAL
        self._is_synced = is_synced
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._drop_half_line()

    def write(self, line: bytes) -> None:
        os.write(self._descriptor, line + b"\n")
        if self._is_synced:
            os.fdatasync(self._descriptor)

    def lines(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            for number, line in enumerate(file):
                if number >= MAX_LINES_READ:
                    raise ValueError(f"the journal {self._path} has more than {MAX_LINES_READ:,} lines")
                yield line.rstrip(b"\n")

    def close(self) -> None:
        os.close(self._descriptor)

    def _drop_half_line(self) -> None:
        """Forget a line that was being written when the process ended: nobody was told of it."""
        size = os.fstat(self._descriptor).st_size
        with self._path.open("rb") as file:
            end = size
            while end > 0:
                start = max(0, end - 65_536)
                file.seek(start)
                found = file.read(end - start).rfind(b"\n")
                if found >= 0:
                    end = start + found + 1
                    break
                end = start
        if end != size:
            os.ftruncate(self._descriptor, end)


class Ledger:
    """Accounts, their buckets, and every credit that took effect; `lock` makes several steps one."""

    def __init__(self, journal: Journal, accounts: frozenset[str] | None) -> None:
        self.lock = RLock()
        self._journal = journal
        self._opened_for_all = accounts is None
        self._told = accounts or frozenset()
        self.reload()

    def reload(self) -> None:
        """Forget everything, and read it again from the journal."""
        with self.lock:
            self._known = set(self._told)
            self._ghosts: set[str] = set()
            self._buckets: dict[str, dict[str, SimulatedBucket]] = {}
            self._account_of: dict[str, str] = {}
            self._credits: list[SimulatedCredit] = []
            self._credits_of: dict[str, list[SimulatedCredit]] = {}
            self._count = 0
            for line in self._journal.lines():
                self._apply(msgspec.json.decode(line, type=Effect))

    def close(self) -> None:
        with self.lock:
            self._journal.close()

    def record(self, effect: Effect) -> None:
        """Write an effect down, then have it."""
        with self.lock:
            self._journal.write(msgspec.json.encode(effect))
            self._apply(effect)

    def next_id(self) -> UUID:
        """Give an id for what is recorded next, the same in each run; the ledger is locked meanwhile."""
        with self.lock:
            return uuid5(SPACE, str(self._count + 1))

    def is_known(self, account: str) -> bool:
        with self.lock:
            return self._opened_for_all or account in self._known

    def ghosts(self) -> list[str]:
        """List the accounts that were made up by a credit."""
        with self.lock:
            return sorted(self._ghosts)

    def credits(self) -> list[SimulatedCredit]:
        with self.lock:
            return list(self._credits)

    def credits_of(self, account: str) -> list[SimulatedCredit]:
        with self.lock:
            return list(self._credits_of.get(account, []))

    def buckets(self, account: str) -> list[SimulatedBucket]:
        with self.lock:
            return list(self._buckets.get(account, {}).values())

    def bucket(self, place: str) -> SimulatedBucket | None:
        with self.lock:
            account = self._account_of.get(place)
            return None if account is None else self._buckets[account].get(place)

    def _apply(self, effect: Effect) -> None:
        self._count += 1
        if effect.is_ghost:
            self._ghosts.add(effect.account)
        self._known.add(effect.account)
        if effect.do == "account":
            return
        held = self._buckets.setdefault(effect.account, {})
        if effect.do == "credit":
            self._credit(held, effect)
        elif effect.do == "remove":
            held.pop(effect.place, None)
            self._account_of.pop(effect.place, None)
        elif effect.place in held:
            before = held[effect.place]
            held[effect.place] = replace(before, remaining_bytes=before.remaining_bytes - effect.bytes)

    def _credit(self, held: dict[str, SimulatedBucket], effect: Effect) -> None:
        before = held.get(effect.place)
        made = SimulatedBucket(
            place=effect.place,
            account=effect.account,
            key=effect.key,
            remaining_bytes=effect.bytes,
            valid_from=effect.valid_from,
            valid_until=effect.valid_until,
            weight=effect.weight,
        )
        if before is not None:  # the volume is summed, and the validity stays as it was
            made = replace(before, remaining_bytes=before.remaining_bytes + effect.bytes)
        held[effect.place] = made
        self._account_of[effect.place] = effect.account
        credit = SimulatedCredit(
            id=str(uuid5(SPACE, str(self._count))),
            key=effect.key,
            account=effect.account,
            place=effect.place,
            bytes=effect.bytes,
            valid_from=made.valid_from,
            valid_until=made.valid_until,
        )
        self._credits.append(credit)
        self._credits_of.setdefault(effect.account, []).append(credit)
