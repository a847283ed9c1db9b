"""The command that puts the pages on this machine's loopback address."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Annotated, Final

import typer
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from selbsthelfer.cli.connecting import TablesOutOfDateError, connect
from selbsthelfer.kit.embedded import EmbeddedServerError

TARGET: Final = "selbsthelfer.project.wsgi:application"
THREADS: Final = 4
"""Requests answered at once, each with a database connection of its own."""


def command(
    host: Annotated[str, typer.Option(help="A loopback address: there is no sign-in yet.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")] = 8000,
) -> None:
    """Show the pages in a browser on this machine, until Ctrl-C."""
    address = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(address):
        _refuse(f"There is no sign-in yet, so the pages are shown on loopback only: {host} is refused.")
    if not _is_free(address, port):
        _refuse(f"Port {port} on {host} is taken; choose another with --port.")
    try:
        connect()
    except (TablesOutOfDateError, EmbeddedServerError) as error:
        _refuse(" ".join(str(error).split()))
    shown = f"[{address}]" if ":" in address else address
    typer.echo(f"The pages are at http://{shown}:{port}/ (Ctrl-C stops them).")
    Granian(
        TARGET,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


def _refuse(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(2)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _is_free(address: str, port: int) -> bool:
    """Tell whether nobody listens yet: the server itself would share a port that another one holds."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError:
            return False
    return True
