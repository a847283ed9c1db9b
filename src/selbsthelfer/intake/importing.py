"""Bring a file of facts in: in the order of `received`, in batches that never split what became known together."""

from __future__ import annotations

import gzip
import mmap
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from selbsthelfer.intake.core.facts import CrisisFact, Fact, decode_fact
from selbsthelfer.intake.core.validation import MAX_FACT_BYTES, Rejection, read_fact
from selbsthelfer.intake.operations import MAX_BATCH, Terms, accept

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Summary:
    """What became of a file: facts by result, refusals by code, tranches released."""

    results: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    released: int = 0
    last_received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A fact that was refused: its line in the file, from 1, and why."""

    line: int
    rejection: Rejection


OnProgress = Callable[[int], None]
OnRefused = Callable[[Refused], None]
Rewrite = Callable[[Fact], Fact]


def take_facts(
    facts: Sequence[tuple[int, bytes | Fact]], terms: Terms, summary: Summary, on_refused: OnRefused
) -> None:
    """Take one batch of numbered facts and add what became of them to the summary."""
    receipt = accept([fact for _, fact in facts], terms=terms)
    summary.results.update(receipt.counts)
    summary.released += receipt.released
    for ordinal, rejection in receipt.rejections:
        summary.rejections[rejection.code] += 1
        on_refused(Refused(facts[ordinal][0], rejection))


def in_batches(
    ordered: Iterator[tuple[tuple[datetime, str], int, bytes | Fact]],
) -> Iterator[list[tuple[int, bytes | Fact]]]:
    """Cut facts, ordered by (received, subject), into batches of at most `MAX_BATCH`.

    Facts of a line with the same `received` become known together, so a batch ends where that pair changes.
    Raises `ValueError` where more facts than a batch holds share it.
    """
    batch: list[tuple[int, bytes | Fact]] = []
    together: list[tuple[int, bytes | Fact]] = []
    together_key: tuple[datetime, str] | None = None
    for key, line, fact in ordered:
        if key != together_key:
            batch, full = _join(batch, together)
            if full:
                yield full
            together, together_key = [], key
        together.append((line, fact))
    batch, full = _join(batch, together)
    if full:
        yield full
    if batch:
        yield batch


def _join(
    batch: list[tuple[int, bytes | Fact]], together: list[tuple[int, bytes | Fact]]
) -> tuple[list[tuple[int, bytes | Fact]], list[tuple[int, bytes | Fact]]]:
    """Add what belongs together to a batch, or start the next one with it; return it and a full one."""
    if len(together) > MAX_BATCH:
        raise ValueError(f"more than {MAX_BATCH} facts of one line were received at the same instant")
    if len(batch) + len(together) > MAX_BATCH:
        return together, batch
    return batch + together if len(batch) < len(together) else _extended(batch, together), []


def _extended(
    batch: list[tuple[int, bytes | Fact]], together: list[tuple[int, bytes | Fact]]
) -> list[tuple[int, bytes | Fact]]:
    batch.extend(together)
    return batch


@dataclass(frozen=True, slots=True)
class FactsFile:
    """A file of facts, one JSON object a line, and the order in which its lines are to be read."""

    path: Path
    order: Sequence[tuple[datetime, str, int, int, int]]

    @property
    def size(self) -> int:
        """Count the lines that hold something."""
        return len(self.order)

    @property
    def last_received_at(self) -> datetime | None:
        sound = [entry[0] for entry in self.order[-1:] if entry[0] > BEFORE_ALL]
        return sound[0] if sound else None

    def facts(
        self, rewrite: Rewrite | None = None
    ) -> Iterator[tuple[tuple[datetime, str], int, bytes | Fact]]:
        """Yield each line's key (received, subject), number and fact."""
        with self.path.open("rb") as file:
            for received_at, subject, line, offset, length in self.order:
                file.seek(offset)
                raw = file.read(length)
                fact: bytes | Fact = raw
                if rewrite is not None:
                    read = read_fact(raw)
                    fact = raw if isinstance(read, Rejection) else rewrite(read)
                yield (received_at, subject), line, fact


@contextmanager
def open_facts(path: Path) -> Iterator[FactsFile]:
    """Read through a file of facts once, gzip or not, and find the order of its lines.

    A crisis comes before the facts of lines that were received at the same instant: it is known to them.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain = path
        if path.suffix == ".gz":
            plain = Path(folder) / "facts.jsonl"
            with gzip.open(path) as packed, plain.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        yield FactsFile(plain, sorted(_index(plain)))


def _index(path: Path) -> Iterator[tuple[datetime, str, int, int, int]]:
    """Yield for each line its received, subject, number, offset and length; unsound lines come first."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        offset, number = 0, 0
        while offset < len(content):
            end = content.find(b"\n", offset)
            end = len(content) if end < 0 else end
            number += 1
            raw = content[offset : min(end, offset + MAX_FACT_BYTES + 1)]
            if raw.strip():
                yield (*_place(raw), number, offset, len(raw))
            offset = end + 1


def _place(raw: bytes) -> tuple[datetime, str]:
    try:
        fact = decode_fact(raw)
    except (msgspec.MsgspecError, RecursionError):
        return BEFORE_ALL, ""
    received_at = max(fact.received or fact.time, fact.time)
    return received_at, "" if isinstance(fact, CrisisFact) else fact.subject
