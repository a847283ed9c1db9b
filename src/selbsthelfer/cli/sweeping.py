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
    """Decide what the clock and newly declared crises have made due; run it every few minutes.

    Sessions and counts of tries that ran out are forgotten too, and cases whose term is over.
    """
    with connected():
        # It names tables, which exist when the settings are loaded.
        from selbsthelfer.privacy.operations import forget_expired

        now = datetime.now(UTC)
        released = sweep(now=now)
        forget_expired(now=now)
    typer.echo(json.dumps({"released": released}) if as_json else f"{released} tranches released.")
