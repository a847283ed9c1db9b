"""Bring facts in: in the order of `received`, in batches that never split what became known together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

import msgspec

from selbsthelfer.intake.core.facts import CrisisFact, Fact, decode_fact
from selbsthelfer.intake.core.validation import EARLIEST, LATEST, MAX_FACT_BYTES, Rejection, read_fact
from selbsthelfer.intake.importing_files import bounded_lines, open_input
from selbsthelfer.intake.importing_order import FactSorter
from selbsthelfer.intake.operations import MAX_BATCH, Terms, accept
from selbsthelfer.intake.sweeping import sweep

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class TooManyAtOnceError(ValueError):
    """More facts of one line than a batch holds were received at the same instant."""

    code: ClassVar[str] = "too_many_at_once"


@dataclass(slots=True)
class Summary:
    """What became of files: facts by result, refusals by code, tranches released.

    What was left aside before it was a fact stands in `skipped` (by reason) and `unidentified`. `answered`
    counts the answered contacts among the facts, `unclassified` those of them without a known topic, `coded`
    the topics that agents gave afterwards. `written` facts went to a file. Of queue logs, `calls` counts by
    outcome.
    """

    results: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    released: int = 0
    last_received_at: datetime | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    unidentified: int = 0
    answered: int = 0
    unclassified: int = 0
    coded: int = 0
    written: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    calls_open: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A fact that was refused: its line in the file, from 1, and why."""

    line: int
    rejection: Rejection


OnProgress = Callable[[int], None]
OnRefused = Callable[[Refused], None]
Rewrite = Callable[[Fact], Fact]
Key = tuple[datetime, str]
"""When a fact was received and its line; facts with the same key become known together."""
Numbered = tuple[int, bytes | Fact]
"""A fact and its line in the file."""


def take_facts(facts: Sequence[Numbered], terms: Terms, summary: Summary, on_refused: OnRefused) -> None:
    """Take one batch of numbered facts and add what became of them to the summary."""
    receipt = accept([fact for _, fact in facts], terms=terms)
    summary.results.update(receipt.counts)
    summary.released += receipt.released
    for ordinal, rejection in receipt.rejections:
        summary.rejections[rejection.code] += 1
        on_refused(Refused(facts[ordinal][0], rejection))


def take_all(
    sorter: FactSorter,
    summary: Summary,
    *,
    now: datetime,
    on_progress: OnProgress,
    on_refused: OnRefused,
    limit: int = MAX_BATCH,
) -> None:
    """Take everything sorted, batch by batch, and decide what the clock has made due since.

    Each batch is a transaction of its own: interrupted and begun again, it finds what was taken `known`.
    Raises `TooManyAtOnceError`.
    """
    terms = Terms(now=now, may_backdate=True)
    for batch in in_batches(FactsFile(sorter).facts(), limit):
        take_facts(batch, terms, summary, on_refused)
        on_progress(len(batch))
    summary.released += sweep(now=now)


def in_batches(
    ordered: Iterator[tuple[Key, int, bytes | Fact]], limit: int = MAX_BATCH
) -> Iterator[list[Numbered]]:
    """Cut facts, ordered by (received, subject), into batches of at most `limit`.

    Facts of a line with the same `received` become known together, so a batch ends where that pair changes,
    and holds more than `limit` where so many share it. Raises `TooManyAtOnceError` beyond `MAX_BATCH`.
    """
    batch: list[Numbered] = []
    for (received_at, subject), group in groupby(ordered, key=itemgetter(0)):
        together = [(line, fact) for _, line, fact in islice(group, MAX_BATCH + 1)]
        if len(together) > MAX_BATCH:
            raise TooManyAtOnceError(
                f"more than {MAX_BATCH} facts of “{subject}” were received at {received_at.isoformat()}"
            )
        if batch and len(batch) + len(together) > limit:
            yield batch
            batch = []
        batch.extend(together)
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class FactsFile:
    """Facts that were read from a file, in the order in which they became known."""

    sorter: FactSorter

    @property
    def size(self) -> int:
        """Count the lines that hold something."""
        return self.sorter.size

    @property
    def last_received_at(self) -> datetime | None:
        last = self.sorter.last_received_at
        return last if last is not None and last > BEFORE_ALL else None

    def facts(self, rewrite: Rewrite | None = None) -> Iterator[tuple[Key, int, bytes | Fact]]:
        """Yield each line's key (received, subject), number and fact."""
        for received_at, subject, line, raw in self.sorter.ordered():
            fact: bytes | Fact = raw
            if rewrite is not None:
                read = read_fact(raw)
                fact = raw if isinstance(read, Rejection) else rewrite(read)
            yield (received_at, subject), line, fact


@contextmanager
def open_facts(path: Path) -> Iterator[FactsFile]:
    """Read through a file of facts once, gzip or not, and put its lines in order.

    Raises `UnreadableFileError`.
    """
    with closing(FactSorter()) as sorter:
        with open_input(path) as file:
            for number, raw in enumerate(bounded_lines(file.stream, MAX_FACT_BYTES), start=1):
                if raw.strip():
                    key, _ = key_of(raw, number)
                    sorter.add((*key, number, raw.rstrip(b"\r\n")))
        yield FactsFile(sorter)


def key_of(raw: bytes, line: int) -> tuple[Key, Fact | None]:
    """Tell when a line of a file was received and of whom, and the fact in it.

    A crisis comes before the facts of lines that were received at the same instant: it is known to them.
    An unsound line has no fact, comes first, and belongs together with no other.
    """
    try:
        fact = decode_fact(raw)
    except (msgspec.MsgspecError, RecursionError):
        return (BEFORE_ALL, str(line)), None
    received_at = max(fact.received or fact.time, fact.time)
    if not EARLIEST <= received_at < LATEST:
        return (BEFORE_ALL, str(line)), None
    return (received_at.astimezone(UTC), "" if isinstance(fact, CrisisFact) else fact.subject), fact
