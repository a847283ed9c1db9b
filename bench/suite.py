"""The measurements, each beside its baseline."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

from django.db import connection, transaction

from bench.copying import copy, index_list, prepare
from bench.measuring import Figure, in_turn, peak_megabytes, seconds
from bench.world import NOW, World, batches, judge_all
from selbsthelfer.intake.operations import Terms, accept

__all__ = ["index_list", "measure", "two_workers", "work"]

_BARE_ROWS = """
SELECT e.subscriber_id, a.happened_at, a.id
FROM programmes_enrolment e JOIN activities_activity a ON a.subscriber_id = e.subscriber_id
UNION ALL
SELECT e.subscriber_id, c.happened_at, c.id
FROM programmes_enrolment e JOIN contacts_contact c ON c.subscriber_id = e.subscriber_id
"""


def measure(world: World, size: int, rounds: int) -> list[Figure]:
    """Measure deciding, intake and usage on a loaded world."""
    return [*_deciding(), *_intake(world, size, rounds), _usage(world, size), _memory()]


def _deciding() -> list[Figure]:
    """Decide all stages, against a join that hands over the same enrolments, activities and contacts."""
    bare = min(seconds(_bare_join) for _ in range(2))
    ours = min(seconds(judge_all) for _ in range(2))
    return [Figure("decide all stages", ours, "s", bare, ours / bare, "<= 3")]


def _bare_join() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '64MB'")
        cursor.execute(f"CREATE TEMPORARY TABLE bare ON COMMIT DROP AS {_BARE_ROWS}")


def _intake(world: World, size: int, rounds: int) -> list[Figure]:
    """Take batches in the mix of the plan, against a bare COPY into the same tables."""
    facts = list(batches(world, rounds + 2, size, "intake"))
    copies = [prepare(world, size, f"copy{n}") for n in range(rounds + 2)]
    for n in (rounds, rounds + 1):
        accept(facts[n], terms=Terms(now=NOW))
        copy(copies[n])
    ours, bare = in_turn(lambda n: accept(facts[n], terms=Terms(now=NOW)), lambda n: copy(copies[n]), rounds)
    return [
        Figure("intake, one worker", size / ours, "facts/s", size / bare, bare / ours, ">= 0.333"),
        Figure("time per fact", ours / size * 1e6, "µs"),
    ]


def _usage(world: World, size: int) -> Figure:
    """Burn one usage fact each on as many lines as a batch has facts."""
    lines = (world.settled + world.ready)[:size]
    at = (NOW - timedelta(minutes=2)).isoformat()
    facts = [
        f'{{"specversion":"1.0","id":"u{n}-{{round}}","source":"/usage","type":"usage.recorded",'
        f'"subject":"{line}","time":"{at}","data":{{"bytes":50000000}}}}'
        for n, line in enumerate(lines)
    ]
    for round_ in ("first", "second"):
        batch = [fact.replace("{round}", round_).encode() for fact in facts]
        ours = seconds(lambda batch=batch: accept(batch, terms=Terms(now=NOW)))  # type: ignore[misc]
    return Figure("usage burned", len(facts) / ours, "facts/s")


def _memory() -> Figure:
    return Figure("peak memory of the process", peak_megabytes(), "MB")


def work(world: World, size: int, rounds: int, name: str) -> None:
    """Make batches on one half of the lines, say so, wait for a word, and send them: one of two workers.

    A feed is partitioned by line, as any queue with keys does it: batches that share lines take turns.
    """
    for lines in (world.ready, world.settled):
        lines[:] = lines[: len(lines) // 2] if name == "one" else lines[len(lines) // 2 :]
    facts = list(batches(world, rounds + 1, size, f"worker-{name}"))
    accept(facts.pop(), terms=Terms(now=NOW))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for batch in facts:
        accept(batch, terms=Terms(now=NOW))
    sys.stdout.write("done\n")
    sys.stdout.flush()


def two_workers(workers: list[subprocess.Popen[bytes]], size: int, rounds: int) -> Figure:
    """Time two workers that send their batches at the same time, from the first word to the last commit."""
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    start = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    elapsed = time.perf_counter() - start
    for worker in workers:
        worker.communicate()
    return Figure(
        "intake, two workers, each with its half of the lines",
        len(workers) * rounds * size / elapsed,
        "facts/s",
        goal=">= 50000",
    )
