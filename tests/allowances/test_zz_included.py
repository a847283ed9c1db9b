"""Included volume: a bucket for each billing period, made when it is first used and shown before that."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.allowances.world import APRIL, FEBRUARY, JANUARY, MARCH, Line, on, rows, take

pytestmark = pytest.mark.django_db(transaction=True)
few = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
days = st.integers(0, 120)


def made(line: Line) -> list[tuple[datetime, datetime, int]]:
    return rows("allowances_bucket", line, "valid_from, valid_until, size_bytes")  # type: ignore[return-value]


def test_each_billing_period_has_its_own_bucket_made_by_its_first_usage() -> None:
    line = Line(included_bytes=100)
    assert made(line) == []
    take(*(line.usage(at, 1) for at in (on(1, 31, 23, 59), on(2, 1), on(2, 28, 23, 59), on(3, 1))))
    assert made(line) == [(JANUARY, FEBRUARY, 100), (FEBRUARY, MARCH, 100), (MARCH, APRIL, 100)]


def test_periods_follow_the_lines_own_clock_and_cycle() -> None:
    line = Line(included_bytes=100, timezone="Europe/Berlin", billing_day=29)
    line.use(on(3, 1), 1)
    prepaid = Line(included_bytes=100, billing_day=None, period_days=28, period_anchor="2026-01-05")
    prepaid.use(on(2, 5), 1)
    assert made(line) == [(on(2, 27, 23), on(3, 28, 23), 100)]
    assert made(prepaid) == [(on(2, 2), on(3, 2), 100)]


@few
@given(moves=st.lists(st.tuples(days, st.integers(1, 31)), max_size=3), at=days, later=st.integers(0, 40))
def test_what_is_shown_before_the_first_usage_is_what_it_makes(
    moves: list[tuple[int, int]], at: int, later: int
) -> None:
    line = Line(included_bytes=100)
    for day, billing_day in moves:
        line.change_billing_day(JANUARY + timedelta(days=day), billing_day)
    used_at = JANUARY + timedelta(days=at)
    shown = line.buckets(used_at)
    assert made(line) == []
    line.use(used_at, 7, received=used_at + timedelta(days=later + 120))
    (bucket,) = shown
    assert line.buckets(used_at) == (bucket._replace(left_bytes=93),)


@few
@given(
    moves=st.lists(st.tuples(days, st.integers(1, 31), st.integers(0, 60)), max_size=3),
    used=st.lists(st.tuples(days, st.integers(0, 60)), max_size=8),
)
def test_included_buckets_never_overlap_and_cover_all_usage(
    moves: list[tuple[int, int, int]], used: list[tuple[int, int]]
) -> None:
    """Whenever changes of billing day are learned of, before or after usage has made buckets."""
    line = Line(included_bytes=1_000)
    facts = [
        (
            day + late,
            line.fact(
                "subscriber.billing_day_changed",
                at(day),
                {"billing_day": billing_day},
                received=at(day + late),
            ),
        )
        for day, billing_day, late in moves
    ]
    facts += [(day + late, line.usage(at(day), 1, received=at(day + late))) for day, late in used]
    for _, fact in sorted(facts):
        take(fact)
    stretches = made(line)
    assert all(a[1] <= b[0] for a, b in pairwise(stretches))
    assert line.unmet() == 0
    assert all(any(start <= at(day) < end for start, end, _ in stretches) for day, _ in used)


def at(day: int) -> datetime:
    return JANUARY + timedelta(days=day)


@pytest.mark.parametrize("used_before", [True, False])
def test_a_lengthened_period_brings_the_volume_once_more(used_before: bool) -> None:
    """The bucket's end stays; the lengthening has a bucket of its own, whether or not the first was made."""
    line = Line(included_bytes=100)
    if used_before:
        line.use(on(2, 5), 100)
    line.change_billing_day(on(2, 10), 15)
    take(line.usage(on(2, 28), 100), line.usage(on(3, 1), 100), line.usage(on(3, 15), 100))
    assert made(line) == [(FEBRUARY, MARCH, 100), (MARCH, on(3, 15), 100), (on(3, 15), on(4, 15), 100)]
    assert line.unmet() == (100 if used_before else 0)


def test_a_change_of_tariff_takes_effect_with_the_next_period() -> None:
    used, unused = Line(included_bytes=100), Line(included_bytes=100)
    used.use(on(2, 5), 1)
    for line in (used, unused):
        line.change(on(2, 10), included_bytes=700)
        assert [b.size_bytes for b in line.buckets(on(2, 20))] == [100]
        assert [b.size_bytes for b in line.buckets(on(3, 20))] == [700]
        take(line.usage(on(2, 20), 1), line.usage(on(3, 20), 1))
        assert [size for _, _, size in made(line)] == [100, 700]


def test_an_unlimited_line_becomes_limited_with_the_next_period() -> None:
    line = Line(included_bytes=None)
    line.change(on(2, 10), included_bytes=70)
    take(line.usage(on(2, 20), 500), line.usage(on(3, 2), 100))
    assert [line.balance(on(month, 1)) for month in (2, 3)] == [None, 70]
    assert (line.burned(), line.unmet()) == ([("included", 70)], 30)


def test_a_tariff_learned_of_after_the_bucket_was_made_leaves_it_as_it_is() -> None:
    line = Line(included_bytes=100)
    line.use(on(2, 5), 1)
    line.change(on(1, 20), received=on(2, 6), included_bytes=700)
    line.use(on(2, 7), 1)
    assert made(line) == [(FEBRUARY, MARCH, 100)]


def test_usage_of_nothing_is_recorded_and_moves_nothing() -> None:
    line = Line()
    line.use(on(2, 5), 0)
    assert line.total(FEBRUARY, MARCH).records == 1
    assert made(line) == []
