"""What people decide about orders, what they are told of, and what is handed out and forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from selbsthelfer.charging.alerting import ADDRESS, LANGUAGE, AlertSettingError, alert_orders
from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.charging.doubting import doubt_orders
from selbsthelfer.charging.operations import (
    ATTEMPTS_KEPT_FOR,
    NewOrder,
    OrderNotDecidableError,
    UnknownOrderError,
    erase_line,
    forget_attempts,
    order_credits,
    resolve_order,
    retry_order,
)
from selbsthelfer.charging.queries import export_of_line, listed_orders
from selbsthelfer.charging.reconciling import reconcile
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language
from selbsthelfer.outbox.core.wordings import word_message
from selbsthelfer.outbox.models import Message
from tests.charging.memory_system import BELIEVED, Fault, MemorySystem
from tests.charging.world import DAYS, a_line, attempts, go_on, load, order, work

pytestmark = pytest.mark.django_db
TO = {ADDRESS: "nacht@example.org"}


def alert(system: MemorySystem, environ: Mapping[str, str] = TO) -> bool:
    return alert_orders(now=system.clock.at, environ=environ)


def uncertain(system: MemorySystem, fault: Fault) -> tuple[object, ...]:
    line = a_line()
    (credit_id,) = order(system, line)
    system.fail([fault])
    work(system)
    system.clock.advance(130)
    return line, credit_id


@pytest.mark.parametrize("is_credited", [True, False])
def test_a_person_resolves_what_is_uncertain_and_is_named_in_the_log(is_credited: bool) -> None:
    system = MemorySystem()
    line, credit_id = uncertain(system, Fault.LOST_AFTER if is_credited else Fault.LOST_BEFORE)
    resolve_order(credit_id, is_credited=is_credited, by="Frau Kern", now=system.clock.at)  # type: ignore[arg-type]
    go_on(system, 3)
    assert load(line, credit_id).state is OrderState.CONFIRMED  # type: ignore[arg-type]
    assert system.has() == {credit_id: 1}
    told = [(a.action, a.outcome, a.by) for a in attempts(line, credit_id)]  # type: ignore[arg-type]
    assert told[1] == ("resolve", "credited" if is_credited else "not_credited", "Frau Kern")


def test_after_a_restore_no_open_order_is_sent_before_it_was_read_back() -> None:
    """Of two orders that are open in the backup, one had been delivered after it."""
    system = MemorySystem()
    delivered, open_ = a_line("line-1"), a_line("line-2")
    (first,) = order(system, delivered)
    work(system)
    (second,) = order(system, open_)
    with transaction.atomic():
        open_cursor().execute(
            "UPDATE charging_creditorder"
            " SET state = 'open', confirmed_at = NULL, recipient = NULL, place = NULL,"
            " due_at = '1970-01-01', attempts = 0, sent_at = NULL WHERE credit_id = %s",
            [first],
        )
        open_cursor().execute("DELETE FROM charging_attempt")
    assert doubt_orders(system=system, by="Frau Kern", now=system.clock.at) == 2
    assert doubt_orders(system=system, by="Frau Kern", now=system.clock.at) == 0
    assert {load(delivered, first).state, load(open_, second).state} == {OrderState.UNCERTAIN}
    go_on(system, 12)
    assert system.has() == {first: 1, second: 1}
    assert {load(delivered, first).state, load(open_, second).state} == {OrderState.CONFIRMED}


def test_only_what_is_uncertain_and_no_longer_under_way_is_resolved() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line)
    with pytest.raises(OrderNotDecidableError):
        resolve_order(credit_id, is_credited=True, by="x", now=system.clock.at)
    system.fail([Fault.LOST_BEFORE])
    work(system)
    with pytest.raises(OrderNotDecidableError):
        resolve_order(credit_id, is_credited=False, by="x", now=system.clock.at)
    with pytest.raises(UnknownOrderError):
        resolve_order(uuid4(), is_credited=True, by="x", now=system.clock.at)


def test_a_refused_order_is_sent_again_exactly_as_it_was() -> None:
    system, line = MemorySystem(capabilities=BELIEVED), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.REFUSED])
    work(system)
    retry_order(credit_id, by="Frau Kern", now=system.clock.at)
    work(system)
    assert system.sent[0] == system.sent[1]
    assert load(line, credit_id).state is OrderState.CONFIRMED
    with pytest.raises(UnknownOrderError):
        retry_order(credit_id, by="x", now=system.clock.at)


def test_what_has_ended_is_not_sent_again() -> None:
    system, line = MemorySystem(), a_line()
    (credit_id,) = order(system, line, days=1)
    system.fail([Fault.REFUSED])
    work(system)
    with pytest.raises(OrderNotDecidableError):
        retry_order(credit_id, by="x", now=system.clock.at + DAYS)


def test_people_are_told_once_an_hour_of_what_is_new_and_of_nothing_else() -> None:
    system, line = MemorySystem(capabilities=BELIEVED), a_line()
    order(system, line, line)
    system.fail([Fault.REFUSED])
    work(system, limit=1)
    assert not alert(system), "it may not be the only one"
    system.clock.advance(120)
    assert not alert(system, {})
    assert alert(system)
    system.clock.advance(7_200)
    assert not alert(system), "nothing is new"
    work(system)
    system.clock.advance(7_200)
    system.alter(system.sent[-1].credit_id, bytes=1)
    reconcile(system=system, now_of=system.clock)
    system.clock.advance(120)
    assert alert(system, {**TO, LANGUAGE: "en"})
    system.fail([Fault.REFUSED])
    order(system, line)
    work(system)
    system.clock.advance(59 * 60)
    assert not alert(system)
    system.clock.advance(60)
    assert alert(system)
    first, second, third = Message.objects.order_by("message_id")
    assert [(m.kind, m.channel, m.address, m.subscriber_id) for m in (first, second, third)] == [
        ("alert.orders", "email", "nacht@example.org", None)
    ] * 3
    told = [word_message(m.kind, m.content, base_url="https://x").text for m in (first, second, third)]
    assert "1 abgelehnt, 0 nicht zugestellt oder ungeklärt, 0 Abweichungen" in told[0]
    assert "0 refused, 0 undelivered or unresolved, 1 differences" in told[1]
    assert "1 abgelehnt" in told[2]
    with pytest.raises(AlertSettingError):
        alert_orders(now=system.clock.at, environ={ADDRESS: "+49171"})


def test_both_languages_say_where_to_look() -> None:
    content = {"refused": 1, "stuck": 2, "drifts": 3}
    for language in Language:
        letter = word_message("alert.orders", content, base_url="https://x", language=language).letter
        assert "selbsthelfer orders list" in letter


def test_an_export_is_plain_and_an_erasure_forgets_who_the_recipient_was() -> None:
    system, line = MemorySystem(), a_line()
    first, second = order(system, line, line)
    system.fail([Fault.NONE, Fault.LOST_BEFORE])
    work(system, limit=1)
    work(system, limit=1)
    with transaction.atomic():
        exported = export_of_line(open_cursor(), line)
        assert json.loads(json.dumps(exported)) == exported
        assert erase_line(open_cursor(), line) == 1
        assert erase_line(open_cursor(), line) == 0
    assert {load(line, credit_id).recipient for credit_id in (first, second)} == {None, "line-1"}
    orders = exported["orders"]
    assert isinstance(orders, list)
    assert {row["recipient"] for row in orders} == {"line-1"}


def test_with_the_embedded_system_orders_are_born_confirmed() -> None:
    system, line = MemorySystem(), a_line()
    with transaction.atomic():
        now = system.clock.at
        order_credits(open_cursor(), [NewOrder(line, uuid4(), 1, now, now + DAYS)], now=now)
        assert all(not listed_orders(open_cursor(), state, limit=9) for state in OrderState)
    assert work(system).taken == 0


def test_attempts_are_forgotten_long_after_the_end_of_their_volume_some_at_a_time() -> None:
    system, line = MemorySystem(), a_line()
    short, other, long = *order(system, line, line), *order(system, line, days=60)
    system.fail([Fault.BUSY])
    work(system)
    end = load(line, short).valid_until + ATTEMPTS_KEPT_FOR
    assert forget_attempts(now=end) == 0
    later = end + timedelta(seconds=1)
    assert [forget_attempts(now=later, limit=1) for _ in range(3)] == [1, 1, 0]
    assert [len(attempts(line, credit_id)) for credit_id in (short, other, long)] == [0, 0, 1]
    assert forget_attempts(now=later + timedelta(days=30)) == 1
