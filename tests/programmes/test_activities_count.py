"""Which activities count, by the class that the catalogue gives them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from tests.programmes.deciding import Decide, participant
from tests.programmes.events import Event, Line, instant

pytestmark = pytest.mark.django_db

AT = instant("2025-02-10T09:00")
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
DAYS_183 = timedelta(days=183)


def counting(decide: Decide, line: Line) -> list[str]:
    return decide.line(line).counting


def test_each_kind_counts_once_at_least_unless_its_class_is_never(decide: Decide) -> None:
    line = participant()
    done = {activity: line.does(AT, activity) for activity in CATALOGUE}
    expected = {
        event.id
        for activity, event in done.items()
        if CATALOGUE[activity].counting_class is not CountingClass.NEVER
    }
    assert set(counting(decide, line)) == expected


def test_a_failed_activity_does_not_count(decide: Decide) -> None:
    line = participant()
    line.fails(AT, "call.voicemail")
    assert not counting(decide, line)


@pytest.mark.parametrize(
    ("activity", "times", "count"),
    [
        pytest.param("call.voicemail", [AT, AT, AT + TICK], [0, 1, 2], id="always: each"),
        pytest.param("acc.2fa", [AT, AT + DAY, AT + 200 * DAY], [0], id="once: the first ever"),
        pytest.param("acc.2fa", [AT - 300 * DAY, AT], [], id="once: also before the enrolment"),
        pytest.param(
            "use.view",
            [AT, AT + TICK, instant("2025-03-01") - TICK, instant("2025-03-01"), instant("2025-03-31")],
            [0, 3],
            id="once per period: the first in it",
        ),
        pytest.param(
            "use.view",
            [instant("2025-01-10"), instant("2025-01-15T12:00"), instant("2025-01-20")],
            [1],
            id="once per period: the first since the enrolment",
        ),
        pytest.param("bill.iban", [AT, AT + DAYS_183 - TICK], [0], id="183 days: a moment too early"),
        pytest.param("bill.iban", [AT, AT + DAYS_183], [0, 1], id="183 days: exactly"),
        pytest.param("bill.iban", [AT - 100 * DAY, AT], [], id="183 days: also before the enrolment"),
        pytest.param(
            "bill.iban",
            [AT, AT + 100 * DAY, AT + 200 * DAY],
            [0],
            id="183 days: since the last success, counted or not",
        ),
        pytest.param("acc.lang", [AT], [], id="never"),
    ],
)
def test_a_class_says_how_often_a_kind_counts(
    activity: str, times: list[datetime], count: list[int], decide: Decide
) -> None:
    line = participant()
    done = [line.does(at, activity) for at in times]
    assert counting(decide, line) == [done[n].id for n in count]


def test_a_failure_uses_nothing_up(decide: Decide) -> None:
    line = participant()
    line.fails(AT - DAY, "acc.2fa")
    line.fails(AT - DAY, "bill.iban")
    done = [line.does(AT, "acc.2fa"), line.does(AT, "bill.iban")]
    assert counting(decide, line) == [event.id for event in done]


@pytest.mark.parametrize("activity", ["acc.2fa", "use.view", "bill.iban"])
def test_of_two_at_the_same_instant_the_smaller_id_then_the_smaller_source_is_first(
    activity: str, decide: Decide
) -> None:
    line = participant()
    line.does(AT, activity, fact_id="b", source="/a")
    line.does(AT, activity, fact_id="a", source="/z")
    line.does(AT, activity, fact_id="a", source="/y")
    assert decide.line(line).activities == ((2, "/y", "a"),)


def test_an_activity_counts_from_the_very_enrolment_until_just_before_a_withdrawal(decide: Decide) -> None:
    line = participant(enrolled="2025-01-15T12:00")
    line.does("2025-01-15T11:59:59")
    first = line.does("2025-01-15T12:00")
    last = line.does("2025-02-20T23:59:59")
    line.does("2025-02-21")
    line.withdraws("2025-02-21", "o2-2017")
    assert counting(decide, line) == [first.id, last.id]


def test_an_earlier_success_learned_of_late_takes_the_count_from_the_later_one(decide: Decide) -> None:
    line = participant()
    later = line.does(AT, "acc.2fa")
    earlier: Event = line.does(AT - DAY, "acc.2fa", received="2025-03-01")
    assert decide.line(line, now="2025-02-20").counting == [later.id]
    assert decide.line(line, now="2025-03-02").counting == [earlier.id]
