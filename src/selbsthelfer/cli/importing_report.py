"""What an import shows while it works, and what it says in the end."""

from __future__ import annotations

import json
import os
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import IO, Protocol

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from selbsthelfer.intake.core.validation import Rejection
from selbsthelfer.intake.importing import Summary

MAX_UNCLASSIFIED_SHARE = 0.2
"""A larger share of answered contacts without a topic is worth a warning: none of them can ever count."""
PLAIN_STEP_SECONDS = 10.0
"""Time between two lines of progress where there is no terminal."""

_REJECTS_ENDING = ".rejects.jsonl"
_RESULTS: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "",
        "known": "taken before",
        "parked": "of lines not registered yet: import the lines, then this once more",
        "rejected": "",
    }
)
_SKIPPED: Mapping[str, str] = MappingProxyType(
    {
        "value": "left out by the mapping",
        "repeated": "of a line that was there before",
        "blank": "empty rows",
        "header": "repeated headers",
    }
)


class Steps(Protocol):
    """Shows how far the steps of an import have come."""

    @abstractmethod
    def begin(self, name: str, total: int, unit: str) -> None:
        """Begin a step of so many bytes or facts."""

    @abstractmethod
    def advance(self, amount: int) -> None:
        """Say that so much more of the step is done."""


class SilentSteps(Steps):
    """Shows nothing, for a machine."""

    def begin(self, name: str, total: int, unit: str) -> None: ...

    def advance(self, amount: int) -> None: ...


class PlainSteps(Steps):
    """Writes a line now and then, for a log."""

    def __init__(self) -> None:
        self._name, self._unit, self._total, self._done = "", "", 0, 0
        self._began_at = self._told_at = monotonic()

    def begin(self, name: str, total: int, unit: str) -> None:
        self._name, self._unit, self._total, self._done = name, unit, total, 0
        self._began_at = self._told_at = monotonic()
        typer.echo(f"{name}: {amount_in_words(total, unit)}", err=True)

    def advance(self, amount: int) -> None:
        self._done += amount
        now = monotonic()
        if now - self._told_at < PLAIN_STEP_SECONDS:
            return
        self._told_at = now
        rate = self._done / (now - self._began_at)
        left = (self._total - self._done) / rate if rate else 0.0
        share = self._done / self._total if self._total else 1.0
        speed = amount_in_words(round(rate), self._unit)
        typer.echo(f"{self._name}: {share:.0%}, {speed}/s, about {left:,.0f} s left", err=True)


class BarSteps(Steps):
    """Draws a bar with rate and time left, for a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def begin(self, name: str, total: int, unit: str) -> None:
        self._task = self._bars.add_task(name, total=total, unit=unit)

    def advance(self, amount: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, amount)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{amount_in_words(round(speed), task.fields['unit'])}/s")


@contextmanager
def shown_steps(*, silent: bool) -> Iterator[Steps]:
    """Choose how progress is shown: bars on a terminal, else lines, or nothing."""
    if silent:
        yield SilentSteps()
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description:8}"), BarColumn(), _RateColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bars:
            yield BarSteps(bars)
    else:
        yield PlainSteps()


def amount_in_words(amount: int, unit: str) -> str:
    """Write an amount of bytes in megabytes, anything else as it is."""
    return f"{amount / 1_000_000:,.1f} MB" if unit == "bytes" else f"{amount:,} {unit}"


class RejectsFile:
    """A file with a line for each refusal; it is made with the first one.

    It holds where and why, and at most the broken value itself, so no more than the file that was imported.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[bytes] | None = None

    def write(self, path: Path, line: int, rejection: Rejection) -> None:
        """Add one refusal."""
        if self._file is None:
            self._file = self.path.open("wb")
        self.count += 1
        entry = {
            "file": str(path),
            "line": line,
            "field": rejection.field,
            "code": rejection.code,
            "reason": rejection.reason,
        }
        self._file.write(msgspec.json.encode(entry) + b"\n")

    def flush(self) -> None:
        """Let others read what was written so far."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def default_rejects_path(first: Path) -> Path:
    """Name the file for refusals beside the first one imported, or here where that folder is closed to us."""
    name = first.name + _REJECTS_ENDING
    return first.with_name(name) if os.access(first.parent, os.W_OK) else Path.cwd() / name


def unclassified_warning(summary: Summary, advice: str) -> str | None:
    """Warn when more than `MAX_UNCLASSIFIED_SHARE` of the answered contacts have no topic."""
    unclassified = max(0, summary.unclassified - summary.coded)
    if summary.answered == 0 or unclassified / summary.answered <= MAX_UNCLASSIFIED_SHARE:
        return None
    share = unclassified / summary.answered
    return (
        f"{share:.0%} of the {summary.answered:,} answered contacts are unclassified (more than "
        f"{MAX_UNCLASSIFIED_SHARE:.0%}), so none of these can count. {advice}"
    )


def summary_json(
    summary: Summary, facts: int, seconds: float, rejects: RejectsFile, warning: str | None
) -> str:
    """Write the summary as one JSON object."""
    return json.dumps(
        {
            "facts": facts,
            "accepted": summary.results["accepted"],
            "known": summary.results["known"],
            "parked": summary.results["parked"],
            "written": summary.written,
            "rejected": summary.results["rejected"],
            "rejected_by_code": dict(sorted(summary.rejections.items())),
            "rejects_file": str(rejects.path) if rejects.count else None,
            "skipped": dict(sorted(summary.skipped.items())),
            "unidentified": summary.unidentified,
            "calls": dict(sorted(summary.calls.items())),
            "calls_open": summary.calls_open,
            "answered_contacts": summary.answered,
            "unclassified_contacts": summary.unclassified,
            "released": summary.released,
            "seconds": round(seconds, 3),
            "facts_per_second": round(facts / seconds) if seconds else 0,
            "warnings": [warning] if warning else [],
        }
    )


def summary_lines(summary: Summary, facts: int, seconds: float, rejects: RejectsFile) -> Iterator[str]:
    """Say in lines what became of the files."""
    if summary.written:
        yield f"{'written':<13}{summary.written:>12,}"
    for result, meaning in _RESULTS.items():
        count = summary.results[result]
        if count or not summary.written:
            yield f"{result:<13}{count:>12,}  {meaning if count else ''}".rstrip()
    for code, count in summary.rejections.most_common():
        yield f"    {code:<21}{count:>12,}"
    for reason, count in summary.skipped.most_common():
        yield f"{'skipped':<13}{count:>12,}  {_SKIPPED.get(reason, reason)}"
    if summary.unidentified:
        yield f"{'unidentified':<13}{summary.unidentified:>12,}  of no known line"
    for outcome, count in summary.calls.most_common():
        yield f"{'calls':<13}{count:>12,}  {outcome.replace('_', ' ')}"
    if summary.calls_open:
        yield (
            f"{'still open':<13}{summary.calls_open:>12,}  calls without an end yet: import this file again, "
            "grown or together with the one after it"
        )
    yield f"{'released':<13}{summary.released:>12,}  tranches"
    yield f"{facts:,} facts in {seconds:,.1f} s, {round(facts / seconds) if seconds else 0:,} facts/s"
    if rejects.count:
        yield f"Refusals with line and reason: {rejects.path}"
