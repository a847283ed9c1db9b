"""Volume that the charging system has not confirmed is neither usable nor burned."""

from __future__ import annotations

import pytest
from django.db import transaction

from selbsthelfer.charging.models import CreditOrder
from selbsthelfer.charging.systems import use_system
from selbsthelfer.kit.sql import open_cursor
from tests.allowances.world import NOW, Line, on, take
from tests.charging.memory_system import Clock, Fault, MemorySystem
from tests.charging.world import work

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST_AFTER, Fault.REFUSED, Fault.NONE])
def test_usage_burns_and_the_balance_counts_only_what_is_confirmed(fault: Fault) -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = Line(included_bytes=1_000)
    with use_system(system):
        take(line.courtesy(on(2, 20), 100))
    system.fail([fault])
    work(system)
    is_confirmed = fault is Fault.NONE
    assert line.balance(NOW) == 1_000 + 100 * is_confirmed
    line.use(on(2, 20, 12), 300)
    burned = {"courtesy": 100, "included": 200} if is_confirmed else {"included": 300}
    assert dict(line.burned()) == burned
    assert line.balance(NOW) == 800 if is_confirmed else 700


def test_once_confirmed_it_burns_first() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = Line(included_bytes=1_000)
    with use_system(system):
        take(line.courtesy(on(2, 20), 100))
    line.use(on(2, 20, 12), 50)
    work(system)
    line.use(on(2, 20, 12, 1), 50)
    assert line.burned() == [("included", 50), ("courtesy", 50)]
    assert line.balance(on(2, 20, 12, 1)) == 1_000


def test_usage_that_finds_only_unconfirmed_volume_is_unmet() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = Line(included_bytes=0)
    with use_system(system):
        take(line.courtesy(on(2, 20), 100))
    line.use(on(2, 20, 12), 60)
    assert (line.unmet(), line.burned(), line.balance(NOW)) == (60, [], 0)


def test_the_few_orders_that_are_not_confirmed_are_found_by_their_own_index() -> None:
    assert CreditOrder.objects.count() == 0
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute("SET LOCAL enable_seqscan = off", prepare=False)
        plan = cursor.execute(
            "EXPLAIN SELECT FROM charging_creditorder o WHERE o.subscriber_id = gen_random_uuid()"
            " AND o.state <> 'confirmed'"
        ).fetchall()
    assert any("order_unconfirmed" in row[0] for row in plan)
