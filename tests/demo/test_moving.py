"""Living a line of the demo on: the whole programme in a few steps, by the rules that hold for everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from selbsthelfer.demo import moving
from selbsthelfer.demo.clock import MAX_AHEAD, ClockTooFarError, now_of_line
from selbsthelfer.demo.models import Clock
from selbsthelfer.intake.joining import join
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment
from selbsthelfer.programmes.explaining import Explanation, explain_to_subscriber
from selbsthelfer.programmes.models import Release
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.portal.life import Life, ago, prepare

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
MAX_STEPS = 40


def a_line(subject: str = "line", billing_day: int = 3, **registration: object) -> LineRef:
    one = Life(subject, timezone="Europe/Berlin", billing_day=billing_day, **registration)
    one.facts[0]["time"] = ago(50).isoformat()
    one.send()
    return LineRef(subscriber_id_of(subject), subject)


def joined(subject: str = "line", billing_day: int = 3) -> LineRef:
    line = a_line(subject, billing_day)
    join(subject, "o2-2017", code=None, now=NOW)
    return line


def explained(line: LineRef) -> Explanation:
    with transaction.atomic():
        at = now_of_line(line.subscriber_id, now=NOW)
        return explain_to_subscriber(open_cursor(), line.subscriber_id, at=at)


def standing(line: LineRef) -> ToldEnrolment:
    (enrolment,) = explained(line).enrolments
    return enrolment


@pytest.mark.parametrize("billing_day", [1, 3, 28, 31])
def test_the_whole_programme_is_lived_through_in_few_steps(billing_day: int) -> None:
    prepare()
    line = joined(billing_day=billing_day)
    steps = 0
    while standing(line).earned_bytes < 1_800_000_000:
        for receipt in (moving.do_something(line, now=NOW), moving.next_month(line, now=NOW)):
            assert set(receipt.results) <= {"accepted"}, receipt.rejections
        steps += 2
        assert steps < MAX_STEPS
    assert sum(Release.objects.values_list("bytes", flat=True)) == 1_800_000_000
    assert all(stage.state is StageState.PASSED for stage in standing(line).stages)


def test_a_call_in_the_second_stage_costs_it() -> None:
    prepare()
    line = joined()
    second = standing(line).stages[1]
    while now_of_line(line.subscriber_id, now=NOW) < second.starts_at:
        moving.do_something(line, now=NOW)
        moving.next_month(line, now=NOW)
    moving.do_something(line, now=NOW)
    receipt = moving.call(line, "bill.explain", now=NOW)
    assert receipt.results == ["accepted"]
    while now_of_line(line.subscriber_id, now=NOW) < second.settles_at:
        moving.next_month(line, now=NOW)
    told = standing(line)
    assert [stage.state for stage in told.stages[:2]] == [StageState.PASSED, StageState.MISSED]


@pytest.mark.parametrize("topic", ["fault", "objection"])
def test_a_call_that_never_counts_costs_nothing(topic: str) -> None:
    prepare()
    line = joined()
    moving.do_something(line, now=NOW)
    moving.call(line, topic, now=NOW)
    told = standing(line)
    assert [contact.counts for contact in told.contacts] == [False]
    assert told.stages[0].contacts_to_spare == 0


def test_every_step_moves_the_clock_on_and_only_that_of_its_line() -> None:
    prepare()
    line, other = joined(), a_line("other")
    before = now_of_line(line.subscriber_id, now=NOW)
    steps = (
        lambda: moving.do_something(line, now=NOW),
        lambda: moving.call(line, "bill.explain", now=NOW),
        lambda: moving.next_month(line, now=NOW),
        lambda: moving.next_month(line, now=NOW),
    )
    for step in steps:
        step()
        after = now_of_line(line.subscriber_id, now=NOW)
        assert after > before
        before = after
    assert now_of_line(other.subscriber_id, now=NOW) == NOW
    assert explained(other).at == NOW


def test_a_month_passes_to_the_morning_of_the_next_period_with_its_usage() -> None:
    prepare()
    line = joined()
    end = explained(line).period.ends_at
    moving.next_month(line, now=NOW)
    told = explained(line)
    assert told.period.starts_at == end
    assert told.at == end + timedelta(hours=9)
    moving.next_month(line, now=NOW)
    usage = explained(line).allowance.usage
    assert usage is not None
    assert usage.last_record_happened_at is not None
    assert end - timedelta(days=1) < usage.last_record_happened_at < explained(line).period.starts_at


def test_a_clock_at_its_end_stays_and_nothing_happens() -> None:
    prepare()
    line = joined()
    Clock.objects.create(subscriber_id=line.subscriber_id, ahead=MAX_AHEAD)
    before = explained(line)
    for step in (
        lambda: moving.do_something(line, now=NOW),
        lambda: moving.call(line, "bill.explain", now=NOW),
        lambda: moving.next_month(line, now=NOW),
    ):
        with pytest.raises(ClockTooFarError):
            step()
    after = explained(line)
    assert after.at == before.at
    assert after.enrolments == before.enrolments


def test_an_unknown_topic_is_refused_and_nothing_happens() -> None:
    prepare()
    line = joined()
    with pytest.raises(moving.UnknownTopicError):
        moving.call(line, "everything", now=NOW)
    assert not Clock.objects.exists()
    assert standing(line).contacts == ()
