"""The commands for messages going out: how many wait, and send them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from django.db import transaction

from selbsthelfer.cli.telling import connected
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.operations import MAX_SENT, send_waiting
from selbsthelfer.outbox.queries import waiting

app = typer.Typer(help="Messages going out: how many wait, and send them.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say how many messages wait, and since when."""
    with connected(), transaction.atomic():
        found = waiting(open_cursor())
    oldest = None if found.oldest_at is None else found.oldest_at.isoformat()
    if as_json:
        typer.echo(json.dumps({"messages": found.messages, "oldest_at": oldest}))
    else:
        typer.echo(
            f"{found.messages} messages wait{'' if oldest is None else f', the oldest since {oldest}'}."
        )


@app.command()
def send(as_json: AsJson = False) -> None:
    """Hand every waiting message to the log: the only sender so far."""
    sent = 0
    with connected():
        while (count := send_waiting(limit=MAX_SENT, now=datetime.now(UTC))) > 0:
            sent += count
    typer.echo(json.dumps({"sent": sent}) if as_json else f"{sent} messages sent.")
