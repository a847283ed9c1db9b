"""Many senders at once: each fact enters once, each tranche is granted once, and nobody is turned away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from selbsthelfer.intake.operations import Receipt, Terms, accept
from selbsthelfer.intake.sweeping import sweep
from selbsthelfer.kit.sql import open_cursor
from tests.programmes.deciding import PROGRAMME, YEAR, participant, programme
from tests.programmes.events import Event, Line, crisis, instant
from tests.programmes.outcomes import (
    decided_by_core,
    deliver,
    differences,
    in_order,
    publish_all,
    read_outcomes,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOW = instant("2026-03-01")
LINES = 25
BATCHES = 12


class Senders:
    """Threads, each with a connection of its own that it closes in the end."""

    def __init__(self, pool: ThreadPoolExecutor, count: int) -> None:
        self._pool = pool
        self._barrier = Barrier(count)

    def send(self, *batches: Sequence[Event], together: bool = True) -> Future[list[Receipt]]:
        """Send batch after batch, each at the same moment as the other senders."""

        def work() -> list[Receipt]:
            receipts = []
            try:
                for batch in batches:
                    if together:
                        self._barrier.wait(30)
                    receipts.append(deliver(batch, now=NOW))
            except BaseException:
                self._barrier.abort()
                raise
            finally:
                connection.close()
            return receipts

        return self._pool.submit(work)

    def run(self, work: Callable[[], Any]) -> Future[Any]:
        def closing() -> Any:
            try:
                return work()
            finally:
                connection.close()

        return self._pool.submit(closing)


@contextmanager
def senders(count: int) -> Iterator[Senders]:
    with ThreadPoolExecutor(count) as pool:
        yield Senders(pool, count)


@pytest.fixture(autouse=True)
def _published(transactional_db: None) -> None:
    publish_all([programme(cap_bytes=1_050_000_000)])


def rows(query: str) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        return open_cursor().execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


def year_of_lines() -> list[Event]:
    events: list[Event] = []
    for number in range(LINES):
        line = participant(active_in=YEAR, subject=f"line-{number}")
        line.calls(f"2025-{1 + number % 9:02}-10")
        events += line.events
    return events


def overlapping(events: Sequence[Event], seed: int) -> list[list[Event]]:
    """Cut facts, in their order, into batches, each with half of the facts of its neighbours, shuffled."""
    ordered = in_order(events)
    size = -(-len(ordered) // BATCHES)
    batches = [ordered[max(0, n - size // 2) : n + size + size // 2] for n in range(0, len(ordered), size)]
    for batch in batches:
        Random(seed).shuffle(batch)
    return batches


def test_overlapping_batches_for_the_same_lines_give_what_one_sender_gives() -> None:
    """Two send all facts at the same time, in the order in which they were received."""
    events = year_of_lines()
    with senders(2) as both:
        sent = [both.send(*overlapping(events, seed)) for seed in (1, 2)]
        receipts = [receipt for future in sent for receipt in future.result()]
    accepted = sum(receipt.counts["accepted"] for receipt in receipts)
    assert accepted == len(events) == rows("SELECT count(*) FROM intake_key")[0][0]
    assert rows("SELECT count(*) FROM activities_activity") == [(12 * LINES,)]
    released = sum(receipt.released for receipt in receipts)
    assert rows("SELECT count(*), count(DISTINCT (subscriber_id, index)) FROM programmes_release") == [
        (released, released)
    ]
    assert not rows("SELECT FROM programmes_release GROUP BY subscriber_id HAVING sum(bytes) > 1050000000")
    assert rows("SELECT count(*) FROM allowances_bucket") == rows(
        "SELECT count(*) FROM programmes_release WHERE bytes > 0"
    )
    found = read_outcomes([f"line-{n}" for n in range(LINES)], now=NOW)
    assert not differences(found, decided_by_core(events, [programme(cap_bytes=1_050_000_000)], now=NOW))


def test_senders_in_opposite_order_with_sweeps_between_lose_no_tranche_and_keep_the_cap() -> None:
    events = [*year_of_lines(), crisis("2025-02-10", "2025-02-11", received="2025-04-01")]
    batches = overlapping(events, 3)
    with senders(3) as many:
        forwards = many.send(*batches, together=False)
        backwards = many.send(*reversed(batches), together=False)
        sweeps = many.run(lambda: [sweep(now=NOW) for _ in range(BATCHES)])
        for future in (forwards, backwards, sweeps):
            future.result()
    deliver([], now=NOW)
    sweep(now=NOW)
    assert rows("SELECT count(*) FROM intake_key") == [(len(events) - 1,)]
    expected = decided_by_core(events, [programme(cap_bytes=1_050_000_000)], now=NOW)
    for enrolled, outcome in read_outcomes([f"line-{n}" for n in range(LINES)], now=NOW).items():
        assert outcome.released.keys() >= expected[enrolled].released.keys()
        assert sum(release.bytes for release in outcome.releases) <= 1_050_000_000


def test_a_fact_parked_while_its_line_is_being_registered_is_not_left_behind() -> None:
    line = Line("line")
    registration, fact = line.registers("2025-01-01"), line.does("2025-01-02")
    with senders(1) as one:
        with transaction.atomic():
            deliver([registration], now=NOW)
            parked = one.send([fact], together=False)
            with pytest.raises(TimeoutError):
                parked.result(timeout=0.5)
        assert parked.result()[0].results == ["accepted"]
    assert rows("SELECT count(*) FROM activities_activity") == [(1,)]
    assert rows("SELECT count(*) FROM intake_parked") == [(0,)]


def test_two_who_register_the_same_lines_are_both_served() -> None:
    lines = [Line(f"line-{number}") for number in range(200)]
    registrations = [line.registers("2025-01-01") for line in lines]
    with senders(2) as both:
        one, other = both.send(registrations), both.send(registrations[::-1])
        counts = one.result()[0].counts + other.result()[0].counts
    assert counts == {"accepted": 200, "known": 200}


@pytest.mark.parametrize("kind", ["refused", "parked"])
def test_two_who_send_the_same_in_opposite_order_do_not_stop_each_other(kind: str) -> None:
    line = Line("nobody")
    activity = "bill.shred" if kind == "refused" else "bill.view"
    events = [line.does("2025-01-02", activity) for _ in range(1_500)]
    with senders(2) as both:
        one, other = both.send(events), both.send(events[::-1])
        one.result()
        other.result()
    table = "intake_reject" if kind == "refused" else "intake_parked"
    assert rows(f"SELECT count(*) FROM {table}") == [(1_500,)]  # noqa: S608
    if kind == "refused":
        assert rows("SELECT DISTINCT times FROM intake_reject") == [(2,)]


def test_many_enrolments_at_once_keep_within_the_budget() -> None:
    """A budget of 1 GB keeps the promises of ten lines; three senders enrol twenty-four."""
    publish_all([programme(cap_bytes=100_000_000, budget_bytes=1_000_000_000)])
    lines = [Line(f"line-{number}") for number in range(24)]
    for line in lines:
        line.registers()
        line.enrols("2026-02-01", PROGRAMME)
    deliver([line.events[0] for line in lines], now=NOW)
    batches = [[line.events[1].encode() for line in lines[n : n + 4]] for n in range(0, 24, 4)]
    with senders(3) as many:
        terms = Terms(now=NOW, may_backdate=True)
        sent = [many.run(lambda batch=batch: accept(batch, terms=terms).counts) for batch in batches]
        counts = sum((future.result() for future in sent), Counter())
    assert counts == {"accepted": 10, "rejected": 14}
    assert rows("SELECT reserved_bytes, granted_bytes FROM programmes_budget") == [(1_000_000_000, 0)]
    assert rows("SELECT DISTINCT code FROM intake_reject") == [("budget_exhausted",)]
