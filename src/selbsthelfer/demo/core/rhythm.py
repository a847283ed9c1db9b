"""When things happen: by hour of the day, day of the week and public holiday, in German time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

TIMEZONE: Final = "Europe/Berlin"
_ZONE = ZoneInfo(TIMEZONE)
_MAX_TRIES = 60
"""Draws until a span is taken to hold no open hour."""
_HOURS = range(24)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How something is spread over the week (Monday first) and, added up hour by hour, over the day."""

    days: tuple[float, ...]
    hours: tuple[float, ...]
    rests_on_holidays: bool

    def draw(self, random: Random, after: datetime, before: datetime) -> datetime | None:
        """Draw an instant, after ≤ instant < before; none where the span seems to hold no open hour."""
        span = (before - after).total_seconds()
        highest = max(self.days)
        for _ in range(_MAX_TRIES if span > 0 else 0):
            local = (after + timedelta(seconds=random.random() * span)).astimezone(_ZONE)
            if random.random() * highest >= self.weight_of(local.date()):
                continue
            hour = random.choices(_HOURS, cum_weights=self.hours)[0]
            at = local.replace(
                hour=hour, minute=random.randrange(60), second=random.randrange(60), microsecond=0
            ).astimezone(UTC)
            if after <= at < before:
                return at
        return None

    def weight_of(self, day: date) -> float:
        """Weigh a day; 0 when closed."""
        if self.rests_on_holidays and day in public_holidays(day.year):
            return 0.0
        return self.days[day.weekday()]


def _rhythm(
    days: tuple[float, ...], first_hour: int, hours: tuple[float, ...], *, rests_on_holidays: bool = True
) -> Rhythm:
    whole_day = (0.0,) * first_hour + hours + (0.0,) * (24 - first_hour - len(hours))
    return Rhythm(days, tuple(accumulate(whole_day)), rests_on_holidays)


HOTLINE: Final = _rhythm((1.3, 1.1, 1.0, 1.0, 0.95, 0.5, 0.0), 8, (8, 12, 13, 12, 9, 9, 9, 9, 10, 11, 9, 5))
"""Open Monday to Saturday from 8 to 20, busiest on Monday mornings."""
CHAT: Final = _rhythm((1.1, 1.0, 1.0, 1.0, 0.9, 0.0, 0.0), 8, (5, 8, 9, 9, 9, 8, 8, 9, 10, 11, 12, 9))
"""Open Monday to Friday from 8 to 20."""
SHOP: Final = _rhythm((0.8, 0.8, 0.8, 0.9, 1.1, 1.6, 0.0), 10, (8, 10, 11, 9, 9, 10, 12, 13, 9))
"""Open Monday to Saturday, until 19."""
ONLINE: Final = _rhythm(
    (1.0, 1.0, 1.0, 1.0, 0.95, 1.0, 1.1),
    0,
    (2, 1, 0.5, 0.5, 0.5, 1, 2, 4, 5, 5, 5, 5, 6, 6, 5, 5, 6, 7, 9, 11, 12, 10, 7, 4),
    rests_on_holidays=False,
)
"""Always open, busiest in the evening."""


def local_instant(day: date, hour: int, minute: int) -> datetime:
    """Give the instant of a German wall-clock time."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=_ZONE).astimezone(UTC)


def is_working_day(day: date) -> bool:
    """Tell whether the hotline is open on a day."""
    return HOTLINE.weight_of(day) > 0


@lru_cache(maxsize=200)
def public_holidays(year: int) -> frozenset[date]:
    """List the holidays of the whole of Germany; those of a single Land are left out."""
    easter = _easter(year)
    fixed = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
    return frozenset(date(year, month, day) for month, day in fixed) | {
        easter + timedelta(days=days) for days in (-2, 1, 39, 50)
    }


def _easter(year: int) -> date:
    """Compute Easter Sunday of the Gregorian calendar. Source: Anonymous, Nature 13 (1876), 487."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)
