"""A replay runs any programme over a file of facts and tells every decision, always the same."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from selbsthelfer.intake.importing import Refused, Summary, open_facts
from selbsthelfer.intake.replaying import VariantMissingError, decisions, replay
from selbsthelfer.programmes.core.definition import Definition, load_preset
from tests.programmes.deciding import YEAR, participant, programme
from tests.programmes.events import Event, Line, crisis, instant
from tests.programmes.outcomes import undone

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)
Decisions = list[dict[str, Any]]


def lives() -> list[Event]:
    """Three lines: one who calls, one who leaves, one in control."""
    caller = participant(active_in=YEAR, subject="caller")
    call = caller.calls("2025-05-10T09:00", fact_id="call-1")
    caller.calls("2025-05-12T09:00", fact_id="call-2")
    caller.coded("2025-05-11", call, "bill.view")
    leaver = participant(active_in=YEAR, subject="leaver")
    leaver.calls("2025-02-10T09:00", fact_id="call-3")
    leaver.withdraws("2025-08-01", "o2-2017")
    control = participant(active_in=YEAR, subject="control", variant="control")
    declared = crisis("2025-02-10", "2025-02-11", received="2025-04-10")
    return [*caller.events, *leaver.events, *control.events, declared]


class Replay:
    """Writes facts into a file and replays it on a database that is empty before and after."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "facts.jsonl"
        self.summary = Summary()
        self.refused: list[Refused] = []

    def run(
        self,
        lines: Iterable[Event | bytes],
        definition: Definition | None = None,
        until: datetime | None = None,
        *,
        packed: bool = False,
    ) -> Decisions:
        text = b"".join((e if isinstance(e, bytes) else e.encode()) + b"\n" for e in lines)
        self._path.write_bytes(gzip.compress(text) if packed else text)
        self.refused = []
        with undone(), open_facts(self._path) as file:
            self.summary = replay(
                file,
                definition or programme(),
                until=until,
                on_progress=lambda _: None,
                on_refused=self.refused.append,
            )
            now = self.summary.last_received_at
            return [] if now is None else list(decisions(now))


@pytest.fixture
def replaying(tmp_path: Path) -> Replay:
    return Replay(tmp_path)


def of_kind(told: Sequence[dict[str, Any]], kind: str, subject: str) -> Decisions:
    return [decision for decision in told if (decision["kind"], decision["subject"]) == (kind, subject)]


def grants(told: Decisions, subject: str) -> dict[int, int]:
    return {grant["index"]: grant["bytes"] // 1_000_000 for grant in of_kind(told, "grant", subject)}


def test_every_decision_is_told(replaying: Replay) -> None:
    told = replaying.run(lives(), until=instant("2026-01-01"))
    assert grants(told, "caller") == {4: 100, 5: 100, 6: 100, 10: 300, 11: 300, 12: 300}
    assert grants(told, "leaver") == {4: 100, 5: 100, 6: 100, 7: 200}
    assert grants(told, "control") == {}
    assert of_kind(told, "grant", "caller")[0] == {
        "kind": "grant",
        "subject": "caller",
        "programme": "o2-2017",
        "index": 4,
        "window": 1,
        "level": 1,
        "bytes": 100_000_000,
        "granted_at": "2025-04-20T10:00:00Z",
        "valid_until": "2025-04-30T22:00:00Z",
        "activity": "caller-006",
    }
    assert of_kind(told, "stage", "caller")[1] == {
        "kind": "stage",
        "subject": "caller",
        "programme": "o2-2017",
        "window": 2,
        "level": 2,
        "state": "missed",
        "activities": 3,
        "counting_contacts": ["call-1", "call-2"],
    }
    assert [stage["state"] for stage in of_kind(told, "stage", "leaver")] == ["passed", "passed", "passed"]
    assert of_kind(told, "contact", "leaver") == [
        {
            "kind": "contact",
            "subject": "leaver",
            "contact": "call-3",
            "window": 1,
            "counts": False,
            "code": "crisis",
        }
    ]
    assert [contact["code"] for contact in of_kind(told, "contact", "caller")] == [None, None]


def test_the_order_and_the_repetition_of_lines_in_a_file_change_nothing(replaying: Replay) -> None:
    facts = lives()
    expected = replaying.run(facts)
    assert replaying.run(facts) == expected
    for seed in range(3):
        shuffled = [*facts, *facts[::3]]
        Random(seed).shuffle(shuffled)
        assert replaying.run(shuffled) == expected
    assert replaying.run(facts, packed=True) == expected


def test_unsound_lines_are_told_and_change_nothing(replaying: Replay) -> None:
    facts = lives()
    expected = replaying.run(facts)
    unsound: list[Event | bytes] = [b"nonsense", *facts, b"", Line("caller").does("2025-03-03", "bill.shred")]
    assert replaying.run(unsound) == expected
    assert [(refused.line, refused.rejection.code) for refused in replaying.refused] == [
        (1, "broken_line"),
        (len(facts) + 3, "unknown_activity"),
    ]
    assert replaying.summary.results == {"accepted": len(facts), "rejected": 2}


def test_until_is_inclusive_and_is_now(replaying: Replay) -> None:
    line = participant(active_in=[2, 4])
    (released_at,) = (event.time for event in line.events if event.time == instant("2025-04-20T12:00"))
    facts = [*line.events, line.does("2025-05-20")]
    assert grants(replaying.run(facts, until=released_at), "line") == {4: 100}
    assert replaying.summary.last_received_at == released_at
    before = replaying.run(facts, until=released_at - TICK)
    assert grants(before, "line") == {}
    at_the_end = replaying.run(facts, until=instant("2025-04-01"))
    assert [stage["state"] for stage in of_kind(at_the_end, "stage", "line")] == ["passed", "open", "open"]
    just_before = replaying.run(facts, until=instant("2025-04-01") - TICK)
    assert [stage["state"] for stage in of_kind(just_before, "stage", "line")] == ["open", "open", "open"]


def test_without_until_now_is_the_receipt_of_the_last_fact(replaying: Replay) -> None:
    line = participant(active_in=[2])
    line.does("2025-03-01", received="2025-04-05T10:00")
    told = replaying.run(line.events)
    assert replaying.summary.last_received_at == instant("2025-04-05T10:00")
    assert of_kind(told, "stage", "line")[0]["state"] == "passed"


def test_the_clock_runs_to_now(replaying: Replay) -> None:
    facts = participant(active_in=[2]).events
    automatic = load_preset("o2-2017-automatic")
    assert grants(replaying.run(facts, automatic), "line") == {}
    told = replaying.run(facts, automatic, until=instant("2025-06-01"))
    assert grants(told, "line") == {4: 100, 5: 100, 6: 100}
    assert [grant["activity"] for grant in told if grant["kind"] == "grant"] == [None, None, None]


def test_the_programme_that_is_tried_takes_the_place_of_the_one_in_the_facts(replaying: Replay) -> None:
    line = Line("line")
    line.registers()
    line.enrols("2025-01-15", "some-other-programme")
    line.does("2025-02-10")
    line.calls("2025-02-20", "fault")
    line.does("2025-04-10")
    line.withdraws("2025-05-10", "some-other-programme")
    line.does("2025-05-20")
    assert grants(replaying.run(line.events), "line") == {4: 100}
    literal = replaying.run(line.events, load_preset("o2-2017-literal"))
    assert grants(literal, "line") == {}
    assert {decision.get("programme") for decision in literal} == {"o2-2017-literal", None}


def test_an_enrolment_without_a_variant_ends_a_replay(replaying: Replay) -> None:
    line = participant()
    drawn = line.tell("programme.enrolled", "2025-02-01", programme="o2-2017")
    with pytest.raises(VariantMissingError, match=drawn.id):
        replaying.run(line.events)


def test_a_line_that_is_not_registered_or_not_enrolled_is_not_told_of(replaying: Replay) -> None:
    unregistered, not_enrolled = Line("unregistered"), Line("not-enrolled")
    unregistered.enrols("2025-01-15", "o2-2017")
    not_enrolled.registers()
    not_enrolled.does("2025-02-10")
    told = replaying.run([*participant().events, *unregistered.events, *not_enrolled.events])
    assert {decision["subject"] for decision in told} == {"line"}


def test_an_empty_file_is_replayed(replaying: Replay) -> None:
    assert replaying.run([]) == []
    assert replaying.run([b"", b"  "]) == []


def test_fractions_of_seconds_are_told_where_there_are_some(replaying: Replay) -> None:
    line = participant(active_in=[2])
    line.does("2025-04-10T12:00:00.25")
    (grant,) = of_kind(replaying.run(line.events), "grant", "line")
    assert grant["granted_at"] == "2025-04-10T10:00:00.250000Z"
