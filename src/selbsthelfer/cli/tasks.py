"""The commands for self-service tasks: ask again for those without an answer, and remind lines."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from selbsthelfer.cli.telling import connected, refuse

if TYPE_CHECKING:
    from selbsthelfer.selfservice.settling import Settled

app = typer.Typer(help="Self-service tasks: settle open ones, remind lines.", no_args_is_help=True)

POLL_SECONDS: Final = 10
"""How long `--follow` rests between two rounds."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")]


@app.command()
def settle(
    as_json: AsJson = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Ask the back end again for tasks that it has not answered; run it every minute."""
    with connected():
        # These name tables, which exist when the settings are loaded; so do those below.
        from selbsthelfer.selfservice.back_ends import BackEndMisconfiguredError, the_back_end

        try:
            the_back_end()
        except BackEndMisconfiguredError as error:
            refuse(str(error))
        _tell(_settle(), as_json)
        while follow:
            try:
                time.sleep(POLL_SECONDS)
                settled = _settle()
            except KeyboardInterrupt:
                break
            if settled.asked:
                _tell(settled, as_json)


@app.command()
def remind(as_json: AsJson = False) -> None:
    """Remind the lines that want it of what waits for them or is about to end; run it once a day."""
    with connected():
        from selbsthelfer.selfservice.reminding import remind as write_reminders

        due = write_reminders(now=datetime.now(UTC))
    typer.echo(
        json.dumps(due._asdict())
        if as_json
        else f"{due.tranches + due.buckets} reminders are due: {due.tranches} of volume that waits, "
        f"{due.buckets} of volume that ends."
    )


def _settle() -> Settled:
    from selbsthelfer.selfservice.embedded.operations import tell_new_tariffs
    from selbsthelfer.selfservice.settling import settle_started

    now = datetime.now(UTC)
    tell_new_tariffs(now=now)
    return settle_started(now=now)


def _tell(settled: Settled, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"asked": settled.asked, "finished": settled.finished}))
    else:
        typer.echo(f"{settled.asked} tasks asked for again, {settled.finished} of them are finished now.")
