"""How long volume will last if it goes on being used as before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FORECAST_AFTER: Final = timedelta(days=3)
"""How much of a period must have been seen: two days of holiday films say nothing about a month."""

_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Until when volume lasts; none means that it is enough for the period."""

    lasts_until: datetime | None

    @property
    def is_enough(self) -> bool:
        return self.lasts_until is None


def forecast(
    *, used_bytes: int, left_bytes: int, starts_at: datetime, ends_at: datetime, at: datetime
) -> Forecast | None:
    """Foretell from the mean use since the start of the period; none in its first three days or outside it.

    `left_bytes` is all that is usable at `at`, whatever its kind.
    """
    elapsed = at - starts_at
    if elapsed < FORECAST_AFTER or at >= ends_at:
        return None
    if used_bytes == 0:
        return Forecast(None)
    # Whole microseconds and whole bytes: a product of both is far beyond what a float holds.
    lasts = (elapsed // _INSTANT) * left_bytes // used_bytes
    if lasts >= (ends_at - at) // _INSTANT:
        return Forecast(None)
    return Forecast(at + lasts * _INSTANT)
