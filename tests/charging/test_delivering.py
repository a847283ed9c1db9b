"""Delivery: whatever fails, and whoever dies, each order is credited exactly once."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from selbsthelfer.charging.core.orders import OrderState, noted
from selbsthelfer.charging.core.pace import FIRST_WAIT, MAX_WAIT, SEND_WITHIN
from selbsthelfer.charging.core.port import Credited, NotCredited, Unknown
from selbsthelfer.charging.delivering import MAX_TAKEN, Round, end_orders
from selbsthelfer.charging.models import CreditOrder
from selbsthelfer.charging.operations import forget_recipients
from selbsthelfer.charging.queries import owed_orders
from selbsthelfer.charging.recipients import VARIABLE, RecipientSettingError
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.charging.memory_system import ABLE, SETTLE_SECONDS, Clock, Crash, Fault, MemorySystem
from tests.charging.world import (
    a_line,
    attempts,
    forget_all,
    go_on,
    load,
    order,
    settle,
    standing,
    states,
    work,
)

pytestmark = pytest.mark.django_db
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
credit_faults = st.sampled_from([f for f in Fault if f not in (Fault.REFUSED, Fault.UNREADABLE, Fault.EARLY)])
reading_faults = st.sampled_from([Fault.NONE, Fault.UNREADABLE, Fault.DIES_BEFORE])


@few
@given(
    faults=st.lists(credit_faults, max_size=25),
    reading=st.lists(reading_faults, max_size=8),
    kills=st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=10),
    sizes=st.lists(st.integers(1, 1_800), min_size=1, max_size=5),
)
@example(faults=[Fault.LATE], reading=[], kills=[], sizes=[1])
@example(faults=[Fault.DIES_AFTER] * 3, reading=[Fault.DIES_BEFORE], kills=[1, 2, 3], sizes=[1, 2, 3])
def test_whatever_fails_each_order_is_credited_exactly_once(
    faults: list[Fault], reading: list[Fault], kills: list[int | None], sizes: list[int]
) -> None:
    forget_all()
    system = MemorySystem()
    system.fail(faults)
    system.reading_faults.extend(reading)
    lines = [a_line(f"line-{number % 3}") for number in range(len(sizes))]
    ordered = [
        (line, order(system, line, bytes_=size)[0], size) for line, size in zip(lines, sizes, strict=True)
    ]
    until = load(*ordered[0][:2]).valid_until
    for crash_in in kills:
        system.clock.crash_in = crash_in
        go_on(system, 1, seconds=20)
    system.clock.crash_in = None
    for _ in range(60):
        go_on(system, 1, seconds=120)
        if all(state is OrderState.CONFIRMED for state in states(key[:2] for key in ordered)):
            break
    found = {bucket.credit_id: bucket for buckets in system.buckets.values() for bucket in buckets}
    assert system.has() == Counter({credit_id: 1 for _, credit_id, _ in ordered})
    for line, credit_id, size in ordered:
        assert (found[credit_id].bytes, found[credit_id].valid_until) == (size, until)
        standing_ = load(line, credit_id)
        assert (standing_.state, standing_.place) == (OrderState.CONFIRMED, found[credit_id].place)
    assert len({(c.credit_id, c) for c in system.sent}) == len(ordered), "a retry sends the same again"


def test_an_order_is_uncertain_before_it_is_sent_and_confirmed_after_the_answer() -> None:
    line, system = a_line(), MemorySystem(capabilities=replace(ABLE, reauthorise=True))
    (credit_id,) = order(system, line)
    before = load(line, credit_id)
    assert (before.state, before.recipient, before.attempts) == (OrderState.OPEN, None, 0)
    system.clock.crash_in = 1
    with pytest.raises(Crash):
        work(system)
    taken = load(line, credit_id)
    assert (taken.state, taken.recipient, taken.attempts) == (OrderState.UNCERTAIN, "line-1", 1)
    assert system.sent == []
    assert [(a.action, a.ended_at) for a in attempts(line, credit_id)] == [("credit", None)]
    system.clock.advance(SETTLE_SECONDS + 60)
    assert settle(system) == (0, 1, 0)
    system.clock.advance(10)
    assert work(system) == Round(credited=1)
    after = load(line, credit_id)
    assert (after.state, after.confirmed_at, after.due_at) == (OrderState.CONFIRMED, system.clock.at, None)
    assert [(a.action, a.outcome) for a in attempts(line, credit_id)] == [
        ("credit", None),
        ("read_back", "absent"),
        ("credit", "credited"),
    ]
    assert system.sessions == ["line-1"]


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_never_send_an_order_twice() -> None:
    system = MemorySystem()
    lines = [a_line(f"line-{number}") for number in range(20)]
    credits_ = [credit_id for _ in range(10) for credit_id in order(system, *lines)]

    def deliver() -> None:
        try:
            while work(system, limit=7).taken:
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(credit.credit_id for credit in system.sent) == Counter(credits_)
    assert standing(system).orders == dict.fromkeys(
        (OrderState.OPEN, OrderState.UNCERTAIN, OrderState.REFUSED), 0
    )


@pytest.mark.django_db(transaction=True)
def test_a_worker_passes_over_what_another_has_locked() -> None:
    system = MemorySystem()
    first, second = order(system, a_line("line-1"), a_line("line-2"))
    with transaction.atomic():
        open_cursor().execute("SELECT FROM charging_creditorder WHERE credit_id = %s FOR UPDATE", [first])
        done = []

        def other() -> None:
            try:
                done.append(work(system))
            finally:
                connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert done == [Round(credited=1)]
    assert [credit.credit_id for credit in system.sent] == [second]


@pytest.mark.parametrize("late", [NotCredited("no", True), NotCredited("busy", False), Unknown("timeout")])
def test_an_answer_that_comes_late_changes_nothing_unless_it_says_credited(late: object) -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_BEFORE])
    work(system)
    system.clock.advance(SETTLE_SECONDS + 60)
    settle(system)
    standing_ = load(line, credit_id)
    assert (standing_.state, standing_.attempts) == (OrderState.OPEN, 2)
    assert noted(standing_, 1, late, at=system.clock.at, capabilities=ABLE) == standing_  # type: ignore[arg-type]
    won = noted(standing_, 1, Credited("b"), at=system.clock.at, capabilities=ABLE)
    assert (won.state, won.due_at, won.place) == (OrderState.CONFIRMED, None, "b")


def test_what_is_found_early_is_confirmed_early_and_absence_waits_for_the_bound() -> None:
    system, line = MemorySystem(), a_line()
    (landed,) = order(system, line)
    system.fail([Fault.LOST_AFTER])
    work(system)
    (lost,) = order(system, line)
    system.fail([Fault.LOST_BEFORE])
    work(system)
    system.clock.advance(6)
    assert settle(system) == (1, 0, 1)
    assert states([(line, landed), (line, lost)]) == [OrderState.CONFIRMED, OrderState.UNCERTAIN]
    bound = load(line, lost).sent_at + SEND_WITHIN + timedelta(seconds=SETTLE_SECONDS)  # type: ignore[operator]
    while system.clock.at < bound:
        settle(system)
        assert work(system).taken == 0
        system.clock.advance(5)
    go_on(system, 8, seconds=60)
    assert system.has() == Counter([landed, lost])


def test_a_refusal_for_good_that_was_meant_for_another_loses_nothing() -> None:
    """Told once, it is checked: the order is read back and sent once more, and then it is credited."""
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.REFUSED])
    work(system)
    assert load(line, credit_id).state is OrderState.UNCERTAIN
    go_on(system, 20)
    assert load(line, credit_id).state is OrderState.CONFIRMED
    assert system.has() == {credit_id: 1}


def test_a_refusal_for_good_that_is_told_twice_is_kept_with_its_code_and_is_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    system, line = MemorySystem(), a_line(msisdn="+4917139200017")
    (credit_id,) = order(system, line)
    system.fail([Fault.REFUSED, Fault.REFUSED])
    assert work(system) == Round(uncertain=1)
    assert "is refused" not in caplog.text
    go_on(system, 20)
    go_on(system, 5, seconds=3_600)
    after = load(line, credit_id)
    assert (after.state, after.failure, len(system.sent)) == (OrderState.REFUSED, "account_unknown", 2)
    assert f"credit order {credit_id} is refused: account_unknown" in caplog.text
    assert "4917139200017" not in caplog.text


def test_a_busy_system_is_asked_ever_more_rarely_and_an_hour_of_it_is_trouble() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.BUSY] * 1_000)
    tried_at = []
    for _ in range(24 * 60):
        if work(system).taken:
            tried_at.append(system.clock.at)
        system.clock.advance(60)
    assert 96 <= len(tried_at) <= 24 * 8 + 20, "at last every quarter of an hour, or up to twice as often"
    assert load(line, credit_id).troubled_at is not None
    assert standing(system).in_trouble == 1
    assert standing(system).oldest_seconds == pytest.approx(86_400)


def test_what_begins_later_waits_for_that_where_the_system_wants_it_so() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line, starts_in=2)
    system.fail([Fault.EARLY])
    go_on(system, 47, seconds=3_600)
    after = load(line, credit_id)
    assert (len(system.sent), after.due_at, after.troubled_at) == (1, after.valid_from, None)
    go_on(system, 2, seconds=3_600)
    assert system.has() == Counter([credit_id])


def test_what_is_not_on_its_way_in_time_or_before_a_stop_is_given_back_unsent() -> None:
    system, line = MemorySystem(), a_line()
    keys = [(line, credit_id) for credit_id in order(system, line, line, line)]
    assert work(system, is_stopping=lambda: True) == Round(unsent=3)
    assert states(keys) == [OrderState.OPEN] * 3
    assert [attempts(*key) for key in keys] == [[], [], []]

    class Slow(Clock):
        def __call__(self) -> object:  # type: ignore[override]
            at = super().__call__()
            self.advance(SEND_WITHIN.total_seconds() / 2)
            return at

    late = MemorySystem(clock=Slow(system.clock.at))
    assert work(late).unsent >= 1
    assert len(late.sent) < 3
    assert work(system).credited == 3 - len(late.sent)


def test_what_was_given_back_unsent_stands_as_if_nobody_had_taken_it() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    before = load(line, credit_id)
    for _ in range(11):
        assert work(system, is_stopping=lambda: True).unsent == 1
    after = load(line, credit_id)
    assert (after.sent_at, after.failure, after.failures) == (before.sent_at, before.failure, 0)
    system.fail([Fault.BUSY])
    work(system)
    failed = load(line, credit_id)
    assert failed.due_at is not None
    assert failed.due_at - system.clock.at <= FIRST_WAIT
    work(system, is_stopping=lambda: True)
    system.clock.advance(FIRST_WAIT.total_seconds())
    assert work(system, is_stopping=lambda: True).unsent == 1
    given_back = load(line, credit_id)
    assert (given_back.sent_at, given_back.failure) == (failed.sent_at, "busy")


def test_reading_an_order_back_does_not_slow_down_its_sending() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_BEFORE, Fault.BUSY])
    system.reading_faults.extend([Fault.UNREADABLE] * 6)
    while len(system.sent) < 2:
        go_on(system, 1, seconds=5)
    after = load(line, credit_id)
    assert (after.failure, after.failures) == ("busy", 1)
    assert after.due_at is not None
    assert after.due_at < system.clock.at, "five seconds are over"


def test_reads_become_rare_and_none_waits_longer_than_the_longest_wait() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_BEFORE])
    system.reading_faults.extend([Fault.UNREADABLE] * 1_000)
    go_on(system, 24 * 60, seconds=60)
    day = system.read["line-1"]
    assert 90 <= day <= 24 * 8 + 20
    after = load(line, credit_id)
    assert after.due_at is not None
    assert after.due_at - system.clock.at <= MAX_WAIT


def test_an_order_keeps_the_recipient_of_its_first_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "msisdn")
    system, line = MemorySystem(), a_line(msisdn="+491711")
    order(system, line)
    system.fail([Fault.BUSY])
    work(system)
    a_line(msisdn="+491722")
    go_on(system, 3)
    assert {credit.recipient for credit in system.sent} == {"+491711"}
    assert list(system.buckets) == ["+491711"]


def test_a_line_without_the_name_that_is_needed_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "msisdn")
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    assert work(system) == Round(postponed=1)
    assert (load(line, credit_id).failure, system.sent) == ("no_recipient", [])
    a_line(msisdn="+491722")
    go_on(system, 3)
    assert load(line, credit_id).state is OrderState.CONFIRMED
    monkeypatch.setenv(VARIABLE, "imsi")
    with pytest.raises(RecipientSettingError):
        work(system)


def test_nothing_is_delivered_to_a_line_that_has_ended_and_nobody_is_alarmed() -> None:
    system = MemorySystem()
    line = a_line(ended_at=system.clock.at)
    (credit_id,) = order(system, line)
    assert work(system) == Round(postponed=1)
    after = load(line, credit_id)
    assert (after.state, after.failure, after.troubled_at) == (OrderState.REFUSED, "line_ended", None)
    assert system.sent == []


def test_what_nobody_delivered_in_time_is_owed_once() -> None:
    system, line = MemorySystem(), a_line()
    (too_late,) = order(system, line, days=1)
    system.fail([Fault.BUSY, Fault.LOST_BEFORE])
    work(system)
    (uncertain,) = order(system, line, days=1)
    system.capabilities = replace(ABLE, settle_seconds=None)
    work(system, limit=1)
    system.clock.advance(86_400)
    assert work(system).taken == settle(system).taken == 0
    assert end_orders(now=system.clock.at) == 2
    assert end_orders(now=system.clock.at) == 0
    assert states([(line, too_late), (line, uncertain)]) == [OrderState.REFUSED, OrderState.UNCERTAIN]
    with transaction.atomic():
        owed = owed_orders(open_cursor(), limit=10)
    assert {each.credit_id for each in owed} == {too_late, uncertain}
    assert {each.subject for each in owed} == {"line-1"}


def test_orders_of_another_system_are_left_alone_and_yet_end() -> None:
    old, new, line = MemorySystem(name="old"), MemorySystem(name="new"), a_line()
    order(old, line, days=1)
    assert work(new).taken == 0
    new.clock.advance(86_400)
    assert end_orders(now=new.clock.at) == 1


def test_the_recipient_is_forgotten_a_week_after_the_end() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line, days=1)
    work(system)
    at = load(line, credit_id).valid_until + timedelta(days=7)
    assert forget_recipients(now=at) == 0
    assert load(line, credit_id).recipient == "line-1"
    assert forget_recipients(now=at + timedelta(seconds=1)) == 1
    assert load(line, credit_id).recipient is None


def test_the_database_holds_no_open_order_that_no_worker_would_take() -> None:
    system, line = MemorySystem(), a_line()
    order(system, line)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditOrder.objects.update(due_at=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditOrder.objects.update(made_good_at=system.clock.at)


def test_the_lag_is_that_of_the_last_minutes() -> None:
    system, line = MemorySystem(), a_line()
    order(system, line)
    system.clock.advance(2)
    work(system)
    told = standing(system)
    assert (told.delivered, told.lag_p50_seconds, told.lag_max_seconds, told.oldest_seconds) == (1, 2, 2, 0)
    system.clock.advance(301)
    assert standing(system).delivered == 0


def test_a_round_has_a_limit() -> None:
    assert MAX_TAKEN <= 1_000
    system, line = MemorySystem(), a_line()
    order(system, *[line] * 5)
    assert work(system, limit=2).taken == 2
    assert subscriber_id_of("line-1") == line
    assert uuid4() not in system.has()
