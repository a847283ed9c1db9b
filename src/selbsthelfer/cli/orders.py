"""The commands for credit orders: how they stand, which are in trouble, what a person decides about one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from django.db import transaction

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.kit.sql import open_cursor

app = typer.Typer(help="Credit orders: how they stand, and those in trouble.", no_args_is_help=True)

DEFAULT_LIMIT = 100

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
CreditId = Annotated[str, typer.Argument(help="The id of the credit, as `orders list` tells it.")]
By = Annotated[str, typer.Option(help="Who decides this.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say how many orders wait or are in trouble, how quick delivery is, and where the system differs."""
    with connected(), transaction.atomic():
        # They name tables, which exist when the settings are loaded; so do those below.
        from selbsthelfer.charging.queries import open_drifts, standing_of_orders

        standing = standing_of_orders(open_cursor(), now=datetime.now(UTC))
        drifts = {kind.value: count for kind, count in open_drifts(open_cursor()).items() if count}
    orders = {state.value: count for state, count in standing.orders.items()}
    if as_json:
        told = {
            "orders": orders,
            "in_trouble": standing.in_trouble,
            "oldest_seconds": round(standing.oldest_seconds, 3),
            "delivered": standing.delivered,
            "lag_p50_seconds": round(standing.lag_p50_seconds, 3),
            "lag_p99_seconds": round(standing.lag_p99_seconds, 3),
            "drifts": drifts,
        }
        typer.echo(json.dumps(told))
        return
    typer.echo(", ".join(f"{count} {state}" for state, count in orders.items()) + ".")
    if standing.oldest_seconds:
        typer.echo(f"The oldest that can be delivered waits for {standing.oldest_seconds:.0f} seconds.")
    if standing.delivered:
        typer.echo(
            f"{standing.delivered} delivered in the last 5 minutes: half of them within "
            f"{standing.lag_p50_seconds:.1f} seconds, 99 of 100 within {standing.lag_p99_seconds:.1f}."
        )
    for kind, count in drifts.items():
        typer.echo(f"{count} differ in the charging system: {kind}")
    if standing.in_trouble:
        typer.echo(f"{standing.in_trouble} are worth a look: selbsthelfer orders list")


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help="open, uncertain or refused.")] = "refused",
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List the oldest orders that are not confirmed, with the code of what went wrong last."""
    if state not in ("open", "uncertain", "refused"):
        refuse(f"--state: “{state}” is none of open, uncertain, refused")
    with connected(), transaction.atomic():
        from selbsthelfer.charging.queries import listed_orders

        found = listed_orders(open_cursor(), OrderState(state), limit=limit)
    if as_json:
        typer.echo(
            json.dumps([{key: _plain(value) for key, value in each._asdict().items()} for each in found])
        )
        return
    if not found:
        typer.echo(f"No order is {state}.")
    for each in found:
        typer.echo(
            f"{each.credit_id}  {each.bytes:>14,} bytes  ordered {each.ordered_at:%Y-%m-%d %H:%M}  "
            f"until {each.valid_until:%Y-%m-%d %H:%M}  {each.attempts} attempts  {each.failure or 'new'}"
        )


@app.command()
def resolve(
    credit_id: CreditId,
    by: By,
    credited: Annotated[
        bool | None,
        typer.Option("--credited/--not-credited", help="What the charging system shows, by its own means."),
    ] = None,
) -> None:
    """Say what became of an uncertain order; what was not credited is sent again."""
    if credited is None:
        refuse("say --credited or --not-credited")
    is_credited = credited

    def decide(id_: UUID, name: str, now: datetime) -> None:
        from selbsthelfer.charging.operations import resolve_order

        resolve_order(id_, is_credited=is_credited, by=name, now=now)

    _decide(credit_id, by, decide)
    typer.echo("Confirmed." if credited else "It is sent again.")


@app.command()
def retry(credit_id: CreditId, by: By) -> None:
    """Have a refused order sent again, exactly as it was."""

    def decide(id_: UUID, name: str, now: datetime) -> None:
        from selbsthelfer.charging.operations import retry_order

        retry_order(id_, by=name, now=now)

    _decide(credit_id, by, decide)
    typer.echo("It is sent again.")


@app.command()
def doubt(by: By) -> None:
    """Read every open order back before it is sent: after a restore it may have been delivered already."""
    if not by.strip():
        refuse("--by: tell who decides this")
    with connected():
        from selbsthelfer.charging.doubting import doubt_orders
        from selbsthelfer.charging.systems import SystemMisconfiguredError, the_system

        try:
            system = the_system()
        except SystemMisconfiguredError as error:
            refuse(str(error))
        if system is None:
            refuse("with the embedded charging system nothing is delivered, so there is nothing to doubt")
        doubted = doubt_orders(system=system, by=by, now=datetime.now(UTC))
    typer.echo(f"{doubted} open orders are read back before they are sent.")


def _decide(credit_id: str, by: str, decide: Callable[[UUID, str, datetime], None]) -> None:
    try:
        id_ = UUID(credit_id)
    except ValueError:
        refuse(f"“{credit_id}” is no id of a credit")
    if not by.strip():
        refuse("--by: tell who decides this")
    with connected():
        from selbsthelfer.charging.operations import OrderNotDecidableError, UnknownOrderError

        try:
            decide(id_, by, datetime.now(UTC))
        except (OrderNotDecidableError, UnknownOrderError) as error:
            refuse(str(error))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value
