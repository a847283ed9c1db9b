"""Gather the facts of CSV files, as a column mapping says."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from selbsthelfer.intake.core.columns import (
    ColumnMapping,
    RowReject,
    RowResult,
    Skipped,
    Unidentified,
    WrongHeaderError,
    facts_from_rows,
)
from selbsthelfer.intake.core.columns_rows import Reason
from selbsthelfer.intake.core.validation import Rejection
from selbsthelfer.intake.importing_files import UnreadableFileError, bounded_lines
from selbsthelfer.intake.importing_gathering import Gathering

MAX_LINE_CHARACTERS = 100_000
"""No row may be as long as this, so nothing is lost by not reading on."""

_WORDS: Mapping[Reason, str] = MappingProxyType(
    {
        "unreadable": "this is no row of a CSV file",
        "row_too_long": "the row is too long",
        "field_count": "the row has the wrong number of fields",
        "empty": "a value is missing",
        "separator_in_value": "a part of the id contains the separator",
        "control_character": "a control character, or bytes that are no text in the file's encoding",
        "unmapped": "the mapping does not have this text",
        "not_a_number": "this is not a number of the unit",
        "negative": "this is less than zero",
        "bad_time": "this is not a time in the format of the mapping",
        "no_zone": "the time has no zone, and the mapping names none",
        "repeated_hour": "the clock change made this local time occur twice",
        "skipped_hour": "the clock change left this local time out",
        "received_before_time": "it was received before it happened",
        "invalid": "the fact does not allow this value",
    }
)


def read_tables(paths: Iterable[Path], mapping: ColumnMapping, gathering: Gathering) -> None:
    """Gather the facts of files of one kind, given in any order.

    Raises `UnreadableFileError` and `TooManySubjectsError`.
    """
    seen: set[str] = set()
    for path in paths:
        try:
            _read_table(path, mapping, gathering, seen)
        except (WrongHeaderError, UnicodeError) as error:
            raise UnreadableFileError(path, str(error)) from error


def _read_table(path: Path, mapping: ColumnMapping, gathering: Gathering, seen: set[str]) -> None:
    with gathering.reading(path) as reading:
        text = reading.file.text(mapping.file.encoding, newline="")
        rows = csv.reader(bounded_lines(text, MAX_LINE_CHARACTERS), delimiter=mapping.file.delimiter)
        last = 1 if mapping.file.header else 0
        for made in facts_from_rows(rows, mapping, seen=seen):
            reading.reach(rows.line_num)
            first, last = last + 1, rows.line_num
            _gather(made, gathering, first, last)


def _gather(made: RowResult, gathering: Gathering, first: int, last: int) -> None:
    if isinstance(made, RowReject):
        gathering.refuse(_rejection(made, first, last))
    elif isinstance(made, Unidentified):
        gathering.summary.unidentified += 1
    elif isinstance(made, Skipped):
        gathering.summary.skipped[made.reason] += 1
    else:
        gathering.add(made)


def _rejection(made: RowReject, first: int, last: int) -> Rejection:
    """Put a refusal into words; a quote that is not closed makes one row of many lines."""
    reason = _WORDS[made.reason]
    if made.detail:
        reason = f"{reason}: {made.detail}"
    if last > first:
        reason = f"{reason} (one row from line {first} to {last})"
    return Rejection(made.reason, made.field, reason)
