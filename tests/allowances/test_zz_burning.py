"""Usage burns volume: the laws of the ledger, held against a model that burns one record at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from selbsthelfer.allowances.core.buckets import BURN_ORDER
from selbsthelfer.allowances.operations import Credit, credit
from selbsthelfer.allowances.queries import MAX_ENTRIES
from selbsthelfer.kit.sql import open_cursor
from tests.allowances.world import APRIL, FEBRUARY, JANUARY, MARCH, NOW, Line, on, rows, take

pytestmark = pytest.mark.django_db(transaction=True)
few = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

hours = st.integers(0, 24 * 100)
usages = st.tuples(hours, st.integers(0, 700), st.integers(0, 24 * 20))
courtesies = st.tuples(hours, st.integers(1, 400))


def instant(hour: int) -> datetime:
    return JANUARY + timedelta(hours=hour)


@dataclass
class Held:
    """A bucket of the model."""

    kind: str
    valid_from: datetime
    valid_until: datetime
    left: int


@dataclass
class Model:
    """Burns one record of usage after the other, from 1,000 included bytes a month and courtesies."""

    held: list[Held] = field(default_factory=list)
    unmet: int = 0

    def grant(self, at: datetime, bytes_: int) -> None:
        self.held.append(Held("courtesy", at, _month_after(at), bytes_))

    def use(self, at: datetime, bytes_: int) -> None:
        month = _month_after(at - timedelta(days=at.day))
        if bytes_ and not any(h.kind == "included" and h.valid_from == month for h in self.held):
            self.held.append(Held("included", month, _month_after(at), 1_000))
        self.held.sort(key=lambda h: (h.valid_until, BURN_ORDER.index(h.kind), h.valid_from))
        for bucket in self.held:
            if bucket.valid_from <= at < bucket.valid_until:
                burned = min(bytes_, bucket.left)
                bucket.left -= burned
                bytes_ -= burned
        self.unmet += bytes_


def _month_after(at: datetime) -> datetime:
    return (at.replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)


@few
@given(used=st.lists(usages, max_size=12), given_=st.lists(courtesies, max_size=4, unique_by=lambda c: c[0]))
def test_a_batch_burns_what_one_record_after_the_other_would(
    used: list[tuple[int, int, int]], given_: list[tuple[int, int]]
) -> None:
    line, model = Line(), Model()
    courtesy = [line.courtesy(instant(h), b) for h, b in given_]
    facts = [line.usage(instant(h), b, received=instant(h + late)) for h, b, late in used]
    for hour, bytes_ in given_:
        model.grant(instant(hour), bytes_)
    for hour, bytes_, _ in sorted(used, key=lambda u: (u[0] + u[2], u[0], used.index(u))):
        model.use(instant(hour), bytes_)
    take(*facts, *courtesy)
    left = sorted((h.kind, h.valid_from, h.valid_until, h.left) for h in model.held)
    assert sorted(_left(line)) == left
    assert line.unmet() == model.unmet
    assert line.total(JANUARY, on(12, 1)).bytes == sum(b for _, b, _ in used)


def _left(line: Line) -> list[tuple[object, ...]]:
    with transaction.atomic():
        return (  # type: ignore[no-any-return]
            open_cursor()
            .execute(
                """
                SELECT b.kind, b.valid_from, b.valid_until, sum(e.amount_bytes)::bigint
                FROM allowances_bucket b JOIN allowances_entry e USING (subscriber_id, bucket_id)
                WHERE subscriber_id = %s GROUP BY subscriber_id, bucket_id
                """,
                [line.id],
            )
            .fetchall()
        )


@few
@given(used=st.lists(usages, min_size=1, max_size=10), given_=st.lists(courtesies, max_size=3))
def test_entries_sum_to_the_balance_and_to_what_was_met(
    used: list[tuple[int, int, int]], given_: list[tuple[int, int]]
) -> None:
    line = Line()
    take(*(line.courtesy(instant(h), b) for h, b in given_))
    take(*(line.usage(instant(h), b, received=instant(h + late)) for h, b, late in used))
    chains: dict[object, int] = {}
    for entry in sorted(line.entries(), key=lambda e: (e.bucket_id, e.ordinal)):
        chains[entry.bucket_id] = chains.get(entry.bucket_id, 0) + entry.amount_bytes
        assert entry.balance_bytes == chains[entry.bucket_id] >= 0
    assert sum(bytes_ for _, bytes_ in line.burned()) + line.unmet() == sum(b for _, b, _ in used)


@few
@given(used=st.lists(usages, min_size=1, max_size=10), cuts=st.lists(st.integers(1, 9), max_size=3))
def test_cutting_deliveries_into_batches_changes_nothing(
    used: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    whole, cut = Line(), Line()
    ordered = sorted(used, key=lambda u: (u[0] + u[2], u[0]))
    for line, edges in (
        (whole, [0, len(used)]),
        (cut, [0, *sorted(min(c, len(used)) for c in cuts), len(used)]),
    ):
        facts = [line.usage(instant(h), b, received=instant(h + late)) for h, b, late in ordered]
        for start, end in pairwise(edges):
            take(*facts[start:end])
    assert _movements(whole) == _movements(cut)
    assert whole.unmet() == cut.unmet()


def _movements(line: Line) -> list[tuple[object, ...]]:
    return sorted(
        (e.kind, e.happened_at, e.received_at, e.amount_bytes, e.balance_bytes) for e in line.entries()
    )


@few
@given(bytes_=st.integers(2, 2_500), share=st.integers(1, 2_499), given_=st.integers(1, 800))
@example(bytes_=1_000, share=800, given_=1)
@example(bytes_=1_800, share=1_799, given_=800)
def test_splitting_usage_changes_no_balance_and_no_notice(bytes_: int, share: int, given_: int) -> None:
    whole, split = Line(), Line()
    first = min(share, bytes_ - 1)
    take(*(line.courtesy(on(2, 3), given_) for line in (whole, split)))
    whole.use(on(2, 5), bytes_)
    take(split.usage(on(2, 5), first), split.usage(on(2, 5), bytes_ - first))
    assert [b[1:] for b in whole.buckets(NOW)] == [b[1:] for b in split.buckets(NOW)]
    assert whole.unmet() == split.unmet()
    percents = [[row[0] for row in rows("allowances_notice", line, "percent")] for line in (whole, split)]
    assert percents[0] == percents[1]


def test_what_ends_first_burns_first_and_within_an_end_what_was_given_goes_before_what_costs() -> None:
    line = Line(included_bytes=100)
    kinds = [("topup", MARCH), ("bonus", APRIL), ("courtesy", MARCH), ("bonus", MARCH), ("topup", on(2, 20))]
    with transaction.atomic():
        credit(
            open_cursor(),
            [
                Credit(line.id, type(line.id)(int=n), kind, 100, FEBRUARY, end)
                for n, (kind, end) in enumerate(kinds)
            ],
            now=NOW,
        )
    take(*(line.usage(on(2, 2) + timedelta(hours=n), 50) for n in range(13)))
    burned = line.burned()
    order = ["topup", "bonus", "courtesy", "included", "topup", "bonus"]
    assert burned == [(kind, 50) for kind in order for _ in range(2)]
    assert line.unmet() == 50
    assert line.balance(on(2, 3)) == 0


def test_one_usage_runs_over_several_buckets_which_stay_apart() -> None:
    line = Line(included_bytes=100)
    take(line.courtesy(on(2, 2), 30), line.courtesy(on(2, 3), 30))
    line.use(on(2, 4), 155)
    assert sorted(line.burned()) == [("courtesy", 30), ("courtesy", 30), ("included", 95)]
    assert [(b.kind, b.size_bytes, b.left_bytes) for b in line.buckets(NOW)] == [
        ("courtesy", 30, 0),
        ("courtesy", 30, 0),
        ("included", 100, 5),
    ]


def test_late_usage_burns_what_was_valid_at_its_time_and_is_left() -> None:
    line = Line(included_bytes=100)
    line.use(on(1, 20), 60)
    line.use(on(2, 3), 10)
    line.use(on(1, 25), 70, received=on(2, 5))
    assert line.unmet() == 30
    assert [b.left_bytes for b in line.buckets(on(1, 31))] == [0]
    assert [b.left_bytes for b in line.buckets(NOW)] == [90]


def test_volume_given_after_the_usage_helps_it_no_more() -> None:
    line = Line(included_bytes=0)
    take(line.courtesy(on(2, 5), 50), line.usage(on(2, 4), 20, received=on(2, 6)), line.usage(on(2, 5), 20))
    assert line.unmet() == 20
    assert line.balance(NOW) == 30


def test_unlimited_usage_burns_nothing_and_is_never_unmet() -> None:
    line = Line(included_bytes=None)
    line.grant(on(2, 2), 40)
    line.use(on(2, 3), 10**15)
    assert (line.burned(), line.unmet()) == ([], 0)
    assert line.allowance(NOW).is_unlimited
    assert line.balance(NOW) is None


def test_without_included_volume_only_what_was_given_burns() -> None:
    line = Line(included_bytes=0)
    line.grant(on(2, 2), 40)
    line.use(on(2, 3), 100)
    assert (line.burned(), line.unmet()) == ([("courtesy", 40)], 60)
    assert rows("allowances_notice", line, "percent") == []


def test_buckets_rest_while_the_line_is_suspended() -> None:
    line = Line(included_bytes=100)
    line.change(on(2, 3), suspended=True)
    line.change(on(2, 6), suspended=False)
    take(*(line.usage(on(2, day), 10) for day in (2, 3, 5, 6)))
    assert [e.happened_at for e in line.entries()[1:]] == [on(2, 2), on(2, 6)]
    assert line.unmet() == 20
    assert [(b.left_bytes, b.is_resting) for b in line.buckets(on(2, 4))] == [(90, True)]
    assert [line.balance(on(2, day)) for day in (2, 3, 5, 6, 7)] == [90, 0, 0, 80, 80]


def test_a_suspension_learned_of_later_takes_nothing_back() -> None:
    line = Line(included_bytes=100)
    line.use(on(2, 4), 10)
    line.change(on(2, 3), received=on(2, 5), suspended=True)
    line.use(on(2, 4, 1), 10, received=on(2, 4, 2))
    line.use(on(2, 4, 1), 10, received=on(2, 5))
    assert (sum(b for _, b in line.burned()), line.unmet()) == (20, 10)


def test_the_lines_end_ends_its_buckets() -> None:
    line = Line(included_bytes=100)
    line.grant(on(2, 2), 50)
    line.end(on(2, 10))
    take(line.usage(on(2, 9, 23, 59), 10), line.usage(on(2, 10), 10))
    assert line.unmet() == 10
    assert {b.valid_until for b in line.buckets(on(2, 9))} == {on(2, 10)}
    assert line.buckets(on(2, 10)) == ()
    assert line.balance(on(2, 10)) == 0


def test_ten_thousand_records_of_one_line_burn_in_one_batch() -> None:
    line = Line(included_bytes=9_000)
    facts = [line.usage(on(2, 1) + timedelta(minutes=n), 1, received=on(2, 9)) for n in range(9_999)]
    facts.append(line.courtesy(on(2, 4), 500, received=on(2, 4)))
    take(*facts)
    assert line.unmet() == 499
    assert line.balance(NOW) == 0
    assert len(line.entries()) == MAX_ENTRIES
