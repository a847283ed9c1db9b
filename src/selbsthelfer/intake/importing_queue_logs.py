"""Gather the calls of Asterisk queue logs as contacts of the lines that called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from django.db import transaction

from selbsthelfer.contacts.core.queue_log import LogReject, QueueCall, Totals, read_queue_log
from selbsthelfer.contacts.core.queue_log_callers import spellings_of
from selbsthelfer.contacts.core.queue_log_lines import (
    MAX_LINE_CHARACTERS,
    BrokenLineError,
    Reason,
    read_event,
)
from selbsthelfer.intake import queries
from selbsthelfer.intake.core.columns_queues import ANY_QUEUE, NO_QUEUES, QueueRule
from selbsthelfer.intake.core.facts import ContactEnded, ContactFinished
from selbsthelfer.intake.core.validation import Rejection
from selbsthelfer.intake.importing_files import bounded_lines, open_input
from selbsthelfer.intake.importing_gathering import Gathering, Reading
from selbsthelfer.kit.sql import open_cursor

DEFAULT_SOURCE = "asterisk-queue-log"
MAX_IDENTIFIED = 5_000
"""Callers looked up at once."""
MAX_LINES_TO_FIRST_INSTANT = 1_000
"""A file without a sound line among so many is taken for the oldest."""
WITHOUT_END = frozenset({"lost", "expired"})
"""Outcomes of calls whose end the log does not have: no contact is made of them."""

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_WORDS: Mapping[Reason, str] = MappingProxyType(
    {
        "line_too_long": "the line is too long",
        "unfinished": "the last line has no end: the log is still being written; import it again later",
        "control_character": "the line has a control character",
        "field_count": "the line has too few fields",
        "bad_time": "the first field is no time in seconds since 1970",
        "bad_uniqueid": "this is no unique id of a call",
        "bad_queue": "this is no name of a queue",
        "bad_number": "a number of the event is none",
        "number_too_large": "a number of the event is larger than a day",
        "no_entry": "the call entered its queue before this file begins: import the file before it, too",
    }
)


@dataclass(frozen=True, slots=True)
class QueueLogTerms:
    """How the calls of a log become facts.

    A caller is the line that had the number at that time, or with `callers_are_subjects` the line whose id,
    after `subject_prefix`, is the caller id itself.
    """

    source: str = DEFAULT_SOURCE
    queues: Mapping[str, QueueRule] = field(default_factory=lambda: NO_QUEUES)
    callers_are_subjects: bool = False
    subject_prefix: str = ""
    country_code: str | None = None


@dataclass(frozen=True, slots=True)
class _PlacedCall:
    """A call that has ended, and the place of the line that ended it."""

    place: int
    call: QueueCall


def read_queue_logs(paths: Sequence[Path], terms: QueueLogTerms, gathering: Gathering) -> None:
    """Gather the calls of rotated logs, the oldest file first; files may overlap.

    A call that is open at the end of one file goes on in the next. One that is open at the end of the last is
    only counted: it is complete when that file is read again, grown or together with its successor.
    Raises `UnreadableFileError`.
    """
    calls = _ended_calls(oldest_first(paths), gathering)
    while some := list(islice(calls, MAX_IDENTIFIED)):
        subjects = subjects_of([placed.call for placed in some], terms)
        for placed, subject in zip(some, subjects, strict=True):
            if subject is None:
                gathering.summary.unidentified += 1
            else:
                gathering.add(contact_of(placed.call, subject, terms), placed.place)


def oldest_first(paths: Sequence[Path]) -> list[Path]:
    """Put rotated logs in the order in which they were written; raises `UnreadableFileError`."""
    return sorted(paths, key=_first_instant)


def rejection_of(reject: LogReject) -> Rejection:
    """Say in words why a line was refused."""
    return Rejection(reject.reason, reject.event, _WORDS[reject.reason])


def _ended_calls(paths: Sequence[Path], gathering: Gathering) -> Iterator[_PlacedCall]:
    """Yield the calls whose end is known, and count all."""
    totals = Totals()
    for path in paths:
        with gathering.reading(path) as reading:
            lines = _counted(reading)
            for read in read_queue_log(lines, totals=totals, open_calls=totals.left_open):
                if isinstance(read, LogReject):
                    gathering.refuse(rejection_of(read))
                    continue
                gathering.summary.calls[read.outcome] += 1
                if read.outcome not in WITHOUT_END:
                    yield _PlacedCall(gathering.place, read)
    gathering.summary.calls_open = len(totals.left_open)


def _counted(reading: Reading) -> Iterator[str]:
    text = reading.file.text("utf-8", newline="\n")
    for number, line in enumerate(bounded_lines(text, MAX_LINE_CHARACTERS), start=1):
        reading.reach(number)
        yield line


def _first_instant(path: Path) -> datetime:
    """Tell when a log begins, so that rotated files may be named in any order."""
    with open_input(path) as file:
        lines = bounded_lines(file.text("utf-8", newline="\n"), MAX_LINE_CHARACTERS)
        for line in islice(lines, MAX_LINES_TO_FIRST_INSTANT):
            try:
                event = read_event(line)
            except BrokenLineError:
                continue
            if event is not None:
                return event.at
    return _BEFORE_ALL


def subjects_of(calls: Sequence[QueueCall], terms: QueueLogTerms) -> list[str | None]:
    """Find the line of each call, or None; at most `MAX_IDENTIFIED` at once."""
    callers = [call.caller for call in calls]
    with transaction.atomic():
        cursor = open_cursor()
        if terms.callers_are_subjects:
            named = [None if caller is None else terms.subject_prefix + caller for caller in callers]
            known = queries.registered(cursor, {subject for subject in named if subject is not None})
            return [subject if subject in known else None for subject in named]
        telling = [
            (n, queries.Caller(spellings_of(caller, terms.country_code), call.entered_at))
            for n, (call, caller) in enumerate(zip(calls, callers, strict=True))
            if caller is not None
        ]
        found = queries.lines_of_callers(cursor, [caller for _, caller in telling])
    subjects: list[str | None] = [None] * len(calls)
    for ordinal, subject in found.items():
        subjects[telling[ordinal][0]] = subject
    return subjects


def contact_of(call: QueueCall, subject: str, terms: QueueLogTerms) -> ContactFinished:
    """Make the fact of a call."""
    rule = terms.queues.get(call.queue, ANY_QUEUE)
    return ContactFinished(
        id=call.id,
        source=terms.source,
        subject=subject,
        time=call.ended_at,
        received=call.ended_at,
        data=ContactEnded(
            channel=rule.channel,
            direction=rule.direction,
            outcome=call.outcome,
            wait_seconds=call.wait_seconds,
            talk_seconds=call.talk_seconds,
            topic=rule.topic,
            queue=call.queue,
        ),
    )
