"""The command `replay`: run any programme over a file of facts and tell what it decides."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from selbsthelfer.cli.connecting import migrate, set_up
from selbsthelfer.cli.programme import load_definition
from selbsthelfer.cli.telling import read_instant, refuse
from selbsthelfer.intake.importing import Refused, Summary, open_facts
from selbsthelfer.intake.replaying import VariantMissingError, decisions, replay
from selbsthelfer.kit.embedded import EmbeddedServerError, scratch_server
from selbsthelfer.programmes.core.definition import Definition

SHOWN_REFUSALS = 10
"""How many refused facts are told line by line."""


def command(
    facts: Annotated[Path, typer.Argument(help="JSON Lines of CloudEvents; .gz is unpacked.")],
    programme: Annotated[str, typer.Option(help="A preset's name or a TOML file.")],
    until: Annotated[str | None, typer.Option(help="Now: decide with facts received up to then.")] = None,
    output: Annotated[Path | None, typer.Option(help="Where to write; standard output by default.")] = None,
) -> None:
    """Replay a file of facts under a programme: the back-test. Live data are never touched."""
    definition = load_definition(programme)
    now = read_instant(until, "--until")
    if not facts.is_file():
        refuse(f"“{facts}” is not a file")
    try:
        with scratch_server() as url:
            os.environ["DATABASE_URL"] = url
            set_up()
            migrate()
            summary = _replay(facts, definition, now)
            with _opened(output) as target:
                encode = msgspec.json.Encoder().encode
                for decision in decisions(summary.last_received_at) if summary.last_received_at else ():
                    target.write(encode(decision) + b"\n")
    except (VariantMissingError, EmbeddedServerError, OSError) as error:
        refuse(str(error))
    _tell(summary)


def _replay(path: Path, definition: Definition, until: datetime | None) -> Summary:
    refused: list[Refused] = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        open_facts(path) as file,
        Progress(*columns, console=console, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("replaying", total=file.size)

        def note(refusal: Refused) -> None:
            if len(refused) < SHOWN_REFUSALS:
                refused.append(refusal)

        summary = replay(
            file,
            definition,
            until=until,
            on_progress=lambda count: bar.advance(task, count),
            on_refused=note,
        )
    for refusal in refused:
        typer.echo(f"line {refusal.line}: {refusal.rejection.code}: {refusal.rejection.reason}", err=True)
    return summary


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    """Open the output; a file appears under its name only when it is whole."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = path.with_name(path.name + ".part")
    with part.open("wb") as target:
        yield target
    part.replace(path)


def _tell(summary: Summary) -> None:
    counts = ", ".join(f"{count} {result}" for result, count in sorted(summary.results.items()))
    codes = ", ".join(f"{code} {count}" for code, count in sorted(summary.rejections.items()))
    typer.echo(f"{counts or 'no facts'}; {summary.released} tranches released", err=True)
    if codes:
        typer.echo(f"refused: {codes}", err=True)
