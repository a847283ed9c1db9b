"""Orders delivered to each played charging system, against the bare calls of the same adapter."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

from django.db import connection

from bench.measuring import Figure, seconds
from selbsthelfer.charging.core.port import Credit, Credited
from selbsthelfer.charging.systems import the_system
from selbsthelfer.charging.together import PARALLEL
from selbsthelfer.cli.work import DELIVERING_THREADS
from selbsthelfer.intake.operations import Terms, accept

PROFILES = ("tmf654", "sigscale", "cgrates")
ORDERS = 3_000
"""Granted at once, to see how many a second one worker delivers."""
STEADY = 20
"""Granted every `STEADY_PAUSE` seconds, to see how long one takes where none waits."""
STEADY_PAUSE = 0.25
STEADY_ROUNDS = 20
MAX_WAIT_SECONDS = 300
COMMAND = Path(sys.executable).with_name("selbsthelfer")
SECRETS = {"TOKEN": "bench-token", "USER": "bench", "PASSWORD": "bench-password", "TENANT": "cgrates.org"}
HOST = "127.0.0.1"


def measure_delivery() -> list[Figure]:
    """Measure each system by itself, with one worker process and no faults."""
    return [figure for profile in PROFILES for figure in _measure(profile)]


def _measure(profile: str) -> list[Figure]:
    subjects = [f"{profile}-{n:05d}" for n in range(ORDERS)]
    with _played(profile):
        _register(subjects)
        bare = ORDERS / seconds(lambda: _bare(subjects))
        with _worker():
            began_at = _grant(subjects, "burst")
            _wait_for(began_at)
            ours = ORDERS / _seconds_until_confirmed(began_at)
            began_at = datetime.now(UTC)
            for n in range(STEADY_ROUNDS):
                _grant(subjects[n * STEADY : (n + 1) * STEADY], "steady")
                time.sleep(STEADY_PAUSE)
            _wait_for(began_at)
    p50, p99 = _lags(began_at)
    threads = DELIVERING_THREADS * PARALLEL
    return [
        Figure(f"{profile}, delivered; bare calls in {threads} threads", ours, "orders/s", bare, ours / bare),
        Figure(f"{profile}, p50 from grant to confirmation", p50, "ms"),
        Figure(f"{profile}, p99 from grant to confirmation", p99, "ms"),
    ]  # fmt: skip


@contextmanager
def _played(profile: str) -> Iterator[None]:
    """Play a system in a process of its own, and have deliveries go there."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    url = f"http://{HOST}:{port}"
    told = {"": profile, "_URL": url, **{f"_{name}": value for name, value in SECRETS.items()}}
    for name in ("_USER", "_PASSWORD") if profile == "tmf654" else ("_TOKEN",):
        del told[name]
    for name in SECRETS:
        os.environ.pop(f"SELBSTHELFER_CHARGING_{name}", None)
    os.environ.update({f"SELBSTHELFER_CHARGING{name}": value for name, value in told.items()})
    command = [str(COMMAND), "simulate", "charging", "--profile", profile, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for_answer(f"{url}/simulator/faults")
        yield
    finally:
        process.kill()
        process.wait()
        del os.environ["SELBSTHELFER_CHARGING"]


def _wait_for_answer(url: str) -> None:
    until = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            urlopen(url, timeout=5).close()  # noqa: S310 - on this machine
            return
        except (URLError, ConnectionError):
            assert time.monotonic() < until
            time.sleep(0.05)


@contextmanager
def _worker() -> Iterator[None]:
    command = [str(COMMAND), "work", "--only", "orders", "--only", "uncertain"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "At work" in process.stdout.readline()
        yield
        process.terminate()


def _register(subjects: Sequence[str]) -> None:
    at = datetime.now(UTC) - timedelta(days=1)
    line = {"timezone": "Europe/Berlin", "billing_day": 1}
    _accept([_fact("subscriber.registered", subject, "registered", at, line) for subject in subjects])


def _grant(subjects: Sequence[str], name: str) -> datetime:
    """Give each line a courtesy, which is ordered in the same transaction; return when."""
    at = datetime.now(UTC)
    given = {"bytes": 100_000_000, "reason": "bench", "by": "bench"}
    _accept([_fact("courtesy.granted", subject, name, at, given) for subject in subjects])
    return at


def _accept(facts: list[bytes]) -> None:
    results = accept(facts, terms=Terms(now=datetime.now(UTC), may_backdate=True)).counts
    assert set(results) == {"accepted"}, results


def _fact(kind: str, subject: str, id_: str, at: datetime, data: dict[str, object]) -> bytes:
    fact = {"specversion": "1.0", "id": f"{kind}-{id_}", "source": "/bench-delivery", "type": kind,
            "subject": subject, "time": at.isoformat(), "data": data}  # fmt: skip
    return json.dumps(fact).encode()


def _bare(subjects: Sequence[str]) -> None:
    """Credit the same lines by the same adapter with as many threads, and write nothing down."""
    system = the_system()
    assert system is not None
    now = datetime.now(UTC)
    credits_ = [Credit(uuid4(), s, 100_000_000, now, now + timedelta(days=30)) for s in subjects]
    until = time.monotonic() + MAX_WAIT_SECONDS
    with closing(system), ThreadPoolExecutor(DELIVERING_THREADS * PARALLEL) as pool:
        outcomes = list(pool.map(lambda credit: system.credit(credit, deadline=until), credits_))
    assert all(isinstance(outcome, Credited) for outcome in outcomes)


def _wait_for(since: datetime) -> None:
    until = time.monotonic() + MAX_WAIT_SECONDS
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM charging_creditorder WHERE ordered_at >= %s AND state <> 'confirmed'",
                [since],
            )
            if cursor.fetchone() == (0,):
                return
            assert time.monotonic() < until
            time.sleep(0.1)


def _seconds_until_confirmed(since: datetime) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(confirmed_at) - min(ordered_at))::float8"
            " FROM charging_creditorder WHERE ordered_at >= %s",
            [since],
        )
        return float(cursor.fetchone()[0])


def _lags(since: datetime) -> tuple[float, float]:
    """Tell the median and the 99 % of the milliseconds from a grant to its confirmation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP"
            " (ORDER BY extract(epoch FROM confirmed_at - ordered_at) * 1000)"
            " FROM charging_creditorder WHERE ordered_at >= %s",
            [since],
        )
        p50, p99 = cursor.fetchone()[0]
        return float(p50), float(p99)
