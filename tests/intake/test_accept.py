"""The one door for facts: what goes in, what is refused and kept, and what is known already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from selbsthelfer.intake import queries
from selbsthelfer.intake.operations import MAX_BATCH, BatchTooLargeError, Receipt, Terms, accept
from selbsthelfer.intake.queries import RejectCount
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.operations import publish
from tests.programmes.deciding import participant, programme
from tests.programmes.events import Event, Line, crisis, instant
from tests.programmes.outcomes import LONG_AGO

pytestmark = pytest.mark.django_db

NOW = instant("2025-06-15T12:00")
MINUTES_5 = timedelta(minutes=5)
TICK = timedelta(microseconds=1)
LIVE = Terms(now=NOW)
IMPORT = Terms(now=NOW, may_backdate=True)


@pytest.fixture
def line() -> Line:
    """A line that is registered and enrolled; what is told of it afterwards is for the test to send."""
    publish(programme(), now=LONG_AGO)
    known = participant()
    take(known.events)
    known.events.clear()
    return known


def take(events: Sequence[Event | bytes], terms: Terms = IMPORT) -> Receipt:
    return accept([event if isinstance(event, bytes) else event.encode() for event in events], terms=terms)


def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        return open_cursor().execute(query, parameters).fetchall()  # type: ignore[call-overload,no-any-return]


def reject_counts() -> list[RejectCount]:
    with transaction.atomic():
        return queries.reject_counts(open_cursor())


def stored_activities() -> list[str]:
    return [row[0] for row in rows("SELECT id FROM activities_activity ORDER BY id")]


@pytest.mark.parametrize("terms", [LIVE, IMPORT], ids=["live", "import"])
@pytest.mark.parametrize(
    ("unsound", "code"),
    [
        (b'{"activity": "bill.shred", "outcome": "succeeded"}', "unknown_activity"),
        (b'{"activity": "bill.view"}', "missing_member"),
        (b'{"activity": "bill.view", "outcome": "succeeded", "seconds": 3}', "unknown_member"),
        (b'{"activity": "bill.view\\u0000", "outcome": "succeeded"}', "control_character"),
        (b'{"activity": "bill.view\\ud800", "outcome": "succeeded"}', "broken_line"),
        (b'{"activity": "' + b"x" * 2_000_000 + b'"}', "too_large"),
        (b"[" * 30_000, "wrong_type"),
        (b'{"activity": "bill.view", "outcome": "succeeded"', "broken_line"),
        (b"\x00\xff", "broken_line"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unsound_fact_is_kept_with_its_reason_and_hinders_no_other(
    terms: Terms, unsound: bytes, code: str, line: Line
) -> None:
    before, bad, after = line.does("2025-06-01"), line.does("2025-06-02"), line.does("2025-06-03")
    sound_data = b'{"activity": "call.voicemail", "outcome": "succeeded"}'
    raw = bad.encode().replace(sound_data, unsound)
    receipt = take([before, raw, after], terms)
    assert receipt.results == ["accepted", "rejected", "accepted"]
    assert [(ordinal, rejection.code) for ordinal, rejection in receipt.rejections] == [(1, code)]
    assert stored_activities() == [before.id, after.id]
    with transaction.atomic():
        (kept,) = queries.newest_rejects(open_cursor(), code=code, limit=10)
    assert kept.times == 1
    assert kept.first_rejected_at == NOW
    assert kept.body[:40] == raw[:40].decode(errors="replace").replace("\x00", "�")


def test_the_same_refusal_again_is_counted_and_not_added(line: Line) -> None:
    bad, other = line.does("2025-06-01", "bill.shred"), line.does("2025-06-02", "bill.shred")
    take([bad, bad, b"nonsense"])
    take([bad, other])
    assert reject_counts() == [RejectCount("broken_line", 1, 1), RejectCount("unknown_activity", 2, 4)]


def test_a_refused_fact_may_come_again_when_it_is_put_right(line: Line) -> None:
    bad = line.does("2025-06-01", "bill.shred", fact_id="x")
    take([bad])
    assert take([line.does("2025-06-01", "bill.view", fact_id="x")]).results == ["accepted"]


@pytest.mark.parametrize("terms", [LIVE, IMPORT], ids=["live", "import"])
@pytest.mark.parametrize(("ahead", "result"), [(MINUTES_5, "accepted"), (MINUTES_5 + TICK, "rejected")])
def test_a_fact_may_lie_five_minutes_ahead(terms: Terms, ahead: timedelta, result: str, line: Line) -> None:
    receipt = take([line.does(NOW + ahead)], terms)
    assert receipt.results == [result]
    assert [rejection.code for _, rejection in receipt.rejections] == ["in_future"] * (result == "rejected")


def test_an_import_may_not_have_received_what_lies_further_ahead(line: Line) -> None:
    soon, later = (line.does("2025-06-01", received=NOW + MINUTES_5 + more) for more in (TICK * 0, TICK))
    receipt = take([soon, later])
    assert receipt.results == ["accepted", "rejected"]
    assert receipt.rejections[0][1].field == "received"


def test_only_who_may_backdate_tells_when_a_fact_was_received(line: Line) -> None:
    told = instant("2025-06-10")
    events = [line.does("2025-06-01", received=told, fact_id=name) for name in ("live", "import")]
    take(events[:1], LIVE)
    take(events[1:], IMPORT)
    take(
        [
            line.does("2025-06-02", fact_id="untold"),
            line.does("2025-06-09", received=told - TICK, fact_id="a"),
        ]
    )
    received: dict[str, datetime] = dict(rows("SELECT id, received_at FROM activities_activity"))
    assert received == {
        "live": NOW,
        "import": told,
        "untold": instant("2025-06-02"),
        "a": told - TICK,
    }


def test_no_fact_is_received_before_it_happened(line: Line) -> None:
    take([line.does("2025-06-09", received="2025-06-01", fact_id="import")])
    take([line.does(NOW + MINUTES_5, fact_id="live")], LIVE)
    assert dict(rows("SELECT id, received_at FROM activities_activity")) == {
        "import": instant("2025-06-09"),
        "live": NOW + MINUTES_5,
    }


def test_a_known_key_is_known_whatever_comes_with_it(line: Line) -> None:
    """A key is (line, source, id), across all types."""
    first = line.does("2025-06-01", fact_id="x")
    same_key = line.calls("2025-06-02", fact_id="x")
    other_source = line.does("2025-06-03", fact_id="x", source="/other")
    assert take([first, same_key, other_source, first]).results == ["accepted", "known", "accepted", "known"]
    assert take([same_key]).results == ["known"]
    assert not rows("SELECT FROM contacts_contact")


def test_within_a_batch_the_first_received_of_a_key_holds(line: Line) -> None:
    later = line.does("2025-06-02", "bill.view", fact_id="x")
    earlier = line.does("2025-06-01", "use.view", fact_id="x")
    assert take([later, earlier]).results == ["known", "accepted"]
    assert rows("SELECT activity FROM activities_activity") == [("use.view",)]


def test_received_at_once_the_smaller_content_of_a_key_holds_in_any_order(line: Line) -> None:
    received = "2025-06-05"
    one = line.does("2025-06-02", "bill.view", fact_id="x", received=received)
    other = line.does("2025-06-01", "use.view", fact_id="x", received=received)
    for ids, batch in [("x", [one, other]), ("y", [other, one])]:
        take([Event(e.type, ids, e.time, e.data, e.subject, e.received, e.source) for e in batch])
    assert rows("SELECT id, activity FROM activities_activity ORDER BY id") == [
        ("x", "use.view"),
        ("y", "use.view"),
    ]


def test_another_line_may_use_the_same_source_and_id(line: Line) -> None:
    other = Line("other")
    other.registers(fact_id="registration")
    events = [line.does("2025-06-01", fact_id="x"), *other.events, other.does("2025-06-01", fact_id="x")]
    assert take(events).counts == {"accepted": 3}


def test_a_line_is_registered_once(line: Line) -> None:
    again, same = line.registers(billing_day=15), Line(line.subject).registers()
    receipt = take([again, same])
    assert receipt.results == ["rejected", "known"]
    assert receipt.rejections[0][1].code == "already_registered"
    assert rows("SELECT billing_day FROM subscribers_subscriber") == [(1,)]


def test_of_two_registrations_in_a_batch_the_first_received_holds() -> None:
    late, early = Line("line"), Line("line")
    late.registers("2025-02-01", billing_day=2, fact_id="b")
    early.registers("2025-01-01", billing_day=1, fact_id="a")
    receipt = take([*late.events, *early.events])
    assert receipt.results == ["rejected", "accepted"]
    assert rows("SELECT billing_day FROM subscribers_subscriber") == [(1,)]


def test_an_enrolment_in_a_programme_that_is_not_published_is_refused(line: Line) -> None:
    receipt = take([line.enrols("2025-06-01", "o2-2018")])
    assert [rejection.code for _, rejection in receipt.rejections] == ["unknown_programme"]


def test_a_crisis_is_taken_once(line: Line) -> None:
    declared = crisis("2025-06-01", "2025-06-02")
    altered = crisis("2025-06-01", "2025-06-09")
    assert take([declared, altered]).counts == {"accepted": 1, "known": 1}
    assert take([declared]).results == ["known"]
    assert rows("SELECT until_at FROM contacts_crisis") == [(instant("2025-06-02"),)]


def test_an_empty_batch_is_taken() -> None:
    receipt = take([])
    assert (receipt.results, receipt.rejections, receipt.released) == ([], [], 0)


def test_a_batch_has_at_most_ten_thousand_facts(line: Line) -> None:
    assert take([b""] * MAX_BATCH).counts == {"rejected": MAX_BATCH}
    with pytest.raises(BatchTooLargeError):
        take([line.does("2025-06-01")] * (MAX_BATCH + 1))
    assert not stored_activities()
    assert reject_counts() == [RejectCount("broken_line", 1, MAX_BATCH)]


def test_a_billing_day_changed_long_ago_does_not_stop_a_batch(line: Line) -> None:
    """It was plausible at the door, so it must not make every batch with it fail for ever."""
    changed = line.changes_billing_day("1985-06-01", 15, received="2025-06-01")
    assert take([changed, line.does("2025-06-02")]).results == ["accepted", "accepted"]


def test_the_shortest_periods_in_the_longest_programme_do_not_stop_a_batch() -> None:
    publish(programme(close_after_days=3_650), now=LONG_AGO)
    line = participant(period_days=1, period_anchor="2025-01-01")
    assert take(line.events).counts == {"accepted": 2}
