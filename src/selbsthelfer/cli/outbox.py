"""The commands for messages going out: how many wait, and send them."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final, NoReturn

import typer
from django.db import transaction

from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.notifying import Notifiers, NotifierSettingError, notifiers_from
from selbsthelfer.outbox.operations import MAX_SENT, Round, send_waiting
from selbsthelfer.outbox.queries import failures, waiting

app = typer.Typer(help="Messages going out: how many wait, and send them.", no_args_is_help=True)

POLL_SECONDS: Final = 1
"""How long `--follow` rests when nothing waits."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say how many messages wait and since when, and how many failed for good and why."""
    with connected(), transaction.atomic():
        found = waiting(open_cursor())
        failed = failures(open_cursor())
    oldest = None if found.oldest_at is None else found.oldest_at.isoformat()
    if as_json:
        typer.echo(json.dumps({"messages": found.messages, "oldest_at": oldest, "failed": dict(failed)}))
        return
    typer.echo(f"{found.messages} messages wait{'' if oldest is None else f', the oldest since {oldest}'}.")
    for code, messages in failed.items():
        typer.echo(f"{messages} failed for good: {code}")


@app.command()
def send(
    as_json: AsJson = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on and send what comes, until Ctrl-C.")
    ] = False,
) -> None:
    """Send every waiting message by the gateways that are set up, else leave it in the demo inbox."""
    try:
        notifiers = notifiers_from(os.environ)
    except NotifierSettingError as error:
        refuse(str(error))
    with connected():
        _tell(_send_all(notifiers), as_json)
        if follow:
            with suppress(KeyboardInterrupt):
                _go_on(notifiers, as_json)


def _go_on(notifiers: Notifiers, as_json: bool) -> NoReturn:
    """Send what comes, until the command is broken off; what it had taken is sent again after its lease."""
    while True:
        time.sleep(POLL_SECONDS)
        more = _send_all(notifiers)
        if more.taken:
            _tell(more, as_json)


def _send_all(notifiers: Notifiers) -> Round:
    """Send until a round takes nothing."""
    total = Round(0, 0, 0)
    while True:
        done = send_waiting(limit=MAX_SENT, now=datetime.now(UTC), notifiers=notifiers)
        total = Round(*(a + b for a, b in zip(total, done, strict=True)))
        if not done.taken:
            return total


def _tell(done: Round, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(done._asdict()))
        return
    more = f", {done.postponed} to be tried again" if done.postponed else ""
    more += f", {done.failed} failed for good" if done.failed else ""
    typer.echo(f"{done.sent} messages sent{more}.")
