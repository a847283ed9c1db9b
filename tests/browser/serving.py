"""The portal in a process of its own, as `selbsthelfer serve` runs it, on the database of the tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from urllib.request import urlopen

from django.db import connection

PROGRAM = "import typer; from selbsthelfer.cli.serve import command; typer.run(command)"
PATIENCE_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def database_url() -> str:
    parameters = connection.get_connection_params()
    words = {name: parameters.get(name) for name in ("dbname", "user", "password", "host", "port")}
    return " ".join(f"{name}={value}" for name, value in words.items() if value)


@contextmanager
def serving() -> Iterator[str]:
    """Run the portal as a demonstration, whose inbox shows codes; give its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--port", str(port)],
        env={**os.environ, "DATABASE_URL": database_url(), "SELBSTHELFER_DEMO": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    # By name, as passkeys are bound to a name and never to a bare address.
    address = f"http://localhost:{port}"
    try:
        _wait_for(f"{address}/offline", process)
        yield address
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def _wait_for(address: str, process: subprocess.Popen[str]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(address, timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[0])
