"""Two small files, with a mapping for each, that tests change one thing at a time."""

from __future__ import annotations

from collections.abc import Iterable

from selbsthelfer.intake.core import columns
from selbsthelfer.intake.core.columns import RowReject, facts_from_rows, read_mapping
from selbsthelfer.intake.core.facts import ContactFinished

TEXT = """
kind = "contacts"
source = "acd"
[file]
columns = ["line", "number", "began", "ended", "day", "result", "talk", "wanted"]
[subject]
column = "line"
prefix = "L"
unidentified = ["0"]
[id]
columns = ["day", "number"]
[time]
date = "day"
date_format = "%d.%m.%Y"
date_of = "began"
clocks = [{ column = "ended", unset = { ended = "" } }, { column = "began" }]
zone = "Europe/Berlin"
[data.channel]
value = "hotline"
[data.outcome]
column = "result"
map = { A = "answered", H = "abandoned" }
skip = ["X"]
[data.talk_seconds]
column = "talk"
[data.topic]
column = "wanted"
map = { B = "bill.view" }
default = "unclassified"
"""
COLUMNS = {
    "line": "7",
    "number": "1",
    "began": "9:00:00",
    "ended": "9:05:30",
    "day": "02.06.2026",
    "result": "A",
    "talk": "90",
    "wanted": "B",
}
HEADER = list(COLUMNS)


def result(text: str = TEXT, **changes: str) -> columns.RowResult:
    """Turn one row into its result."""
    row = list({**COLUMNS, **changes}.values())
    (made,) = facts_from_rows([HEADER, row], read_mapping(text))
    return made


def contact(text: str = TEXT, **changes: str) -> ContactFinished:
    """Turn one row into a contact."""
    made = result(text, **changes)
    assert isinstance(made, ContactFinished), made
    return made


def reject(text: str = TEXT, **changes: str) -> tuple[str, str]:
    """Turn one row into a reject and return its field and reason."""
    made = result(text, **changes)
    assert isinstance(made, RowReject), made
    assert made.row == 2
    return made.field, made.reason


def changed(*pairs: tuple[str, str]) -> str:
    """Return the mapping with some of its lines replaced."""
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


LINES = """
kind = "subscribers"
source = "crm"
distinct = true
[file]
columns = ["line", "plan", "net", "months", "volume"]
[subject]
column = "line"
[id]
columns = ["line"]
[time]
value = 2026-03-31T00:00:00
zone = "Europe/Berlin"
months_before = "months"
[data.timezone]
value = "Europe/Berlin"
[data.billing_day]
spread = [1, 8, 15, 22]
[data.tariff]
columns = ["plan", "net"]
join = "+"
map = { "a+b" = "ab" }
[data.included_bytes]
column = "volume"
unit = "GB"
"""


def lines(
    rows: Iterable[list[str]], text: str = LINES, seen: set[str] | None = None
) -> list[columns.RowResult]:
    """Turn rows without a header into results."""
    mapping = read_mapping(text.replace("[file]", "[file]\nheader = false"))
    return list(facts_from_rows(rows, mapping, seen=seen))
