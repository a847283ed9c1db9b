"""What volume a line has and had, read without writing."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selbsthelfer.allowances import queries
from selbsthelfer.allowances.queries import LineEntry, UnknownLineError
from selbsthelfer.kit.sql import open_cursor
from tests.allowances.world import FEBRUARY, JANUARY, MARCH, NOW, Line, on, rows, take

pytestmark = pytest.mark.django_db
few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_line_without_usage_shows_its_whole_included_volume_and_reading_writes_nothing() -> None:
    line = Line(included_bytes=100)
    assert [(b.kind, b.left_bytes, b.valid_from, b.valid_until) for b in line.buckets(on(2, 5))] == [
        ("included", 100, FEBRUARY, MARCH)
    ]
    assert line.balance(on(2, 5)) == 100
    assert rows("allowances_bucket", line, "bucket_id") == []


def test_included_volume_not_made_yet_stands_in_the_order_in_which_it_burns() -> None:
    line = Line(included_bytes=100)
    line.grant(on(2, 5), 50)
    assert [b.kind for b in line.buckets(NOW)] == ["courtesy", "included"]
    line.use(on(2, 6), 60)
    assert [b.kind for b in line.buckets(NOW)] == ["courtesy", "included"]


@few
@given(
    used=st.lists(st.tuples(st.integers(0, 58), st.integers(1, 60), st.integers(0, 20)), max_size=8),
    asked=st.integers(0, 58),
)
def test_the_balance_at_an_instant_is_what_had_happened_by_then(
    used: list[tuple[int, int, int]], asked: int
) -> None:
    """The volume valid then, less what burned of it up to that instant, however late it was received."""
    line = Line(included_bytes=100)
    take(
        *(
            line.usage(JANUARY + timedelta(days=day), bytes_, received=JANUARY + timedelta(days=day + late))
            for day, bytes_, late in used
        )
    )
    at = JANUARY + timedelta(days=asked)
    start = JANUARY if at < FEBRUARY else FEBRUARY
    burned = -sum(
        e.amount_bytes for e in line.entries() if e.amount_bytes < 0 and start <= e.happened_at <= at
    )
    assert line.balance(at) == 100 - burned


def test_after_all_is_known_the_balance_is_that_of_the_newest_entries() -> None:
    line = Line(included_bytes=100)
    take(line.courtesy(on(2, 2), 30), line.usage(on(2, 3), 45))
    newest = {e.bucket_id: e.balance_bytes for e in sorted(line.entries(), key=lambda e: e.ordinal)}
    assert line.balance(NOW) == sum(newest.values()) == 85


def test_pages_of_entries_tell_each_entry_once_newest_first() -> None:
    line = Line(included_bytes=100)
    take(line.courtesy(on(2, 2), 30), *(line.usage(on(2, 3), 4) for _ in range(9)))
    pages: list[LineEntry] = []
    with transaction.atomic():
        cursor = open_cursor()
        page = queries.entries_of_line(cursor, line.id, limit=4)
        while page:
            assert len(page) <= 4
            pages += page
            page = queries.entries_of_line(cursor, line.id, limit=4, before=page[-1].key)
    assert pages == list(reversed(line.entries()))
    assert len(pages) == 12
    assert [e.happened_at for e in pages] == sorted((e.happened_at for e in pages), reverse=True)
    caused = {e.fact_id for e in pages if e.amount_bytes < 0}
    assert len(caused) == 9


def test_usage_adds_up_over_a_half_open_stretch() -> None:
    line = Line(included_bytes=100)
    take(line.usage(FEBRUARY, 70), line.usage(on(2, 5), 70), line.usage(MARCH, 70))
    assert line.total(FEBRUARY, MARCH) == (2, 140, 40)
    assert line.total(on(6, 1), on(7, 1)) == (0, 0, 0)


def test_an_unknown_line_is_named() -> None:
    with pytest.raises(UnknownLineError), transaction.atomic():
        queries.balance(open_cursor(), uuid.uuid4(), at=NOW)
