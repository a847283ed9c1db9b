"""Volume that ended undelivered is given anew, once, through the one door."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.charging.delivering import end_orders
from selbsthelfer.charging.models import CreditOrder
from selbsthelfer.charging.systems import use_system
from selbsthelfer.intake.making_good import MAX_IN_A_ROW, SOURCE, make_good
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from tests.allowances.world import NOW, Line, on
from tests.charging.memory_system import Clock, Fault, MemorySystem
from tests.charging.world import settle, work

pytestmark = pytest.mark.django_db
DAY = 86_400


def given(line: Line) -> list[tuple[Any, ...]]:
    """The courtesies of a line: source, bytes, who gave them."""
    with transaction.atomic():
        return (
            open_cursor()
            .execute(
                "SELECT source, bytes, by, reason FROM allowances_courtesy WHERE subscriber_id = %s"
                " ORDER BY received_at",
                [line.id],
            )
            .fetchall()
        )


def a_life(system: MemorySystem, **data: Any) -> Line:
    """A line with a courtesy of 100 bytes until the end of February, ordered and not yet delivered."""
    line = Line(included_bytes=0, **data)
    with use_system(system):
        fact = line.courtesy(NOW, 100)
        assert accept([fact], terms=Terms(now=NOW)).results == ["accepted"]
    return line


def end_and_make_good(system: MemorySystem) -> int:
    with use_system(system):
        end_orders(now=system.clock.at)
        made_good = make_good(now=system.clock.at)
        assert make_good(now=system.clock.at) == 0
    return made_good


def test_what_came_too_late_is_given_anew_once_and_delivered() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = a_life(system)
    system.fail([Fault.BUSY])
    work(system)
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 1
    first, second = given(line)
    assert first[:2] == ("test", 100)
    assert second[:3] == (SOURCE, 100, "selbsthelfer")
    assert second[3].startswith("Ihr Datenvolumen kam")
    work(system)
    assert line.balance(system.clock.at) == 100
    assert [bucket.bytes for bucket in system.buckets[line.subject]] == [100]
    assert end_and_make_good(system) == 0


def test_a_crash_between_giving_and_noting_gives_nothing_twice() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = a_life(system)
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 1
    CreditOrder.objects.update(made_good_at=None)
    assert end_and_make_good(system) == 1
    assert len(given(line)) == 2


def test_what_nobody_knows_is_given_anew_too_and_stays_unknown() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = a_life(system, language="en")
    system.fail([Fault.LOST_AFTER])
    work(system)
    system.clock.at = on(3, 1, 1)
    assert settle(system).taken == 0
    assert end_and_make_good(system) == 1
    assert CreditOrder.objects.filter(state=OrderState.UNCERTAIN).count() == 1
    assert given(line)[1][3].startswith("Your data did not arrive")


def test_a_system_that_never_works_is_not_given_to_for_ever() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = a_life(system)
    rounds = []
    for _ in range(5):
        system.clock.advance(40 * DAY)
        rounds.append(end_and_make_good(system))
    assert rounds == [1] * MAX_IN_A_ROW + [0] * (5 - MAX_IN_A_ROW)
    assert len(given(line)) == 1 + MAX_IN_A_ROW


def test_a_line_that_has_ended_is_given_nothing() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = a_life(system)
    line.end(on(2, 25))
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 0
    assert len(given(line)) == 1
    assert CreditOrder.objects.get().failure == "line_ended"


def test_what_was_refused_for_good_would_be_refused_again() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = a_life(system)
    system.fail([Fault.REFUSED])
    work(system)
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 0
    assert len(given(line)) == 1
