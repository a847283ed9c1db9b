"""Reconciliation: what differs is found, what is safe is mended, and the rest stays until it is over."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.charging.core.port import Found
from selbsthelfer.charging.core.reconciliation import DriftKind
from selbsthelfer.charging.models import Drift
from selbsthelfer.charging.operations import forget_recipients
from selbsthelfer.charging.reconciling import (
    MAX_PAGES_UNREADABLE,
    PAGE,
    AnotherRunError,
    CannotReadBackError,
    Report,
    reconcile,
)
from tests.charging.memory_system import ABLE, SETTLE_SECONDS, Crash, Fault, MemorySystem
from tests.charging.world import a_line, drifts, forget_all, go_on, load, order, settle, states, work

pytestmark = pytest.mark.django_db


def run(system: MemorySystem, **options: bool | int) -> Report:
    return reconcile(system=system, now_of=system.clock, **options)  # type: ignore[arg-type]


def delivered(*, bytes_: int = 100, **options: float) -> tuple[MemorySystem, UUID, UUID]:
    """A system with one order that arrived ten minutes ago."""
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line, bytes_=bytes_, **options)
    work(system)
    system.clock.advance(600)
    return system, line, credit_id


def kinds(report: Report) -> list[tuple[str, bool]]:
    return [(finding.drift.kind.value, finding.is_repaired) for finding in report.findings]


def test_where_all_is_well_nothing_is_found_and_used_volume_is_well() -> None:
    system, _, credit_id = delivered()
    system.alter(credit_id, remaining_bytes=0)
    report = run(system)
    assert (report.recipients, report.orders, report.remaining, report.findings) == (1, 1, 0, [])


def test_a_missing_bucket_is_credited_again_when_that_is_wished() -> None:
    system, line, credit_id = delivered()
    system.remove(credit_id)
    assert kinds(run(system)) == [("missing", False)]
    assert drifts() == {DriftKind.MISSING: 1}
    assert load(line, credit_id).state is OrderState.CONFIRMED
    assert kinds(run(system, repair=True)) == [("missing", True)]
    assert drifts() == {}
    go_on(system, 3)
    assert system.has() == Counter([credit_id])
    system.clock.advance(600)
    assert run(system).findings == []


def test_a_bucket_that_may_have_been_used_up_is_not_missing() -> None:
    system, _, credit_id = delivered()
    system.remove(credit_id)
    system.capabilities = replace(ABLE, keeps_used_up=False)
    assert run(system, repair=True).findings == []


def test_a_double_is_told_and_only_an_untouched_second_bucket_is_taken_out_when_wished() -> None:
    system, line, credit_id = delivered()
    own = load(line, credit_id)
    system.put(own.to_send())
    assert kinds(run(system, repair=True)) == [("double", False)]
    assert drifts() == {DriftKind.DOUBLE: 1}
    report = run(system, reverse_doubles=True)
    assert (kinds(report), report.remaining, drifts()) == ([("double", True)], 0, {})
    assert [bucket.place for bucket in system.buckets["line-1"]] == [own.place]


def test_a_second_bucket_that_somebody_used_stays() -> None:
    system, line, credit_id = delivered()
    system.put(load(line, credit_id).to_send())
    system.alter(credit_id, remaining_bytes=99)
    assert kinds(run(system, reverse_doubles=True)) == [("double", False)]
    assert system.has()[credit_id] == 2


def test_wrong_amounts_and_ends_are_told_and_left_to_people() -> None:
    system, line, credit_id = delivered()
    until = load(line, credit_id).valid_until
    system.alter(credit_id, bytes=200, remaining_bytes=200, valid_until=until + timedelta(hours=1))
    found = [("wrong_amount", False), ("wrong_expiry", False)]
    assert kinds(run(system, repair=True, reverse_doubles=True)) == found
    assert drifts() == {DriftKind.WRONG_AMOUNT: 1, DriftKind.WRONG_EXPIRY: 1}
    system.alter(credit_id, bytes=None, remaining_bytes=100, valid_until=until + timedelta(milliseconds=900))
    assert run(system).findings == []
    assert drifts() == {}


def test_a_bucket_under_an_id_of_ours_that_no_order_has_is_told_until_it_is_gone() -> None:
    system, line, credit_id = delivered()
    unknown = uuid4()
    system.put(replace(load(line, credit_id).to_send(), credit_id=unknown))
    assert kinds(run(system, repair=True)) == [("unknown_bucket", False)]
    (kept,) = Drift.objects.all()
    assert (kept.credit_id, kept.resolved_at) == (unknown, None)
    system.remove(unknown)
    system.clock.advance(1)
    assert run(system).findings == []
    assert drifts() == {}


def test_buckets_of_others_are_none_of_our_business() -> None:
    system, line, credit_id = delivered()
    place = system.put(load(line, credit_id).to_send())
    buckets = system.buckets["line-1"]
    buckets[:] = [replace(b, credit_id=None) if b.place == place else b for b in buckets]
    assert run(system).findings == []


def test_uncertain_orders_are_mended_as_settling_would() -> None:
    system, line = MemorySystem(), a_line()
    keys = [(line, credit_id) for credit_id in order(system, line, line)]
    system.fail([Fault.LOST_AFTER, Fault.LOST_BEFORE])
    work(system)
    assert run(system, repair=True).findings == [], "what may be under way is left alone"
    system.clock.advance(SETTLE_SECONDS + 60)
    assert sorted(kinds(run(system))) == [("uncertain_absent", False), ("uncertain_found", False)]
    assert sorted(kinds(run(system, repair=True))) == [("uncertain_absent", True), ("uncertain_found", True)]
    assert sorted(states(keys)) == [OrderState.CONFIRMED, OrderState.OPEN]
    go_on(system, 3)
    assert system.has() == Counter(credit_id for _, credit_id in keys)


def test_what_is_absent_without_being_sure_stays_uncertain() -> None:
    system = MemorySystem(capabilities=replace(ABLE, settle_seconds=None))
    line = a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_BEFORE])
    go_on(system, 5)
    assert kinds(run(system, repair=True)) == [("uncertain_absent", False)]
    assert load(line, credit_id).state is OrderState.UNCERTAIN


def test_an_order_that_waits_to_be_sent_again_and_is_there_is_confirmed_before_it_is_sent() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.BUSY])
    work(system)
    system.put(load(line, credit_id).to_send())
    assert kinds(run(system, repair=True)) == [("uncertain_found", True)]
    go_on(system, 5)
    assert (len(system.sent), system.has()) == (1, Counter([credit_id]))


def test_a_recipient_that_cannot_be_read_is_told_and_its_drift_stays() -> None:
    system, _, credit_id = delivered()
    system.alter(credit_id, bytes=1)
    run(system)
    system.reading_faults.append(Fault.UNREADABLE)
    report = run(system)
    assert (report.unreadable, report.recipients, report.findings) == (1, 1, [])
    assert drifts() == {DriftKind.WRONG_AMOUNT: 1}


def test_drift_is_over_with_the_volume() -> None:
    system, line, credit_id = delivered(days=1)
    system.alter(credit_id, bytes=1)
    run(system)
    system.clock.advance(86_400)
    assert run(system).recipients == 0
    forget_recipients(now=load(line, credit_id).valid_until)
    assert drifts() == {}


def test_a_run_ends_when_the_system_is_away() -> None:
    system = MemorySystem()
    order(system, *[a_line(f"line-{number:03}") for number in range(MAX_PAGES_UNREADABLE * PAGE + 1)])
    work(system)
    system.clock.advance(600)
    system.reading_faults.extend([Fault.UNREADABLE] * 1_000)
    report = run(system)
    assert (report.is_broken_off, report.unreadable) == (True, MAX_PAGES_UNREADABLE * PAGE)
    system.reading_faults.clear()
    system.reading_faults.extend([Fault.UNREADABLE] * (PAGE - 1))
    report = run(system)
    assert (report.is_broken_off, report.recipients) == (False, MAX_PAGES_UNREADABLE * PAGE + 1)


def test_what_was_read_is_noted_before_an_adapter_that_fails_is_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    system = MemorySystem()
    order(system, a_line("line-1"), a_line("line-2"), a_line("line-3"))
    work(system)
    system.clock.advance(600)
    for credit_id in list(system.has()):
        assert credit_id is not None
        system.remove(credit_id)
    system.reading_faults.extend([Fault.UNREADABLE, Fault.DIES_BEFORE])
    with pytest.raises(Crash), caplog.at_level("WARNING"):
        run(system)
    assert drifts() == {DriftKind.MISSING: 1}
    assert [r.getMessage() for r in caplog.records if "read back" in r.getMessage()] == [
        "1 recipients cannot be read back: timeout"
    ]


@pytest.mark.django_db(transaction=True)
def test_only_one_run_goes_on_at_a_time() -> None:
    system, _, _ = delivered()
    refused: list[BaseException] = []

    def another() -> None:
        try:
            run(system)
        except AnotherRunError as error:
            refused.append(error)
        finally:
            connection.close()

    def read_back(recipient: str) -> tuple[Found, ...]:
        thread = threading.Thread(target=another)
        thread.start()
        thread.join()
        return MemorySystem.read_back(system, recipient)

    system.read_back = read_back  # type: ignore[method-assign]
    assert run(system).recipients == 1
    assert len(refused) == 1
    assert run(system).recipients == 1, "and the lock is let go"


def test_a_run_can_be_bounded_and_goes_through_all_pages_otherwise() -> None:
    system = MemorySystem()
    order(system, *[a_line(f"line-{number:03}") for number in range(130)])
    work(system)
    system.clock.advance(600)
    assert run(system, limit=3).recipients == 3
    assert run(system).recipients == 130
    assert set(system.read.values()) == {1, 2}
    assert reconcile(system=system, now_of=system.clock, since=system.clock.at).recipients == 0


def test_a_system_that_tells_nothing_cannot_be_compared() -> None:
    with pytest.raises(CannotReadBackError):
        run(MemorySystem(capabilities=replace(ABLE, read_back=False)))


def test_settling_tells_of_a_double_and_a_wrong_amount_as_well() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_AFTER])
    work(system)
    system.put(load(line, credit_id).to_send())
    system.alter(credit_id, bytes=7)
    system.clock.advance(10)
    assert settle(system).confirmed == 1
    assert drifts() == {DriftKind.DOUBLE: 1, DriftKind.WRONG_AMOUNT: 1}


@pytest.mark.django_db(transaction=True)
def test_runs_that_meet_mend_once_and_never_take_out_both_buckets_of_a_double() -> None:
    system = MemorySystem()
    lines = [a_line(f"line-{number:02}") for number in range(40)]
    keys = list(zip(lines, order(system, *lines), strict=True))
    work(system)
    system.clock.advance(600)
    for number, key in enumerate(keys):
        if number % 2:
            system.put(load(*key).to_send())
        else:
            system.remove(key[1])

    def mend() -> None:
        try:
            with suppress(AnotherRunError):
                run(system, repair=True, reverse_doubles=True)
        finally:
            connection.close()

    threads = [threading.Thread(target=mend) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    go_on(system, 4)
    assert system.has() == Counter(credit_id for _, credit_id in keys)
    system.clock.advance(600)
    assert run(system).findings == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    done=st.lists(st.sampled_from(["fine", "gone", "twice", "touched", "altered"]), min_size=1, max_size=6),
    faults=st.lists(st.sampled_from([Fault.NONE, Fault.LOST_AFTER, Fault.LOST_BEFORE]), max_size=6),
)
def test_after_mending_only_what_people_must_mend_remains(done: list[str], faults: list[Fault]) -> None:
    forget_all()
    system, line = MemorySystem(), a_line()
    keys = [(line, credit_id) for credit_id in order(system, *[line] * len(done))]
    system.fail(faults)
    go_on(system, 12, seconds=60)
    for deed, key in zip(done, keys, strict=True):
        match deed:
            case "gone":
                system.remove(key[1])
            case "twice" | "touched":
                system.put(load(*key).to_send())
                if deed == "touched":
                    system.alter(key[1], remaining_bytes=5)
            case "altered":
                system.alter(key[1], bytes=3)
    system.clock.advance(600)
    system.faults.clear()
    run(system, repair=True, reverse_doubles=True)
    go_on(system, 4)
    system.clock.advance(600)
    last = run(system)
    remaining = Counter(
        "double" if deed == "touched" else "wrong_amount" for deed in done if deed in ("touched", "altered")
    )
    assert Counter(finding.drift.kind.value for finding in last.findings) == remaining
    assert Counter({kind.value: count for kind, count in drifts().items()}) == remaining
