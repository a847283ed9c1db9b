"""Read a file that goes on growing, whole lines only, through rotations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from selbsthelfer.intake.importing_files import UnreadableFileError, in_words

MAX_READ_BYTES: Final = 1_048_576
"""Read at once; what is longer than this without a line end is given out in pieces, which nothing accepts."""


class GrowingFile:
    """A file that another program appends to and rotates.

    Renamed and made anew: the old file is read until the new one holds something, since its writer may go on
    in the old one until then. Cut to nothing: reading begins anew. A last line without its end is waited for.
    Where the new one is missing it is waited for. Raises `UnreadableFileError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._rest = b""
        self.line = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def lines(self, rest: Callable[[], bool]) -> Iterator[str]:
        """Yield each line, with its end; call `rest` when there is none, and end when it says so.

        `line` tells the number of the one given out last, from 1, in the file that was then the live one.
        """
        while True:
            # Asked before the old file is read: all that its writer put there was written before the new one.
            has_successor = self._has_successor()
            read = self._file.read(MAX_READ_BYTES)
            for line in self._whole_lines(read or b""):
                self.line += 1
                yield line.decode("utf-8", errors="surrogateescape") + "\n"
            if read:
                continue
            if has_successor and self._begin_anew():
                continue
            if self._was_cut():
                self._file.seek(0)
                self._rest, self.line = b"", 0
            elif not rest():
                return

    def _whole_lines(self, read: bytes) -> list[bytes]:
        *whole, self._rest = (self._rest + read).split(b"\n")
        if len(self._rest) > MAX_READ_BYTES:
            whole, self._rest = [*whole, self._rest], b""
        return whole

    def _has_successor(self) -> bool:
        try:
            there = self._path.stat()
        except OSError:
            return False
        return there.st_size > 0 and not os.path.samestat(there, os.fstat(self._file.fileno()))

    def _was_cut(self) -> bool:
        return os.fstat(self._file.fileno()).st_size < self._file.tell()

    def _begin_anew(self) -> bool:
        """Go on in the new file; tell whether it was still there to be opened."""
        try:
            successor = _open(self._path)
        except UnreadableFileError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise
        self._file.close()
        self._file, self._rest, self.line = successor, b"", 0
        return True


def _open(path: Path) -> FileIO:
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise UnreadableFileError(path, in_words(error)) from error
