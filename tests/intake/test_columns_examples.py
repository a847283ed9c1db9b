"""The example mappings on the files they were written for."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS
from selbsthelfer.intake.core.columns import (
    ColumnMapping,
    RowReject,
    RowResult,
    Skipped,
    Unidentified,
    facts_from_rows,
    read_mapping,
)
from selbsthelfer.intake.core.facts import ContactFinished, SubscriberRegistered

DATA = Path(__file__).parents[2].parent / "shared" / "data"
JERUSALEM = ZoneInfo("Asia/Jerusalem")


def example(name: str) -> ColumnMapping:
    """Read a mapping that comes with the package."""
    return read_mapping((files("selbsthelfer.intake") / "examples" / f"{name}.toml").read_text("utf-8"))


def data_files(folder: str, pattern: str) -> list[Path]:
    """Return the files of a data set, or skip the test."""
    found = sorted((DATA / folder).glob(pattern))
    if not found:
        pytest.skip(f"the data set {folder} is not at {DATA}")
    return found


def results(paths: list[Path], mapping: ColumnMapping) -> Iterator[tuple[list[str], RowResult]]:
    """Yield each row of the files with what it became."""
    seen: set[str] = set()
    for path in paths:
        with gzip.open(path, "rt", newline="", encoding=mapping.file.encoding) as packed:
            rows = list(csv.reader(packed, delimiter=mapping.file.delimiter))
        yield from zip(rows[1:], facts_from_rows(rows, mapping, seen=seen), strict=True)


def kinds(made: Iterator[tuple[list[str], RowResult]]) -> Counter[str]:
    """Count the results by kind and reason."""
    counts: Counter[str] = Counter()
    for _, item in made:
        reason = f" {item.field} {item.reason}" if isinstance(item, RowReject | Skipped) else ""
        counts[type(item).__name__ + reason] += 1
    return counts


@pytest.mark.parametrize("name", ["bank-calls", "bank-subscribers", "telco-subscribers"])
def test_an_example_is_a_valid_mapping(name: str) -> None:
    assert example(name).source


def test_the_topics_of_the_bank_are_those_of_the_house() -> None:
    rule = example("bank-calls").data["topic"]
    assert rule.map
    assert {*rule.map.values(), rule.default} <= {*CATALOGUE, *EXEMPT_TOPICS}


def test_the_whole_bank_log_becomes_contacts() -> None:
    made = list(results(data_files("anonymous-bank-1999", "calls-*.csv.gz"), example("bank-calls")))
    assert kinds(iter(made)) == {
        "ContactFinished": 123_151,
        "Unidentified": 117_798,
        "Skipped data.outcome value": 1_830,
        "RowReject row field_count": 4,
    }
    contacts = [(row, fact) for row, fact in made if isinstance(fact, ContactFinished)]
    assert len({fact.id for _, fact in contacts}) == 123_151
    assert len({fact.subject for _, fact in contacts}) == 10_532
    assert Counter(fact.data.outcome for _, fact in contacts) == {"answered": 100_478, "abandoned": 22_673}
    answered = [fact for _, fact in contacts if fact.data.outcome == "answered"]
    assert sum((fact.data.talk_seconds or 0) < 10 for fact in answered) == 7_400
    assert Counter(fact.data.direction for _, fact in contacts)["callback"] == 5_897
    assert sum(_days_later(row, fact) for row, fact in contacts) == 81


def _days_later(row: list[str], fact: ContactFinished) -> int:
    """Return by how many days the contact ended after the row's date; its clock must be that of its end."""
    local = fact.time.astimezone(JERUSALEM)
    served, queued = {row[13], row[14]} != {"0:00:00"}, {row[9], row[10]} != {"0:00:00"}
    end = row[14] if served else row[10] if queued else row[7]
    assert f"{local:%H:%M:%S}" == end.zfill(8)
    entered = datetime.strptime(f"{row[5]} {row[6]}", "%y%m%d %H:%M:%S").replace(tzinfo=JERUSALEM)
    assert timedelta(minutes=-2) < local - entered < timedelta(hours=6)
    return (local.date() - entered.date()).days


def test_the_bank_s_callers_become_lines() -> None:
    made = list(results(data_files("anonymous-bank-1999", "calls-*.csv.gz"), example("bank-subscribers")))
    assert kinds(iter(made)) == {
        "SubscriberRegistered": 10_775,
        "Skipped subject repeated": 114_206,
        "Unidentified": 117_798,
        "RowReject row field_count": 4,
    }
    lines = [fact for _, fact in made if isinstance(fact, SubscriberRegistered)]
    assert len({fact.subject for fact in lines}) == 10_775
    assert {fact.time.astimezone(JERUSALEM).date() for fact in lines} == {date(1998, 12, 1)}
    assert not any(isinstance(item, Unidentified) and row[2] != "0" for row, item in made)


def test_the_telco_s_customers_become_lines() -> None:
    paths = data_files("telco-churn-ibm", "*.csv.gz")
    made = [item for _, item in results(paths, example("telco-subscribers"))]
    lines = [fact for fact in made if isinstance(fact, SubscriberRegistered)]
    assert len(made) == len(lines) == len({fact.subject for fact in lines}) == 7_043
    tariffs = Counter(fact.data.tariff for fact in lines)
    assert tariffs == {
        "flex": 3_875,
        "two-year": 1_695,
        "one-year": 1_473,
    }
    days = Counter(fact.data.billing_day for fact in lines)
    assert set(days) == {1, 5, 10, 15, 20, 25}
    assert min(days.values()) > 1_050
    assert max(fact.time for fact in lines).astimezone(ZoneInfo("Europe/Berlin")).year == 2026
