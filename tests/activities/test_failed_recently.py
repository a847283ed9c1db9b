"""What failed lately is told whoever reported it, until the same has worked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.activities.operations import ActivityRow, record
from selbsthelfer.activities.queries import MAX_FAILED, FailedActivity, failed_recently
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.portal.life import SOURCE, Life, prepare

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


def told(since: datetime = NOON - timedelta(hours=72), subject: str = "line") -> list[FailedActivity]:
    with transaction.atomic():
        return list(failed_recently(open_cursor(), subscriber_id_of(subject), since=since))


def failing(*failures: tuple[datetime, str], subject: str = "line") -> Life:
    life = Life(subject)
    for at, activity in failures:
        life.did(at, activity, outcome="failed")
    return life


def test_a_failure_from_the_operator_s_own_app_is_told_newest_first() -> None:
    prepare()
    earlier = NOON - timedelta(hours=5)
    failing((earlier, "call.forward"), (NOON, "bill.iban")).send()
    assert told() == [FailedActivity("bill.iban", NOON), FailedActivity("call.forward", earlier)]


def test_a_success_of_the_same_kind_settles_it_and_one_of_another_kind_does_not() -> None:
    prepare()
    life = failing((NOON, "call.forward"), (NOON, "bill.iban"))
    life.did(NOON + timedelta(minutes=1), "bill.iban")
    life.did(NOON - timedelta(minutes=1), "call.forward")
    life.send()
    assert told() == [FailedActivity("call.forward", NOON)]


def test_the_instant_asked_about_belongs_to_what_is_told() -> None:
    prepare()
    failing((NOON, "call.forward")).send()
    assert told(since=NOON) == [FailedActivity("call.forward", NOON)]
    assert told(since=NOON + timedelta(microseconds=1)) == []


def test_another_line_and_what_has_left_the_catalogue_are_left_out() -> None:
    prepare()
    failing((NOON, "call.forward"), subject="another").send()
    gone = ActivityRow(subscriber_id_of("line"), "fax.send", NOON, "1", SOURCE, NOON, succeeded=False)
    with transaction.atomic():
        record(open_cursor(), [gone])
    assert told() == []


def test_what_fails_all_day_is_told_once_and_hides_nothing_else() -> None:
    prepare()
    last = NOON + timedelta(minutes=2 * MAX_FAILED)
    minutes = range(1, 2 * MAX_FAILED + 1)
    failing((NOON, "bill.iban"), *((NOON + timedelta(minutes=m), "call.block") for m in minutes)).send()
    assert told() == [FailedActivity("call.block", last), FailedActivity("bill.iban", NOON)]


def test_no_more_kinds_are_told_than_a_page_can_show() -> None:
    prepare()
    kinds = list(CATALOGUE)[: MAX_FAILED + 2]
    failing(*((NOON + timedelta(minutes=minute), kind) for minute, kind in enumerate(kinds))).send()
    assert [failed.activity for failed in told()] == kinds[:1:-1]
