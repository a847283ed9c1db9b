"""Facts over HTTP: one activity for each request, and batches, against `pgbench` running the same inserts."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from django.db import connection

from bench.http_load import KEY_VARIABLE
from bench.measuring import Figure
from selbsthelfer.identity.clients import MAX_REQUESTS_PER_MINUTE, add_client
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.intake.operations import MAX_BATCH, Terms, accept
from selbsthelfer.kit.embedded_account import ROOT_HOME, ensure_account
from selbsthelfer.kit.embedded_programs import find_programs
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.programmes.operations import publish

LINES = 20_000
CONNECTIONS = 32
BATCH = 1_000
PREFIX = "http-"
PROGRAMME = "o2-2017"
SECONDS = 5
ROUNDS = 3
MAX_WAIT_SECONDS = 30

_PGBENCH = """
\\set line random(1, {lines})
\\set id random(1, 9000000000000000)
BEGIN;
UPDATE intake_line SET frontier_at = greatest(frontier_at, now()), earlier_frontier_at = frontier_at
WHERE subscriber_id = md5('pgbench-' || :line)::uuid;
INSERT INTO intake_key (subscriber_id, source, id, received_at)
VALUES (md5('pgbench-' || :line)::uuid, '/pgbench', (:client_id || '-' || :id)::text, now());
INSERT INTO activities_activity (subscriber_id, activity, happened_at, id, source, received_at, succeeded)
VALUES (
    md5('pgbench-' || :line)::uuid, 'bill.view', now(), (:client_id || '-' || :id)::text, '/pgbench',
    now(), true
);
COMMIT;
"""
"""What one activity writes that releases nothing: the line's frontier, the key, the activity."""


def measure_http(seconds: float = SECONDS) -> list[Figure]:
    """Measure the route in a server of its own process, in turn with `pgbench`."""
    key = _furnish()
    with _server() as (port, server):
        bare, ours, prepared = [], [], []
        for _ in range(ROUNDS):
            bare.append(_pgbench(seconds, protocol="simple"))
            ours.append(_load(port, key, seconds))
            prepared.append(_pgbench(seconds, protocol="prepared"))
        batches = _load(port, key, seconds, connections=2, batch=BATCH)
        memory, connections = _megabytes(server), _connections()
    single = sorted(ours, key=lambda told: told["facts_per_second"])[len(ours) // 2]
    rate = single["facts_per_second"]
    return [
        _against("as it comes", rate, median(bare), ">= 0.6"),
        _against("with prepared statements", rate, median(prepared)),
        Figure("its p50", single["p50_ms"], "ms"),
        Figure("its p99", single["p99_ms"], "ms"),
        Figure("processors that its sender took", single["cpu_share"], "cores"),
        Figure(f"batches of {BATCH:,} over HTTP, 2 connections", batches["facts_per_second"], "facts/s"),
        Figure("p50 of a batch", batches["p50_ms"], "ms"),
        Figure("p99 of a batch", batches["p99_ms"], "ms"),
        Figure("memory of the server after it", memory, "MB"),
        Figure("database connections of the server", connections, "connections"),
    ]


def _against(how: str, rate: float, bare: float, goal: str | None = None) -> Figure:
    """Compare with pgbench, which prepares its statements only if told to."""
    name = f"one activity a request, {CONNECTIONS} connections, against pgbench {how}"
    return Figure(name, rate, "requests/s", bare, rate / bare, goal)


def _furnish() -> str:
    """Register and enrol lines, some for us and as many rows for pgbench; return a client's key."""
    now = datetime.now(UTC)
    publish(load_preset(PROGRAMME), now=now - timedelta(days=900))
    at = (now - timedelta(days=40)).isoformat()
    told = (
        ("subscriber.registered", '{"timezone":"Europe/Berlin","billing_day":1}'),
        ("programme.enrolled", f'{{"programme":"{PROGRAMME}","variant":"treatment"}}'),
    )
    facts = [
        f'{{"specversion":"1.0","id":"{type_}","source":"/bench","type":"{type_}",'
        f'"subject":"{PREFIX}{n:06d}","time":"{at}","data":{data}}}'.encode()
        for type_, data in told
        for n in range(LINES)
    ]
    for start in range(0, len(facts), MAX_BATCH):
        accept(facts[start : start + MAX_BATCH], terms=Terms(now=now, may_backdate=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO intake_line (subscriber_id, frontier_at)"
            " SELECT md5('pgbench-' || n)::uuid, now() FROM generate_series(1, %s) AS n",
            [LINES],
        )
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    name = f"bench-{now:%H%M%S}"
    return add_client(
        name=name, scopes=[Scope.FACTS_WRITE], requests_per_minute=MAX_REQUESTS_PER_MINUTE, now=now
    )


@contextmanager
def _server() -> Iterator[tuple[int, psutil.Process]]:
    """Run `selbsthelfer serve` on a free port until the measurement is over."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    command = [str(Path(sys.executable).with_name("selbsthelfer")), "serve", "--port", str(port)]
    server = subprocess.Popen(command, stdout=sys.stderr)
    try:
        _wait_until_it_answers(port, server)
        yield port, psutil.Process(server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(MAX_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_it_answers(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + MAX_WAIT_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except URLError:
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


def _load(
    port: int, key: str, seconds: float, *, connections: int = CONNECTIONS, batch: int = 1
) -> dict[str, Any]:
    result = subprocess.run(
        [sys.executable, "-m", "bench.http_load", "--port", str(port), "--connections", str(connections),
         "--batch", str(batch), "--lines", str(LINES), "--prefix", PREFIX, "--seconds", str(seconds)],
        env={**os.environ, KEY_VARIABLE: key}, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return dict(json.loads(result.stdout))


def _pgbench(seconds: float, *, protocol: str = "simple") -> float:
    """Run the same inserts by pgbench, one transaction for each activity; return transactions per second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_PGBENCH.format(lines=LINES))
        script.flush()
        result = subprocess.run(
            [
                str(_program("pgbench")),
                "--no-vacuum",
                f"--protocol={protocol}",
                f"--client={CONNECTIONS}",
                "--jobs=2",
                f"--time={max(1, round(seconds))}",
                f"--file={script.name}",
                os.environ["DATABASE_URL"],
            ],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"^tps = ([\d.]+)", result.stdout, re.MULTILINE)
    assert found is not None, result.stdout
    return float(found[1])


def _program(name: str) -> Path:
    """Find a program of PostgreSQL: beside the embedded server's, else in the path."""
    bundled = find_programs(ensure_account(), copy_below=ROOT_HOME) / name
    return bundled if bundled.exists() else Path(shutil.which(name) or name)


def _megabytes(server: psutil.Process) -> float:
    processes = [server, *server.children(recursive=True)]
    return sum(process.memory_info().rss for process in processes) / 1e6


def _connections() -> int:
    """Count the connections to this database but our own: those of the server, since pgbench has left."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])
