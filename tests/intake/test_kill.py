"""An import that is killed again and again ends where an undisturbed one ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from selbsthelfer.intake.importing import key_of
from tests.intake.importing_support import MAX_WAIT_SECONDS, Commands, Server, import_server
from tests.intake.mixed_facts import MixedFacts

KILLS = 50
LINES = 80
BATCH = 50
"""Small batches make many commits, so that the kills fall between and inside many transactions."""

NOW = datetime.now(UTC).replace(microsecond=0)
"""No fact of the file is newer, so what tells of a later instant tells of the run."""

TIME_OF_RUN = {
    ("charging_creditorder", "confirmed_at"): "NULL",
    ("charging_creditorder", "ordered_at"): "NULL",
    ("contacts_crisis", "swept_at"): "NULL",
    ("intake_line", "earlier_frontier_at"): "NULL",
    ("intake_line", "frontier_at"): f"least(frontier_at, '{NOW}')",
    ("intake_parked", "parked_at"): "NULL",
    ("intake_reject", "first_rejected_at"): "NULL",
    ("intake_reject", "reason"): "CASE WHEN code = 'in_future' THEN '' ELSE reason END",
    ("intake_reject", "times"): "NULL",
    ("outbox_message", "created_at"): "NULL",
    ("outbox_message", "message_id"): "NULL",
    ("outbox_message", "sent_at"): "NULL",
    # A projection of the last decision, whichever instant that was for; what follows from it is compared.
    ("programmes_enrolment", "missed_mask"): "NULL",
}
"""What to read instead of columns that tell when or how often the command ran; all else must be the same."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with import_server() as made:
        yield made


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write two files of facts of every kind: some thousands for the kills, and what comes after."""
    folder = tmp_path_factory.mktemp("facts")
    early, late = folder / "early.jsonl", folder / "late.jsonl"
    written = MixedFacts(seed=1, now=NOW, lines=LINES).written()
    is_late = [key_of(raw, 0)[0][0] > NOW - timedelta(days=45) for raw in written]
    early.write_bytes(b"\n".join(raw for raw, later in zip(written, is_late, strict=True) if not later))
    late.write_bytes(b"\n".join(raw for raw, later in zip(written, is_late, strict=True) if later))
    return early, late


@dataclass(frozen=True)
class Kill:
    """What was true when the process was killed."""

    code: int
    keys: int
    in_transaction: bool


class Watch:
    """Looks into a database while a command works on it."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def keys(self) -> int:
        return int(self._one("SELECT count(*) FROM intake_key"))

    def in_transaction(self) -> bool:
        """Tell whether the command has a transaction open at this moment."""
        return bool(
            self._one(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND xact_start IS NOT NULL"
            )
        )

    def close(self) -> None:
        self._connection.close()

    def _one(self, query: LiteralString) -> Any:
        ((found,),) = self._connection.execute(query).fetchall()
        return found


def test_fifty_kills_leave_no_trace(server: Server, facts: tuple[Path, Path], tmp_path: Path) -> None:
    random = Random(50)
    calm, harried = server.database(), server.database()
    options = ("--json", "--rejects", tmp_path / "rejects.jsonl")
    arguments, later = (("import", "facts", path, *options) for path in facts)
    with Commands(tmp_path) as commands:
        told = commands.run(calm, *arguments).summary
        assert told["accepted"] > 2_000
        assert min(told["parked"], told["rejected"], told["known"], told["released"]) > 5
        watch = Watch(harried)
        total = told["accepted"]
        kills = []
        for goal in sorted(random.uniform(0, 1) for _ in range(KILLS)):
            running = commands.start(harried, *arguments, "--batch", BATCH)
            in_transaction = _kill_at(running.process, watch, goal * total, random)
            kills.append(Kill(running.end().code, watch.keys(), in_transaction))
        last = commands.run(harried, *arguments, "--batch", BATCH).summary
        again = commands.run(harried, *arguments, "--batch", BATCH).summary
        total = watch.keys()
        watch.close()
        for url in (calm, harried):
            assert commands.run(url, *later).summary["accepted"] > 200
    assert again["accepted"] == again["released"] == 0
    assert again["known"] + again["parked"] + again["rejected"] == last["facts"]
    killed = [kill for kill in kills if kill.code == -signal.SIGKILL]
    assert len(killed) >= 0.9 * KILLS
    assert sum(0 < kill.keys < total for kill in killed) >= 0.8 * KILLS
    assert sum(kill.in_transaction for kill in killed) >= 0.4 * KILLS
    assert len({kill.keys for kill in killed}) >= 0.4 * KILLS
    assert_same_content(calm, harried)


def _kill_at(process: int, watch: Watch, keys: float, random: Random) -> bool:
    """Kill a command soon after so many facts are taken; tell whether it was in a transaction."""
    limit = monotonic() + MAX_WAIT_SECONDS
    while watch.keys() < keys and _lives(process) and monotonic() < limit:
        sleep(0.003)
    sleep(random.uniform(0, 0.015))
    in_transaction = watch.in_transaction()
    if _lives(process):
        os.kill(process, signal.SIGKILL)
    return in_transaction


def _lives(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def assert_same_content(one: str, other: str) -> None:
    """Compare every table of two databases, all columns but those that tell of the run."""
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    different = [table for table in first if first[table] != second[table]]
    assert not different, {t: (set(first[t]) ^ set(second[t])) for t in different}
    filled = {table for table, rows in first.items() if rows}
    assert {
        "intake_key",
        "intake_parked",
        "intake_reject",
        "programmes_release",
        "allowances_entry",
    } <= filled
    assert {"charging_creditorder", "contacts_contact", "activities_activity"} <= filled


def contents(url: str) -> dict[str, list[str]]:
    """Return the rows of every table, sorted, as text."""
    with psycopg.connect(url) as connection:
        columns: dict[str, list[sql.Composable]] = {}
        for table, column in connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, 2"
        ):
            if table != "django_migrations":
                told = TIME_OF_RUN.get((table, column))
                columns.setdefault(table, []).append(sql.SQL(told) if told else sql.Identifier(column))
        return {table: _rows(connection, table, named) for table, named in columns.items()}


def _rows(connection: psycopg.Connection[Any], table: str, columns: list[sql.Composable]) -> list[str]:
    query = sql.SQL("SELECT ROW({})::text FROM {}").format(sql.SQL(", ").join(columns), sql.Identifier(table))
    return sorted(row[0] for row in connection.execute(query))
