"""Lines are reminded by their own choice, once, and in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.selfservice.core.orders import GoPaperless
from selbsthelfer.selfservice.core.reminders import ReminderKind
from selbsthelfer.selfservice.operations import choose_reminders, erase_line
from selbsthelfer.selfservice.queries import reminders_of_line
from selbsthelfer.selfservice.reminding import Reminded, remind
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life, prepare
from tests.selfservice.world import MSISDN, rows, succeed

pytestmark = pytest.mark.django_db

BOTH = frozenset(ReminderKind)
RUNNING = datetime(2026, 5, 20, 10, tzinfo=UTC)
"""In the window that pays for stage 1; the billing period ends with May."""


def lines(count: int) -> list[LineRef]:
    """Enrol lines that passed stage 1, so that a tranche waits in each period of the second window."""
    prepare()
    for number in range(count):
        life = Life(f"line-{number}", timezone="Europe/Berlin", msisdn=f"{MSISDN}{number}", language="en")
        life.enrolled("2026-01-01T08:00")
        for month in (1, 2, 3):
            life.did(f"2026-{month:02d}-10T12:00")
        life.send()
    return [LineRef.of(f"line-{number}") for number in range(count)]


def messages() -> list[tuple[Any, ...]]:
    return rows("SELECT kind, subscriber_id::text FROM outbox_message ORDER BY 2")


def chosen(line: LineRef) -> frozenset[ReminderKind]:
    with transaction.atomic():
        return reminders_of_line(open_cursor(), line.subscriber_id)


def test_nobody_is_reminded_who_has_not_chosen_it() -> None:
    lines(2)
    assert remind(now=RUNNING + timedelta(days=7)) == Reminded(0, 0)
    assert messages() == []


def test_a_choice_is_kept_and_changed() -> None:
    (line,) = lines(1)
    assert chosen(line) == frozenset()
    choose_reminders(line, BOTH, now=RUNNING)
    assert chosen(line) == BOTH
    choose_reminders(line, {ReminderKind.BUCKET_ENDING}, now=RUNNING)
    assert chosen(line) == {ReminderKind.BUCKET_ENDING}
    with transaction.atomic():
        erase_line(open_cursor(), line.subscriber_id, now=RUNNING)
    assert chosen(line) == frozenset()


def test_a_tranche_that_waits_is_told_once_in_the_last_week_of_its_period() -> None:
    first, _, third = lines(3)
    for line in (first, third):
        choose_reminders(line, BOTH, now=RUNNING)
    assert remind(now=RUNNING, limit=1) == Reminded(0, 0)
    last_week = RUNNING + timedelta(days=7)
    assert remind(now=last_week, limit=1) == Reminded(2, 0)
    assert remind(now=last_week + timedelta(days=1)) == Reminded(2, 0)
    told = sorted((ReminderKind.TRANCHE_WAITING.value, str(line.subscriber_id)) for line in (first, third))
    assert sorted(messages()) == told
    succeed(first, GoPaperless(), now=last_week)
    assert remind(now=last_week) == Reminded(1, 0)


def test_a_bonus_that_ends_is_told_once_three_days_before() -> None:
    (line,) = lines(1)
    choose_reminders(line, BOTH, now=RUNNING)
    (credited,) = succeed(line, GoPaperless(), now=RUNNING).credited
    assert remind(now=credited.usable_until - timedelta(days=4)).buckets == 0
    for hours in (71, 48, 1):
        assert remind(now=credited.usable_until - timedelta(hours=hours), limit=1).buckets == 1
    ending = [kind for kind, _ in messages() if kind == ReminderKind.BUCKET_ENDING]
    assert ending == [ReminderKind.BUCKET_ENDING.value]
    assert remind(now=credited.usable_until).buckets == 0
