"""Open the files of an import, packed or not, and read them line by line, never a whole one at once."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, AnyStr, BinaryIO, ClassVar, Literal, cast

_PACKED = b"\x1f\x8b"
_LINE_ENDS: tuple[object, ...] = ("\n", "\r", b"\n")


class UnreadableFileError(Exception):
    """A file cannot be opened, or what is packed in it is broken; nothing of it was taken."""

    code: ClassVar[str] = "unreadable_file"

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


class InputFile:
    """A file that is being read; `stream` gives its content unpacked."""

    def __init__(self, raw: BinaryIO, stream: BinaryIO) -> None:
        self._raw = raw
        self.stream = stream
        self._text: io.TextIOWrapper | None = None

    def bytes_read(self) -> int:
        """Tell how far into the file, as it lies on the disk, the reading has come."""
        return self._raw.tell()

    def text(self, encoding: str, newline: Literal["", "\n"]) -> io.TextIOWrapper:
        """Read the content as text; bytes that are no text become characters that nothing accepts."""
        # Kept, because it closes the file when it goes.
        self._text = io.TextIOWrapper(self.stream, encoding, errors="surrogateescape", newline=newline)
        return self._text


@contextmanager
def open_input(path: Path) -> Iterator[InputFile]:
    """Open a file that may be packed with gzip; raises `UnreadableFileError`, also while it is read."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise UnreadableFileError(path, in_words(error)) from error
    with raw:
        is_packed = raw.peek(len(_PACKED))[: len(_PACKED)] == _PACKED
        stream = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw))) if is_packed else raw
        try:
            yield InputFile(raw, stream)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFileError(path, "the packed file is broken or not complete") from error


def require_readable(path: Path) -> int:
    """Return the size of a file in bytes, as it lies on the disk; raises `UnreadableFileError`."""
    try:
        with path.open("rb") as file:
            return file.seek(0, io.SEEK_END)
    except OSError as error:
        raise UnreadableFileError(path, in_words(error)) from error


def bounded_lines(file: IO[AnyStr], longest: int) -> Iterator[AnyStr]:
    """Yield each line with its line end; of one longer than `longest`, only a little more than that."""
    while line := file.readline(longest + 2):
        yield line
        while line and line[-1:] not in _LINE_ENDS:
            line = file.readline(longest)


def in_words(error: OSError) -> str:
    """Say why the system refused a file."""
    return (error.strerror or str(error)).lower()
