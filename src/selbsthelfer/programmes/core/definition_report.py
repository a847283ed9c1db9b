"""What is wrong in a definition, and where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches

from selbsthelfer.programmes.core.definition_lines import Path


@dataclass(frozen=True, slots=True, order=True)
class DefinitionError:
    """One thing that is wrong in a definition: `line` from 1, `field` with list elements from 1."""

    line: int
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Report:
    """The problems found so far; `settings` are the names that belong at the top of a definition."""

    lines: Mapping[Path, int]
    settings: frozenset[str]
    errors: list[DefinitionError] = field(default_factory=list)

    def add(self, path: Path, problem: str, near: Path = ()) -> None:
        """Note a problem at the line of `path`, else of `near`, else of the closest table around it."""
        written = path if path in self.lines else near or path
        while written and written not in self.lines:
            written = written[:-1]
        self.errors.append(DefinitionError(self.lines.get(written, 1), field_name(path), problem))


def field_name(path: Path) -> str:
    """Write a path as people say it: `stages[2].bytes` is the second stage."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def found(value: object) -> str:
    """Say in plain words what kind of TOML value was written."""
    words = {
        bool: "true or false",
        int: "a whole number",
        Decimal: "a decimal number",
        str: "a text",
        list: "a list",
        dict: "a table",
        datetime: "a date with time",
        date: "a date without time",
        time: "a time without date",
    }
    return words.get(type(value), type(value).__name__)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Add the known word that is most like the one written, if there is one."""
    close = get_close_matches(word[:100], sorted(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
