"""A queue log that is followed: calls become contacts within seconds, through rotations and kills."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.cli.test_importing_queue_logs import CONTACTS, REGISTERED, abandoned, call, written
from tests.intake.importing_support import Commands, Running, Server, import_server, rows

MAX_DELAY_SECONDS = 2.5
"""From the line in the log to the contact: a look at the log each second, and the taking."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with import_server() as made:
        yield made


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("commands")) as made:
        yield made


@pytest.fixture
def url(server: Server, commands: Commands, tmp_path: Path) -> str:
    made = server.database()
    facts = [REGISTERED % (n, f"line-{n}", "2020-01-01T00:00:00Z", f"+49170{n}") for n in range(1, 5)]
    commands.run(made, "import", "facts", written(tmp_path / "lines.jsonl", facts))
    return made


def append(path: Path, lines: list[str]) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def await_contacts(running: Running, url: str, count: int) -> float:
    """Wait until so many contacts are there; return how long that took."""
    began_at = monotonic()
    running.wait_until(lambda: len(rows(url, CONTACTS)) >= count)
    return monotonic() - began_at


def test_calls_are_taken_as_they_end_through_a_rotation_and_a_kill(
    server: Server, url: str, commands: Commands, tmp_path: Path
) -> None:
    log, old = tmp_path / "queue_log", tmp_path / "queue_log.1"
    first, second, third, fourth = (call(n, f"+49170{n}", at=30 * n) for n in range(1, 5))
    written(log, [*first, second[0]])
    running = commands.start(url, "import", "queue-log", log, "--follow")
    await_contacts(running, url, 1)

    append(log, second[1:])
    assert await_contacts(running, url, 2) < MAX_DELAY_SECONDS
    append(log, third[:1])
    log.rename(old)
    append(old, third[1:2])  # Asterisk has not been told yet
    append(log, third[2:])
    await_contacts(running, url, 3)
    os.kill(running.process, signal.SIGKILL)
    assert running.end().code == -signal.SIGKILL

    append(log, [*fourth, *abandoned(9, "+491701", at=500), "x", *call(8, "anonymous", at=600)])
    running = commands.start(url, "import", "queue-log", log, old, "--follow", "--json")
    await_contacts(running, url, 5)
    running.wait_until(lambda: (tmp_path / "queue_log.rejects.jsonl").exists())
    os.kill(running.process, signal.SIGTERM)
    told = running.end().summary
    assert (told["accepted"], told["known"], told["unidentified"], told["calls_open"]) == (2, 3, 1, 0)
    assert told["rejected_by_code"] == {"field_count": 1}
    refused = json.loads((tmp_path / "queue_log.rejects.jsonl").read_text())
    assert (refused["file"], refused["line"]) == (str(log), 7)

    at_once = server.database()
    commands.run(at_once, "import", "facts", tmp_path / "lines.jsonl")
    commands.run(at_once, "import", "queue-log", log, old)
    assert rows(url, CONTACTS) == rows(at_once, CONTACTS)


def test_what_intake_refuses_is_told_with_its_line(url: str, commands: Commands, tmp_path: Path) -> None:
    in_2090 = [line.replace("16000", "38000") for line in call(1, "+491701")]
    log = written(tmp_path / "queue_log", [*in_2090, *call(2, "+491702", at=9)[:1]])
    running = commands.start(url, "import", "queue-log", log, "--follow")
    running.wait_until(lambda: rows(url, "SELECT code FROM intake_reject") == [("in_future",)])
    os.kill(running.process, signal.SIGINT)
    ended = running.end()
    assert (ended.code, "in_future" in ended.out) == (0, True)
    assert json.loads((tmp_path / "queue_log.rejects.jsonl").read_text())["line"] == 3


def test_following_takes_and_writes_no_file(url: str, commands: Commands, tmp_path: Path) -> None:
    log = written(tmp_path / "queue_log", call(1, "+491701"))
    ended = commands.run(url, "import", "queue-log", log, "--follow", "--facts-to", tmp_path / "facts.jsonl")
    assert (ended.code, "--facts-to" in ended.err) == (2, True)
    ended = commands.run(url, "import", "queue-log", tmp_path / "none", "--follow")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
