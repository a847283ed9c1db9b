"""Random ways to deliver the same facts: in batches, shuffled within them, repeated, swept between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st

from selbsthelfer.intake.sweeping import sweep
from tests.programmes.events import Event
from tests.programmes.outcomes import deliver, together


@dataclass(frozen=True)
class Batch:
    """Facts for one transaction; afterwards the clock and crises may be decided up to `swept_at`."""

    events: tuple[Event, ...]
    swept_at: datetime | None = None


@st.composite
def deliveries(draw: Callable[[st.SearchStrategy[Any]], Any], events: Sequence[Event]) -> list[Batch]:
    """Cut facts, in the order in which they were received, never between what became known together."""
    groups = together(events)
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(groups) - 1)), max_size=5)))
    shuffle = Random(draw(st.integers(0, 100))).shuffle
    batches: list[Batch] = []
    for start, end in pairwise([0, *cuts, len(groups)]):
        batch = [event for group in groups[start:end] for event in group]
        if not batch:
            continue
        last = batch[-1].received_at
        if draw(st.integers(0, 3)) == 0:
            batch += [event for earlier in batches for event in earlier.events if not _is_lost(event, events)]
        shuffle(batch)
        following = groups[end][0].received_at if end < len(groups) else last
        swept_at = draw(st.sampled_from([None, last, following - timedelta(seconds=1)]))
        batches.append(Batch(tuple(batch), swept_at if last <= (swept_at or last) < following else None))
    return batches


def _is_lost(event: Event, events: Sequence[Event]) -> bool:
    """Tell whether a fact was received 30 days or more before its line was registered."""
    of_line = (other for other in events if other.subject == event.subject)
    registered = [other.received_at for other in of_line if other.type == "subscriber.registered"]
    return bool(registered) and event.received_at + timedelta(days=30) <= min(registered)


def tells_a_lost_fact_again(events: Sequence[Event]) -> bool:
    """Tell whether the repetition of a fact that was lost might enter (see `test_accept_parking`)."""
    lost = {event.key for event in events if _is_lost(event, events)}
    keys = [event.key for event in events]
    return any(keys.count(key) > 1 for key in lost)


def deliver_all(batches: Sequence[Batch], *, now: datetime) -> None:
    """Deliver batch after batch, and decide up to `now` in the end."""
    for batch in batches:
        deliver(batch.events, now=now)
        if batch.swept_at is not None:
            sweep(now=batch.swept_at)
    sweep(now=now)
