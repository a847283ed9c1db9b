"""The import commands, each in a process of its own on a database of its own."""

from __future__ import annotations

import gzip
import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from selbsthelfer.intake.core.columns import read_mapping
from selbsthelfer.intake.core.columns_examples import example_names
from selbsthelfer.intake.operations import MAX_BATCH
from tests.intake.importing_support import Commands, Server, import_server, rows
from tests.intake.mixed_facts import MixedFacts

NOW = datetime.now(UTC).replace(microsecond=0)
LINE = (
    '{"specversion":"1.0","type":"subscriber.registered","source":"crm","id":"r%s","subject":"%s",'
    '"time":"2020-01-01T00:00:00Z","data":{"timezone":"Europe/Berlin","billing_day":1}}'
)
ACTIVITY = (
    '{"specversion":"1.0","type":"selfservice.finished","source":"app","id":"%s","subject":"%s",'
    '"time":"2020-02-03T04:05:06Z","data":{"activity":"bill.view","outcome":"succeeded"}}'
)
MAPPING = """
kind = "contacts"
source = "acd"
[file]
columns = ["line", "number", "ended", "result", "talk", "wanted"]
[subject]
column = "line"
unidentified = ["0"]
[id]
columns = ["number"]
[time]
column = "ended"
zone = "Europe/Berlin"
[data.channel]
value = "hotline"
[data.direction]
value = "inbound"
[data.outcome]
column = "result"
map = { A = "answered", H = "abandoned" }
skip = ["X"]
[data.talk_seconds]
column = "talk"
[data.topic]
column = "wanted"
map = { B = "bill.view" }
default = "unclassified"
"""
HEADER = "line,number,ended,result,talk,wanted"


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


def written(path: Path, *lines: str) -> Path:
    """Write a file; one that ends in .gz is packed."""
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def facts_taken(url: str) -> int:
    ((count,),) = rows(url, "SELECT count(*) FROM intake_key")
    return int(count)


def test_facts_are_taken_once_packed_or_not_in_any_order(
    url: str, commands: Commands, tmp_path: Path
) -> None:
    facts = [ACTIVITY % (f"a{n}", "L1") for n in range(5)] + [LINE % (1, "L1")]
    plain, packed = written(tmp_path / "f.jsonl", *facts), written(tmp_path / "f.jsonl.gz", *reversed(facts))
    first = commands.run(url, "import", "facts", plain, "--json").summary
    assert (first["accepted"], first["known"]) == (6, 0)
    for files in ((plain,), (packed,), (plain, packed)):
        again = commands.run(url, "import", "facts", *files, "--json").summary
        assert (again["accepted"], again["known"]) == (0, 6 * len(files))
    assert facts_taken(url) == 6


def test_each_refusal_is_written_with_its_line(url: str, commands: Commands, tmp_path: Path) -> None:
    good = written(tmp_path / "good.jsonl", LINE % (1, "L1"))
    bad = written(
        tmp_path / "bad.jsonl", LINE % (2, "L2"), "", "{", ACTIVITY.replace("bill.view", "no") % (1, "L2")
    )
    ended = commands.run(url, "import", "facts", good, bad)
    assert ended.code == 0
    assert "accepted                2" in ended.out
    assert "rejected                2" in ended.out
    refusals = [json.loads(line) for line in (tmp_path / "good.jsonl.rejects.jsonl").read_text().splitlines()]
    assert [(Path(r["file"]).name, r["line"], r["field"], r["code"]) for r in refusals] == [
        ("bad.jsonl", 3, None, "broken_line"),
        ("bad.jsonl", 4, "data.activity", "unknown_activity"),
    ]
    assert all(r.keys() == {"file", "line", "field", "code", "reason"} for r in refusals)
    listed = json.loads(commands.run(url, "rejects", "--json", "--code", "unknown_activity").out)
    assert [(row["code"], row["facts"]) for row in listed["counts"]] == [("unknown_activity", 1)]
    assert [row["code"] for row in listed["newest"]] == ["unknown_activity"]
    assert not {"body", "subject"} & listed["newest"][0].keys()
    assert "unknown_activity" in commands.run(url, "rejects", "--limit", 1).out


def test_without_refusals_no_file_is_left(url: str, commands: Commands, tmp_path: Path) -> None:
    told = commands.run(
        url, "import", "facts", written(tmp_path / "f.jsonl", LINE % (1, "L1")), "--json"
    ).summary
    assert told["rejects_file"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["f.jsonl"]
    assert commands.run(url, "rejects").out == "No fact was refused.\n"


def test_a_file_that_cannot_be_read_changes_nothing(url: str, commands: Commands, tmp_path: Path) -> None:
    good = written(tmp_path / "good.jsonl", LINE % (1, "L1"))
    cut = tmp_path / "cut.jsonl.gz"
    packed = gzip.compress("\n".join(ACTIVITY % (n, Random(n).random()) for n in range(2_000)).encode())
    cut.write_bytes(packed[: len(packed) // 2])
    missing = commands.run(url, "import", "facts", good, tmp_path / "no", tmp_path)
    assert missing.code == 2
    assert missing.err.splitlines() == [
        f"{tmp_path / 'no'}: no such file or directory",
        f"{tmp_path}: is a directory",
    ]
    broken = commands.run(url, "import", "facts", good, cut, "--json")
    assert (broken.code, broken.err) == (2, f"{cut}: the packed file is broken or not complete\n")
    assert facts_taken(url) == 0


def test_a_broken_mapping_is_explained_by_line_and_field(
    url: str, commands: Commands, tmp_path: Path
) -> None:
    table = written(tmp_path / "t.csv", HEADER)
    wrong = MAPPING.replace('zone = "Europe/Berlin"', 'zone = "Mars/Base"').replace('value = "inbound"', "")
    mapping = written(tmp_path / "m.toml", *wrong.splitlines()[1:])
    ended = commands.run(url, "import", "contacts", table, "--columns", mapping)
    assert ended.code == 2
    assert ended.err.splitlines() == [
        f"{mapping}:12: time.zone: there is no time zone 'Mars/Base'",
        f"{mapping}:15: data.direction: needs exactly one of value, column, columns, spread",
    ]
    written(mapping, "kind = 'contacts'", "source = ")
    ended = commands.run(url, "import", "contacts", table, "--columns", mapping)
    assert (ended.code, ended.err.startswith(f"{mapping}: line 2: ")) == (2, True)


def test_wrong_use_is_said_in_one_line(url: str, commands: Commands, tmp_path: Path) -> None:
    mapping = written(tmp_path / "m.toml", MAPPING)
    table = written(tmp_path / "t.csv", HEADER + ",more", "1")
    for arguments, said in (
        (
            ("subscribers", table, "--columns", mapping),
            f"{mapping}: this is a mapping of contacts: import contacts",
        ),
        (("contacts", table, "--columns", "no-such"), "no mapping “no-such” comes with the package"),
        (("contacts", table, "--columns", mapping), f"{table}: the first row should be {HEADER}"),
        (("contacts", table, "--columns", tmp_path / "no.toml"), f"{tmp_path / 'no.toml'}: no such file"),
        (
            ("contacts", table, "--columns", mapping, "--rejects", table),
            "this would overwrite the file that is imported",
        ),
        (
            ("contacts", table, "--columns", mapping, "--rejects", tmp_path),
            "this cannot be written",
        ),
        (("queue-log", table, "--country-code", "x"), "--country-code: one to three digits"),
        (("queue-log", table, "--source", ""), "--source: a name has 1 to 200 characters"),
    ):
        ended = commands.run(url, "import", *arguments)
        assert ended.code == 2
        assert said in ended.err.splitlines()[-1]
        assert ended.err.removeprefix("Reading: 0.0 MB\n").count("\n") == 1
        assert ended.out == ""


def test_contacts_are_the_same_whatever_the_order_of_rows(
    server: Server, commands: Commands, tmp_path: Path
) -> None:
    random = Random(5)
    mapping = written(tmp_path / "m.toml", MAPPING)
    lines = written(tmp_path / "lines.jsonl", *(LINE % (n, n) for n in range(1, 9)))
    table = [
        f"{random.randint(0, 8)},{n},2020-{random.randint(2, 11):02}-{random.randint(1, 28):02} 10:00,"
        f"{random.choice('AAAAHX')},{random.randint(0, 900)},{random.choice('BC')}"
        for n in range(600)
    ]
    seen = []
    for _ in range(2):
        url = server.database()
        commands.run(url, "import", "facts", lines)
        random.shuffle(table)
        half = (
            written(tmp_path / "1.csv", HEADER, *table[:300]),
            written(tmp_path / "2.csv.gz", HEADER, *table[300:]),
        )
        told = commands.run(url, "import", "contacts", *half, "--columns", mapping, "--json").summary
        again = commands.run(url, "import", "contacts", *half, "--columns", mapping, "--json").summary
        assert told["accepted"] == again["known"] == told["facts"] > 400
        counted = [told[name] for name in ("accepted", "rejected", "skipped", "unidentified")]
        seen.append((counted, sorted(rows(url, "SELECT * FROM contacts_contact"))))
    assert seen[0] == seen[1]
    assert seen[0][0][2]["value"] > 50


def test_a_row_of_many_lines_is_named_by_its_lines(url: str, commands: Commands, tmp_path: Path) -> None:
    mapping = written(tmp_path / "m.toml", MAPPING)
    good = "1,%s,2020-02-02 10:00,A,60,B"
    table = written(
        tmp_path / "t.csv", HEADER, good % 1, '1,"2', *(good % n for n in range(3, 8)), good % '8"'
    )
    told = commands.run(url, "import", "contacts", table, "--columns", mapping, "--json").summary
    assert (told["facts"], told["rejected_by_code"]) == (1, {"control_character": 1})
    (refusal,) = [json.loads(line) for line in Path(told["rejects_file"]).read_text().splitlines()]
    assert refusal["line"] == 9
    assert "line 3 to 9" in refusal["reason"]


def test_facts_may_be_written_instead_and_taken_together_later(
    server: Server, commands: Commands, tmp_path: Path
) -> None:
    mapping = written(tmp_path / "m.toml", MAPPING)
    rows_of_calls = [f"{n % 9},{n},2020-02-{n % 28 + 1:02} 10:00,A,60,B" for n in range(90)]
    table = written(tmp_path / "t.csv", HEADER, *rows_of_calls, "1,2")
    lines = written(tmp_path / "lines.jsonl", *(LINE % (n, n) for n in range(1, 9)))
    apart, together = server.database(), server.database()
    commands.run(apart, "import", "facts", lines)
    assert commands.run(apart, "import", "contacts", table, "--columns", mapping).code == 0
    calls = tmp_path / "calls.jsonl.gz"
    arguments = ("import", "contacts", table, "--columns", mapping, "--facts-to", calls)
    told = commands.run(together, *arguments, "--json").summary
    assert (told["written"], told["accepted"], told["rejected"], facts_taken(together)) == (80, 0, 1, 0)
    assert "written                80" in commands.run(together, *arguments).out
    times = [json.loads(line)["received"] for line in gzip.decompress(calls.read_bytes()).splitlines()]
    assert times == sorted(times)
    told = commands.run(together, "import", "facts", calls, lines, "--json").summary
    assert (told["accepted"], told["parked"]) == (88, 0)
    query = "SELECT * FROM contacts_contact ORDER BY subscriber_id, happened_at, id"
    assert rows(apart, query) == rows(together, query)


def test_many_unclassified_contacts_are_worth_a_warning(url: str, commands: Commands, tmp_path: Path) -> None:
    mapping = written(tmp_path / "m.toml", MAPPING)
    contacts = [f"1,{n},2020-02-02 10:00,A,60,{'C' if n < 3 else 'B'}" for n in range(10)]
    silent = [f"1,{n},2020-02-02 10:00,H,0,C" for n in range(10, 40)]
    table = written(tmp_path / "t.csv", HEADER, *contacts, *silent)
    ended = commands.run(url, "import", "contacts", table, "--columns", mapping)
    assert "Warning: 30% of the 10 answered contacts are unclassified (more than 20%)" in ended.err
    assert "[data.topic.map]" in ended.err
    written(table, HEADER, *contacts[1:], contacts[-1].replace("1,9,", "1,99,"), *silent)
    assert "Warning" not in commands.run(url, "import", "contacts", table, "--columns", mapping).err


def test_progress_is_lines_where_there_is_no_terminal(url: str, commands: Commands, tmp_path: Path) -> None:
    file = written(tmp_path / "f.jsonl", *(LINE % (n, n) for n in range(30)))
    assert commands.run(url, "import", "facts", file).err == "Reading: 0.0 MB\nTaking: 30 facts\n"
    assert commands.run(url, "import", "facts", file, "--json").err == ""


def test_the_shipped_mappings_are_listed_and_printed(url: str, commands: Commands) -> None:
    listed = commands.run(url, "import", "mappings").out
    for name in example_names():
        assert f"{name}: " in listed
        assert read_mapping(commands.run(url, "import", "mappings", name).out).source
    unknown = commands.run(url, "import", "mappings", "nothing")
    assert (unknown.code, "bank-calls" in unknown.err) == (2, True)


def test_thousands_of_broken_lines_are_refused_one_by_one(
    url: str, commands: Commands, tmp_path: Path
) -> None:
    count = MAX_BATCH + 5
    file = written(tmp_path / "f.jsonl", *(f"{{{n}" for n in range(count)), LINE % (1, "L1"))
    told = commands.run(url, "import", "facts", file, "--json").summary
    assert (told["accepted"], told["rejected_by_code"]) == (1, {"broken_line": count})
    assert len(Path(told["rejects_file"]).read_text().splitlines()) == count


def test_more_facts_at_one_instant_than_a_batch_holds_are_not_taken(
    url: str, commands: Commands, tmp_path: Path
) -> None:
    file = written(tmp_path / "f.jsonl", *(ACTIVITY % (n, "L1") for n in range(MAX_BATCH + 1)))
    ended = commands.run(url, "import", "facts", file)
    assert ended.code == 2
    assert "more than 10000 facts of “L1” were received at 2020-02-03T04:05:06+00:00" in ended.err


@pytest.mark.parametrize("batch", [1, 7])
def test_small_batches_end_where_large_ones_do(
    server: Server, commands: Commands, tmp_path: Path, batch: int
) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\n".join(MixedFacts(seed=2, now=NOW, lines=20).written()))
    releases = []
    for size in (batch, MAX_BATCH):
        url = server.database()
        told = commands.run(url, "import", "facts", file, "--json", "--batch", size).summary
        assert told["released"] > 5
        releases.append(sorted(rows(url, "SELECT * FROM programmes_release")))
    assert releases[0] == releases[1]


def test_an_interrupted_import_says_how_to_go_on(url: str, commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\n".join(MixedFacts(seed=3, now=NOW, lines=40).written()))
    running = commands.start(url, "import", "facts", file, "--batch", 5)
    running.wait_until(lambda: facts_taken(url) >= 50)
    os.kill(running.process, signal.SIGINT)
    ended = running.end()
    assert ended.code == 130
    assert ended.err.splitlines()[-1].startswith("Interrupted. What was taken is safe")
    assert commands.run(url, "import", "facts", file, "--json").summary["known"] >= 50


def test_a_lost_connection_is_said_plainly(url: str, commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\n".join(MixedFacts(seed=3, now=NOW, lines=40).written()))
    running = commands.start(url, "import", "facts", file, "--batch", 5)
    running.wait_until(lambda: facts_taken(url) >= 50)
    rows(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    ended = running.end()
    assert ended.code == 1
    assert "The database is gone" in ended.err
    assert "run the same command again" in ended.err
    assert "Traceback" not in ended.err


def test_nobody_but_the_operator_changes_the_tables_of_a_named_server(
    server: Server, commands: Commands, tmp_path: Path
) -> None:
    file = written(tmp_path / "f.jsonl", LINE % (1, "L1"))
    ended = commands.run(server.empty(), "import", "facts", file)
    assert (ended.code, "selbsthelfer db migrate" in ended.err, ended.err.count("\n")) == (2, True, 1)
