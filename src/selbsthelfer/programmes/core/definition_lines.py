"""Find the line of every key and list element of a TOML text, which `tomllib` does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""The keys, and positions in lists from 0, that lead to a value."""

MAX_DEPTH = 6
"""Deeper paths are not located: a definition has three levels, and a wrong key is named where it starts."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"{3}(?:[^\\]|\\.)*?"{3,5}'
    r"|'{3}.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\[\]{}#\n]+")


def locate(text: str) -> Mapping[Path, int]:
    """Map each path of a valid TOML text to the line, from 1, where it is first written."""
    return _Locator(text.replace("\r\n", "\n")).run()


class _Locator:
    """One walk through a text that `tomllib` has accepted, so that nothing needs checking again."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {(): 1}
        self._sizes: dict[Path, int] = {}

    def run(self) -> Mapping[Path, int]:
        table: Path = ()
        while self._skip_blank() < len(self._text):
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _peek(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _skip(self, sign: str) -> bool:
        found = self._peek(sign)
        self._at += len(sign) * found
        return found

    def _skip_blank(self) -> int:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match.group()

    def _note(self, path: Path, at: int) -> None:
        if len(path) <= MAX_DEPTH:
            self._lines.setdefault(path, bisect_right(self._newlines, at) + 1)

    def _key(self) -> Path:
        """Read a bare, quoted or dotted key; the place is left behind it."""
        parts: list[str] = []
        while True:
            self._skip_blank()
            bare = self._take(_BARE_KEY)
            quoted = None if bare else self._take(_STRING)
            parts.append(bare or tomllib.loads(f"key = {quoted}")["key"])
            self._skip_blank()
            if not self._skip("."):
                return tuple(parts)

    def _header(self) -> Path:
        """Read `[table]` or `[[table]]` and give the path of the table that it opens."""
        start = self._at
        repeated = self._skip("[[") or not self._skip("[")
        key = self._key()
        self._skip("]]" if repeated else "]")
        if not repeated:
            return self._note_key((), key, start)
        path = (*self._note_key((), key[:-1], start), key[-1])
        position = self._sizes.get(path, 0)
        self._sizes[path] = position + 1
        return self._note_key(path[:-1], path[-1:], start)

    def _note_key(self, path: Path, key: Path, at: int) -> Path:
        """Note each part of a key below `path`; a list of tables stands for its newest table."""
        for part in key:
            path = (*path[:MAX_DEPTH], part)
            self._note(path, at)
            if path in self._sizes:
                path = (*path, self._sizes[path] - 1)
                self._note(path, at)
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = self._note_key(table, self._key(), start)
        self._skip("=")
        self._skip_blank()
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._skip("["):
            self._elements(path)
        elif self._skip("{"):
            self._inline_table(path)
        elif self._take(_STRING) is None:
            self._take(_BARE_VALUE)

    def _elements(self, path: Path) -> None:
        position = 0
        self._skip_blank()
        while not self._skip("]"):
            element = (*path[:MAX_DEPTH], position)
            self._note(element, self._at)
            self._value(element)
            self._skip_blank()
            self._skip(",")
            self._skip_blank()
            position += 1

    def _inline_table(self, path: Path) -> None:
        self._skip_blank()
        while not self._skip("}"):
            self._pair(path)
            self._skip_blank()
            self._skip(",")
            self._skip_blank()
