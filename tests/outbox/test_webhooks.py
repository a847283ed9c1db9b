"""Events reach every endpoint that wants them, signed, at least once, and not for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.db import connections, transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import event_id_of
from selbsthelfer.outbox.core.webhooks import (
    FIRST_REST,
    FIRST_RETRY,
    MAX_REST,
    MAX_RETRY,
    TRIED_FOR,
    DeliveryState,
    next_try_at,
    rests_until,
)
from selbsthelfer.outbox.couriers import LANES, NOT_CARRIED, Couriers
from selbsthelfer.outbox.delivering_events import (
    EVENTS_KEPT_FOR,
    LEASE,
    _take,
    send_events,
    stop_sending,
)
from selbsthelfer.outbox.event_queries import attempts_failed, deliveries_waiting
from selbsthelfer.outbox.operations import Round, erase_line
from selbsthelfer.outbox.queries import export_of_line
from selbsthelfer.outbox.sealing import seal
from selbsthelfer.outbox.webhooks import add_endpoint
from tests.outbox.receiving import (
    RESET,
    SILENCE,
    Receiver,
    add,
    attempts,
    deliver,
    deliveries,
    receiver,
    state_of,
    tell,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LINE = UUID(int=7)


def now_of() -> datetime:
    """A clock that stands."""
    return NOW


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_an_event_arrives_once_and_signed_with_its_kind_instant_and_data(there: Receiver) -> None:
    endpoint = add(there, NOW).endpoint
    tell(NOW, "a")
    assert deliver(NOW) == Round(1, 0, 0)
    assert deliver(NOW) == Round(0, 0, 0)
    event_id = str(event_id_of("a"))
    assert there.bodies == [
        (event_id, {"type": "grant.released", "timestamp": "2026-05-01T12:00:00Z", "data": {"key": "a"}})
    ]
    assert there.unsigned == []
    [delivery] = deliveries(endpoint.endpoint_id)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    [attempt] = attempts(endpoint.endpoint_id)
    assert (attempt.status, attempt.failure, str(attempt.event_id)) == (204, None, event_id)
    assert state_of(endpoint.endpoint_id).succeeded_at == NOW


def test_a_wrong_secret_would_be_noticed(there: Receiver) -> None:
    """The receiver's own check can fail."""
    add(there, NOW)
    there.secrets.append("whsec_" + "A" * 43 + "=")
    tell(NOW, "a")
    deliver(NOW)
    assert len(there.unsigned) == 1


@pytest.mark.parametrize(
    ("answer", "failure", "status"),
    [
        (500, "http_500", 500),
        (404, "http_404", 404),
        (301, "http_301", 301),
        (RESET, "broken_off", None),
        (SILENCE, "timeout", None),
    ],
)
def test_what_fails_is_tried_again_on_schedule_with_the_same_id_and_body(
    there: Receiver, answer: int, failure: str, status: int | None
) -> None:
    there.headers = {"Location": there.url + "/elsewhere"}
    endpoint = add(there, NOW).endpoint
    there.answers = [answer]
    tell(NOW, "a")
    assert deliver(NOW, timeout_seconds=0.3) == Round(0, 1, 0)
    [delivery] = deliveries(endpoint.endpoint_id)
    assert (delivery.state, delivery.failure) == (DeliveryState.WAITING, failure)
    assert delivery.next_try_at is not None
    assert FIRST_RETRY * 0.9 <= delivery.next_try_at - NOW <= FIRST_RETRY * 1.1
    assert deliver(delivery.next_try_at - timedelta(seconds=1)).taken == 0
    assert deliver(delivery.next_try_at) == Round(1, 0, 0)
    assert there.ids == [str(event_id_of("a"))] * 2
    assert there.raw[0] == there.raw[1]
    assert [(a.status, a.failure) for a in attempts(endpoint.endpoint_id)] == [(status, failure), (204, None)]


def test_nobody_listens_and_a_name_that_is_not_known_are_failures_like_others(there: Receiver) -> None:
    nobody = add_endpoint(url="http://127.0.0.1:1/", kinds=["grant.released"], now=NOW, private=True)
    nowhere = add_endpoint(url="https://x.invalid/", kinds=["grant.released"], now=NOW, private=True)
    tell(NOW, "a")
    assert deliver(NOW) == Round(0, 2, 0)
    assert [d.failure for d in deliveries(nobody.endpoint.endpoint_id)] == ["unreachable"]
    assert [d.failure for d in deliveries(nowhere.endpoint.endpoint_id)] == ["name_unknown"]


def test_the_schedule_lasts_three_days_and_then_the_delivery_failed() -> None:
    at, attempt, waits = NOW, 0, []
    while True:
        attempt += 1
        due = next_try_at(attempts=attempt, first_tried_at=NOW, failed_at=at, salt="x")
        if due is None:
            break
        waits.append(due - at)
        at = due
    assert at == NOW + TRIED_FOR
    assert 10 <= attempt <= 20
    assert all(wait <= MAX_RETRY * 1.1 for wait in waits)
    assert all(later > wait for wait, later in pairwise(waits[:5]))
    others = {next_try_at(attempts=3, first_tried_at=NOW, failed_at=NOW, salt=str(n)) for n in range(20)}
    assert len(others) == 20
    asked = next_try_at(attempts=1, first_tried_at=NOW, failed_at=NOW, salt="x", asked_seconds=3_600)
    assert asked == NOW + timedelta(hours=1)


def test_a_receiver_that_asks_for_a_pause_gets_it(there: Receiver) -> None:
    endpoint = add(there, NOW).endpoint
    there.answers, there.headers = [503], {"Retry-After": "120"}
    tell(NOW, "a")
    assert deliver(NOW).postponed == 1
    tell(NOW, "b")
    assert deliver(NOW + timedelta(seconds=119)).taken == 0
    assert deliver(NOW + timedelta(seconds=120)).sent == 2
    assert state_of(endpoint.endpoint_id).failing_since is None


def test_an_endpoint_that_fails_is_probed_with_one_event_at_a_time(there: Receiver) -> None:
    add(there, NOW)
    there.always = 500
    tell(NOW, *(str(n) for n in range(100)))
    assert deliver(NOW).taken == LANES
    assert deliver(NOW + FIRST_REST - timedelta(seconds=1)).taken == 0
    assert deliver(NOW + FIRST_REST).taken == 1
    assert deliver(NOW + FIRST_REST * 2).taken == 0
    assert deliver(NOW + FIRST_REST * 3).taken == 1
    assert len(there.bodies) == LANES + 2
    assert rests_until(100, NOW) == NOW + MAX_REST
    there.always, there.bodies = None, []
    assert deliver(NOW + timedelta(hours=1)).sent == 100
    assert len(set(there.ids)) == 100


def test_one_event_that_is_always_refused_does_not_hold_the_others_up(there: Receiver) -> None:
    endpoint = add(there, NOW).endpoint
    bad = event_id_of("bad")

    class Choosy(Receiver):
        def take(self, headers: dict[str, str], body: bytes) -> int:
            super().take(headers, body)
            return 500 if headers["webhook-id"] == str(bad) else 204

    there.__class__ = Choosy
    tell(NOW, "bad")
    tell(NOW, *(str(n) for n in range(50)))
    for seconds in (0, 10, 20):
        deliver(NOW + timedelta(seconds=seconds))
    assert len(set(there.ids)) == 51
    assert there.ids.count(str(bad)) == 1
    waiting = [d.event_id for d in deliveries(endpoint.endpoint_id) if d.state is DeliveryState.WAITING]
    assert waiting == [bad]


def test_a_slow_endpoint_delays_no_other(there: Receiver) -> None:
    with receiver() as slow:
        slow.slow_seconds = 0.6
        add(slow, NOW)
        add(there, NOW)
        tell(NOW, *(str(n) for n in range(200)))
        with Couriers(private=True) as couriers:
            started = time.monotonic()
            sent = send_events(limit=1_000, now_of=now_of, couriers=couriers, wait_seconds=0.5)
            assert time.monotonic() - started < 1.5
            assert (len(set(there.ids)), sent.sent) == (200, 200)
            tell(NOW, "later")
            assert send_events(limit=1_000, now_of=now_of, couriers=couriers, wait_seconds=0.3).sent >= 1
            assert str(event_id_of("later")) in there.ids
            slow.slow_seconds = 0.0
            total = stop_sending(now_of=now_of, couriers=couriers)
        assert total.failed == total.postponed == 0
        assert slow.unsigned == []
    with transaction.atomic():
        assert deliveries_waiting(open_cursor()).deliveries == 201 - len(slow.ids)


def test_who_dies_between_sending_and_noting_leaves_it_to_be_sent_again(there: Receiver) -> None:
    endpoint = add(there, NOW).endpoint
    tell(NOW, "a")
    with Couriers(private=True) as couriers:
        assert _take(couriers, 10, now_of) == 1
        couriers.finished(None)
    assert len(there.ids) == 1
    assert deliver(NOW + LEASE - timedelta(seconds=1)).taken == 0
    assert deliver(NOW + LEASE) == Round(1, 0, 0)
    assert there.ids == [str(event_id_of("a"))] * 2
    assert [d.attempts for d in deliveries(endpoint.endpoint_id)] == [2]


def test_two_senders_at_once_never_send_the_same_at_the_same_moment(there: Receiver) -> None:
    endpoint = add(there, NOW).endpoint
    there.slow_seconds = 0.002
    tell(NOW, *(str(n) for n in range(300)))

    def work() -> None:
        try:
            deliver(NOW)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert there.twice_at_once == []
    assert sorted(there.ids) == sorted(str(event_id_of(str(n))) for n in range(300))
    assert all(d.state is DeliveryState.DELIVERED for d in deliveries(endpoint.endpoint_id))
    assert there.most_at_once > 1


def test_an_endless_answer_ends_with_the_attempt(there: Receiver) -> None:
    add(there, NOW)
    there.always, there.answer_bytes, there.drip_seconds = 200, 10_000, 0.01
    tell(NOW, "a")
    started = time.monotonic()
    assert deliver(NOW, timeout_seconds=0.4) == Round(0, 1, 0)
    assert time.monotonic() - started < 2


def test_a_huge_answer_is_cut_off_and_counts(there: Receiver) -> None:
    add(there, NOW)
    there.always, there.answer_bytes = 200, 500_000_000
    tell(NOW, "a")
    started = time.monotonic()
    assert deliver(NOW) == Round(1, 0, 0)
    assert time.monotonic() - started < 1


def test_everything_is_forgotten_after_a_month(there: Receiver) -> None:
    endpoint_id = add(there, NOW).endpoint.endpoint_id
    tell(NOW, "a")
    deliver(NOW)
    deliver(NOW + EVENTS_KEPT_FOR)
    assert len(deliveries(endpoint_id)) == 1
    deliver(NOW + EVENTS_KEPT_FOR + timedelta(minutes=1))
    assert (deliveries(endpoint_id), attempts(endpoint_id)) == ([], [])
    with transaction.atomic():
        assert open_cursor().execute("SELECT count(*) FROM outbox_event").fetchone() == (0,)


def test_events_of_an_erased_line_are_exported_before_and_never_sent_after(there: Receiver) -> None:
    add(there, NOW)
    tell(NOW, "a", line=LINE)
    tell(NOW, "b")
    with transaction.atomic():
        told = export_of_line(open_cursor(), LINE)
        erase_line(open_cursor(), LINE, now=NOW)
    assert told["events"] == [
        {"kind": "grant.released", "data": {"key": "a"}, "happened_at": NOW.isoformat()}
    ]
    assert deliver(NOW).sent == 1
    assert there.ids == [str(event_id_of("b"))]


def test_gauges_tell_what_waits_since_when_and_what_failed(there: Receiver) -> None:
    add(there, NOW)
    there.always = 500
    tell(NOW, "a")
    tell(NOW + timedelta(seconds=1), "b")
    deliver(NOW + timedelta(seconds=2))
    with transaction.atomic():
        cursor = open_cursor()
        assert deliveries_waiting(cursor) == (2, NOW)
        assert attempts_failed(cursor, since=NOW) == 2
        assert attempts_failed(cursor, since=NOW + timedelta(hours=1)) == 0


def test_what_breaks_on_this_side_is_a_failed_attempt_and_loses_nothing_of_others(there: Receiver) -> None:
    with receiver() as broken:
        endpoint = add(broken, NOW).endpoint
        other = add(there, NOW).endpoint
        with transaction.atomic():
            open_cursor().execute(
                "UPDATE outbox_endpoint SET sealed_secret = %s WHERE endpoint_id = %s",
                [seal("x"), endpoint.endpoint_id],
            )
        tell(NOW, "a")
        assert deliver(NOW) == Round(1, 1, 0)
        assert broken.ids == []
    [delivery] = deliveries(endpoint.endpoint_id)
    assert (delivery.state, delivery.failure) == (DeliveryState.WAITING, NOT_CARRIED)
    assert [a.failure for a in attempts(endpoint.endpoint_id)] == [NOT_CARRIED]
    assert [d.state for d in deliveries(other.endpoint_id)] == [DeliveryState.DELIVERED]


def test_a_courier_that_breaks_off_takes_no_result_of_another_with_it(there: Receiver) -> None:
    """What it had is left to its lease, and only that."""
    add(there, NOW)
    tell(NOW, *(str(n) for n in range(LANES)))
    fails = threading.Lock()

    def clock() -> datetime:
        if threading.current_thread().name.startswith("courier") and fails.acquire(blocking=False):
            raise OSError("no clock")
        return NOW

    with Couriers(private=True) as couriers:
        sent = send_events(limit=100, now_of=clock, couriers=couriers, wait_seconds=None)
    assert sent == Round(LANES - 1, 0, 0)
    assert deliver(NOW).taken == 0
    assert deliver(NOW + LEASE) == Round(1, 0, 0)
    assert len(set(there.ids)) == len(there.ids) == LANES


def test_nothing_arrives_before_it_was_sent(there: Receiver) -> None:
    endpoint = add(there, NOW).endpoint
    tell(NOW, *(str(n) for n in range(3 * LANES)))
    began = time.monotonic()

    def running() -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - began)

    there.slow_seconds = 0.05
    with Couriers(private=True) as couriers:
        sent = send_events(limit=100, now_of=running, couriers=couriers, wait_seconds=None)
    assert sent.sent == 3 * LANES
    started = {a.event_id: a.started_at for a in attempts(endpoint.endpoint_id)}
    for delivery in deliveries(endpoint.endpoint_id):
        assert delivery.delivered_at is not None
        assert started[delivery.event_id] < delivery.delivered_at
