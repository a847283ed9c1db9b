"""`selbsthelfer serve` in a process of its own, as it runs on a machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.db import connection
from typer import Typer
from typer.testing import CliRunner

from selbsthelfer.cli.serve import command

PROGRAM = "import typer; from selbsthelfer.cli.serve import command; typer.run(command)"
PATIENCE_SECONDS = 30.0

app = Typer()
app.command()(command)


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
def serving(port: int) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "DATABASE_URL": database_url()}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def wait_for(address: str, process: subprocess.Popen[str]) -> str:
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(address, timeout=5) as response:  # noqa: S310 - our own address
                body: bytes = response.read()
                return body.decode()
        except (URLError, ConnectionError):
            sleep(0.1)
    raise AssertionError(process.communicate()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_and_stops_cleanly(stop: signal.Signals) -> None:
    port = free_port()
    with serving(port) as process:
        page = wait_for(f"http://127.0.0.1:{port}/", process)
        assert "Selbst erledigt, Volumen verdient" in page
        os.killpg(process.pid, stop)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert output.splitlines() == [f"The pages are at http://127.0.0.1:{port}/ (Ctrl-C stops them)."]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org", "", "127.0.0.1.example.org"])  # noqa: S104
def test_beyond_loopback_a_secret_key_is_needed(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELBSTHELFER_SECRET_KEY", raising=False)
    result = CliRunner().invoke(app, ["--host", host])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "is not loopback: set SELBSTHELFER_SECRET_KEY" in result.stderr


def test_a_taken_port_is_told() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = CliRunner().invoke(app, ["--port", str(other.getsockname()[1])])
    assert result.exit_code == 2
    assert "is taken" in result.stderr
