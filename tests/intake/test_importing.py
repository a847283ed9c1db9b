"""What imports are built of: the order of facts, batches, files, numbers, queue rules, progress."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, TextColumn

from selbsthelfer.cli.importing_report import BarSteps, PlainSteps, default_rejects_path
from selbsthelfer.contacts.core.queue_log_callers import spellings_of
from selbsthelfer.intake.core.columns import ColumnMappingErrors
from selbsthelfer.intake.core.columns_queues import is_classified, read_queue_rules
from selbsthelfer.intake.core.validation import MAX_FACT_BYTES
from selbsthelfer.intake.importing import BEFORE_ALL, TooManyAtOnceError, in_batches, open_facts
from selbsthelfer.intake.importing_files import UnreadableFileError, bounded_lines, open_input
from selbsthelfer.intake.importing_order import Entry, FactSorter
from selbsthelfer.intake.operations import MAX_BATCH

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)

entries = st.lists(
    st.tuples(
        st.one_of(
            st.just(BEFORE_ALL),
            st.integers(0, 50).map(lambda n: BEGIN + timedelta(microseconds=n)),
            st.datetimes(datetime(1980, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        ),
        st.text(max_size=3),
        st.integers(0, 2**40),
        st.binary(max_size=5),
    ),
    max_size=60,
)


@given(entries, st.integers(1, 70))
def test_sorting_in_runs_is_sorting(given_entries: list[Entry], run: int) -> None:
    with closing(FactSorter(run)) as sorter:
        for entry in given_entries:
            sorter.add(entry)
        assert list(sorter.ordered()) == sorted(given_entries) == list(sorter.ordered())
        assert sorter.size == len(given_entries)
        assert sorter.last_received_at == max((entry[0] for entry in given_entries), default=None)


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), max_size=40), st.integers(1, 9))
def test_batches_keep_together_what_became_known_together(places: list[tuple[int, str]], limit: int) -> None:
    keys = sorted((BEGIN + timedelta(seconds=second), line) for second, line in places)
    batches = list(in_batches(((key, n, b"") for n, key in enumerate(keys)), limit))
    assert [number for batch in batches for number, _ in batch] == list(range(len(keys)))
    homes: dict[tuple[datetime, str], set[int]] = {}
    for nth, batch in enumerate(batches):
        for number, _ in batch:
            homes.setdefault(keys[number], set()).add(nth)
        assert len(batch) <= limit or len({keys[number] for number, _ in batch}) == 1
    assert all(len(nths) == 1 for nths in homes.values())


def test_too_many_facts_at_one_instant_are_named() -> None:
    same: Iterator[tuple[tuple[datetime, str], int, bytes]] = (((BEGIN, "L"), n, b"") for n in range(20_000))
    with pytest.raises(TooManyAtOnceError, match=f"more than {MAX_BATCH} facts of “L”"):
        list(in_batches(same))


def fact(time: str, received: str | None = None, subject: str = "L") -> bytes:
    told = f',"received":"{received}"' if received else ""
    return (
        f'{{"type":"selfservice.finished","id":"1","source":"s","subject":"{subject}","time":"{time}"{told},'
        f'"data":{{"activity":"bill.view","outcome":"succeeded"}}}}'
    ).encode()


@pytest.mark.parametrize("name", ["facts.jsonl", "facts.jsonl.gz", "packed without saying so"])
def test_facts_come_in_the_order_in_which_they_were_received(tmp_path: Path, name: str) -> None:
    crisis = (
        b'{"type":"crisis.declared","id":"1","source":"s","time":"2020-01-02T00:00:00Z",'
        b'"data":{"from":"2020-01-01T00:00:00Z","until":"2020-01-03T00:00:00Z"}}'
    )
    lines = [
        fact("2020-01-05T00:00:00Z"),
        fact("2020-01-01T00:00:00Z", "2020-01-04T00:00:00+01:00"),
        b"rubbish",
        b"   ",
        fact("2020-01-02T00:00:00Z", "2020-01-01T00:00:00Z"),
        crisis,
        fact("9999-12-31T23:59:59-10:00"),
        b"x" * (MAX_FACT_BYTES + 9),
    ]
    content = b"\r\n".join(lines)
    path = tmp_path / name
    path.write_bytes(content if name.endswith(".jsonl") else gzip.compress(content))
    with open_facts(path) as file:
        assert file.size == 7
        assert file.last_received_at == datetime(2020, 1, 5, tzinfo=UTC)
        found = list(file.facts())
    assert [line for _, line, _ in found] == [3, 7, 8, 6, 5, 2, 1]
    by_line = {line: raw for _, line, raw in found}
    assert all(by_line[n] == lines[n - 1] for n in (1, 2, 3, 5, 6, 7))
    long = by_line[8]
    assert isinstance(long, bytes)
    assert MAX_FACT_BYTES < len(long) <= MAX_FACT_BYTES + 2


def test_an_empty_file_has_no_facts(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with open_facts(path) as file:
        assert (file.size, file.last_received_at, list(file.facts())) == (0, None, [])


def test_a_broken_packed_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "facts.gz"
    path.write_bytes(gzip.compress(fact("2020-01-05T00:00:00Z") * 99)[:-9])
    with pytest.raises(UnreadableFileError, match=r"facts\.gz: the packed file is broken"), open_facts(path):
        pass


@given(st.text("ab\n", max_size=60), st.integers(1, 8))
def test_long_lines_are_cut_and_no_line_is_lost(text: str, longest: int) -> None:
    lines = list(bounded_lines(io.StringIO(text, newline="\n"), longest))
    whole = text.splitlines(keepends=True)
    assert len(lines) == len(whole)
    for line, original in zip(lines, whole, strict=True):
        assert original.startswith(line)
        assert line == original or len(line) > longest


def test_what_is_no_text_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"good\n\xff\xfe\n")
    with open_input(path) as file:
        good, bad = file.text("utf-8", newline="\n")
        assert (good, bad.isprintable()) == ("good\n", False)


@pytest.mark.parametrize(
    ("caller", "country_code", "spelled"),
    [
        ("+49 170-1", None, {"+49 170-1", "+491701", "491701", "00491701"}),
        ("0170 12", "49", {"0170 12", "017012", "+4917012", "4917012", "004917012"}),
        ("004917012", "49", {"017012", "+4917012", "4917012", "004917012"}),
        ("+431234", "49", {"+431234", "431234", "00431234"}),
        ("0170", None, {"0170", "+0170", "000170"}),
        ("Zentrale", "49", {"Zentrale"}),
        ("12", None, {"12"}),
        ("1" * 17, None, {"1" * 17}),
        ("٣٣٣٣", None, {"٣٣٣٣"}),
    ],
)
def test_spellings_of_a_number(caller: str, country_code: str | None, spelled: set[str]) -> None:
    found = spellings_of(caller, country_code)
    assert set(found) == spelled
    assert found[0] == caller


@pytest.mark.parametrize(
    "text", ["", "queues = 1", "[other]\nx = 1", "[queues]\na = 1", "[queues.a]\ntopic = ''", "["]
)
def test_unusable_queue_rules_are_refused(text: str) -> None:
    with pytest.raises(ColumnMappingErrors):
        read_queue_rules(text)


def test_known_topics_are_classified() -> None:
    assert is_classified("bill.view")
    assert is_classified("fault")
    assert not any(map(is_classified, (None, "", "unclassified", "nonsense")))


def test_a_terminal_sees_a_bar_with_its_rate() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100)
    with Progress(TextColumn("{task.description} {task.completed}"), console=console) as bars:
        steps = BarSteps(bars)
        steps.begin("Taking", 10, "facts")
        steps.advance(4)
        steps.advance(6)
    assert "Taking 10" in shown.getvalue()


def test_a_log_sees_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instants = iter([0.0, 0.0, 5.0, 20.0])
    monkeypatch.setattr("selbsthelfer.cli.importing_report.monotonic", lambda: next(instants))
    steps = PlainSteps()
    steps.begin("Taking", 8_000, "facts")
    steps.advance(1_000)
    steps.advance(1_000)
    assert capsys.readouterr().err.splitlines() == [
        "Taking: 8,000 facts",
        "Taking: 25%, 100 facts/s, about 60 s left",
    ]


def test_refusals_are_written_beside_the_file_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_rejects_path(tmp_path / "a.csv") == tmp_path / "a.csv.rejects.jsonl"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert default_rejects_path(tmp_path / "a.csv") == Path.cwd() / "a.csv.rejects.jsonl"
