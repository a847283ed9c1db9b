"""Included volume: for which stretch of time a line gets it, and how much.

The stretch is the billing period. A change of billing day lengthens a period; the lengthening is a stretch of
its own, with the full volume again, because no bucket's end ever moves and nobody shall be without volume for
weeks. So it makes no difference whether a bucket was made before or after the change was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from selbsthelfer.subscribers.core.billing import Calendar, Cycle, Monthly, period_bounds


class Stretch(NamedTuple):
    """A stretch of time, `starts_at` ≤ time < `ends_at`."""

    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True, order=True)
class IncludedChange:
    """From `happened_at` on the tariff includes `bytes`; the newest by (time, id, source) holds."""

    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    bytes: int


def included_bytes_from(
    registered_bytes: int | None, changes: Iterable[IncludedChange], starts_at: datetime
) -> int | None:
    """Tell how many bytes a stretch includes: those of the tariff at its start; none means unlimited.

    A change inside a stretch takes effect with the next one, whether or not its bucket has been made.
    """
    begun = [change for change in changes if change.happened_at <= starts_at]
    return max(begun).bytes if begun else registered_bytes


def included_stretch(calendar: Calendar, at: datetime) -> Stretch:
    """Find the billing period that contains `at`, cut at each end it had before a change lengthened it."""
    cycle: Cycle = calendar.cycle
    steady_from: datetime | None = None
    for change in sorted(calendar.changes):
        if steady_from is None or change.happened_at >= steady_from:
            ends_at = _period(calendar.timezone, cycle, change.happened_at).ends_at
        else:
            ends_at = steady_from
        if at < ends_at:
            break
        cycle = Monthly(change.billing_day)
        steady_from = _first_start_from(calendar.timezone, cycle, ends_at)
        if at < steady_from:
            return Stretch(ends_at, steady_from)
    return _period(calendar.timezone, cycle, at)


def free_part(stretch: Stretch, taken: Iterable[Stretch], at: datetime) -> Stretch:
    """Cut a stretch that contains `at` to the part around `at` that no other included bucket covers.

    Only a change of billing day that is learned of after the period it moves leaves less than the whole.
    """
    starts_at, ends_at = stretch
    for other in taken:
        if other.ends_at <= at:
            starts_at = max(starts_at, other.ends_at)
        elif other.starts_at > at:
            ends_at = min(ends_at, other.starts_at)
    return Stretch(starts_at, ends_at)


def covering(stretches: Sequence[Stretch], at: datetime) -> Stretch | None:
    """Find the stretch that contains an instant."""
    return next((stretch for stretch in stretches if stretch.covers(at)), None)


def _period(timezone: str, cycle: Cycle, at: datetime) -> Stretch:
    starts_at, ends_at = period_bounds(Calendar(timezone, cycle), containing=at, until=at)[:2]
    return Stretch(starts_at, ends_at)


def _first_start_from(timezone: str, cycle: Cycle, at: datetime) -> datetime:
    """Find the first start of a period at or after an instant."""
    period = _period(timezone, cycle, at)
    return period.starts_at if period.starts_at == at else period.ends_at
