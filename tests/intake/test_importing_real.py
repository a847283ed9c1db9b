"""Real call records through the commands, against the figures of their README and against the rules."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake import real_log
from tests.intake.importing_support import BANK, ROOT, Commands, Server, import_server, rows

QUEUE_LOG = BANK / "queue_log-1999-05-16.gz"
LINE = (
    '{"type":"subscriber.registered","source":"crm","id":"%s","subject":"%s","time":"1999-01-01T00:00:00Z",'
    '"data":{"timezone":"Asia/Jerusalem","billing_day":1}}\n'
)

pytestmark = pytest.mark.skipif(
    not BANK.exists(), reason=f"the records of the anonymous bank are not at {BANK}"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with import_server() as made:
        yield made


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("commands")) as made:
        yield made


@pytest.fixture
def url(server: Server) -> str:
    return server.database()


def callers(log: list[str]) -> list[str]:
    """Return the caller id of each call, in order."""
    return [line.split("|")[6] for line in log if "|ENTERQUEUE|" in line]


def register(url: str, commands: Commands, folder: Path, subjects: set[str]) -> None:
    path = folder / "lines.jsonl"
    path.write_text("".join(LINE % (subject, subject) for subject in subjects))
    assert commands.run(url, "import", "facts", path, "--json").summary["accepted"] == len(subjects)


def test_a_day_of_calls_reaches_its_totals_twice(url: str, commands: Commands, tmp_path: Path) -> None:
    log = gzip.decompress(QUEUE_LOG.read_bytes()).decode().splitlines()
    identified = [caller for caller in callers(log) if caller != "anonymous"]
    register(url, commands, tmp_path, set(identified))
    arguments = ("import", "queue-log", QUEUE_LOG, "--callers-are-subjects", "--json")
    for result in ("accepted", "known"):
        told = commands.run(url, *arguments, "--rejects", tmp_path / "rejects").summary
        assert told["calls"] == {"answered": 1_332, "abandoned": 404}
        assert told[result] == told["facts"] == len(identified)
        assert told["unidentified"] == 1_736 - len(identified) > 0
        assert (told["rejected"], told["calls_open"], told["parked"]) == (0, 0, 0)
        by_line = rows(url, "SELECT subject, count(*) FROM contacts_contact JOIN subscribers_subscriber"
                            " USING (subscriber_id) GROUP BY 1")  # fmt: skip
        assert dict(by_line) == Counter(identified)


def test_with_every_caller_known_the_totals_stand_in_the_database(
    url: str, commands: Commands, tmp_path: Path
) -> None:
    text = gzip.decompress(QUEUE_LOG.read_bytes()).decode().replace("anonymous", "walk-in")
    log = tmp_path / "queue_log"
    log.write_text(text)
    register(url, commands, tmp_path, set(callers(text.splitlines())))
    for _ in range(2):
        assert commands.run(url, "import", "queue-log", log, "--callers-are-subjects").code == 0
        assert rows(url, "SELECT outcome, count(*), sum(wait_seconds), round(avg(talk_seconds), 1)::float"
                         " FROM contacts_contact GROUP BY 1 ORDER BY 1") == [
            ("abandoned", 404, 24_638, 0.0),
            ("answered", 1_332, 97_319, 213.6),
        ]  # fmt: skip
        queues = rows(url, "SELECT queue, count(*) FROM contacts_contact GROUP BY 1")
        assert dict(queues) == {"PS": 1_237, "NW": 290, "NE": 167, "TT": 29, "IN": 11, "PE": 2}


def test_a_month_of_calls_is_imported_once(url: str, commands: Commands, tmp_path: Path) -> None:
    (path,) = real_log.bank_files([1])
    with gzip.open(path, "rt") as file:
        table = [row for row in csv.DictReader(file) if row["customer_id"] != "0"]
    calls = [row for row in table if row["outcome"] != "PHANTOM"]
    told = real_log.import_apart(commands, url, tmp_path, [1])
    lines = {row["customer_id"] for row in table}
    assert told["subscribers"]["accepted"] == told["subscribers again"]["known"] == len(lines)
    assert told["contacts"]["accepted"] == told["contacts again"]["known"] == len(calls)
    assert told["contacts"]["unidentified"] == 31_599 - len(table)
    assert told["contacts"]["skipped"] == {"value": len(table) - len(calls)}
    talked = sum(int(row["ser_time"]) for row in calls), sum(int(row["q_time"]) for row in calls)
    assert rows(url, "SELECT sum(talk_seconds), sum(wait_seconds) FROM contacts_contact") == [talked]
    by_line = rows(url, "SELECT subject, count(*) FROM contacts_contact JOIN subscribers_subscriber"
                        " USING (subscriber_id) GROUP BY 1")  # fmt: skip
    assert dict(by_line) == Counter(f"bank-{row['customer_id']}" for row in calls)


def test_a_tenth_of_the_lines_is_decided_as_the_rules_say(url: str) -> None:
    """Decide seven months of calls for these lines, and compare with the rules in plain words."""
    command = [sys.executable, "-m", "tests.intake.real_log", url, "digits=7"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, capture_output=True
    )
    assert ended.returncode == 0, ended.stdout[-2_000:] + ended.stderr[-2_000:]
    assert "grants: 0 found" not in ended.stdout
