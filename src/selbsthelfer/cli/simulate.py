"""The command that plays an operator's back end on this machine, to try the adapter over HTTP."""

from __future__ import annotations

import os
from secrets import token_urlsafe
from typing import Annotated, Final

import typer
from django.db import connections

from selbsthelfer.cli.telling import connected, refuse

TOKEN_VARIABLE: Final = "SELBSTHELFER_BACK_END_TOKEN"  # noqa: S105

app = typer.Typer(help="Play other systems on this machine, to try things.", no_args_is_help=True)


@app.callback()
def simulate() -> None:
    """Play other systems on this machine, to try things."""


@app.command("back-end")
def back_end(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 is any.")] = 8650,
) -> None:
    """Serve the embedded back end in the manner of TM Forum, on loopback only, until Ctrl-C."""
    token = os.environ.get(TOKEN_VARIABLE) or token_urlsafe(16)
    with connected():
        # These name tables, which exist when the settings are loaded.
        from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
        from selbsthelfer.selfservice.tmf.serving import HOST, closing_connections, make_server
        from selbsthelfer.selfservice.tmf.simulator import Simulator

        simulator = Simulator(EmbeddedBackEnd(), token=token)
        connections.close_all()
        try:
            server = make_server(closing_connections(simulator), port)
        except OSError:
            refuse(f"Port {port} is taken; choose another with --port.")
        typer.echo("A back end is played (Ctrl-C stops it). Elsewhere on this machine, set")
        typer.echo("export SELBSTHELFER_BACK_END=tmf")
        typer.echo(f"export SELBSTHELFER_BACK_END_URL=http://{HOST}:{server.server_port}")
        typer.echo(f"export {TOKEN_VARIABLE}={token}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            simulator.close()
        finally:
            server.server_close()
