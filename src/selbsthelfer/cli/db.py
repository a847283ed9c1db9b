"""The commands for the embedded database server: start, stop, status."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from selbsthelfer.cli.connecting import migrate as bring_up_to_date
from selbsthelfer.cli.connecting import set_up
from selbsthelfer.kit import embedded

NOT_USED = "DATABASE_URL is set, so the embedded server is not used."

app = typer.Typer(
    help="The embedded database server, used while DATABASE_URL is not set.", no_args_is_help=True
)


@app.command()
def start() -> None:
    """Start the embedded server, and create the database if it is new."""
    _refuse_if_not_used()
    with _plain_errors():
        url = embedded.ensure_running(embedded.home())
    typer.echo(f"The embedded server runs: {url}")


@app.command()
def stop() -> None:
    """Stop the embedded server; open sessions are broken off, nothing committed is lost."""
    _refuse_if_not_used()
    home = embedded.home()
    with _plain_errors():
        stopped = embedded.stop(home)
    typer.echo(
        "The embedded server has stopped." if stopped else f"No embedded server was running in {home}."
    )


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")] = False,
) -> None:
    """Say whether the embedded server runs, where its data are and how large."""
    if _is_not_used():
        typer.echo(json.dumps({"used": False}) if as_json else NOT_USED)
        return
    with _plain_errors():
        found = embedded.status(embedded.home())
    typer.echo(json.dumps({"used": True, **_json_members(found)}) if as_json else _sentence(found))


def _is_not_used() -> bool:
    return bool(os.environ.get("DATABASE_URL"))


def _refuse_if_not_used() -> None:
    if _is_not_used():
        typer.echo(NOT_USED, err=True)
        raise typer.Exit(2)


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except embedded.EmbeddedServerError as error:
        typer.echo(" ".join(str(error).split()), err=True)
        raise typer.Exit(2) from error


def _json_members(found: embedded.ServerStatus) -> dict[str, object]:
    members = dataclasses.asdict(found)
    return members | {
        "data_directory": str(found.data_directory),
        "socket_directory": str(found.socket_directory),
    }


def _sentence(found: embedded.ServerStatus) -> str:
    if found.version is None:
        return f"There is no embedded server yet; it would keep its data in {found.data_directory}."
    size = f"{found.size_bytes / 1_000_000:,.0f} MB"
    if not found.running:
        return f"The embedded server does not run; {size} of data lie in {found.data_directory}."
    return (
        f"The embedded server runs (PostgreSQL {found.version}, process {found.pid}); "
        f"{size} of data lie in {found.data_directory}, its socket in {found.socket_directory}."
    )


@app.command()
def migrate() -> None:
    """Bring the tables of the database in use up to date; repeating is harmless."""
    if not _is_not_used():
        start()
    set_up()
    bring_up_to_date()
    typer.echo("The tables are up to date.")
