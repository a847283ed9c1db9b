"""The command that lists refused facts with their reasons."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from django.db import transaction

from selbsthelfer.cli.connecting import TablesOutOfDateError, connect
from selbsthelfer.intake.queries import MAX_REJECTS, RejectCount, RejectRow, newest_rejects, reject_counts
from selbsthelfer.kit.embedded import EmbeddedServerError
from selbsthelfer.kit.sql import open_cursor

DEFAULT_LIMIT = 20


def command(
    code: Annotated[
        str | None, typer.Option(help="Only refusals with this code.", show_default=False)
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MAX_REJECTS, help="How many of the newest to list.")
    ] = DEFAULT_LIMIT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")] = False,
) -> None:
    """Count the refused facts by code and list the newest with their reasons; their content stays inside."""
    try:
        connect()
    except (TablesOutOfDateError, EmbeddedServerError) as error:
        typer.echo(" ".join(str(error).split()), err=True)
        raise typer.Exit(2) from error
    with transaction.atomic():
        cursor = open_cursor()
        counts = [count for count in reject_counts(cursor) if code in {None, count.code}]
        newest = newest_rejects(cursor, code=code, limit=limit)
    if as_json:
        typer.echo(
            json.dumps({"counts": [c._asdict() for c in counts], "newest": list(map(_members, newest))})
        )
        return
    _print(counts, newest)


def _members(row: RejectRow) -> dict[str, object]:
    members = row._asdict() | {"first_rejected_at": row.first_rejected_at.isoformat()}
    return {name: value for name, value in members.items() if name not in {"subject", "body"}}


def _print(counts: list[RejectCount], newest: list[RejectRow]) -> None:
    if not counts:
        typer.echo("No fact was refused.")
        return
    for count in counts:
        typer.echo(f"{count.code:<24}{count.facts:>10,} facts, refused {count.times:,} times")
    typer.echo(f"\nThe newest {len(newest)}:")
    for row in newest:
        field = f" {row.field}" if row.field else ""
        key = f" [{row.source} {row.id}]" if row.id else ""
        typer.echo(f"{row.first_rejected_at:%Y-%m-%d %H:%M} {row.code}{field}: {row.reason}{key}")
