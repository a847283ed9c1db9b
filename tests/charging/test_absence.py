"""Absence: when a bucket that is not found was never credited, and who decides where nobody can tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from selbsthelfer.charging.core.orders import Action, OrderState
from tests.charging.memory_system import ABLE, SETTLE_SECONDS, Fault, MemorySystem
from tests.charging.world import a_line, attempts, go_on, load, order

pytestmark = pytest.mark.django_db


def test_without_a_bound_or_with_buckets_that_vanish_absence_is_left_to_a_person() -> None:
    for capabilities in (
        replace(ABLE, settle_seconds=None),
        replace(ABLE, keeps_used_up=False, absent_is_lost=False),
        replace(ABLE, keeps_used_up=False, settle_seconds=None),
        replace(ABLE, read_back=False),
    ):
        system, line = MemorySystem(capabilities=capabilities), a_line()
        (credit_id,) = order(system, line)
        system.fail([Fault.LOST_BEFORE])
        go_on(system, 30, seconds=600)
        after = load(line, credit_id)
        assert (after.state, len(system.sent)) == (OrderState.UNCERTAIN, 1)
        assert after.troubled_at is not None


@pytest.mark.parametrize("settle_seconds", [0, SETTLE_SECONDS])
def test_where_buckets_vanish_what_was_absent_twice_is_sent_again(settle_seconds: int) -> None:
    able = replace(ABLE, keeps_used_up=False, settle_seconds=settle_seconds)
    system, line = MemorySystem(capabilities=able), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_BEFORE, Fault.LOST_BEFORE])
    go_on(system, 30)
    go_on(system, 30, seconds=600)
    assert system.has() == Counter([credit_id])
    told = ["sent" if a.action == Action.CREDIT else a.outcome for a in attempts(line, credit_id)]
    sent = [n for n, outcome in enumerate(told) if outcome == "sent"]
    assert len(sent) == 3
    for first, last in pairwise(sent):
        absences = told[first + 1 : last]
        assert len(absences) >= 2
        assert set(absences) == {"absent"}


def test_what_was_left_to_a_person_is_sent_again_once_the_operator_says_so() -> None:
    able = replace(ABLE, keeps_used_up=False, absent_is_lost=False)
    system, line = MemorySystem(capabilities=able), a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_BEFORE])
    go_on(system, 30, seconds=600)
    assert load(line, credit_id).state is OrderState.UNCERTAIN
    system.capabilities = replace(able, absent_is_lost=True)
    go_on(system, 30, seconds=600)
    assert system.has() == Counter([credit_id])


def test_a_bucket_that_has_not_begun_cannot_have_been_used_up() -> None:
    system = MemorySystem(capabilities=replace(ABLE, keeps_used_up=False))
    line = a_line()
    (credit_id,) = order(system, line, starts_in=2)
    system.fail([Fault.LOST_BEFORE])
    go_on(system, 10, seconds=120)
    assert system.has() == Counter([credit_id])
