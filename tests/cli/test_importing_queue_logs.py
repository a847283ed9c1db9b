"""Queue logs through the command: callers, topics, rotated files, calls without an end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from tests.intake.importing_support import Commands, Server, import_server, rows

BEGIN = 1_600_000_000
"""13 September 2020, 12:26:40 UTC."""
REGISTERED = (
    '{"specversion":"1.0","type":"subscriber.registered","source":"crm","id":"r-%s","subject":"%s",'
    '"time":"%s","data":{"timezone":"Europe/Berlin","billing_day":1,"msisdn":"%s"}}'
)
CHANGED = (
    '{"specversion":"1.0","type":"subscriber.changed","source":"crm","id":"c-%s","subject":"%s",'
    '"time":"%s","data":{"msisdn":"%s"}}'
)
ENDED = (
    '{"specversion":"1.0","type":"subscriber.ended","source":"crm","id":"e-%s","subject":"%s","time":"%s"}'
)
CONTACTS = (
    "SELECT s.subject, c.id, c.source, extract(epoch FROM c.happened_at)::bigint, c.channel, c.direction,"
    " c.outcome, c.wait_seconds, c.talk_seconds, c.topic, c.queue FROM contacts_contact c"
    " JOIN subscribers_subscriber s USING (subscriber_id) ORDER BY c.happened_at, c.id"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with import_server() as made:
        yield made


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("commands")) as made:
        yield made


def call(number: int, caller: str, *, at: int = 0, queue: str = "billing", talk: int = 90) -> list[str]:
    """Return the lines of a call that waits 20 seconds and is served."""
    entered, unique = BEGIN + at, f"{BEGIN}.{number}"
    return [
        f"{entered}|{unique}|{queue}|NONE|ENTERQUEUE||{caller}|1",
        f"{entered + 20}|{unique}|{queue}|Agent/7|CONNECT|20|{unique}|0",
        f"{entered + 20 + talk}|{unique}|{queue}|Agent/7|COMPLETECALLER|20|{talk}|1",
    ]


def abandoned(number: int, caller: str, *, at: int = 0) -> list[str]:
    """Return the lines of a call that is given up after 50 seconds."""
    entered, unique = BEGIN + at, f"{BEGIN}.{number}"
    return [
        f"{entered}|{unique}|billing|NONE|ENTERQUEUE||{caller}|1",
        f"{entered + 50}|{unique}|billing|NONE|ABANDON|1|1|50",
    ]


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture
def url(server: Server, commands: Commands, tmp_path: Path) -> str:
    """Return a database with lines whose numbers have moved about."""
    made = server.database()
    facts = [
        REGISTERED % ("a", "anna", "2020-01-01T00:00:00Z", "+491701"),
        REGISTERED % ("b", "ben", "2020-01-01T00:00:00Z", "+491702"),
        CHANGED % ("a", "anna", "2020-09-13T13:00:00Z", "+491703"),
        REGISTERED % ("c", "cem", "2020-09-13T14:00:00Z", "+491701"),
        ENDED % ("b", "ben", "2020-09-13T15:00:00Z"),
        REGISTERED % ("d", "dora", "2020-01-01T00:00:00Z", "+491704"),
        REGISTERED % ("e", "emil", "2020-01-01T00:00:00Z", "+491704"),
        REGISTERED % ("7", "7001", "2020-01-01T00:00:00Z", "+491705"),
    ]
    told = commands.run(made, "import", "facts", written(tmp_path / "lines.jsonl", facts), "--json").summary
    assert told["accepted"] == len(facts)
    return made


def test_a_call_is_of_the_line_that_had_the_number_then(url: str, commands: Commands, tmp_path: Path) -> None:
    hour = 3_600
    log = written(
        tmp_path / "queue_log",
        [
            *call(1, "+491701"),  # Anna's until 13:00
            *call(2, "+491701", at=hour),  # nobody's until 14:00
            *call(3, "+491701", at=2 * hour),  # Cem's from then on
            *call(4, "+491703", at=hour),  # Anna's new one
            *abandoned(5, "+491702", at=hour),  # Ben's
            *call(6, "+491702", at=3 * hour),  # nobody's: Ben has ended
            *call(7, "+491704", at=hour),  # Dora's or Emil's
            *call(8, "+491799", at=hour),
            *call(9, "anonymous", at=hour),
        ],
    )
    told = commands.run(url, "import", "queue-log", log, "--json").summary
    assert (told["accepted"], told["unidentified"], told["rejected"]) == (4, 5, 0)
    assert told["calls"] == {"abandoned": 1, "answered": 8}
    taken = rows(url, CONTACTS)
    key = f"{BEGIN}.%d/billing/%d"
    kept = ("hotline", "inbound", "answered", 20, 90, "unclassified", "billing")
    lost = ("hotline", "inbound", "abandoned", 50, 0, "unclassified", "billing")
    assert sorted(taken) == [
        ("anna", key % (1, BEGIN), "asterisk-queue-log", BEGIN + 110, *kept),
        ("anna", key % (4, BEGIN + hour), "asterisk-queue-log", BEGIN + hour + 110, *kept),
        ("ben", key % (5, BEGIN + hour), "asterisk-queue-log", BEGIN + hour + 50, *lost),
        ("cem", key % (3, BEGIN + 2 * hour), "asterisk-queue-log", BEGIN + 2 * hour + 110, *kept),
    ]
    assert rows(url, "SELECT count(*) FROM intake_parked") == [(0,)]


@pytest.mark.parametrize("caller", ["01702", "0049 1702", "+49 (170) 2", "491702", "+491702"])
def test_a_number_may_be_written_in_many_ways(
    url: str, commands: Commands, tmp_path: Path, caller: str
) -> None:
    log = written(tmp_path / "queue_log", call(1, caller))
    told = commands.run(url, "import", "queue-log", log, "--country-code", "+49", "--json").summary
    assert told["accepted"] == 1


def test_caller_ids_may_be_the_operator_s_own(url: str, commands: Commands, tmp_path: Path) -> None:
    log = written(tmp_path / "queue_log", [*call(1, "7001"), *call(2, "7002"), *call(3, "+491701")])
    told = commands.run(url, "import", "queue-log", log, "--callers-are-subjects", "--json").summary
    assert (told["accepted"], told["parked"], told["unidentified"]) == (1, 0, 2)
    short = written(tmp_path / "short", call(1, "1", at=50))
    arguments = ("import", "queue-log", short, "--callers-are-subjects", "--subject-prefix", "700", "--json")
    assert commands.run(url, *arguments).summary["accepted"] == 1


def test_queues_have_topics(url: str, commands: Commands, tmp_path: Path) -> None:
    queues = written(
        tmp_path / "queues.toml",
        [
            '[queues.billing]\ntopic = "bill.view"',
            '[queues."block SIM"]\ntopic = "loss"\nchannel = "sim_block"',
            '[queues.back]\ndirection = "callback"',
        ],
    )
    log = [*call(1, "+491701"), *call(2, "+491701", queue="block SIM"), *call(3, "+491701", queue="back")]
    path = written(tmp_path / "queue_log", [*log, *call(4, "+491701", queue="other")])
    told = commands.run(
        url, "import", "queue-log", path, "--queues", queues, "--source", "pbx", "--json"
    ).summary
    assert (told["answered_contacts"], told["unclassified_contacts"]) == (4, 2)
    assert "--queues" in told["warnings"][0]
    query = "SELECT queue, topic, channel, direction, source FROM contacts_contact ORDER BY queue"
    assert rows(url, query) == [
        ("back", "unclassified", "hotline", "callback", "pbx"),
        ("billing", "bill.view", "hotline", "inbound", "pbx"),
        ("block SIM", "loss", "sim_block", "inbound", "pbx"),
        ("other", "unclassified", "hotline", "inbound", "pbx"),
    ]


def test_wrong_queues_are_explained(url: str, commands: Commands, tmp_path: Path) -> None:
    queues = written(
        tmp_path / "queues.toml",
        [
            "[queues.a]",
            'topic = "nonsense"',
            "[queues.b]",
            'topics = "fault"',
            "[queues.c]",
            'direction = "up"',
            "x=1",
        ],
    )
    log = written(tmp_path / "queue_log", call(1, "+491701"))
    ended = commands.run(url, "import", "queue-log", log, "--queues", queues)
    assert ended.code == 2
    assert [line.removeprefix(f"{queues}:") for line in ended.err.splitlines()] == [
        "2: queues.a.topic: “nonsense” is neither an activity of the catalogue nor an exempt topic",
        "3: queues.b: Object contains unknown field `topics`",
        "6: queues.c.direction: Invalid enum value 'up'",
    ]


def test_calls_without_an_end_are_counted_only(url: str, commands: Commands, tmp_path: Path) -> None:
    entered = [line for n in range(3) for line in call(n, "+491701", at=n)[:2]]
    restarted = [*entered[:2], f"{BEGIN + 60}|NONE|NONE|NONE|QUEUESTART|"]
    expired = [*entered[2:4], *call(9, "+491701", at=50_000)]
    log = written(tmp_path / "queue_log", [*restarted, *expired, *entered[4:]])
    told = commands.run(url, "import", "queue-log", log, "--json").summary
    assert told["calls"] == {"answered": 1, "expired": 1, "lost": 1}
    assert (told["accepted"], told["unidentified"], told["rejected"], told["calls_open"]) == (1, 0, 0, 1)


def test_broken_lines_are_refused_without_the_number(url: str, commands: Commands, tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(
        "\n".join(
            [
                *call(1, "+491701"),
                "x|1.1|billing|NONE|ENTERQUEUE||+491702|1",
                *call(2, "+491702", at=9)[1:2],
                "16",
            ]
        )
    )
    told = commands.run(url, "import", "queue-log", log, "--json").summary
    assert (told["accepted"], told["rejected_by_code"]) == (
        1,
        {"bad_time": 1, "no_entry": 1, "unfinished": 1},
    )
    text = Path(told["rejects_file"]).read_text()
    assert [json.loads(line)["line"] for line in text.splitlines()] == [4, 5, 6]
    assert "+4917" not in text


def test_a_log_that_grows_completes_its_open_calls(url: str, commands: Commands, tmp_path: Path) -> None:
    first, second = call(1, "+491701"), call(2, "+491702", at=30)
    path = written(tmp_path / "queue_log", [first[0], second[0], first[1]])
    arguments = ("import", "queue-log", path)
    told = commands.run(url, *arguments, "--json").summary
    assert (told["accepted"], told["calls_open"]) == (0, 2)
    assert "calls without an end yet: import this file again" in commands.run(url, *arguments).out
    written(path, [first[0], second[0], first[1], first[2]])
    told = commands.run(url, *arguments, "--json").summary
    assert (told["accepted"], told["known"], told["calls_open"]) == (1, 0, 1)
    rotated = path.rename(tmp_path / "queue_log.1")
    written(path, second[1:])
    alone = commands.run(url, *arguments, "--json").summary
    assert (alone["accepted"], alone["rejected_by_code"]) == (0, {"no_entry": 2})
    told = commands.run(url, *arguments, rotated, "--json").summary
    assert (told["accepted"], told["known"], told["rejected"], told["calls_open"]) == (1, 1, 0, 0)


def test_rotated_and_overlapping_files_give_the_same_contacts(
    server: Server, commands: Commands, tmp_path: Path
) -> None:
    random = Random(8)
    lines = [REGISTERED % (n, n, "2020-01-01T00:00:00Z", f"+4917{n}") for n in range(5)]
    events = [
        line
        for n in range(200)
        for line in random.choice([call, abandoned])(
            n, f"+4917{random.randrange(7)}", at=random.randrange(9_000)
        )
    ]
    events.sort(key=lambda line: int(line.partition("|")[0]))
    seen = []
    for cuts in ([0, 999], [0, 150, 999], [0, 60, 200, 420, 999]):
        url = server.database()
        commands.run(url, "import", "facts", written(tmp_path / "lines", lines))
        parts = [
            written(tmp_path / f"queue_log.{9 - n}", events[max(0, start - 40) : end])
            for n, (start, end) in enumerate(pairwise(cuts))
        ]
        random.shuffle(parts)
        told = commands.run(url, "import", "queue-log", *parts, "--json").summary
        assert (told["calls_open"], told["rejected_by_code"].keys() - {"no_entry"}) == (0, set())
        seen.append(rows(url, CONTACTS))
        again = commands.run(url, "import", "queue-log", *parts, "--json").summary
        assert (again["accepted"], again["known"]) == (0, again["facts"])
    assert len(seen[0]) > 100
    assert seen[0] == seen[1] == seen[2]
