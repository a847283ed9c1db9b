"""Billing periods of an enrolment numbered from 1, and the windows they form."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby

from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.history import History, KnownChange
from selbsthelfer.subscribers.core.billing import BillingDayChange, Calendar, Cycle, period_bounds


@dataclass(frozen=True, slots=True)
class Windows:
    """The boundaries of an enrolment as known at an instant.

    `bounds[n - 1]` is the start of the period with index n. The boundaries reach beyond the instant at which
    the enrolment closes, so that the period of every decision has an end.
    """

    bounds: tuple[datetime, ...]
    periods_per_stage: int
    closes_at: datetime

    def index_of(self, at: datetime) -> int:
        """Number the period that contains an instant; 0 before the first."""
        return bisect_right(self.bounds, at)

    def window_of(self, at: datetime) -> int:
        """Number the window that contains an instant; also beyond the last window, where none is decided."""
        return -(-self.index_of(at) // self.periods_per_stage)

    def period_start(self, index: int) -> datetime:
        return self.bounds[index - 1]

    def period_end_at(self, at: datetime) -> datetime:
        """Tell where the billing period that contains an instant ends."""
        return self.bounds[self.index_of(at)]

    def window_end(self, window: int) -> datetime:
        return self.bounds[window * self.periods_per_stage]

    def paid_indices(self, window: int) -> range:
        """The indices whose tranches a window pays: the periods of the window that follows."""
        first = window * self.periods_per_stage + 1
        return range(first, first + self.periods_per_stage)


def windows_of(history: History, definition: Definition, known_until: datetime) -> Windows:
    """Draw the boundaries of an enrolment as known at an instant, at the latest when it closed."""
    return windows_while_open(
        history.timezone,
        history.cycle,
        history.billing_day_changes,
        history.enrolment.enrolled_at,
        definition,
        known_until,
    )


def windows_while_open(
    timezone: str,
    cycle: Cycle,
    changes: Sequence[KnownChange],
    enrolled_at: datetime,
    definition: Definition,
    known_until: datetime,
) -> Windows:
    """Draw the boundaries from the changes of billing day received by `known_until`.

    A change received after the enrolment closed decides nothing, so it cannot open it again.
    """
    known: list[BillingDayChange] = []
    windows = _windows_from(Calendar(timezone, cycle), enrolled_at, definition)
    for received_at, together in groupby(sorted(changes, key=_received_at), key=_received_at):
        if received_at > min(known_until, windows.closes_at):
            break
        known.extend(change.change for change in together)
        windows = _windows_from(Calendar(timezone, cycle, tuple(known)), enrolled_at, definition)
    return windows


def _received_at(change: KnownChange) -> datetime:
    return change.received_at


@lru_cache(maxsize=20_000)
def _windows_from(calendar: Calendar, enrolled_at: datetime, definition: Definition) -> Windows:
    """Draw the boundaries of an enrolment that begins at `enrolled_at`, to the first after it closes."""
    horizon = enrolled_at
    while True:
        bounds = period_bounds(calendar, containing=enrolled_at, until=horizon)
        if len(bounds) <= definition.last_index:
            horizon = bounds[-1]
            continue
        closes_at = bounds[definition.last_index] + definition.close_after
        if bounds[-1] > closes_at:
            return Windows(bounds, definition.periods_per_stage, closes_at)
        horizon = closes_at
