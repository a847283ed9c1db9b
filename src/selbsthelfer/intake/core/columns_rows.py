"""What becomes of a row of a file that makes no fact."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MAX_DETAIL_CHARACTERS = 60

Reason = Literal[
    "unreadable",
    "row_too_long",
    "field_count",
    "empty",
    "separator_in_value",
    "control_character",
    "unmapped",
    "not_a_number",
    "negative",
    "bad_time",
    "no_zone",
    "repeated_hour",
    "skipped_hour",
    "received_before_time",
    "invalid",
]
"""Why a row was refused. `repeated_hour` and `skipped_hour`: a local time that the clock change made occur
twice or not at all. `invalid`: the fact itself does not allow the value."""

SkipReason = Literal["value", "repeated", "blank", "header"]


class RowReject(Struct, frozen=True):
    """A row that was refused: its number from 1 (the header included) and the part of the fact at fault."""

    row: int
    field: str
    reason: Reason
    detail: str = ""


class Unidentified(Struct, frozen=True):
    """A row that belongs to no known line."""

    row: int


class Skipped(Struct, frozen=True):
    """A row that the mapping leaves out on purpose."""

    row: int
    field: str
    reason: SkipReason


class BrokenFieldError(Exception):
    """A part of a fact cannot be made from its row; `detail` must not tell who the line is."""

    def __init__(self, field: str, reason: Reason, detail: str = "") -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason
        self.detail = (detail if detail.isprintable() else ascii(detail))[:MAX_DETAIL_CHARACTERS]
