"""What the portal reads of usage, what reminders read of buckets, and what an export holds."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from selbsthelfer.allowances import queries
from selbsthelfer.allowances.core.included import Stretch
from selbsthelfer.allowances.queries import (
    MAX_USAGE_DAYS,
    EndingBucket,
    EndingKey,
    TooManyDaysError,
    UnknownLineError,
    UsageNow,
)
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.allowances.world import FEBRUARY, MARCH, MB, Line, on, take
from tests.portal.life import Life, at, prepare

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def usage_now(line: Line, instant: Any, **more: Any) -> UsageNow:
    with transaction.atomic():
        return queries.usage_now(open_cursor(), line.id, at=instant, **more)


def test_usage_of_the_running_period_with_how_fresh_it_is() -> None:
    line = Line()
    take(
        line.usage(on(1, 31, 23), 7),
        line.usage(FEBRUARY, 10),
        line.usage(on(2, 5), 20, received=on(2, 6)),
        line.usage(on(2, 9), 40),
    )
    assert usage_now(line, on(2, 7)) == UsageNow(FEBRUARY, MARCH, 2, 30, on(2, 5), on(2, 6))
    assert usage_now(line, on(2, 7), period=Stretch(FEBRUARY, MARCH)) == usage_now(line, on(2, 7))
    assert usage_now(line, on(2, 20))[2:4] == (3, 70)


def test_the_newest_record_is_told_also_where_it_lies_before_the_period() -> None:
    line = Line()
    assert usage_now(line, on(2, 7)) == UsageNow(FEBRUARY, MARCH, 0, 0, None, None)
    line.use(on(1, 31), 7)
    assert usage_now(line, on(2, 7)) == UsageNow(FEBRUARY, MARCH, 0, 0, on(1, 31), on(1, 31))


def test_the_running_period_is_the_one_that_a_change_has_lengthened() -> None:
    line = Line()
    line.change_billing_day(on(2, 10), 15)
    line.use(on(2, 5), 10)
    line.use(on(3, 5), 20)
    assert usage_now(line, on(3, 6))[:4] == (FEBRUARY, on(3, 15), 2, 30)


def test_usage_of_an_unknown_line_is_refused() -> None:
    with pytest.raises(UnknownLineError), transaction.atomic():
        queries.usage_now(open_cursor(), subscriber_id_of("nobody"), at=on(2, 7))


def test_days_tell_what_was_used_in_each_those_without_usage_included() -> None:
    line = Line(included_bytes=25)
    take(
        line.usage(on(2, 1), 10),
        line.usage(on(2, 1, 23, 59), 5),
        line.usage(on(2, 3), 20),
        line.usage(on(2, 4), 9),
    )
    bounds = [on(2, day) for day in (1, 2, 3, 4)]
    with transaction.atomic():
        told = queries.usage_by_day(open_cursor(), line.id, bounds=bounds)
    assert [(d.starts_at, d.ends_at, d.bytes, d.unmet_bytes) for d in told] == [
        (on(2, 1), on(2, 2), 15, 0),
        (on(2, 2), on(2, 3), 0, 0),
        (on(2, 3), on(2, 4), 20, 10),
    ]
    assert sum(d.bytes for d in told) == line.total(bounds[0], bounds[-1]).bytes


def test_days_are_bounded_in_number_and_rise() -> None:
    line = Line()

    def days(*bounds: Any) -> int:
        with transaction.atomic():
            return len(queries.usage_by_day(open_cursor(), line.id, bounds=bounds))

    assert days(*(on(2, 1) + n * DAY for n in range(MAX_USAGE_DAYS + 1))) == MAX_USAGE_DAYS
    assert days() == days(on(2, 1)) == 0
    for wrong in (
        [on(2, 1) + n * DAY for n in range(MAX_USAGE_DAYS + 2)],
        [on(2, 2), on(2, 1)],
        [on(2, 1)] * 2,
    ):
        with pytest.raises(TooManyDaysError):
            days(*wrong)


def ending(from_at: str, until_at: str, limit: int = 5_000) -> list[EndingBucket]:
    found: list[EndingBucket] = []
    beyond: EndingKey | None = None
    while True:
        with transaction.atomic():
            page = queries.buckets_ending(
                open_cursor(), from_at=at(from_at), until_at=at(until_at), beyond=beyond, limit=limit
            )
        if not page:
            return found
        assert len(page) <= limit
        found += page
        beyond = page[-1].key


def rewarded(subject: str, **registration: Any) -> Life:
    """A line whose first bonus of 100 MB ends with April 2025."""
    one = Life(subject, **registration)
    one.enrolled()
    one.did("2025-01-10")
    one.did("2025-04-10T12:00")
    return one


def test_bonus_about_to_end_is_found_across_lines_while_something_is_left() -> None:
    prepare()
    for subject, used in (("half", 50 * MB), ("up", 100 * MB), ("none", 0)):
        one = rewarded(subject)
        if used:
            one.add("usage.recorded", "2025-04-12", {"bytes": used})
        one.send()
    suspended = rewarded("suspended")
    suspended.add("subscriber.changed", "2025-04-15", {"suspended": True})
    suspended.send()
    ended = rewarded("ended")
    ended.add("subscriber.ended", "2025-04-15", {})
    ended.send()
    found = {bucket.subscriber_id: bucket for bucket in ending("2025-05-01", "2025-05-02")}
    assert {line: bucket.left_bytes for line, bucket in found.items()} == {
        subscriber_id_of("half"): 50 * MB,
        subscriber_id_of("none"): 100 * MB,
    }
    assert {bucket.ends_at for bucket in found.values()} == {at("2025-05-01")}
    assert ending("2025-04-01", "2025-05-01") == ending("2025-05-02", "2025-06-01") == []


def test_pages_of_ending_buckets_tell_each_once_earliest_first() -> None:
    prepare()
    for number in range(7):
        rewarded(f"line-{number}", billing_day=1 + number % 3).send()
    found = ending("2025-04-01", "2025-06-01")
    assert len(found) == 7
    assert [b.ends_at for b in found] == sorted(b.ends_at for b in found)
    for limit in (1, 3):
        assert ending("2025-04-01", "2025-06-01", limit) == found


def test_an_export_is_plain_json_and_tells_all_that_is_kept() -> None:
    line = Line(included_bytes=100)
    take(line.courtesy(on(2, 2), 30), line.usage(on(2, 3), 125))
    with transaction.atomic():
        export: Any = json.loads(json.dumps(queries.export_of_line(open_cursor(), line.id)))
    assert {(b["kind"], b["size_bytes"], b["left_bytes"]) for b in export["buckets"]} == {
        ("included", 100, 5),
        ("courtesy", 30, 0),
    }
    assert [(u["happened_at"], u["bytes"], u["unmet_bytes"]) for u in export["usage"]] == [
        ("2026-02-03T00:00:00+00:00", 125, 0)
    ]
    assert [(c["bytes"], c["reason"]) for c in export["courtesies"]] == [(30, "Störung")]
    assert [notice["percent"] for notice in export["notices"]] == [80]
    with transaction.atomic():
        assert not any(queries.export_of_line(open_cursor(), subscriber_id_of("nobody")).values())
