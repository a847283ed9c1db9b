"""Follow the queue log of an Asterisk while it is written: each call becomes a contact as it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Final

from selbsthelfer.contacts.core.queue_log import LogReject, QueueCall, Totals, read_queue_log
from selbsthelfer.contacts.core.queue_log_lines import MAX_LINE_CHARACTERS
from selbsthelfer.intake.core.columns_queues import is_classified
from selbsthelfer.intake.core.facts import ContactFinished
from selbsthelfer.intake.following_files import GrowingFile
from selbsthelfer.intake.importing import Key, Refused, Summary, in_batches, take_facts
from selbsthelfer.intake.importing_files import bounded_lines, open_input
from selbsthelfer.intake.importing_gathering import OnRefusedAt
from selbsthelfer.intake.importing_queue_logs import (
    MAX_IDENTIFIED,
    WITHOUT_END,
    QueueLogTerms,
    contact_of,
    oldest_first,
    rejection_of,
    subjects_of,
)
from selbsthelfer.intake.operations import Terms

LOOK_AGAIN_SECONDS: Final = 1.0
"""How long a log that has nothing new is left alone."""
MAX_FOLLOWED_FACTS: Final = 1_000
"""Contacts taken in one transaction while a log is followed: their lines are locked for a moment only."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of refusals, and after each look at the log of all that was done so far."""

    on_refused: OnRefusedAt
    on_looked: Callable[[Summary], None]


def follow_queue_log(
    live: Path, rotated: Sequence[Path], terms: QueueLogTerms, *, stop: Event, listeners: Listeners
) -> Summary:
    """Take the calls of rotated logs, then those of the live one as it grows, until `stop` is set.

    Everything is read from its beginning and what was taken before is `known`, so that this may be killed at
    any time. A call that is open where a file ends goes on in the next. Raises `UnreadableFileError`,
    `TooManyAtOnceError`.
    """
    following = _Following(terms, stop, listeners)
    with GrowingFile(live) as file:
        following.read(file, live, oldest_first(rotated))
    return following.summary


class _Following:
    """The calls that have ended since the last look at the log."""

    def __init__(self, terms: QueueLogTerms, stop: Event, listeners: Listeners) -> None:
        self.summary = Summary()
        self._terms = terms
        self._stop = stop
        self._listeners = listeners
        self._ended: list[tuple[tuple[Path, int], QueueCall]] = []
        self._place: tuple[Path, int] = (Path(), 0)

    def read(self, file: GrowingFile, live: Path, rotated: Sequence[Path]) -> None:
        """Read until the stop; one reading goes through all files, so no open call is lost between two."""
        totals = Totals()
        for read in read_queue_log(self._lines(file, live, rotated), totals=totals):
            if isinstance(read, LogReject):
                self.summary.results["rejected"] += 1
                self.summary.rejections[read.reason] += 1
                self._listeners.on_refused(*self._place, rejection_of(read))
                continue
            self.summary.calls[read.outcome] += 1
            if read.outcome not in WITHOUT_END:
                self._ended.append((self._place, read))
            if len(self._ended) >= MAX_IDENTIFIED:
                self._take()
        self._take()
        self.summary.calls_open = len(totals.left_open)

    def _lines(self, file: GrowingFile, live: Path, rotated: Sequence[Path]) -> Iterator[str]:
        for path in rotated:
            with open_input(path) as old:
                lines = bounded_lines(old.text("utf-8", newline="\n"), MAX_LINE_CHARACTERS)
                for number, line in enumerate(lines, start=1):
                    if self._stop.is_set():
                        return
                    self._place = (path, number)
                    yield line
        for line in file.lines(self._rest):
            if self._stop.is_set():
                return
            self._place = (live, file.line)
            yield line

    def _rest(self) -> bool:
        """Take what has ended, then wait a little; tell whether to go on."""
        self._take()
        self._listeners.on_looked(self.summary)
        return not self._stop.wait(LOOK_AGAIN_SECONDS)

    def _take(self) -> None:
        ended, self._ended = self._ended, []
        terms = Terms(now=datetime.now(UTC), may_backdate=True)
        facts: list[tuple[Key, int, ContactFinished]] = []
        subjects = subjects_of([call for _, call in ended], self._terms) if ended else []
        for n, ((_, call), subject) in enumerate(zip(ended, subjects, strict=True)):
            if subject is None:
                self.summary.unidentified += 1
                continue
            fact = contact_of(call, subject, self._terms)
            self._count(fact)
            facts.append(((fact.time, subject), n, fact))

        def tell(refused: Refused) -> None:
            self._listeners.on_refused(*ended[refused.line][0], refused.rejection)

        facts.sort(key=lambda each: each[:2])
        for batch in in_batches(iter(facts), MAX_FOLLOWED_FACTS):
            take_facts(batch, terms, self.summary, tell)

    def _count(self, fact: ContactFinished) -> None:
        if fact.data.outcome == "answered":
            self.summary.answered += 1
            self.summary.unclassified += not is_classified(fact.data.topic)
