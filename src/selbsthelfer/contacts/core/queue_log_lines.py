"""Read one line of a queue log, in every form that Asterisk has written it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

MAX_LINE_CHARACTERS = 8_192
"""Asterisk itself cuts a line at this length (`main/logger.c`)."""
MAX_UNIQUEID_CHARACTERS = 80
MAX_QUEUE_CHARACTERS = 100
MAX_CALLER_CHARACTERS = 40
MAX_SECONDS = 86_400
"""A longer wait or talk is a broken number."""

NOT_IDENTIFIED = frozenset(
    {"", "-", "anonymous", "asterisk", "blocked", "none", "null", "private", "restricted", "unavailable"}
    | {"unknown", "<unknown>", "withheld"}
)
"""What stands in place of a caller id that was withheld or is not known, in lower case."""

Reason = Literal[
    "line_too_long",
    "unfinished",
    "control_character",
    "field_count",
    "bad_time",
    "bad_uniqueid",
    "bad_queue",
    "bad_number",
    "number_too_large",
    "no_entry",
]
"""Why a line was refused. `no_entry`: an event of a call whose `ENTERQUEUE` was not read, as happens at the
start of a rotated file. `unfinished`: the last line has no line end, so it may still be growing."""


class Event(Struct, frozen=True):
    """One line without the member it names; `epoch` is the whole second of `at`."""

    at: datetime
    epoch: int
    uniqueid: str
    queue: str
    name: str
    parameters: list[str]


class BrokenLineError(Exception):
    """A line cannot be used, for the reason given."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason


_EPOCH = re.compile(r"[0-9]{9,10}(?:\.[0-9]{1,9})?", re.ASCII)
_EPOCHS = range(631_152_000, 4_102_444_800)  # 1990 to 2099: a wild date would expire every open call


def read_event(line: str) -> Event | None:
    """Split a line into an event, or None if it is blank; raises `BrokenLineError`."""
    if len(line) > MAX_LINE_CHARACTERS:
        raise BrokenLineError("line_too_long")
    text = line.rstrip("\r\n")
    if not text.strip():
        return None
    if "\0" in text:
        raise BrokenLineError("control_character")
    fields = text.split("|")
    if len(fields) < 5 or not fields[4]:
        raise BrokenLineError("field_count")
    epoch = fields[0]
    if not _EPOCH.fullmatch(epoch) or int(epoch.partition(".")[0]) not in _EPOCHS:
        raise BrokenLineError("bad_time")
    at = datetime.fromtimestamp(float(epoch), UTC)
    return Event(at, int(epoch.partition(".")[0]), fields[1], fields[2], fields[4][:40], fields[5:])


def number_at(parameters: list[str], index: int) -> int | None:
    """Return a parameter as a whole number, or None where this version of Asterisk does not write it."""
    text = parameters[index].strip() if index < len(parameters) else ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BrokenLineError("bad_number")
    if len(text) > 12:
        raise BrokenLineError("number_too_large")
    return int(text)


def seconds_at(parameters: list[str], index: int) -> int | None:
    """Return a parameter as seconds, or None where this version of Asterisk does not write it."""
    number = number_at(parameters, index)
    if number is not None and number > MAX_SECONDS:
        raise BrokenLineError("number_too_large")
    return number


def check_names(event: Event) -> None:
    """Raise `BrokenLineError` unless the event belongs to a call in a queue."""
    if not _is_name(event.uniqueid, MAX_UNIQUEID_CHARACTERS):
        raise BrokenLineError("bad_uniqueid")
    if not _is_name(event.queue, MAX_QUEUE_CHARACTERS):
        raise BrokenLineError("bad_queue")


def _is_name(text: str, longest: int) -> bool:
    return text not in {"", "NONE"} and len(text) <= longest and text.isprintable()


def caller_of(parameters: list[str]) -> str | None:
    """Return the caller id of an `ENTERQUEUE` as it was sent, or None if it tells nothing."""
    caller = parameters[1].strip() if len(parameters) > 1 else ""
    is_telling = caller.lower() not in NOT_IDENTIFIED and len(caller) <= MAX_CALLER_CHARACTERS
    return caller if is_telling and caller.isprintable() else None
