"""Facts of a line that is not registered yet wait 30 days for it, and enter in their own order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction

from selbsthelfer.intake.operations import Receipt, Terms, accept
from selbsthelfer.intake.sweeping import sweep
from selbsthelfer.kit.sql import open_cursor
from tests.programmes.deciding import PROGRAMME, be_active, programme
from tests.programmes.events import Event, Line, instant
from tests.programmes.outcomes import Outcome, decided_by_core, deliver, publish_all, read_outcomes

pytestmark = pytest.mark.django_db

NOW = instant("2026-03-01")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
REGISTERED = instant("2025-01-31T12:00")
ONLY_WITH_THE_REGISTRATION = pytest.mark.xfail(
    strict=True, reason="a repetition that comes with the registration does not find the lost fact before it"
)


@pytest.fixture(autouse=True)
def _published(db: None) -> None:
    publish_all([programme()])


def rows(query: str) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        return open_cursor().execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


def standing(line: Line) -> Outcome | None:
    return read_outcomes([line.subject], now=NOW).get((line.subject, PROGRAMME))


def as_decided_by_core(line: Line) -> Outcome | None:
    return decided_by_core(line.events, [programme()], now=NOW).get((line.subject, PROGRAMME))


def live(events: Sequence[Event], *, now: datetime) -> Receipt:
    return accept([event.encode() for event in events], terms=Terms(now=now))


def early_bird() -> tuple[Line, Event]:
    """A line of which much is told before its registration, which comes four weeks after the first of it."""
    line = Line("line")
    line.enrols("2025-01-05", PROGRAMME, received="2025-01-06")
    line.does("2025-01-10")
    line.calls("2025-01-12", "fault")
    line.changes_billing_day("2025-01-20", 10)
    registration = line.registers("2025-01-31", received=REGISTERED)
    be_active(line, [5, 6])
    return line, registration


@pytest.mark.parametrize("seed", range(3))
def test_parked_facts_enter_with_the_registration_in_their_own_order(seed: int) -> None:
    line, registration = early_bird()
    waiting = [event for event in line.events if event.received_at < REGISTERED]
    Random(seed).shuffle(waiting)
    for event in waiting:
        assert deliver([event], now=NOW).results == ["parked"]
    assert standing(line) is None
    assert deliver([registration], now=NOW).results == ["accepted"]
    assert rows("SELECT FROM intake_parked") == []
    deliver([event for event in line.events if event.received_at > REGISTERED], now=NOW)
    outcome = standing(line)
    assert outcome is not None
    assert outcome == as_decided_by_core(line)
    assert outcome.grants == {5: 100, 6: 100}


def test_parked_facts_keep_the_instant_at_which_they_were_received() -> None:
    line, registration = early_bird()
    arrived = instant("2025-01-29T08:00")
    assert live(line.events[:3], now=arrived).counts == {"parked": 3}
    assert live([registration], now=REGISTERED).results == ["accepted"]
    assert rows("SELECT received_at FROM activities_activity") == [(arrived,)]
    assert rows("SELECT DISTINCT received_at FROM intake_key ORDER BY 1") == [(arrived,), (REGISTERED,)]


@pytest.mark.parametrize(
    ("waited", "enters"), [(30 * DAY - SECOND, True), (30 * DAY, False)], ids=["a second less", "30 days"]
)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "in two"])
def test_a_fact_waits_less_than_thirty_days(waited: timedelta, enters: bool, at_once: bool) -> None:
    line = Line("line")
    fact = line.does("2024-12-01", received=REGISTERED - waited)
    registration = line.registers("2024-12-01", received=REGISTERED)
    if at_once:
        receipt = deliver([fact, registration], now=NOW)
        assert receipt.results == ["accepted" if enters else "rejected", "accepted"]
    else:
        assert deliver([fact], now=NOW).results == ["parked"]
        assert deliver([registration], now=NOW).results == ["accepted"]
    assert [row[0] for row in rows("SELECT id FROM activities_activity")] == [fact.id] * enters
    assert rows("SELECT code, id FROM intake_reject") == [("parked_too_long", fact.id)] * (not enters)


def test_a_sweep_refuses_what_waited_for_a_line_that_never_came() -> None:
    line = Line("line")
    arrived = instant("2025-01-01")
    live([line.does(arrived)], now=arrived)
    sweep(now=arrived + 30 * DAY - SECOND)
    assert len(rows("SELECT FROM intake_parked")) == 1
    sweep(now=arrived + 30 * DAY)
    assert not rows("SELECT FROM intake_parked")
    assert rows("SELECT code, subject, id FROM intake_reject") == [("parked_too_long", "line", "line-001")]


def test_a_parked_fact_told_again_enters_once_as_first_told() -> None:
    line = Line("line")
    first = line.does("2025-01-10", "bill.view", fact_id="x")
    again = line.does("2025-01-11", "use.view", fact_id="x")
    assert deliver([first, first], now=NOW).results == ["parked", "known"]
    assert deliver([again], now=NOW).results == ["parked"]
    receipt = deliver([line.registers("2025-01-12"), again], now=NOW)
    assert receipt.results == ["accepted", "known"]
    assert rows("SELECT activity FROM activities_activity") == [("bill.view",)]


@pytest.mark.xfail(strict=True, reason="a fact that was lost to parking enters when it is told again")
def test_a_fact_that_waited_too_long_does_not_enter_when_an_import_is_run_again() -> None:
    line = Line("line")
    lost = line.does("2024-12-01", received=REGISTERED - 30 * DAY)
    registration = line.registers("2024-12-01", received=REGISTERED)
    deliver([lost, registration], now=NOW)
    assert deliver([lost, registration], now=NOW).results == ["rejected", "known"]


@pytest.mark.parametrize("cut", [0, pytest.param(1, marks=ONLY_WITH_THE_REGISTRATION), 2])
def test_a_lost_fact_and_its_repetition_are_decided_alike_however_they_are_cut(cut: int) -> None:
    """Of a repeated fact the first received holds, and that one came too early."""
    line = Line("line")
    lost = line.does("2024-12-01", received=REGISTERED - 40 * DAY)
    again = replace(lost, received=REGISTERED - 10 * DAY)
    events = [lost, again, line.registers("2024-12-01", received=REGISTERED)]
    for batch in (events[:cut], events[cut:]):
        deliver(batch, now=NOW)
    assert not rows("SELECT FROM activities_activity")
