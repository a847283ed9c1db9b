"""The command `selbsthelfer`: every sub-command in one place, and how a refusal is told."""

from __future__ import annotations

import sys

import typer

from selbsthelfer.cli import (
    cases,
    client,
    db,
    demo,
    enrolling,
    explain,
    importing,
    orders,
    outbox,
    programme,
    reconcile,
    rejects,
    replay,
    serve,
    simulate,
    sweeping,
    tasks,
    webhooks,
    work,
)

app = typer.Typer(
    name="selbsthelfer",
    help="Self-service rewards for mobile operators.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("demo")(demo.command)
app.command("serve")(serve.command)
app.command("work")(work.command)
app.command("explain")(explain.command)
app.command("replay")(replay.command)
app.add_typer(importing.app, name="import")
app.command("rejects")(rejects.command)
app.add_typer(programme.app, name="programme")
app.command("enrol")(enrolling.command)
app.command("sweep")(sweeping.command)
app.add_typer(orders.app, name="orders")
app.command("reconcile")(reconcile.command)
app.add_typer(outbox.app, name="outbox")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(cases.app, name="case")
app.add_typer(client.app, name="client")
app.add_typer(simulate.app, name="simulate")
app.add_typer(tasks.app, name="tasks")
app.add_typer(db.app, name="db")


def main() -> None:
    """Run the command line; a pipe that closes early is not an error."""
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
