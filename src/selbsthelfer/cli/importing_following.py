"""What `import queue-log --follow` says while it works, and how it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Final

import typer

from selbsthelfer.cli.importing_report import RejectsFile
from selbsthelfer.intake.following_queue_logs import Listeners, follow_queue_log
from selbsthelfer.intake.importing import Summary
from selbsthelfer.intake.importing_queue_logs import QueueLogTerms
from selbsthelfer.kit.duties import stop_on_signals

TOLD_SECONDS: Final = 60.0
"""Time between two lines about what was taken; none is written while nothing comes in."""


def follow(
    files: Sequence[Path], terms: QueueLogTerms, rejects_path: Path
) -> tuple[Summary, RejectsFile, float]:
    """Follow the first of the files until Ctrl-C or the stop of a service manager."""
    live, *rotated = files
    stop = threading.Event()
    stop_on_signals(stop)
    began_at = monotonic()
    with closing(RejectsFile(rejects_path)) as rejects:
        telling = _Telling(live, rejects)
        listeners = Listeners(on_refused=rejects.write, on_looked=telling.looked)
        summary = follow_queue_log(live, rotated, terms, stop=stop, listeners=listeners)
    return summary, rejects, monotonic() - began_at


class _Telling:
    """Writes a line on standard error when the log is read to its end, then one a minute if anything came."""

    def __init__(self, live: Path, rejects: RejectsFile) -> None:
        self._live = live
        self._rejects = rejects
        self._told: str | None = None
        self._told_at = 0.0

    def looked(self, summary: Summary) -> None:
        """Tell of all that was done so far."""
        self._rejects.flush()
        now = monotonic()
        if self._told is not None and now - self._told_at < TOLD_SECONDS:
            return
        said = _so_far(summary)
        if said != self._told:
            begun = (
                f"Following {self._live} (Ctrl-C stops it). So far: " if self._told is None else "So far: "
            )
            typer.echo(begun + said, err=True)
            self._told, self._told_at = said, now


def _so_far(summary: Summary) -> str:
    counts = [f"{summary.results[result]:,} {result}" for result in ("accepted", "known", "rejected")]
    return f"{', '.join(counts)}, {summary.unidentified:,} of no known line."
