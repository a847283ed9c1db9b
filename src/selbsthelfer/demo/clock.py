"""The clock of a line of the demo, which may be moved on so that months pass in seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from selbsthelfer.demo.models import Clock

MAX_AHEAD: Final = timedelta(days=800)
"""How far a clock may be moved on: past the end of any programme that comes with the package."""


class ClockTooFarError(ValueError):
    """The clock would be moved further than `MAX_AHEAD`; it stays where it is."""

    code = "clock_too_far"


def now_of_line(line: UUID, *, now: datetime) -> datetime:
    """Tell the time of a line's own clock."""
    ahead = Clock.objects.filter(subscriber_id=line).values_list("ahead", flat=True).first()
    return now if ahead is None else now + ahead


def move_on(line: UUID, *, to: datetime, now: datetime) -> None:
    """Move a line's clock on to an instant; one that lies before its time changes nothing.

    Raises `ClockTooFarError`.
    """
    ahead = to - now
    if ahead > MAX_AHEAD:
        raise ClockTooFarError(f"the clock would be {ahead.days} days ahead, at most {MAX_AHEAD.days}")
    with transaction.atomic():
        clock = Clock.objects.select_for_update().filter(subscriber_id=line).first()
        if ahead > (clock.ahead if clock else timedelta(0)):
            Clock.objects.update_or_create(subscriber_id=line, defaults={"ahead": ahead})
