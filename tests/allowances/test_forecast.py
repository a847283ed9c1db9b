"""How long volume lasts if it goes on being used as before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.allowances.core.forecast import FORECAST_AFTER, Forecast, forecast
from tests.allowances.world import FEBRUARY, GB, MARCH, on

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("used", "left", "lasts_until"),
    [
        (1 * GB, 1 * GB, on(2, 21)),
        (1 * GB, 0, on(2, 11)),
        (2 * GB, 1 * GB, on(2, 16)),
        (1 * GB, 2 * GB, None),
        (0, 0, None),
    ],
)
def test_ten_days_of_use_go_on_as_they_were(used: int, left: int, lasts_until: object) -> None:
    told = forecast(used_bytes=used, left_bytes=left, starts_at=FEBRUARY, ends_at=MARCH, at=on(2, 11))
    assert told is not None
    assert told.lasts_until == lasts_until
    assert told.is_enough == (lasts_until is None)


def test_the_first_three_days_tell_nothing_and_neither_does_a_period_that_is_over() -> None:
    def at(instant: object) -> Forecast | None:
        return forecast(used_bytes=GB, left_bytes=1, starts_at=FEBRUARY, ends_at=MARCH, at=instant)  # type: ignore[arg-type]

    assert at(FEBRUARY + FORECAST_AFTER - TICK) is None
    assert at(FEBRUARY + FORECAST_AFTER) is not None
    assert at(MARCH - TICK) is not None
    assert at(MARCH) is None


@given(
    used=st.integers(0, 10**15),
    left=st.integers(0, 10**15),
    more=st.integers(0, 10**15),
    hours=st.integers(72, 28 * 24 - 1),
)
def test_more_left_never_ends_earlier_and_an_end_lies_between_now_and_the_end(
    used: int, left: int, more: int, hours: int
) -> None:
    at = FEBRUARY + timedelta(hours=hours)

    def told(left_bytes: int) -> Forecast:
        found = forecast(used_bytes=used, left_bytes=left_bytes, starts_at=FEBRUARY, ends_at=MARCH, at=at)
        assert found is not None
        return found

    one, other = told(left), told(left + more)
    if one.lasts_until is None:
        assert other.lasts_until is None
    else:
        assert at <= one.lasts_until < MARCH
        assert other.lasts_until is None or other.lasts_until >= one.lasts_until
