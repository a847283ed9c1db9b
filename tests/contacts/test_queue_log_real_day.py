"""A real day of calls, rewritten as a queue log, against the totals of its README."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest

from selbsthelfer.contacts.core.queue_log import QueueCall, Totals, read_queue_log

REAL_LOG = (
    Path(__file__).parents[2].parent / "shared" / "data" / "anonymous-bank-1999" / "queue_log-1999-05-16.gz"
)


@pytest.fixture(scope="module")
def real_lines() -> list[str]:
    """Return the day of the anonymous bank as a queue log."""
    if not REAL_LOG.exists():
        pytest.skip(f"the queue log of the anonymous bank is not at {REAL_LOG}")
    with gzip.open(REAL_LOG, "rt", encoding="ascii") as log:
        return log.readlines()


@pytest.mark.parametrize("reading", ["first", "second"])
def test_the_real_day_reaches_the_totals_of_its_readme(real_lines: list[str], reading: str) -> None:
    totals = Totals()
    read = list(read_queue_log(real_lines, totals=totals))
    assert len({call.id for call in read if isinstance(call, QueueCall)}) == len(read) == 1_736
    assert totals.events == {
        "QUEUESTART": 1,
        "ENTERQUEUE": 1_736,
        "CONNECT": 1_332,
        "COMPLETECALLER": 1_332,
        "ABANDON": 404,
    }
    queues = totals.queues
    assert {name: queue.entered for name, queue in queues.items()} == {
        "PS": 1_237,
        "NW": 290,
        "NE": 167,
        "TT": 29,
        "IN": 11,
        "PE": 2,
    }
    assert sum(queue.connected for queue in queues.values()) == 1_332
    assert sum(queue.wait_seconds["answered"] for queue in queues.values()) == 97_319
    assert sum(queue.wait_seconds["abandoned"] for queue in queues.values()) == 24_638
    assert round(sum(queue.talk_seconds for queue in queues.values()) / 1_332, 1) == 213.6
    assert (totals.lines, totals.left_open, totals.rejects) == (4_805, (), {})


def test_the_real_day_in_two_overlapping_pieces_gives_the_same_calls(real_lines: list[str]) -> None:
    whole = set(read_queue_log(real_lines))
    random = Random(1999)
    for _ in range(5):
        cut = random.randrange(500, 4_300)
        first = Totals()
        pieces = list(read_queue_log(real_lines[:cut], totals=first))
        again = read_queue_log(real_lines[cut - 400 :], open_calls=first.left_open)
        independent = read_queue_log(real_lines[cut - 400 :])
        for later in (again, independent):
            union = {call for call in [*pieces, *later] if isinstance(call, QueueCall)}
            assert union == whole
