"""What happens to an endpoint: its secrets, disabling and enabling it, sending again, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import event_id_of
from selbsthelfer.outbox.core.webhooks import FIRST_REST, TRIED_FOR, DisabledReason
from selbsthelfer.outbox.couriers import Couriers
from selbsthelfer.outbox.delivering_events import _take, send_one, stop_sending
from selbsthelfer.outbox.event_queries import EndpointState, deliveries_waiting, endpoints_disabled
from selbsthelfer.outbox.operations import Round
from selbsthelfer.outbox.webhooks import (
    MAX_ENDPOINTS,
    MAX_LISTENERS,
    MAX_OF_OWNER,
    EndpointDisabledError,
    EndpointOwnedError,
    KindsRefusedError,
    Replayed,
    TooManyEndpointsError,
    UnknownEventError,
    add_endpoint,
    add_listener,
    change_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    replay_event,
    replay_failed,
    rotate_secret,
    send_test,
)
from tests.outbox.receiving import Receiver, add, deliver, deliveries, receiver, state_of, tell

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def now_of() -> datetime:
    """A clock that stands."""
    return NOW


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_both_secrets_sign_while_they_are_rotated_and_only_the_new_one_later(there: Receiver) -> None:
    old = add(there, NOW)
    new = rotate_secret(endpoint_id=old.endpoint.endpoint_id, now=NOW)
    assert new.secret != old.secret
    assert new.endpoint.old_secret_until == NOW + timedelta(hours=24)
    there.secrets.append(new.secret)
    tell(NOW, "a")
    deliver(NOW)
    assert there.unsigned == []
    later = NOW + timedelta(hours=24)
    there.secrets = [old.secret]
    tell(later, "b")
    deliver(later)
    assert there.unsigned == [str(event_id_of("b"))]
    there.secrets = [new.secret]
    tell(later, "c")
    deliver(later)
    assert there.unsigned == [str(event_id_of("b"))]


def test_a_secret_that_leaked_can_be_ended_at_once(there: Receiver) -> None:
    old = add(there, NOW)
    new = rotate_secret(endpoint_id=old.endpoint.endpoint_id, now=NOW, old_valid_for=timedelta(0))
    assert new.endpoint.old_secret_until is None
    tell(NOW, "a")
    deliver(NOW)
    assert len(there.unsigned) == 1


def test_410_disables_the_endpoint_for_good_and_what_waits_goes_on_waiting(there: Receiver) -> None:
    endpoint = add(there, NOW).endpoint
    there.answers = [410]
    tell(NOW, "a")
    assert deliver(NOW) == Round(0, 0, 1)
    found = state_of(endpoint.endpoint_id)
    assert (found.is_active, found.disabled_reason, found.disabled_at) == (False, DisabledReason.GONE, NOW)
    tell(NOW, "b")
    assert [d.failure for d in deliveries(endpoint.endpoint_id)] == ["http_410"]
    with transaction.atomic():
        assert endpoints_disabled(open_cursor()) == {DisabledReason.GONE: 1}
    with pytest.raises(EndpointDisabledError):
        send_test(endpoint_id=endpoint.endpoint_id, now=NOW)


def test_three_days_without_a_success_disable_the_endpoint_and_a_replay_brings_everything(
    there: Receiver,
) -> None:
    endpoint = add(there, NOW).endpoint
    there.always = 500
    tell(NOW, *"abcdefghij")
    at, rounds = NOW, 0
    while state_of(endpoint.endpoint_id).is_active:
        deliver(at)
        at += timedelta(hours=2)
        rounds += 1
    found = state_of(endpoint.endpoint_id)
    assert (found.disabled_reason, found.failing_since) == (DisabledReason.FAILING, NOW)
    assert found.disabled_at == NOW + TRIED_FOR
    assert rounds == 37
    there.always, there.bodies = None, []
    assert deliver(at).taken == 0
    enable_endpoint(endpoint_id=endpoint.endpoint_id, now=at)
    waited = deliver(at).sent
    replayed = replay_failed(endpoint_id=endpoint.endpoint_id, now=at)
    assert replayed == Replayed(10 - waited, is_all=True)
    assert replayed.events > 0
    assert deliver(at).sent == replayed.events
    assert sorted(there.ids) == sorted(str(event_id_of(key)) for key in "abcdefghij")
    assert there.unsigned == []
    assert state_of(endpoint.endpoint_id).failing_since is None


def test_an_event_of_any_state_can_be_sent_again_but_not_while_it_is_being_sent(there: Receiver) -> None:
    endpoint_id = add(there, NOW).endpoint.endpoint_id
    tell(NOW, "a")
    event_id = event_id_of("a")
    deliver(NOW)
    assert replay_event(endpoint_id=endpoint_id, event_id=event_id, now=NOW).events == 1
    with Couriers(private=True) as couriers:
        assert _take(couriers, 10, now_of) == 1
        with pytest.raises(UnknownEventError):
            replay_event(endpoint_id=endpoint_id, event_id=event_id, now=NOW)
        stop_sending(now_of=now_of, couriers=couriers)
    there.answers = [500]
    replay_event(endpoint_id=endpoint_id, event_id=event_id, now=NOW)
    assert deliver(NOW).postponed == 1
    replay_event(endpoint_id=endpoint_id, event_id=event_id, now=NOW)
    assert deliver(NOW + FIRST_REST).sent == 1
    assert set(there.ids) == {str(event_id)}
    with pytest.raises(UnknownEventError):
        replay_event(endpoint_id=endpoint_id, event_id=event_id_of("never"), now=NOW)


def test_only_what_happened_since_an_instant_is_sent_again(there: Receiver) -> None:
    endpoint_id = add(there, NOW).endpoint.endpoint_id
    there.answers = [410, 410]
    later = NOW + timedelta(hours=1)
    for at, key in ((NOW, "a"), (later, "b")):
        tell(at, key)
        deliver(at)
        enable_endpoint(endpoint_id=endpoint_id, now=at)
    assert replay_failed(endpoint_id=endpoint_id, now=later, since=later) == Replayed(1, is_all=True)
    there.bodies = []
    deliver(later)
    assert there.ids == [str(event_id_of("b"))]


def test_a_disabled_endpoint_gets_what_waits_when_it_is_enabled_and_nothing_of_between(
    there: Receiver,
) -> None:
    endpoint_id = add(there, NOW).endpoint.endpoint_id
    tell(NOW, "before")
    disable_endpoint(endpoint_id=endpoint_id, now=NOW)
    tell(NOW, "between")
    assert deliver(NOW).taken == 0
    assert state_of(endpoint_id).disabled_reason is DisabledReason.BY_HAND
    enable_endpoint(endpoint_id=endpoint_id, now=NOW)
    tell(NOW, "after")
    assert deliver(NOW).sent == 2
    assert set(there.ids) == {str(event_id_of("before")), str(event_id_of("after"))}


def test_what_waits_for_a_deleted_endpoint_is_never_sent(there: Receiver) -> None:
    endpoint_id = add(there, NOW).endpoint.endpoint_id
    tell(NOW, "a")
    delete_endpoint(endpoint_id=endpoint_id)
    assert deliver(NOW).taken == 0
    with transaction.atomic():
        assert deliveries_waiting(open_cursor()) == (0, None)


def test_a_test_event_goes_to_one_endpoint_only(there: Receiver) -> None:
    with receiver() as other:
        add(other, NOW)
        endpoint_id = add(there, NOW).endpoint.endpoint_id
        event_id = send_test(endpoint_id=endpoint_id, now=NOW)
        assert deliver(NOW) == Round(1, 0, 0)
        assert other.ids == []
    [(id_, body)] = there.bodies
    assert (id_, body["type"], body["data"]) == (str(event_id), "webhook.test", {})


def test_what_failed_before_goes_out_at_once_when_the_endpoint_is_enabled(there: Receiver) -> None:
    endpoint_id = add(there, NOW).endpoint.endpoint_id
    there.answers, there.headers = [503], {"Retry-After": "20000"}
    tell(NOW, "a")
    deliver(NOW)
    later = NOW + timedelta(hours=1)
    disable_endpoint(endpoint_id=endpoint_id, now=later)
    enable_endpoint(endpoint_id=endpoint_id, now=later)
    assert deliver(later) == Round(1, 0, 0)


def test_an_endpoint_that_fails_is_tried_at_once_when_somebody_says_it_is_repaired(there: Receiver) -> None:
    endpoint_id = add(there, NOW).endpoint.endpoint_id
    there.answers, there.headers = [503], {"Retry-After": "20000"}
    tell(NOW, "a")
    deliver(NOW)
    soon = NOW + timedelta(minutes=20)
    there.answers, there.headers = [204], {}
    assert deliver(soon).taken == 0
    enable_endpoint(endpoint_id=endpoint_id, now=soon)
    assert deliver(soon) == Round(1, 0, 0)


def test_one_event_is_sent_to_one_endpoint_and_nothing_else_with_it(there: Receiver) -> None:
    with receiver() as other:
        add(other, NOW)
        endpoint_id = add(there, NOW).endpoint.endpoint_id
        tell(NOW, "a", "b")
        event_id = send_test(endpoint_id=endpoint_id, now=NOW)
        with Couriers(private=True) as couriers:
            sent = send_one(event_id=event_id, endpoint_id=endpoint_id, now_of=now_of, couriers=couriers)
        assert (sent, there.ids, other.ids) == (Round(1, 0, 0), [str(event_id)], [])
        disable_endpoint(endpoint_id=endpoint_id, now=NOW)
        with Couriers(private=True) as couriers:
            again = send_one(
                event_id=event_id_of("a"), endpoint_id=endpoint_id, now_of=now_of, couriers=couriers
            )
        assert again == Round(0, 0, 0)


def listen(owner: str, url: str = "https://partner.example/", *kinds: str) -> EndpointState:
    return add_listener(owner=owner, url=url, kinds=kinds or ["B", "A"], offered={"A", "B"}, now=NOW)


def test_listening_twice_is_listening_once_and_takes_nothing_of_others() -> None:
    first = listen("crm")
    assert (first.owner, first.kinds) == ("crm", ["A", "B"])
    assert listen("crm") == first
    assert listen("shop").endpoint_id != first.endpoint_id
    for number in range(1, MAX_OF_OWNER):
        listen("crm", f"https://partner.example/{number}")
    with pytest.raises(TooManyEndpointsError):
        listen("crm", "https://partner.example/more")
    assert listen("crm") == first
    owners = (MAX_LISTENERS - MAX_OF_OWNER) // MAX_OF_OWNER
    for number in range(owners * MAX_OF_OWNER - 1):
        listen(f"client-{number // MAX_OF_OWNER}", f"https://partner.example/{number}")
    with pytest.raises(TooManyEndpointsError):
        listen("late")
    for _ in range(MAX_ENDPOINTS):
        add_endpoint(url="https://own.example/", kinds=["grant.released"], now=NOW)
    with pytest.raises(TooManyEndpointsError):
        add_endpoint(url="https://own.example/", kinds=["grant.released"], now=NOW)


def test_a_listener_is_changed_by_nobody_else_and_comes_back_when_it_asks_again() -> None:
    found = listen("crm")
    with pytest.raises(EndpointOwnedError):
        change_endpoint(endpoint_id=found.endpoint_id, url="https://own.example/")
    with pytest.raises(EndpointOwnedError):
        change_endpoint(endpoint_id=found.endpoint_id, description="mine")
    assert change_endpoint(endpoint_id=found.endpoint_id) == found
    disable_endpoint(endpoint_id=found.endpoint_id, now=NOW)
    with pytest.raises(EndpointDisabledError):
        listen("crm")
    with transaction.atomic():
        open_cursor().execute("UPDATE outbox_endpoint SET disabled_reason = 'gone'")
    assert listen("crm") == found
    with pytest.raises(KindsRefusedError):
        listen("crm", "https://partner.example/", "grant.released")
    with pytest.raises(KindsRefusedError):
        add_endpoint(url="https://own.example/", kinds=["A"], now=NOW)


def test_an_event_of_a_wrong_name_is_an_error_of_its_author() -> None:
    with pytest.raises(ValueError, match=r"grant\.taken"):
        tell(NOW, "a", kind="grant.taken")
