"""The command `sweep`: decide what the clock and newly declared crises have made due."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from selbsthelfer.cli.telling import connected
from selbsthelfer.intake.sweeping import sweep


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")] = False,
) -> None:
    """Decide what the clock and newly declared crises have made due; run it every few minutes."""
    with connected():
        released = sweep(now=datetime.now(UTC))
    typer.echo(json.dumps({"released": released}) if as_json else f"{released} tranches released.")
