"""The commands for events to the operator's systems: where they go, how they do, and sending them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from selbsthelfer.cli.telling import connected, read_instant, refuse
from selbsthelfer.outbox.core.events import EventKind
from selbsthelfer.outbox.core.webhooks import EndpointRefusedError

if TYPE_CHECKING:
    from selbsthelfer.outbox.event_queries import AttemptRow, EndpointState

app = typer.Typer(help="Events to your own systems: where they go, and how they do.", no_args_is_help=True)

DEFAULT_LISTED = 20

Endpoint = Annotated[UUID, typer.Argument(help="The endpoint's id, as `webhooks list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")]


@app.command()
def add(
    url: Annotated[
        str, typer.Argument(help="Where events are posted to, such as https://crm.example/hooks.")
    ],
    events: Annotated[
        list[EventKind],
        typer.Option("--event", help="Which events it wants; name several, each with its own --event."),
    ],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add an endpoint and print its secret, which is shown this once."""
    with _ready():
        from selbsthelfer.outbox.webhooks import add_endpoint

        made = add_endpoint(url=url, kinds=events, description=description, now=datetime.now(UTC))
    _tell_secret(made.endpoint, made.secret, as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the endpoints, what each wants, and how it does."""
    with _ready():
        from selbsthelfer.kit.sql import open_cursor
        from selbsthelfer.outbox.event_queries import endpoints

        found = endpoints(open_cursor())
    if as_json:
        typer.echo(json.dumps({"endpoints": [_members(endpoint) for endpoint in found]}))
        return
    if not found:
        typer.echo("Events go nowhere yet; `selbsthelfer webhooks add` changes that.")
    for endpoint in found:
        typer.echo(f"{endpoint.endpoint_id}  {endpoint.url}")
        owned = f"of the client {endpoint.owner}; " if endpoint.owner else ""
        typer.echo(f"  {owned}{', '.join(endpoint.kinds)}; {_standing(endpoint)}")


@app.command()
def rotate(
    endpoint: Endpoint,
    overlap: Annotated[int, typer.Option(min=0, max=720, help="For how many hours both secrets hold.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Give an endpoint a new secret and print it; events are signed with both until the overlap is over."""
    with _ready():
        from selbsthelfer.outbox.webhooks import rotate_secret

        made = rotate_secret(
            endpoint_id=endpoint, now=datetime.now(UTC), old_valid_for=timedelta(hours=overlap)
        )
    _tell_secret(made.endpoint, made.secret, as_json)


@app.command()
def disable(endpoint: Endpoint, as_json: AsJson = False) -> None:
    """Send nothing to an endpoint until it is enabled; what waits goes on waiting."""
    with _ready():
        from selbsthelfer.outbox.webhooks import disable_endpoint

        found = disable_endpoint(endpoint_id=endpoint, now=datetime.now(UTC))
    _tell(found, as_json)


@app.command()
def enable(endpoint: Endpoint, as_json: AsJson = False) -> None:
    """Send to an endpoint again, what still waits at once; `webhooks replay` sends what failed for good."""
    with _ready():
        from selbsthelfer.outbox.webhooks import enable_endpoint

        found = enable_endpoint(endpoint_id=endpoint, now=_now())
    _tell(found, as_json)


@app.command()
def delete(endpoint: Endpoint) -> None:
    """Delete an endpoint for good; what waits for it is never sent."""
    with _ready():
        from selbsthelfer.outbox.webhooks import delete_endpoint

        delete_endpoint(endpoint_id=endpoint)
    typer.echo(f"{endpoint} is deleted.")


@app.command()
def log(
    endpoint: Endpoint,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many attempts.")] = DEFAULT_LISTED,
    as_json: AsJson = False,
) -> None:
    """Tell the newest attempts made for an endpoint, and what came of each."""
    with _ready():
        from selbsthelfer.kit.sql import open_cursor
        from selbsthelfer.outbox.event_queries import attempts_of_endpoint, endpoint_of_id

        if endpoint_of_id(open_cursor(), endpoint) is None:
            refuse("There is no such endpoint.")
        found = attempts_of_endpoint(open_cursor(), endpoint, limit=limit)
    if as_json:
        typer.echo(json.dumps({"attempts": [_attempt(row) for row in found]}))
        return
    for row in found:
        came = row.failure or row.status
        typer.echo(
            f"{row.started_at:%Y-%m-%d %H:%M:%S}  {row.kind:<22} {row.event_id}  {came}  {row.latency_ms} ms"
        )


@app.command()
def replay(
    endpoint: Endpoint,
    event: Annotated[UUID | None, typer.Option(help="Only this event, whatever became of it.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Of what failed for good, only what happened then or later.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send again what failed for good, or one event, under the ids they had."""
    since_at = read_instant(since, "--since")
    if event is not None and since is not None:
        refuse("Name --event or --since, not both.")
    with _ready():
        from selbsthelfer.outbox.webhooks import replay_event, replay_failed

        now = datetime.now(UTC)
        if event is not None:
            events = replay_event(endpoint_id=endpoint, event_id=event, now=now).events
        else:
            replayed = replay_failed(endpoint_id=endpoint, since=since_at, now=now)
            events = replayed.events
            while not replayed.is_all:
                replayed = replay_failed(endpoint_id=endpoint, since=since_at, now=now)
                events += replayed.events
    typer.echo(json.dumps({"events": events}) if as_json else f"{events} events are sent again.")


@app.command("test")
def send_test_event(endpoint: Endpoint, as_json: AsJson = False) -> None:
    """Send a test event to an endpoint now, and tell what came of it; exit code 1 where it did not arrive."""
    with _ready():
        from selbsthelfer.kit.sql import open_cursor
        from selbsthelfer.outbox.couriers import Couriers
        from selbsthelfer.outbox.delivering_events import send_one
        from selbsthelfer.outbox.event_queries import attempts_of_endpoint
        from selbsthelfer.outbox.webhooks import private_allowed, send_test

        event_id = send_test(endpoint_id=endpoint, now=datetime.now(UTC))
        with Couriers(private=private_allowed()) as couriers:
            send_one(event_id=event_id, endpoint_id=endpoint, now_of=_now, couriers=couriers)
        made = [row for row in attempts_of_endpoint(open_cursor(), endpoint) if row.event_id == event_id]
    if as_json:
        typer.echo(json.dumps({"event": str(event_id), "attempts": [_attempt(row) for row in made]}))
    elif not made:
        typer.echo(f"{event_id} waits: the endpoint is being left alone for a while, or others send to it.")
    else:
        came = "arrived" if made[0].failure is None else f"did not arrive: {made[0].failure}"
        typer.echo(f"{event_id} {came} ({made[0].latency_ms} ms).")
    if not made or made[0].failure is not None:
        raise typer.Exit(1)


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _ready() -> Iterator[None]:
    """Run a command with the database ready; tell what it refuses in one line."""
    with connected():
        from selbsthelfer.outbox.webhooks import (
            EndpointDisabledError,
            TooManyEndpointsError,
            UnknownEndpointError,
            UnknownEventError,
        )

        try:
            yield
        except (
            EndpointRefusedError,
            EndpointDisabledError,
            TooManyEndpointsError,
            UnknownEndpointError,
            UnknownEventError,
        ) as error:
            text = str(error)
            refuse(f"{text[:1].upper()}{text[1:]}.")


def _tell_secret(endpoint: EndpointState, secret: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**_members(endpoint), "secret": secret}))
        return
    typer.echo(f"{endpoint.endpoint_id}  {endpoint.url}")
    typer.echo(f"Its secret, shown this once: {secret}")


def _tell(endpoint: EndpointState, as_json: bool) -> None:
    typer.echo(
        json.dumps(_members(endpoint)) if as_json else f"{endpoint.endpoint_id} is {_standing(endpoint)}."
    )


def _standing(endpoint: EndpointState) -> str:
    if endpoint.disabled_at is not None:
        return f"disabled since {endpoint.disabled_at:%Y-%m-%d %H:%M} UTC: {endpoint.disabled_reason}"
    if endpoint.failing_since is not None:
        return f"failing since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
    return "active"


def _members(endpoint: EndpointState) -> dict[str, Any]:
    return {
        "id": str(endpoint.endpoint_id),
        "owner": endpoint.owner or None,
        "url": endpoint.url,
        "events": endpoint.kinds,
        "description": endpoint.description,
        "is_active": endpoint.is_active,
        "disabled_reason": endpoint.disabled_reason,
        **{
            name: None if (instant := getattr(endpoint, name)) is None else instant.isoformat()
            for name in ("created_at", "disabled_at", "failing_since", "succeeded_at", "old_secret_until")
        },
    }


def _attempt(row: AttemptRow) -> dict[str, Any]:
    return {
        "event": str(row.event_id),
        "type": row.kind,
        "number": row.number,
        "started_at": row.started_at.isoformat(),
        "latency_ms": row.latency_ms,
        "status": row.status,
        "failure": row.failure,
    }
