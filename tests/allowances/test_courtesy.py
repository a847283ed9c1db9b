"""Courtesy volume: given by staff, usable at once, until the end of the running billing period."""

from __future__ import annotations

import pytest

from selbsthelfer.allowances.core.buckets import COURTESY_MAX_BYTES, courtesy_bucket_id
from selbsthelfer.intake.operations import Terms, accept
from tests.allowances.world import GB, MARCH, NOW, Line, on, rows, take

pytestmark = pytest.mark.django_db


def test_courtesy_is_a_bucket_with_its_entry_and_its_order() -> None:
    line = Line(included_bytes=0)
    line.take(line.courtesy(on(2, 19), 5 * GB, received=on(2, 20), fact_id="c1"))
    bucket = courtesy_bucket_id(line.id, "test", "c1")
    assert rows("allowances_bucket", line, "bucket_id, kind, size_bytes, valid_from, valid_until") == [
        (bucket, "courtesy", 5 * GB, on(2, 20), MARCH)
    ]
    assert [(e.bucket_id, e.amount_bytes, e.happened_at) for e in line.entries()] == [
        (bucket, 5 * GB, on(2, 20))
    ]
    assert rows(
        "charging_creditorder", line, "credit_id, state, bytes, valid_from, valid_until, ordered_at"
    ) == [(bucket, "confirmed", 5 * GB, on(2, 20), MARCH, NOW)]
    assert rows("allowances_courtesy", line, "bucket_id, happened_at, bytes, reason, by") == [
        (bucket, on(2, 19), 5 * GB, "Störung", "agent-7")
    ]


def test_the_end_is_the_one_known_when_the_fact_was_received() -> None:
    before, after = Line(included_bytes=0), Line(included_bytes=0)
    before.grant(on(2, 5), 10)
    before.change_billing_day(on(2, 10), 15)
    after.change_billing_day(on(2, 3), 15)
    after.grant(on(2, 5), 10)
    late = Line(included_bytes=0)
    late.change_billing_day(on(2, 3), 15, received=on(2, 6))
    late.grant(on(2, 5), 10)
    ends = [rows("allowances_bucket", line, "valid_until") for line in (before, after, late)]
    assert ends == [[(MARCH,)], [(on(3, 15),)], [(MARCH,)]]


def test_repeating_the_fact_gives_nothing_more() -> None:
    line = Line(included_bytes=0)
    fact = line.courtesy(on(2, 19), 100)
    take(fact)
    assert accept([fact], terms=Terms(now=NOW, may_backdate=True)).results == ["known"]
    assert line.balance(NOW) == 100


def test_courtesy_of_a_period_that_is_over_orders_no_delivery() -> None:
    line = Line(included_bytes=0)
    line.grant(on(1, 5), 100)
    assert rows("charging_creditorder", line, "credit_id") == []
    assert line.balance(on(1, 6)) == 100


def test_the_limit_of_one_fact_is_50_gb() -> None:
    assert COURTESY_MAX_BYTES == 50 * GB
