"""`selbsthelfer serve` in a process of its own, as it runs on a machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.db import connection, transaction
from typer import Typer
from typer.testing import CliRunner

from selbsthelfer.cli.serve import STOP_SECONDS, command
from selbsthelfer.identity.core.scopes import Scope
from tests.api.callers import make_client
from tests.portal.life import Life, prepare

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


def facts_of(number: int) -> bytes:
    told = [
        {
            "specversion": "1.0",
            "id": f"fact-{n}",
            "source": "/app",
            "type": "selfservice.finished",
            "subject": "line-1",
            "time": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
            "data": {"activity": "bill.view", "outcome": "succeeded"},
        }
        for n in range(number)
    ]
    return json.dumps(told).encode()


def connected(port: int) -> closing[HTTPConnection]:
    return closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS))


def send_facts(port: int, key: str, body: bytes) -> tuple[int, bytes]:
    kind = {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {key}"}
    with connected(port) as sending:
        sending.request("POST", "/api/v1/facts", body, kind)
        answer = sending.getresponse()
        return answer.status, answer.read()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert monotonic() < deadline
        sleep(0.02)


def is_waiting_for_a_lock() -> bool:
    """Tell whether another session of this database waits for a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [1, 5_000])
def test_what_is_in_hand_is_finished_and_who_only_listens_holds_nothing_up(number: int) -> None:
    """The stop comes while facts wait for their line, and beside them a connection is open and idle."""
    prepare()
    Life("line-1").send()
    key = make_client(Scope.FACTS_WRITE)
    port = free_port()
    with serving(port) as process, connected(port) as idle, ThreadPoolExecutor(1) as pool:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        idle.request("GET", "/health")
        assert idle.getresponse().read()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT FROM intake_line FOR UPDATE")
            sent = pool.submit(send_facts, port, key, facts_of(number))
            wait_until(is_waiting_for_a_lock)
            process.terminate()
            sleep(0.5)
            assert process.poll() is None
            assert not sent.done()
        began = monotonic()
        status, answer = sent.result(PATIENCE_SECONDS)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert monotonic() - began < STOP_SECONDS
    assert (status, json.loads(answer)["counts"]["accepted"]) == (200, number)
    assert process.returncode == 0
    assert "Killing" not in output
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM intake_key WHERE source = '/app'")
        assert cursor.fetchone() == (number,)


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
