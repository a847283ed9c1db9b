"""The command `enrol`: let lines take part in a programme."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from selbsthelfer.cli.telling import connected, read_instant, refuse
from selbsthelfer.intake.enrolling import UnknownProgrammeError, enrol_lines


def command(
    lines: Annotated[list[str] | None, typer.Argument(help="The operator's own ids of the lines.")] = None,
    programme: Annotated[str, typer.Option(help="A published programme.")] = "o2-2017",
    all_lines: Annotated[bool, typer.Option("--all", help="Every registered line.")] = False,
    at: Annotated[str | None, typer.Option(help="From when on they take part; now by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")] = False,
) -> None:
    """Enrol lines that may take part; the others are counted with the reason."""
    if bool(lines) == all_lines:
        refuse("name lines, or give --all")
    now = datetime.now(UTC)
    with connected():
        try:
            counts = enrol_lines(lines or None, programme, at=read_instant(at, "--at") or now, now=now)
        except UnknownProgrammeError as error:
            refuse(f"{error}: publish it first with `selbsthelfer programme publish`")
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        typer.echo(", ".join(f"{count} {what}" for what, count in counts.items()) or "no lines")
