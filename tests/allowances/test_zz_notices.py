"""The subscriber is told when 80 % and 100 % of the included volume is used, once each."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selbsthelfer.kit.sql import open_cursor
from tests.allowances.world import MARCH, NOW, Line, on, rows, take

pytestmark = pytest.mark.django_db(transaction=True)
few = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def notices(line: Line) -> list[tuple[int, object, int]]:
    return rows("allowances_notice", line, "percent, noticed_at, bonus_bytes")  # type: ignore[return-value]


def messages(line: Line) -> list[tuple[str, dict[str, object]]]:
    with transaction.atomic():
        found = open_cursor().execute(
            "SELECT kind, content FROM outbox_message WHERE subscriber_id = %s ORDER BY message_id", [line.id]
        )
        return [
            (kind, content if isinstance(content, dict) else json.loads(content)) for kind, content in found
        ]  # type: ignore[misc,call-overload]


@few
@given(parts=st.lists(st.integers(1, 400), min_size=1, max_size=12), cut=st.integers(0, 12))
def test_a_notice_is_given_exactly_once_however_usage_is_split(parts: list[int], cut: int) -> None:
    line = Line(included_bytes=1_000)
    facts = [line.usage(on(2, 2) + timedelta(minutes=n), part) for n, part in enumerate(parts)]
    take(*facts[:cut])
    take(*facts[cut:])
    used = sum(parts)
    assert [n[0] for n in notices(line)] == [p for p in (80, 100) if used >= 10 * p]
    assert [m[1]["percent"] for m in messages(line)] == [p for p in (80, 100) if used >= 10 * p]


def test_the_notice_comes_exactly_at_80_and_at_100_percent() -> None:
    line = Line(included_bytes=1_001)
    for n, bytes_ in enumerate((800, 1, 199, 1)):
        line.use(on(2, 2, n), bytes_)
    assert notices(line) == [(80, on(2, 2, 1), 0), (100, on(2, 2, 3), 0)]


def test_bonus_delays_no_notice_and_the_notice_says_what_of_it_is_usable() -> None:
    line = Line(included_bytes=100)
    line.change_billing_day(on(2, 3), 15)
    line.grant(on(2, 4), 50)
    line.use(on(2, 5), 85)
    line.use(on(2, 6), 25)
    assert notices(line) == [(80, on(2, 5), 50), (100, on(2, 6), 40)]
    assert messages(line) == [
        (
            "allowance.notice",
            {"percent": percent, "usable_until": MARCH.isoformat(), "bonus_bytes": bonus, "language": "de"},
        )
        for percent, bonus in ((80, 50), (100, 40))
    ]


def test_volume_that_is_not_usable_yet_or_any_more_is_not_promised() -> None:
    line = Line(included_bytes=100)
    take(line.courtesy(on(1, 5), 50), line.courtesy(on(2, 7), 50), line.usage(on(2, 6), 90))
    assert notices(line) == [(80, on(2, 6), 0)]


def test_a_notice_about_a_bucket_that_has_ended_is_kept_but_not_sent() -> None:
    line = Line(included_bytes=100)
    line.use(on(1, 20), 90, received=NOW)
    assert [n[0] for n in notices(line)] == [80]
    assert messages(line) == []


def test_of_a_line_that_ends_the_message_tells_its_end() -> None:
    line = Line(included_bytes=100)
    line.end(on(2, 25))
    line.use(on(2, 20), 90)
    assert messages(line)[0][1]["usable_until"] == on(2, 25).isoformat()


def test_each_period_has_notices_of_its_own() -> None:
    line = Line(included_bytes=100)
    take(line.usage(on(1, 5), 100), line.usage(on(2, 5), 85))
    assert [n[0] for n in notices(line)] == [80, 80, 100]
