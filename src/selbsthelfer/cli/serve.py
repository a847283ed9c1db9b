"""The command that answers requests for the pages."""

from __future__ import annotations

import gc
import logging
import os
import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Annotated, Any, Final

import typer
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import connections
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.log import logger as granian_log

from selbsthelfer.cli.connecting import TablesOutOfDateError, connect
from selbsthelfer.cli.telling import refuse
from selbsthelfer.kit.embedded import EmbeddedServerError

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

TARGET: Final = "selbsthelfer.cli.serve:build_application"
SECRET_KEY_VARIABLE: Final = "SELBSTHELFER_SECRET_KEY"  # noqa: S105 - a name
THREADS: Final = 32
"""Requests answered at once. Senders of single facts wait in them for a common commit; each holds at most one
connection to the database, and those that only ever wait hold none."""
IDLE_SECONDS: Final = 600
"""How long a thread keeps its connection while nobody asks; the first request of a new one waits for it."""
OBJECTS_BEFORE_SEARCH: Final = 20_000
"""New objects after which Python looks for reference cycles among them; it would after 700."""
STOP_SECONDS: Final = 5
"""How long requests may go on after the stop; then they are broken off."""


def command(
    host: Annotated[
        str, typer.Option(help="The address to listen on; beyond loopback a secret key must be set.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")] = 8000,
) -> None:
    """Answer requests for the pages, until Ctrl-C; a proxy in front of it brings HTTPS."""
    address = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(address) and not os.environ.get(SECRET_KEY_VARIABLE):
        refuse(f"{host} is not loopback: set {SECRET_KEY_VARIABLE} to a long random text first.")
    if not is_free(address, port):
        refuse(f"Port {port} on {host} is taken; choose another with --port.")
    try:
        connect()
    except (TablesOutOfDateError, EmbeddedServerError) as error:
        refuse(str(error))
    connections.close_all()
    shown = f"[{address}]" if ":" in address else address
    typer.echo(f"The pages are at http://{shown}:{port}/ (Ctrl-C stops them).")
    answer_requests(address, port)


def answer_requests(address: str, port: int) -> None:
    """Answer requests until the process is told to stop."""
    server = Granian(
        TARGET,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=IDLE_SECONDS,
        workers_kill_timeout=STOP_SECONDS,
        websockets=False,
        log_level=LogLevels.warning,
    )
    granian_log.addFilter(_is_no_advice)
    server.serve()


def _is_no_advice(record: logging.LogRecord) -> bool:
    """Leave out that there are many threads: it is meant so, since most of them wait for the database."""
    return "Python threads" not in record.getMessage()


def build_application() -> Application:
    """Load the application that the settings name, inside the server's worker process.

    The worker leaves the terminal's process group, so that Ctrl-C reaches the main process only, which then
    stops the worker: a worker of granian 2.8 that gets both signals at once sometimes waits for ever.
    """
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    application: Application = get_internal_wsgi_application()
    _settle()
    return application


def _settle() -> None:
    """Leave what was loaded out of the search for reference cycles, and search after more objects.

    A request leaves hardly any cycle behind, and to go through all modules again and again takes a fifth of
    the time that it takes to answer one fact.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_SEARCH, 20, 20)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_free(address: str, port: int) -> bool:
    """Tell whether nobody listens yet: the server itself would share a port that another one holds."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError:
            return False
    return True
