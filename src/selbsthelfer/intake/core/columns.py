"""Turn the rows of a CSV file into facts, as a column mapping says."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

import msgspec

from selbsthelfer.intake.core.columns_mapping import (
    KINDS,
    ColumnMapping,
    ColumnMappingError,
    ColumnMappingErrors,
    read_mapping,
)
from selbsthelfer.intake.core.columns_rows import BrokenFieldError, RowReject, Skipped, Unidentified
from selbsthelfer.intake.core.columns_times import time_of
from selbsthelfer.intake.core.columns_values import Member, member_of, text_of
from selbsthelfer.intake.core.facts import LineEnvelope

__all__ = [
    "ColumnMapping",
    "ColumnMappingError",
    "ColumnMappingErrors",
    "RowReject",
    "RowResult",
    "Skipped",
    "TooManySubjectsError",
    "Unidentified",
    "WrongHeaderError",
    "facts_from_rows",
    "read_mapping",
]

MAX_ROW_CHARACTERS = 20_000
MAX_SUBJECTS = 10_000_000
"""About 1 GB; only a mapping with `distinct` remembers the subjects."""

RowResult = LineEnvelope | RowReject | Unidentified | Skipped
"""What a row becomes; the envelope is the fact of the mapping's kind, as in `facts.py`."""

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")


class WrongHeaderError(ValueError):
    """The first row is not the header that the mapping expects."""

    code: ClassVar[str] = "wrong_header"


class TooManySubjectsError(ValueError):
    """A file with more subjects than can be remembered needs a mapping without `distinct`."""

    code: ClassVar[str] = "too_many_subjects"


def facts_from_rows(
    rows: Iterable[list[str]], mapping: ColumnMapping, *, seen: set[str] | None = None
) -> Iterator[RowResult]:
    """Yield one result for each row but the header, in order; rows may come straight from `csv.reader`.

    `seen` holds the subjects that a mapping with `distinct` has met; give the same set with the next file.
    Raises `WrongHeaderError` and `TooManySubjectsError`.
    """
    plan = _Plan(mapping, set() if seen is None else seen)
    remaining = iter(rows)
    number = 0
    while True:
        number += 1
        try:
            row = next(remaining)
        except StopIteration:
            return
        except csv.Error as error:
            yield RowReject(number, "row", "unreadable", str(error))
            continue
        if number == 1 and mapping.file.header:
            plan.check_header(row)
            continue
        yield plan.take(number, row)


class _Plan:
    """A mapping made ready: every rule as a function of a row."""

    def __init__(self, mapping: ColumnMapping, seen: set[str]) -> None:
        positions = {column: index for index, column in enumerate(mapping.file.columns)}
        self.mapping = mapping
        self.seen = seen
        self.header = list(mapping.file.columns)
        self.fact_type = KINDS[mapping.kind][0]
        self.subject = text_of((mapping.subject.column,), positions, "")
        self.unidentified = frozenset({"", *mapping.subject.unidentified})
        self.id_positions = [positions[column] for column in mapping.id.columns]
        self.time = time_of("time", mapping.time, positions)
        self.received = mapping.received and time_of("received", mapping.received, positions)
        self.skips: list[tuple[str, Callable[[list[str]], str], frozenset[str]]] = [
            (f"data.{name}", text_of(rule.sources(), positions, rule.join), frozenset(rule.skip))
            for name, rule in mapping.data.items()
            if rule.skip
        ]
        self.members: list[tuple[str, Member]] = [
            (name, member_of(name, rule, positions, mapping.file.decimal_comma))
            for name, rule in mapping.data.items()
        ]

    def check_header(self, row: list[str]) -> None:
        """Raise `WrongHeaderError` unless the row repeats the columns of the mapping."""
        found = [name.strip().removeprefix("\ufeff") for name in row]
        if found != self.header:
            expected = self.mapping.file.delimiter.join(self.header)
            raise WrongHeaderError(f"the first row should be {expected}")

    def take(self, number: int, row: list[str]) -> RowResult:
        """Turn one row into its result."""
        if len(row) != len(self.header) or row == self.header or len("".join(row)) > MAX_ROW_CHARACTERS:
            return self._odd(number, row)
        written = self.subject(row)
        if written in self.unidentified:
            return Unidentified(number)
        for field, text, values in self.skips:
            if text(row) in values:
                return Skipped(number, field, "value")
        subject = self.mapping.subject.prefix + written
        if self.mapping.distinct and subject in self.seen:
            return Skipped(number, "subject", "repeated")
        try:
            fact = self._fact(row, subject)
        except BrokenFieldError as broken:
            return RowReject(number, broken.field, broken.reason, broken.detail)
        except msgspec.ValidationError as error:
            return _invalid(number, str(error))
        if self.mapping.distinct:
            self._remember(subject)
        return fact

    def _odd(self, number: int, row: list[str]) -> RowReject | Skipped:
        if not row or row == self.header:
            return Skipped(number, "row", "header" if row else "blank")
        if len(row) != len(self.header):
            return RowReject(number, "row", "field_count", f"{len(row)} fields, not {len(self.header)}")
        return RowReject(number, "row", "row_too_long")

    def _fact(self, row: list[str], subject: str) -> LineEnvelope:
        identity = self._id(row)
        if not (subject.isprintable() and identity.isprintable()):
            raise BrokenFieldError("id" if subject.isprintable() else "subject", "control_character")
        time = self.time(row)
        received = self.received(row) if self.received else time
        if received < time:
            raise BrokenFieldError("received", "received_before_time")
        data = {name: member(row, subject) for name, member in self.members}
        envelope = {
            "id": identity,
            "source": self.mapping.source,
            "subject": subject,
            "time": time,
            "received": received,
            "data": data,
        }
        return msgspec.convert(envelope, self.fact_type)

    def _id(self, row: list[str]) -> str:
        rule = self.mapping.id
        parts = [row[position].strip() for position in self.id_positions]
        if "" in parts:
            raise BrokenFieldError("id", "empty")
        if len(parts) == 1:
            return rule.prefix + parts[0]
        identity = rule.separator.join(parts)
        if identity.count(rule.separator) != len(parts) - 1:
            raise BrokenFieldError("id", "separator_in_value")
        return rule.prefix + identity

    def _remember(self, subject: str) -> None:
        if len(self.seen) >= MAX_SUBJECTS:
            raise TooManySubjectsError(f"more than {MAX_SUBJECTS} subjects")
        self.seen.add(subject)


def _invalid(number: int, problem: str) -> RowReject:
    """Name the member that the fact does not allow; the message tells the rule, never the value."""
    path = _PATH.search(problem)
    return RowReject(number, path.group(1) if path else "row", "invalid", _PATH.sub("", problem))
