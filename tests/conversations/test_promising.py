"""By when an answer is promised, and other spans of time that the law or we set."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.conversations.core.promising import (
    PROMISE_HOURS,
    ZONE,
    is_in_time,
    objection_until,
    promised_at,
    proof_kept_until,
)

instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("opened", "promised"),
    [
        pytest.param("2026-11-23T09:00", "2026-11-23T17:00", id="in the morning: the same day"),
        pytest.param("2026-11-23T12:00", "2026-11-23T20:00", id="to the end of the day exactly"),
        pytest.param("2026-11-23T12:00:01", "2026-11-24T08:00:01", id="a second longer: the next morning"),
        pytest.param("2026-11-23T05:00", "2026-11-23T16:00", id="before opening"),
        pytest.param("2026-11-23T20:00", "2026-11-24T16:00", id="at closing"),
        pytest.param("2026-11-27T18:00", "2026-11-30T14:00", id="Friday evening: over the weekend"),
        pytest.param("2026-11-28T11:00", "2026-11-30T16:00", id="on a Saturday"),
        pytest.param("2026-11-29T23:59", "2026-11-30T16:00", id="on a Sunday"),
        pytest.param("2026-03-27T18:00", "2026-03-30T14:00", id="over the start of summer time"),
        pytest.param("2026-10-23T18:00", "2026-10-26T14:00", id="over the end of summer time"),
        pytest.param("2026-10-25T02:30", "2026-10-26T16:00", id="in the hour that comes twice"),
        pytest.param("2026-12-31T18:00", "2027-01-01T14:00", id="a holiday is a business day so far"),
    ],
)
def test_an_answer_is_promised_within_eight_business_hours(opened: str, promised: str) -> None:
    assert promised_at(local(opened)) == local(promised)


@given(instants)
def test_a_promise_lies_in_business_hours_and_is_utc(opened_at: datetime) -> None:
    promised = promised_at(opened_at)
    there = promised.astimezone(ZONE)
    assert promised.tzinfo is UTC
    assert there.weekday() < 5
    assert "08:00" <= f"{there:%H:%M}" <= "20:00"
    assert timedelta(hours=PROMISE_HOURS) <= promised - opened_at <= timedelta(days=3, hours=13)


@given(instants, st.timedeltas(timedelta(), timedelta(days=7)))
def test_who_writes_later_is_never_promised_earlier(opened_at: datetime, later: timedelta) -> None:
    assert promised_at(opened_at) <= promised_at(opened_at + later)


@given(instants, st.integers(1, 20), st.integers(1, 20))
def test_hours_add_up(opened_at: datetime, first: int, second: int) -> None:
    one_by_one = promised_at(promised_at(opened_at, hours=first), hours=second)
    assert one_by_one == promised_at(opened_at, hours=first + second)


@pytest.mark.parametrize(
    ("billed_on", "until"),
    [
        pytest.param(date(2026, 11, 2), date(2026, 12, 28), id="a Monday: the Monday eight weeks later"),
        pytest.param(date(2026, 11, 7), date(2027, 1, 4), id="a Saturday: the Monday after"),
        pytest.param(date(2026, 11, 8), date(2027, 1, 4), id="a Sunday: the Monday after"),
        pytest.param(date(2026, 3, 6), date(2026, 5, 1), id="a Friday"),
    ],
)
def test_a_bill_can_be_objected_to_for_eight_weeks(billed_on: date, until: date) -> None:
    assert objection_until(billed_on) == until
    assert is_in_time(billed_on, datetime.combine(until, datetime.max.time(), ZONE))
    assert not is_in_time(billed_on, datetime.combine(until + timedelta(days=1), datetime.min.time(), ZONE))


def test_proof_is_kept_to_the_end_of_the_third_year_after() -> None:
    assert proof_kept_until(local("2026-01-01T00:00")) == local("2030-01-01T00:00")
    assert proof_kept_until(local("2026-12-31T23:59")) == local("2030-01-01T00:00")
    assert proof_kept_until(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == local("2031-01-01T00:00")
