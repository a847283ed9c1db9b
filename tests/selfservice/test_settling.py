"""A crash or a silence between the steps of a task loses nothing and does nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.selfservice.back_end import BackEndUnavailableError, Confirmation, OutcomeUnknownError
from selbsthelfer.selfservice.back_ends import use_back_end
from selbsthelfer.selfservice.core.orders import (
    ActivateSim,
    BarNumber,
    ChangeBankAccount,
    GoPaperless,
    Order,
    OrderReplacementSim,
)
from selbsthelfer.selfservice.core.results import Done, Outcome, Receipt
from selbsthelfer.selfservice.core.tasks import MAX_ATTEMPTS
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from selbsthelfer.selfservice.embedded.operations import begin_outage
from selbsthelfer.selfservice.embedded.queries import letters_of_line
from selbsthelfer.selfservice.queries import receipts_of_line
from selbsthelfer.selfservice.settling import Settled, settle_started
from selbsthelfer.subscribers.core.lines import LineRef
from tests.selfservice.world import IBAN, NOW, do, facts_of, later, new_key, registered, rows, succeed

pytestmark = pytest.mark.django_db(transaction=True)


class DiedError(Exception):
    """Stands for the death of the process."""


@dataclass
class TroubledBackEnd(EmbeddedBackEnd):
    """The embedded back end with trouble before or after it does what is ordered, the first few times."""

    before: Exception | None = None
    after: Exception | None = None
    times: int = 1
    keys: list[str] = field(default_factory=list)

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation:
        self.keys.append(key)
        troubled = len(self.keys) <= self.times
        if troubled and self.before is not None:
            raise self.before
        confirmation = super().carry_out(line, order, key=key, now=now)
        if troubled and self.after is not None:
            raise self.after
        return confirmation


def newest(line: LineRef) -> Receipt:
    with transaction.atomic():
        return receipts_of_line(open_cursor(), line.subscriber_id, limit=1)[0]


def orders_done(line: LineRef) -> int:
    statement = "SELECT count(*) FROM selfservice_embeddedorder WHERE subscriber_id = %s"
    return int(rows(statement, line.subscriber_id)[0][0])


@pytest.mark.parametrize("trouble", ["before", "after"])
def test_a_process_that_dies_leaves_a_task_that_is_settled_with_the_same_key(trouble: str) -> None:
    line = registered()
    back_end = TroubledBackEnd(**{trouble: DiedError()})  # type: ignore[arg-type]
    with use_back_end(back_end):
        with pytest.raises(DiedError):
            do(line, BarNumber("+492214710123", barred=True))
        assert newest(line).done.outcome is Outcome.UNKNOWN
        assert facts_of(line) == []
        assert settle_started(now=later(seconds=59)) == Settled(0, 0)
        assert settle_started(now=later(seconds=61)) == Settled(1, 1)
        assert settle_started(now=later(days=1)) == Settled(0, 0)
    assert newest(line).done.outcome is Outcome.SUCCEEDED
    assert len(set(back_end.keys)) == 1
    assert orders_done(line) == 1
    assert EmbeddedBackEnd().settings(line, now=NOW).barred_numbers == ("+492214710123",)
    assert facts_of(line) == [("call.block", True)]


@pytest.mark.parametrize("trouble", ["before", "after"])
def test_a_back_end_that_does_not_answer_is_asked_until_it_does(trouble: str) -> None:
    line = registered()
    back_end = TroubledBackEnd(**{trouble: OutcomeUnknownError()}, times=3)  # type: ignore[arg-type]
    with use_back_end(back_end):
        key = new_key()
        done = do(line, GoPaperless(), key=key)
        assert (done.outcome, done.fact_id) == (Outcome.UNKNOWN, None)
        assert do(line, GoPaperless(), key=key).outcome is Outcome.UNKNOWN
        now, finished = NOW, []
        for _ in range(6):
            now += timedelta(hours=2)
            finished.append(settle_started(now=now))
    assert finished == [Settled(1, 0), Settled(1, 0), Settled(1, 1), *[Settled(0, 0)] * 3]
    assert (orders_done(line), facts_of(line)) == (1, [("bill.paperless", True)])
    assert newest(line).number == done.receipt


def test_what_is_asked_again_waits_longer_each_time() -> None:
    line = registered()
    with use_back_end(TroubledBackEnd(before=OutcomeUnknownError(), times=MAX_ATTEMPTS)):
        do(line, GoPaperless())
        asked = [minute for minute in range(130) if settle_started(now=NOW + timedelta(minutes=minute)).asked]
    assert asked == [1, 3, 7, 15, 31, 63, 123]


def test_a_task_that_is_never_answered_ends_as_failed_at_the_time_of_the_attempt() -> None:
    line = registered()
    back_end = TroubledBackEnd(before=OutcomeUnknownError(), times=10 * MAX_ATTEMPTS)
    with use_back_end(back_end):
        do(line, GoPaperless())
        now = NOW
        for _ in range(2 * MAX_ATTEMPTS):
            now += timedelta(hours=2)
            settle_started(now=now)
    assert len(back_end.keys) == MAX_ATTEMPTS
    done = newest(line).done
    assert done.outcome is Outcome.FAILED
    assert done.reason is not None
    assert "nicht geantwortet" in done.reason.de
    assert facts_of(line) == [("bill.paperless", False)]
    happened = rows(
        "SELECT happened_at FROM activities_activity WHERE subscriber_id = %s", line.subscriber_id
    )
    assert happened == [(NOW,)]


def test_an_outage_while_settling_is_no_answer_to_the_first_attempt() -> None:
    line = registered()
    with use_back_end(TroubledBackEnd(after=DiedError())), pytest.raises(DiedError):
        do(line, GoPaperless())
    begin_outage(None, now=NOW, until=later(minutes=5))
    assert settle_started(now=later(minutes=2)) == Settled(1, 0)
    assert facts_of(line) == []
    assert settle_started(now=later(minutes=10)) == Settled(1, 1)
    assert facts_of(line) == [("bill.paperless", True)]


def test_orders_with_secrets_can_be_settled_and_are_forgotten_then() -> None:
    line = registered()
    succeed(line, OrderReplacementSim(esim=False))
    (letter,) = letters_of_line(line)
    orders = (ChangeBankAccount(IBAN, "Lena Vogel"), ActivateSim(letter.iccid, letter.code))
    for order in orders:
        with use_back_end(TroubledBackEnd(before=DiedError())), pytest.raises(DiedError):
            do(line, order)
    assert settle_started(now=later(minutes=2)) == Settled(2, 2)
    kept = str(rows("SELECT t::text FROM selfservice_task t"))
    assert IBAN not in kept
    assert letter.code not in kept
    assert sorted(facts_of(line)) == [("bill.iban", True), ("sim.activate", True), ("sim.replace", True)]


def test_no_more_than_the_limit_is_settled_at_once() -> None:
    line = registered()
    with use_back_end(TroubledBackEnd(before=OutcomeUnknownError(), times=3)):
        for number in range(3):
            do(line, BarNumber(f"+49221471000{number}", barred=True))
        assert settle_started(now=later(minutes=2), limit=2) == Settled(2, 2)
        assert settle_started(now=later(minutes=2), limit=2) == Settled(1, 1)


def test_a_back_end_that_is_down_has_done_nothing() -> None:
    line = registered()
    with use_back_end(TroubledBackEnd(before=BackEndUnavailableError())):
        assert do(line, GoPaperless()).outcome is Outcome.FAILED
    assert settle_started(now=later(days=1)) == Settled(0, 0)
    assert not EmbeddedBackEnd().customer(line, now=NOW).is_paperless
    assert facts_of(line) == [("bill.paperless", False)]


class OvertakenBackEnd(TroubledBackEnd):
    """Is so slow at first that the task is settled meanwhile; then it says that it was out of reach."""

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation:
        if not self.keys:
            self.keys.append(key)
            assert settle_started(now=later(minutes=2)) == Settled(1, 1)
            raise BackEndUnavailableError
        return super().carry_out(line, order, key=key, now=now)


def test_of_two_answers_to_one_task_the_first_holds() -> None:
    line = registered()
    with use_back_end(OvertakenBackEnd()):
        done = do(line, GoPaperless())
    assert (done.outcome, done.finished_at) == (Outcome.SUCCEEDED, later(minutes=2))
    assert facts_of(line) == [("bill.paperless", True)]


def test_an_order_cannot_be_given_inside_a_transaction_that_might_be_taken_back() -> None:
    line = registered()
    back_end = TroubledBackEnd()
    with use_back_end(back_end), transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        do(line, GoPaperless())
    assert back_end.keys == []


def test_one_key_pressed_many_times_at_once_is_one_task() -> None:
    line = registered()
    EmbeddedBackEnd().customer(line, now=NOW)
    key, presses = new_key(), 6
    barrier = Barrier(presses)

    def press() -> Done:
        try:
            barrier.wait(10)
            return do(line, GoPaperless(), key=key)
        finally:
            connection.close()

    with ThreadPoolExecutor(presses) as pool:
        answers = [future.result() for future in [pool.submit(press) for _ in range(presses)]]
    assert sum(answer.is_new for answer in answers) == 1
    assert len({answer.receipt for answer in answers}) == 1
    assert (orders_done(line), facts_of(line)) == (1, [("bill.paperless", True)])


def test_a_line_met_by_many_at_once_gets_one_household_and_the_same_bills() -> None:
    line = registered()
    back_end, readers = EmbeddedBackEnd(), 5
    barrier = Barrier(readers)

    def read() -> tuple[object, ...]:
        try:
            barrier.wait(10)
            return (
                back_end.customer(line, now=NOW),
                tuple(back_end.bills(line, now=NOW)),
                tuple(back_end.sims(line, now=NOW)),
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(readers) as pool:
        answers = [future.result() for future in [pool.submit(read) for _ in range(readers)]]
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0][1]) == 14  # type: ignore[arg-type]
