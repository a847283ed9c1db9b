"""Put any number of facts in the order in which they became known, with no more memory than a run of them.

Runs of facts are sorted one by one, written to a temporary file in small pieces, and merged while read. What
fits into one run never touches the disk.
"""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO

import msgspec

RUN = 100_000
"""Facts sorted at once: about 60 MB."""
PIECE = 250
"""Facts read back at once from each run: 10,000,000 facts are 100 runs, so about 15 MB at a time."""

Entry = tuple[datetime, str, int, bytes]
"""When a fact was received, its line, its place in the files, and the fact as JSON."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode


class FactSorter:
    """Takes facts in any order and gives them back by (received, subject, place), as often as asked."""

    def __init__(self, run: int = RUN) -> None:
        self._run = run
        self._held: list[Entry] = []
        self._runs: list[list[tuple[int, int]]] = []
        self._spilled: IO[bytes] | None = None
        self.size = 0
        self.last_received_at: datetime | None = None

    def close(self) -> None:
        """Let go of the temporary file."""
        if self._spilled is not None:
            self._spilled.close()

    def add(self, entry: Entry) -> None:
        """Take one fact."""
        self._held.append(entry)
        self.size += 1
        if self.last_received_at is None or entry[0] > self.last_received_at:
            self.last_received_at = entry[0]
        if len(self._held) >= self._run:
            self._spill()

    def ordered(self) -> Iterator[Entry]:
        """Yield every fact in order."""
        self._held.sort()
        return heapq.merge(*map(self._read_back, self._runs), self._held) if self._runs else iter(self._held)

    def _spill(self) -> None:
        """Write the run that is held to the temporary file."""
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the sorter is
        self._held.sort()
        pieces = []
        for start in range(0, len(self._held), PIECE):
            packed = _encode(self._held[start : start + PIECE])
            pieces.append((self._spilled.tell(), len(packed)))
            self._spilled.write(packed)
        self._spilled.flush()
        self._runs.append(pieces)
        self._held = []

    def _read_back(self, pieces: Iterable[tuple[int, int]]) -> Iterator[Entry]:
        assert self._spilled is not None  # noqa: S101 - there is no run without it
        for offset, length in pieces:
            yield from _decode(os.pread(self._spilled.fileno(), length, offset))
