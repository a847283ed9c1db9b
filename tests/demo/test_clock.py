"""The clock of a line only moves on, not too far, and by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.demo.clock import MAX_AHEAD, ClockTooFarError, move_on, now_of_line
from selbsthelfer.demo.models import Clock

LINE, OTHER = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_without_a_move_it_is_everybodys_time() -> None:
    assert now_of_line(LINE, now=NOW) == NOW
    assert not Clock.objects.exists()


@pytest.mark.django_db(transaction=True)
@given(st.lists(st.integers(-50, 900), max_size=6))
def test_it_never_goes_back_and_never_too_far(days: list[int]) -> None:
    Clock.objects.all().delete()
    furthest = NOW
    for ahead in days:
        to = NOW + timedelta(days=ahead)
        try:
            move_on(LINE, to=to, now=NOW)
        except ClockTooFarError:
            assert to - NOW > MAX_AHEAD
        else:
            furthest = max(furthest, to)
        assert now_of_line(LINE, now=NOW) == furthest <= NOW + MAX_AHEAD
        assert now_of_line(OTHER, now=NOW) == NOW


@pytest.mark.django_db
def test_it_runs_on_like_any_clock() -> None:
    move_on(LINE, to=NOW + timedelta(days=3), now=NOW)
    later = NOW + timedelta(hours=5)
    assert now_of_line(LINE, now=later) == later + timedelta(days=3)


@pytest.mark.django_db
def test_the_database_forbids_a_clock_that_is_behind() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Clock.objects.create(subscriber_id=LINE, ahead=timedelta(seconds=-1))
