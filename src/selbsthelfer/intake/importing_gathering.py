"""Gather facts from one or several files on their way to the door, and remember where each was written."""

from __future__ import annotations

import gzip
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from selbsthelfer.intake.core.columns_queues import is_classified
from selbsthelfer.intake.core.facts import ContactCodedFact, ContactFinished, Fact, LineEnvelope
from selbsthelfer.intake.core.validation import MAX_FACT_BYTES, Rejection
from selbsthelfer.intake.importing import OnProgress, Refused, Summary, key_of, take_all
from selbsthelfer.intake.importing_files import InputFile, bounded_lines, open_input
from selbsthelfer.intake.importing_order import FactSorter
from selbsthelfer.intake.operations import MAX_BATCH

READ_STEP = 1_000
"""Lines between two reports of how far a file is read."""

OnRefusedAt = Callable[[Path, int, Rejection], None]
"""Told of each refusal: the file, the line in it from 1, and why."""

_encode = msgspec.json.Encoder().encode


class Gathering:
    """Facts from files. A place is a line's number when the lines of all files are counted through."""

    def __init__(self, *, on_read: OnProgress, on_refused: OnRefusedAt) -> None:
        self.summary = Summary()
        self.sorter = FactSorter()
        self.place = 0
        self._on_read = on_read
        self._on_refused = on_refused
        self._paths: list[Path] = []
        self._starts: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sorter.close()

    @contextmanager
    def reading(self, path: Path) -> Iterator[Reading]:
        """Read a file; raises `UnreadableFileError`."""
        self._paths.append(path)
        self._starts.append(self.place)
        with open_input(path) as file:
            reading = Reading(self, file, self._on_read)
            yield reading
            reading.report()

    def add(self, fact: LineEnvelope, place: int | None = None) -> None:
        """Gather a fact that a reader has made from the line it is at, or from the one at `place`."""
        self._count(fact)
        received_at = max(fact.received or fact.time, fact.time)
        self.sorter.add((received_at, fact.subject, self.place if place is None else place, _encode(fact)))

    def add_written(self, raw: bytes) -> None:
        """Gather the fact that is written in the line a reader is at."""
        key, fact = key_of(raw, self.place)
        self._count(fact)
        self.sorter.add((*key, self.place, raw))

    def refuse(self, rejection: Rejection) -> None:
        """Refuse the line a reader is at."""
        self.summary.results["rejected"] += 1
        self.summary.rejections[rejection.code] += 1
        self._tell(Refused(self.place, rejection))

    def take(self, *, now: datetime, on_progress: OnProgress, limit: int = MAX_BATCH) -> None:
        """Take everything gathered, in order and batch by batch; raises `TooManyAtOnceError`."""
        take_all(
            self.sorter, self.summary, now=now, on_progress=on_progress, on_refused=self._tell, limit=limit
        )

    def write(self, path: Path, *, on_progress: OnProgress) -> None:
        """Write everything gathered to a file, in order; one that ends in .gz is packed."""
        unfinished = path.with_name(f"{path.name}.part")
        with gzip.open(unfinished, "wb") if path.suffix == ".gz" else unfinished.open("wb") as file:
            for *_, raw in self.sorter.ordered():
                file.write(raw + b"\n")
                self.summary.written += 1
                if self.summary.written % READ_STEP == 0:
                    on_progress(READ_STEP)
        unfinished.replace(path)

    def _tell(self, refused: Refused) -> None:
        nth = bisect_left(self._starts, refused.line) - 1
        self._on_refused(self._paths[nth], refused.line - self._starts[nth], refused.rejection)

    def _count(self, fact: Fact | LineEnvelope | None) -> None:
        if isinstance(fact, ContactFinished) and fact.data.outcome == "answered":
            self.summary.answered += 1
            self.summary.unclassified += not is_classified(fact.data.topic)
        elif isinstance(fact, ContactCodedFact):
            self.summary.coded += is_classified(fact.data.topic)


class Reading:
    """One file on its way into a gathering."""

    def __init__(self, gathering: Gathering, file: InputFile, on_read: OnProgress) -> None:
        self.file = file
        self._gathering = gathering
        self._start = gathering.place
        self._on_read = on_read
        self._reported = 0

    def reach(self, line: int) -> None:
        """Say which line, from 1, is read now."""
        self._gathering.place = self._start + line
        if line % READ_STEP == 0:
            self.report()

    def report(self) -> None:
        """Report how much of the file was read since the last report, in bytes."""
        come = self.file.bytes_read()
        self._on_read(come - self._reported)
        self._reported = come


def read_facts(paths: Iterable[Path], gathering: Gathering) -> None:
    """Gather files of facts, one JSON object a line; raises `UnreadableFileError`."""
    for path in paths:
        with gathering.reading(path) as reading:
            for line, raw in enumerate(bounded_lines(reading.file.stream, MAX_FACT_BYTES), start=1):
                reading.reach(line)
                if raw.strip():
                    gathering.add_written(raw.rstrip(b"\r\n"))
