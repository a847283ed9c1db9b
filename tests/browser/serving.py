"""The portal in a process of its own, as `selbsthelfer serve` runs it, on the database of the tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from time import monotonic, sleep
from urllib.error import HTTPError
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
    # A file, as a pipe would stay open as long as a worker lives.
    with TemporaryFile("w+") as told:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "--port", str(port)],
            env={**os.environ, "DATABASE_URL": database_url(), "SELBSTHELFER_DEMO": "1"},
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # By name, as passkeys are bound to a name and never to a bare address.
        address = f"http://localhost:{port}"
        try:
            if not _answers(f"{address}/offline", process):
                told.seek(0)
                raise AssertionError(f"the portal does not answer: {told.read()}")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_SECONDS)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the portal answers; an answer that tells of an error is none."""
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(address, timeout=PATIENCE_SECONDS):  # noqa: S310 - our own address
                return True
        except HTTPError:
            return False
        except OSError:
            sleep(0.1)
    return False
