"""The commands for clients of the API: add one, list them, change a key without downtime, revoke keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.identity.core.scopes import Scope

if TYPE_CHECKING:
    from selbsthelfer.identity.clients import ClientState

app = typer.Typer(help="Clients of the API and their keys.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")]
Name = Annotated[str, typer.Argument(help="The client's name, for instance app or contact-centre.")]


@app.command()
def add(
    name: Name,
    scopes: Annotated[
        list[Scope],
        typer.Option("--scope", help="What the client may do; name several, each with its own --scope."),
    ],
    requests_per_minute: Annotated[
        int, typer.Option("--requests-per-minute", min=1, help="How often it may ask.")
    ] = 60_000,
    as_json: AsJson = False,
) -> None:
    """Add a client and print its key, which is shown this once and kept nowhere."""
    with _ready():
        from selbsthelfer.identity.clients import add_client

        key = add_client(
            name=name, scopes=scopes, requests_per_minute=requests_per_minute, now=datetime.now(UTC)
        )
    _tell_key(name, key, as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the clients, what each may do, and its keys; nothing that is shown opens anything."""
    with _ready():
        from selbsthelfer.identity.clients import list_clients

        found = list_clients(now=datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps({"clients": [_as_json(one) for one in found]}))
        return
    if not found:
        typer.echo("There are no clients yet; `selbsthelfer client add` makes one.")
    for client in found:
        _tell_client(client)


@app.command()
def rotate(
    name: Name,
    overlap: Annotated[
        int, typer.Option("--overlap", min=0, help="For how many hours the keys it has stay good.")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Give a client a second key and print it; those it has end when the overlap is over."""
    with _ready():
        from selbsthelfer.identity.clients import rotate_key

        key = rotate_key(name=name, overlap=timedelta(hours=min(overlap, 100_000)), now=datetime.now(UTC))
    _tell_key(name, key, as_json)


@app.command()
def revoke(
    name: Name,
    key: Annotated[
        str | None, typer.Option("--key", help="Only the key of this id, as `client list` shows it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """End all keys of a client, or one, at once; every server knows within a second."""
    with _ready():
        from selbsthelfer.identity.clients import revoke_keys

        ended = revoke_keys(name=name, key_id=key, now=datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps({"name": name, "revoked": list(ended)}))
    else:
        typer.echo(f"{len(ended)} keys of {name} were revoked{': ' if ended else ''}{', '.join(ended)}.")


@contextmanager
def _ready() -> Iterator[None]:
    """Run a command with the database ready; what cannot be done is told in one line."""
    with connected():
        # These name tables, which exist when the settings are loaded.
        from selbsthelfer.identity.clients import (
            ClientInvalidError,
            ClientTakenError,
            ClientUnknownError,
            TooManyClientsError,
        )

        try:
            yield
        except (ClientInvalidError, ClientTakenError, ClientUnknownError, TooManyClientsError) as error:
            refuse(f"{error}.")


def _tell_key(name: str, key: str, as_json: bool) -> None:
    """Print a key on standard output, and what to know of it beside."""
    if as_json:
        typer.echo(json.dumps({"name": name, "key": key}))
        return
    typer.echo(key)
    typer.echo(f"This is the key of {name}. Keep it now: it cannot be shown again.", err=True)


def _tell_client(client: ClientState) -> None:
    typer.echo(
        f"{client.name}: {'live' if client.is_live else 'revoked'},"
        f" {client.requests_per_minute} requests a minute, {', '.join(client.scopes)}"
    )
    for key in client.keys:
        ends = (
            "" if key.ends_at is None else f", {'ends' if key.is_live else 'ended'} {_instant(key.ends_at)}"
        )
        typer.echo(
            f"  {key.key_id}: since {_instant(key.created_at)}{ends}, last used {key.last_used_on or 'never'}"
        )


def _as_json(client: ClientState) -> dict[str, Any]:
    return {
        "name": client.name,
        "is_live": client.is_live,
        "scopes": list(client.scopes),
        "requests_per_minute": client.requests_per_minute,
        "created_at": client.created_at.isoformat(),
        "keys": [
            {
                "key_id": key.key_id,
                "is_live": key.is_live,
                "created_at": key.created_at.isoformat(),
                "ends_at": None if key.ends_at is None else key.ends_at.isoformat(),
                "last_used_on": key.last_used_on,
            }
            for key in client.keys
        ],
    }


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
