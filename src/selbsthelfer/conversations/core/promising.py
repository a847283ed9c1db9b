"""By when an answer is promised, until when a bill can be objected to, and how long proof is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PROMISE_HOURS: Final = 8
"""Business hours within which a written case is answered."""
OBJECTION_WEEKS: Final = 8
"""For objecting to a bill (§ 67 TKG)."""
PROOF_YEARS: Final = 3
"""Of keeping what was declared, from the end of the year on (§§ 195, 199 BGB)."""

ZONE: Final = ZoneInfo("Europe/Berlin")
OPENS: Final = time(8)
CLOSES: Final = time(20)
_SATURDAY: Final = 5


def promised_at(opened_at: datetime, *, hours: int = PROMISE_HOURS) -> datetime:
    """Tell when so many business hours have passed: Monday to Friday, 8 to 20 o'clock in Berlin; aware UTC.

    Real hours are counted, also on a day on which the clock changes. Public holidays are business days here.
    """
    left = timedelta(hours=hours)
    on = opened_at.astimezone(ZONE).date()
    while True:
        start, end = _business_hours(on)
        start = max(start, opened_at.astimezone(UTC))
        if start < end:
            if left <= end - start:
                return start + left
            left -= end - start
        on += timedelta(days=1)


def objection_until(billed_on: date) -> date:
    """Tell the last day for objecting to a bill that came on a day (§ 67 TKG).

    Eight weeks later (§ 188 BGB), and where that is a Saturday or Sunday, the Monday after it (§ 193 BGB).
    """
    last = billed_on + timedelta(weeks=OBJECTION_WEEKS)
    return last + timedelta(days=7 - last.weekday() if last.weekday() >= _SATURDAY else 0)


def is_in_time(billed_on: date, objected_at: datetime) -> bool:
    """Tell whether an objection came in time; one that comes late is kept all the same."""
    return objected_at.astimezone(ZONE).date() <= objection_until(billed_on)


def proof_kept_until(opened_at: datetime) -> datetime:
    """Tell the instant from which a declaration need not be proved any more; aware UTC."""
    year = opened_at.astimezone(ZONE).year + PROOF_YEARS + 1
    return datetime(year, 1, 1, tzinfo=ZONE).astimezone(UTC)


def _business_hours(on: date) -> tuple[datetime, datetime]:
    """Return the instants of opening and closing; on a day that is off they are the same."""
    opens, closes = (datetime.combine(on, at, ZONE).astimezone(UTC) for at in (OPENS, CLOSES))
    return (opens, opens) if on.weekday() >= _SATURDAY else (opens, closes)
