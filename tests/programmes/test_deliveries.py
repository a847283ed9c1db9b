"""Facts that come twice, in reverse, or behind what was decided, and what a release leaves in other rooms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from selbsthelfer.programmes.operations import publish
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.programmes.deciding import PROGRAMME, YEAR, participant, programme
from tests.programmes.events import Event, Line, instant
from tests.programmes.outcomes import LONG_AGO, Outcome, decided_by_core, deliver, publish_all, read_outcomes

pytestmark = pytest.mark.django_db

NOW = instant("2026-03-01")


@pytest.fixture(autouse=True)
def _published(db: None) -> None:
    publish_all([programme()])


def standing(line: Line, *, now: datetime = NOW) -> Outcome:
    return read_outcomes([line.subject], now=now)[line.subject, PROGRAMME]


def as_decided_by_core(line: Line) -> Outcome:
    return decided_by_core(line.events, [programme()], now=NOW)[line.subject, PROGRAMME]


def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


@pytest.mark.parametrize("known_first", [0, 2], ids=["all reversed", "reversed after the enrolment"])
def test_a_year_delivered_in_reverse_gives_the_same(known_first: int) -> None:
    line = participant(active_in=YEAR)
    line.calls("2025-05-10")
    for event in [*line.events[:known_first], *reversed(line.events[known_first:])]:
        deliver([event], now=NOW)
    assert standing(line) == as_decided_by_core(line)


def test_a_year_delivered_three_times_gives_the_same() -> None:
    lines = [participant(active_in=YEAR, subject=subject) for subject in ("one", "other")]
    events = [event for line in lines for event in line.events]
    first = deliver([*events, *events], now=NOW)
    assert first.counts == {"accepted": len(events), "known": len(events)}
    again = deliver(events, now=NOW)
    assert again.counts == {"known": len(events)}
    assert again.released == 0
    for line in lines:
        assert standing(line) == as_decided_by_core(line)


def test_a_fact_behind_what_was_decided_is_decided_where_it_belongs() -> None:
    line = participant(active_in=[4, 5])
    deliver(line.events, now=NOW)
    assert standing(line).grants == {}
    late: Event = line.does("2025-02-10", received="2025-04-25")
    assert deliver([late], now=NOW).released == 2
    outcome = standing(line)
    assert outcome == as_decided_by_core(line)
    assert outcome.released[4].granted_at == instant("2025-04-25")
    assert outcome.released[5].granted_at == instant("2025-05-20T12:00")


def test_facts_may_come_behind_what_was_decided_one_after_the_other() -> None:
    """The second is ahead of the first and still behind the last, which it gives its tranche."""
    line = participant(active_in=[4])
    deliver(line.events, now=NOW)
    deliver([line.fails("2025-01-20", "bill.iban")], now=NOW)
    deliver([line.does("2025-03-10")], now=NOW)
    assert standing(line) == as_decided_by_core(line)
    assert standing(line).grants == {4: 100}


def test_a_call_behind_what_was_decided_takes_nothing_back() -> None:
    line = participant(active_in=[2, 4])
    deliver(line.events, now=NOW)
    deliver([line.calls("2025-02-10", received="2025-02-10")], now=NOW)
    assert standing(line).grants == {4: 100}


def test_an_activity_behind_what_was_decided_still_releases_its_tranche() -> None:
    """At the activity window 1 was passed; a call that arrived two hours later made it missed afterwards."""
    line = participant(active_in=[2])
    activity = line.does("2025-04-01T08:00")
    line.calls("2025-03-31T20:00", received="2025-04-01T10:00")
    line.does("2025-05-20")
    deliver([event for event in line.events if event is not activity], now=NOW)
    deliver([activity], now=NOW)
    assert standing(line).grants == as_decided_by_core(line).grants == {4: 100, 5: 100}


def test_a_withdrawal_that_is_known_before_the_enrolment_counts() -> None:
    line = Line("line")
    withdrawal = line.withdraws("2025-02-01", PROGRAMME)
    enrolment = line.enrols("2025-01-15", PROGRAMME, received="2025-02-10")
    line.does("2025-03-10")
    line.does("2025-04-10")
    deliver([line.registers(), withdrawal], now=NOW)
    deliver([enrolment, *line.events], now=NOW)
    assert standing(line) == as_decided_by_core(line)


def test_an_enrolment_stays_with_its_version() -> None:
    line, later = participant(active_in=YEAR), participant(active_in=YEAR, subject="later")
    deliver(line.events, now=NOW)
    assert publish(programme(), now=LONG_AGO).version == 1, "the same content is no new version"
    assert publish(programme(contacts_max=5), now=LONG_AGO).version == 2
    for one in (line, later):
        one.calls("2025-05-10")
        deliver(one.events, now=NOW)
    assert standing(line).states == ["passed"] * 3, "passed for good before the call was told of"
    assert rows("SELECT version FROM programmes_enrolment ORDER BY version") == [(1,), (2,)]
    assert standing(later).states == ["passed"] * 3


def test_each_grant_is_a_bucket_with_its_entry_and_ended_ones_order_no_delivery() -> None:
    line = participant(active_in=YEAR)
    now = instant("2025-08-20T12:00")
    deliver([event for event in line.events if event.received_at <= now], now=now)
    outcome = standing(line, now=now)
    expected = [(r.bytes, r.granted_at, r.valid_until) for r in outcome.releases]
    assert len(expected) == 5
    buckets = rows(
        "SELECT size_bytes, valid_from, valid_until FROM allowances_bucket"
        " WHERE subscriber_id = %s AND kind = 'bonus' ORDER BY valid_from",
        subscriber_id_of(line.subject),
    )
    assert buckets == expected
    entries = rows(
        "SELECT amount_bytes, balance_bytes, happened_at FROM allowances_entry ORDER BY happened_at"
    )
    assert entries == [(size, size, granted_at) for size, granted_at, _ in expected]
    orders = rows("SELECT bytes, valid_from, valid_until, state FROM charging_creditorder")
    assert orders == [(*expected[-1], "confirmed")]


def test_control_gets_no_bucket() -> None:
    line = participant(active_in=YEAR, variant="control")
    deliver(line.events, now=NOW)
    assert rows("SELECT count(*), sum(bytes) FROM programmes_release") == [(9, 0)]
    assert rows("SELECT count(*) FROM allowances_bucket") == [(0,)]
