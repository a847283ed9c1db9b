"""What pages and reminders read: versions as of a date, grants with their orders, tranches that wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.allowances.queries import usage_now
from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.charging.queries import orders_of_line
from selbsthelfer.intake.joining import may_join
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes import queries
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.programmes.core.grants import LedgerGrant
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment, TrancheState
from selbsthelfer.programmes.core.wording_status import TrancheStatus, tranche_status
from selbsthelfer.programmes.explaining import UnknownLineError, explain_to_subscriber
from selbsthelfer.programmes.operations import publish
from selbsthelfer.programmes.queries import GrantKey, TrancheWaiting, ledger_key
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.effort import tries
from tests.portal.life import SOURCE, Life, at, prepare, varied
from tests.programmes.deciding import programme
from tests.programmes.outcomes import deliver, in_order, publish_all, undone
from tests.programmes.plots import TICK, Plot, plots

pytestmark = pytest.mark.django_db

MB = 1_000_000
DAY = timedelta(days=1)
LINE = subscriber_id_of("line")


def told(instant: str, line: UUID = LINE) -> ToldEnrolment:
    (enrolment,) = explain_to_subscriber(open_cursor(), line, at=at(instant)).enrolments
    return enrolment


def ledger(instant: str, **page: Any) -> list[LedgerGrant]:
    return list(queries.grants_of_line(open_cursor(), LINE, at=at(instant), **page))


def waiting(instant: str, limit: int = 5_000) -> list[TrancheWaiting]:
    """Turn every page."""
    found: list[TrancheWaiting] = []
    beyond: UUID | None = None
    while True:
        with transaction.atomic():
            page = queries.tranches_waiting(open_cursor(), at=at(instant), beyond=beyond, limit=limit)
        found.extend(page.tranches)
        if page.next_beyond is None:
            return found
        beyond = page.next_beyond


def set_order_state(state: OrderState) -> None:
    """Let a charging system not have answered yet, which only an external one does."""
    confirmed = "ordered_at" if state is OrderState.CONFIRMED else "NULL"
    due = "ordered_at" if state is OrderState.OPEN else "NULL"
    open_cursor().execute(
        f"UPDATE charging_creditorder SET state = %s, confirmed_at = {confirmed}, due_at = {due}",  # noqa: S608
        [state.value],
    )


def order_everything() -> None:
    """Write the orders that grants of the past did not need."""
    open_cursor().execute(
        "INSERT INTO charging_creditorder SELECT subscriber_id, credit_id, 'external', 'confirmed', bytes,"
        " granted_at, valid_until, granted_at, granted_at FROM programmes_release WHERE bytes > 0"
    )


def test_terms_are_those_of_a_date() -> None:
    first, second = programme(), programme(contacts_max=1)
    publish(first, now=at("2025-01-01"))
    publish(second, now=at("2025-06-01"))
    cursor = open_cursor()

    def version(instant: str) -> tuple[int, int] | None:
        found = queries.version_at(cursor, "o2-2017", at(instant))
        return None if found is None else (found.version, found.definition.contacts_max)

    assert version("2024-12-31") is None
    assert version("2025-01-01") == version("2025-05-31") == (1, 0)
    assert version("2025-06-01") == (2, 1)
    assert queries.version_at(cursor, "other", at("2025-06-01")) is None
    newest, oldest = queries.versions_of(cursor, "o2-2017")
    assert (newest.version, newest.digest, newest.definition) == (2, second.digest(), second)
    assert (oldest.published_at, oldest.definition) == (at("2025-01-01"), first)


def test_open_programmes_are_those_whose_dates_let_lines_in() -> None:
    publish(programme(name="always"), now=at("2025-01-01"))
    publish(programme(name="later", enrol_from=at("2025-03-01")), now=at("2025-01-01"))
    publish(programme(name="over", enrol_until=at("2025-02-01")), now=at("2025-01-01"))

    def names(instant: str) -> list[str]:
        return [found.programme for found in queries.open_programmes(open_cursor(), at=at(instant))]

    assert names("2024-12-01") == []
    assert names("2025-01-15") == ["always", "over"]
    assert names("2025-02-01") == ["always"]
    assert names("2025-03-01") == ["always", "later"]


def test_an_activity_tells_what_it_brought() -> None:
    prepare()
    publish(varied(name='"other"', release='"activity"'), now=at("2020-01-01"))
    one = Life("line")
    one.enrolled()
    one.enrolled(programme="other")
    one.did("2025-01-10")
    released = one.did("2025-04-10T12:00")
    later = one.did("2025-04-11T12:00")
    one.send()
    cursor = open_cursor()
    grants = queries.grants_of_activity(cursor, LINE, source=SOURCE, activity_id=released)
    assert [(g.programme, g.version, g.index, g.window, g.level, g.bytes) for g in grants] == [
        ("o2-2017", 1, 4, 1, 1, 100 * MB),
        ("other", 1, 4, 1, 1, 100 * MB),
    ]
    assert {(g.granted_at, g.usable_until) for g in grants} == {(at("2025-04-10T12:00"), at("2025-05-01"))}
    assert queries.grants_of_activity(cursor, LINE, source=SOURCE, activity_id=later) == []
    assert queries.grants_of_activity(cursor, LINE, source="/other", activity_id=released) == []
    other_line = subscriber_id_of("neighbour")
    assert queries.grants_of_activity(cursor, other_line, source=SOURCE, activity_id=released) == []


def test_in_control_an_activity_brings_nothing_to_tell() -> None:
    prepare()
    one = Life("line", variant="control")
    one.enrolled()
    one.did("2025-01-10")
    released = one.did("2025-04-10T12:00")
    one.send()
    assert queries.grants_of_activity(open_cursor(), LINE, source=SOURCE, activity_id=released) == []
    assert ledger("2025-04-20") == []


@pytest.mark.parametrize("state", [OrderState.OPEN, OrderState.UNCERTAIN, OrderState.REFUSED])
def test_what_is_not_confirmed_is_being_credited_everywhere_and_usable_nowhere(state: OrderState) -> None:
    prepare()
    one = Life("line")
    one.enrolled()
    one.did("2025-01-10")
    released = one.did("2025-04-10T12:00")
    one.send()
    order_everything()
    for now, confirmed in ((OrderState.CONFIRMED, True), (state, False)):
        set_order_state(now)
        (grant,) = queries.grants_of_activity(open_cursor(), LINE, source=SOURCE, activity_id=released)
        assert (grant.order_state, grant.is_confirmed) == (now, confirmed)
        (entry,) = ledger("2025-04-20")
        tranche = told("2025-04-20").tranches[0]
        expected = TrancheStatus.USABLE if confirmed else TrancheStatus.BEING_CREDITED
        assert entry.status is tranche_status(tranche) is expected
        allowance = explain_to_subscriber(open_cursor(), LINE, at=at("2025-04-20")).allowance
        assert allowance.usable_bytes == 5_000 * MB + 100 * MB * confirmed
        assert [bucket.is_usable for bucket in allowance.buckets] == [confirmed, True]
        assert orders_of_line(open_cursor(), LINE)[grant.credit_id].state is now


def test_the_ledger_tells_every_grant_and_what_became_of_it() -> None:
    prepare()
    one = Life("line")
    one.enrolled()
    one.active_monthly(1, 7)
    one.add("usage.recorded", "2025-05-20", {"bytes": 100 * MB})
    one.add("usage.recorded", "2025-07-15", {"bytes": 30 * MB})
    one.send()
    entries = ledger("2025-07-20")
    assert [(e.grant.index, e.grant.bytes // MB, e.left_bytes // MB, e.status.value) for e in entries] == [
        (7, 200, 170, "usable"),
        (6, 100, 100, "expired"),
        (5, 100, 0, "used"),
        (4, 100, 100, "expired"),
    ]
    assert {e.activity for e in entries} == {"call.voicemail"}
    assert [(e.grant.index, e.left_bytes // MB) for e in ledger("2025-05-15")] == [(5, 100), (4, 100)]
    assert sum(e.grant.bytes for e in entries) == told("2025-07-20").earned_bytes


def test_pages_of_the_ledger_tell_each_grant_once() -> None:
    prepare()
    one = Life("line")
    one.enrolled()
    one.active_monthly()
    one.send()
    pages: list[LedgerGrant] = []
    before: GrantKey | None = None
    while page := ledger("2026-01-15", limit=4, before=before):
        assert len(page) <= 4
        pages += page
        before = ledger_key(page[-1])
    assert pages == ledger("2026-01-15")
    assert [entry.grant.index for entry in pages] == list(range(12, 3, -1))
    assert all(a.grant.granted_at > b.grant.granted_at for a, b in pairwise(pages))


def test_a_tranche_waits_until_something_is_done() -> None:
    prepare()
    one = Life("line")
    one.enrolled()
    one.did("2025-02-10")
    one.did("2025-05-10T12:00")
    one.send()
    assert waiting("2025-03-20") == []
    assert waiting("2025-04-20") == [
        TrancheWaiting(LINE, "o2-2017", 1, 4, 1, 1, 100 * MB, at("2025-04-01"), at("2025-05-01"))
    ]
    assert waiting("2025-05-20") == []
    assert [w.index for w in waiting("2025-06-20")] == [6]
    assert [(w.index, w.bytes // MB) for w in waiting("2025-07-20")] == [(7, 200)]
    assert waiting("2026-03-01") == []


def test_nothing_waits_for_those_who_left_or_are_in_control_or_get_it_by_itself() -> None:
    prepare()
    publish(varied("o2-2017-automatic", name='"automatic"'), now=at("2020-01-01"))
    for subject, variant, name in (
        ("left", "treatment", "o2-2017"),
        ("control", "control", "o2-2017"),
        ("automatic", "treatment", "automatic"),
        ("ended", "treatment", "o2-2017"),
        ("missed", "treatment", "o2-2017"),
    ):
        one = Life(subject, variant=variant)
        one.enrolled(programme=name)
        one.did("2025-02-10")
        if subject == "left":
            one.withdrawn("2025-04-10")
        if subject == "ended":
            one.add("subscriber.ended", "2025-04-10", {})
        if subject == "missed":
            one.called("2025-03-01")
        one.send()
    assert waiting("2025-04-20") == []
    assert {w.subscriber_id for w in waiting("2025-04-05")} == {
        subscriber_id_of("left"),
        subscriber_id_of("ended"),
    }, "before they left it waited"


def test_pages_of_waiting_tranches_tell_each_once_in_the_order_of_lines() -> None:
    prepare()
    for number in range(9):
        one = Life(f"line-{number}", billing_day=1 if number % 2 else 31)
        one.enrolled()
        if number % 3:
            one.did("2025-02-10")
        one.send()
    found = waiting("2025-05-20")
    assert [w.subscriber_id for w in found] == sorted(w.subscriber_id for w in found)
    assert {w.subscriber_id for w in found} == {subscriber_id_of(f"line-{n}") for n in range(9) if n % 3}
    for limit in (1, 2, 5):
        assert waiting("2025-05-20", limit) == found


def test_what_waits_for_a_reminder_is_what_the_page_says_waits() -> None:
    """The set statements of reminders and the outline that pages show agree on every line."""
    reached: list[int] = []

    @tries(60)
    @given(plots(), st.data())
    def agree(plot: Plot, data: st.DataObject) -> None:
        # Just before an activity is when something may wait for it.
        done = [event.received_at - TICK for event in plot.known if event.type == "selfservice.finished"]
        now = data.draw(st.sampled_from([plot.now, *done]))
        known = [event for event in plot.known if event.received_at <= now]
        with undone():
            publish_all(plot.definitions)
            deliver(in_order(known), now=now)
            for later in (now, now + 10 * DAY):
                page = queries.tranches_waiting(open_cursor(), at=later)
                found = {(w.subscriber_id, w.programme, w.index, w.bytes, w.ends_at) for w in page.tranches}
                assert found == shown(plot, later)
                reached.append(len(found))

    agree()
    assert sum(reached) > 10


def shown(plot: Plot, now: datetime) -> set[tuple[UUID, str, int, int, datetime]]:
    """Gather the tranches that the page of each line tells to wait for an activity."""
    found = set()
    for subject in {event.subject for event in plot.known if event.subject}:
        line = subscriber_id_of(subject)
        try:
            explanation = explain_to_subscriber(open_cursor(), line, at=now)
        except UnknownLineError:
            continue
        for enrolment in explanation.enrolments:
            for t in enrolment.tranches:
                if t.state is TrancheState.WAITING_FOR_ACTIVITY:
                    found.add((line, enrolment.programme, t.index, t.bytes, t.ends_at))
    return found


def test_an_export_is_plain_json_and_tells_all_that_is_kept() -> None:
    prepare()
    one = Life("line")
    one.enrolled()
    one.active_monthly(1, 4)
    one.withdrawn("2025-05-01")
    one.send()
    export: Any = json.loads(json.dumps(queries.export_of_line(open_cursor(), LINE)))
    (enrolment,) = export["enrolments"]
    assert (enrolment["programme"], enrolment["version"]) == ("o2-2017", 1)
    assert enrolment["stopped_at"] == "2025-05-01T00:00:00+00:00"
    assert enrolment["digest"] == load_preset("o2-2017").digest()
    assert [(release["index"], release["bytes"]) for release in export["releases"]] == [(4, 100 * MB)]
    assert [w["programme"] for w in export["withdrawals"]] == ["o2-2017"]
    assert export["invitations"] == []
    assert not any(queries.export_of_line(open_cursor(), subscriber_id_of("nobody")).values())


class CountedCursor:
    """A cursor that counts what it asks; Django does not see our own cursors."""

    def __init__(self) -> None:
        self.cursor = open_cursor()
        self.number = 0

    def execute(self, *arguments: Any, **more: Any) -> Any:
        self.number += 1
        return self.cursor.execute(*arguments, **more)


def cost(read: Callable[[Any], object]) -> int:
    counted = CountedCursor()
    read(counted)
    return counted.number


def test_reads_cost_as_many_queries_as_they_say() -> None:
    prepare()
    one = Life("line")
    one.enrolled()
    one.active_monthly(1, 5)
    one.add("usage.recorded", "2025-05-20", {"bytes": MB})
    one.send()
    Life("idle").send()
    now = at("2025-05-20")
    period = explain_to_subscriber(open_cursor(), LINE, at=now).period
    assert (period.starts_at, period.ends_at) == (at("2025-05-01"), at("2025-06-01"))
    idle = subscriber_id_of("idle")
    assert cost(lambda c: queries.grants_of_activity(c, LINE, source=SOURCE, activity_id="x")) == 1
    assert cost(lambda c: queries.grants_of_line(c, LINE, at=now)) == 1
    assert cost(lambda c: queries.version_at(c, "o2-2017", now)) == 1
    assert cost(lambda c: queries.open_programmes(c, at=now)) == 1
    assert cost(lambda c: usage_now(c, LINE, at=now, period=period)) == 1
    assert cost(lambda c: usage_now(c, LINE, at=now)) == 2
    assert cost(lambda c: may_join(c, LINE, now=now)) == 2
    assert cost(lambda c: explain_to_subscriber(c, LINE, at=now)) == 3
    assert cost(lambda c: explain_to_subscriber(c, idle, at=now)) <= 6
