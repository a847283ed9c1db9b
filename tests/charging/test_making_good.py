"""Volume that ended undelivered is given anew, once, through the one door."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

import selbsthelfer
from selbsthelfer.charging.core.orders import GIVEN_UP, NOT_MADE_GOOD, OrderState
from selbsthelfer.charging.delivering import end_orders
from selbsthelfer.charging.models import CreditOrder
from selbsthelfer.charging.queries import listed_orders
from selbsthelfer.charging.systems import use_system
from selbsthelfer.intake.arrivals import OLD_SOURCES, OWN_SOURCES
from selbsthelfer.intake.making_good import MAX_IN_A_ROW, SOURCE, make_good
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from tests.allowances.world import NOW, Line, on
from tests.charging.memory_system import BELIEVED, Clock, Fault, MemorySystem
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
    with transaction.atomic():
        failures = [each.failure for each in listed_orders(open_cursor(), OrderState.REFUSED, limit=10)]
    assert failures.count(GIVEN_UP) == 1, "a person finds it in the list"
    last = CreditOrder.objects.get(failure=GIVEN_UP)
    assert (last.owed_at, last.made_good_at) == (None, None)
    assert last.troubled_at is not None


def test_what_intake_refuses_stays_owed_keeps_nobody_waiting_and_is_listed() -> None:
    system = MemorySystem(clock=Clock(NOW))
    a_life(system)
    CreditOrder.objects.update(bytes=10**15)
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 0
    refused = CreditOrder.objects.get()
    assert (refused.failure, refused.made_good_at) == (NOT_MADE_GOOD, None)
    assert refused.owed_at is not None
    first = refused.troubled_at
    system.clock.advance(DAY)
    assert end_and_make_good(system) == 0
    assert CreditOrder.objects.get().troubled_at == first, "it is told once"
    CreditOrder.objects.update(bytes=100)
    assert end_and_make_good(system) == 1


def test_a_foreign_courtesy_under_our_name_stops_nobody() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = Line(included_bytes=0)
    told = json.loads(line.courtesy(NOW, 100))
    told |= {"source": SOURCE, "id": "no-uuid", "received": None}
    fact = json.dumps({key: value for key, value in told.items() if value is not None}).encode()
    foreign = accept([fact], terms=Terms(now=NOW, is_foreign=True))
    assert [rejection.code for _, rejection in foreign.rejections] == ["source_reserved"]
    with use_system(system):
        assert accept([fact], terms=Terms(now=NOW)).results == ["accepted"]
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 1


def test_every_source_of_ours_is_reserved() -> None:
    """A source that another system could use as well would let it take the keys of our facts."""
    root = Path(selbsthelfer.__file__).parent
    players = {root / "demo" / "moving.py"}  # which plays another system
    found = {}
    for file in sorted(set(root.rglob("*.py")) - players):
        for name, value in re.findall(
            r'^(\w*SOURCE)(?:: Final)? = f?"([^"]+)"$', file.read_text(encoding="utf-8"), re.MULTILINE
        ):
            if name != "DEFAULT_SOURCE":  # of the telephone system
                found[file.relative_to(root).as_posix()] = value.replace("{OWN_SOURCES}", OWN_SOURCES)
    assert len(found) >= 7
    assert {"intake/making_good.py", "conversations/disputes.py", "intake/enrolling.py"} <= set(found)
    for file_name, source in found.items():
        assert source.startswith(OWN_SOURCES) or source in OLD_SOURCES, file_name


def test_a_line_that_has_ended_is_given_nothing() -> None:
    system = MemorySystem(clock=Clock(NOW))
    line = a_life(system)
    line.end(on(2, 25))
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 0
    assert len(given(line)) == 1
    assert CreditOrder.objects.get().failure == "line_ended"


def test_what_was_refused_for_good_would_be_refused_again() -> None:
    system = MemorySystem(clock=Clock(NOW), capabilities=BELIEVED)
    line = a_life(system)
    system.fail([Fault.REFUSED])
    work(system)
    system.clock.at = on(3, 1, 1)
    assert end_and_make_good(system) == 0
    assert len(given(line)) == 1
