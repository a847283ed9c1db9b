"""What a repetition must not change; the marked tests show where it still does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.intake.importing_support import Commands, Server, import_server, rows


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with import_server() as made:
        yield made


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("commands")) as made:
        yield made


def fact(kind: str, id_: str, day: str, **data: Any) -> str:
    """Write a fact of the one line; a crisis has none."""
    told = {"type": kind, "source": "test", "id": id_, "time": f"2024-{day}T00:00:00Z", "data": data}
    return json.dumps(told if kind == "crisis.declared" else told | {"subject": "L"})


def activity(id_: str, day: str) -> str:
    return fact("selfservice.finished", id_, day, activity="bill.view", outcome="succeeded")


def call(id_: str, day: str, topic: str) -> str:
    known = {"channel": "hotline", "direction": "inbound", "outcome": "answered", "talk_seconds": 100}
    return fact("contact.ended", id_, day, topic=topic, **known)


def crisis(id_: str, day: str, start: str, end: str) -> str:
    return fact(
        "crisis.declared", id_, day, **{"from": f"2024-{start}T00:00:00Z", "until": f"2024-{end}T00:00:00Z"}
    )


REGISTERED = fact("subscriber.registered", "r", "01-01", timezone="UTC", billing_day=1)
ENROLLED = fact("programme.enrolled", "e", "01-01", programme="o2-2017", variant="treatment")


def written(path: Path, *facts: str) -> Path:
    path.write_text("\n".join(facts))
    return path


def test_a_repetition_costs_nobody_a_tranche(server: Server, commands: Commands, tmp_path: Path) -> None:
    """A stage is missed, a crisis is declared, and an agent puts right the call that cost the stage."""
    until_may = written(
        tmp_path / "until_may.jsonl",
        REGISTERED,
        ENROLLED,
        activity("a2", "02-05"),
        call("c1", "02-10", "bill.view"),
        call("c2", "05-07", "use.view"),
        crisis("k", "05-10", "05-06", "05-09"),
        fact(
            "contact.reclassified",
            "x",
            "05-12",
            contact={"source": "test", "id": "c1"},
            counts=False,
            reason="fault",
        ),
    )
    june = written(tmp_path / "june.jsonl", activity("a6", "06-05"))
    released = []
    for files in ((until_may, june), (until_may, until_may, june)):
        url = server.database()
        for file in files:
            commands.run(url, "import", "facts", file)
        released.append(rows(url, 'SELECT "index", bytes FROM programmes_release'))
    assert released[0] == [(6, 100_000_000)]
    assert released[1] == released[0]


def test_a_fact_that_was_parked_too_long_enters_when_it_is_sent_again(
    server: Server, commands: Commands, tmp_path: Path
) -> None:
    """Only waiting ends after 30 days: a fact that arrives when its line is registered does not wait."""
    late = REGISTERED.replace("2024-01-01", "2024-04-01")
    file = written(tmp_path / "facts.jsonl", activity("a2", "02-05"), late)
    url = server.database()
    told = commands.run(url, "import", "facts", file, "--json").summary
    assert told["rejected_by_code"] == {"parked_too_long": 1}
    told = commands.run(url, "import", "facts", file, "--json").summary
    assert told["rejected_by_code"] == {}


def test_history_in_one_file_is_decided_as_it_was_received(
    server: Server, commands: Commands, tmp_path: Path
) -> None:
    """A call that is taken after an activity it came before cannot take back what that released."""
    line = written(tmp_path / "line.jsonl", REGISTERED, ENROLLED)
    calls = written(tmp_path / "calls.jsonl", call("c1", "02-10", "bill.view"))
    activities = written(tmp_path / "activities.jsonl", activity("a2", "02-05"), activity("a4", "04-05"))
    released = []
    for steps in (
        ((line, calls, activities),),
        ((line,), (calls,), (activities,)),
        ((line,), (activities,), (calls,)),
    ):
        url = server.database()
        for files in steps:
            commands.run(url, "import", "facts", *files)
        released.append(rows(url, 'SELECT "index" FROM programmes_release'))
    assert released == [[], [], [(4,)]]
