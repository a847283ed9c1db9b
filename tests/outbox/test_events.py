"""Events are born with their causes, once each, and nothing is told of a line that is held out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from selbsthelfer.allowances.telling import EXPIRING_WITHIN, tell_expiring
from selbsthelfer.conversations.core.cases import CaseKind
from selbsthelfer.conversations.operations import answer, open_case
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.intake.sweeping import sweep
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import (
    MAX_DATA_BYTES,
    EventKind,
    EventTooLargeError,
    event_id_of,
    write_body,
)
from selbsthelfer.outbox.events import EventRow, put_events, wanted_kinds
from selbsthelfer.outbox.webhooks import add_endpoint, change_endpoint, disable_endpoint
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.portal.life import EPOCH, Life, at, crisis, prepare

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/events"
ALL = [kind.value for kind in EventKind]


def tell(kind: str, key: str, happened_at: datetime) -> None:
    with transaction.atomic():
        put_events(open_cursor(), [EventRow(key, kind, None, {}, happened_at)])


def rows(query: str) -> Sequence[tuple[Any, ...]]:
    with transaction.atomic():
        return open_cursor().execute(query).fetchall()  # type: ignore[arg-type]


def told(kind: str | None = None) -> list[dict[str, Any]]:
    """The data of the events, in the order in which they happened."""
    found = rows(
        "SELECT kind, data::text, happened_at FROM outbox_event ORDER BY happened_at, kind, data::text"
    )
    return [{"kind": k, "at": at_, **json.loads(data)} for k, data, at_ in found if kind in (None, k)]


def of_stages() -> list[tuple[str, str, int]]:
    stages = [e for e in told() if e["kind"].startswith("stage.")]
    return [(e["subject"], e["kind"].removeprefix("stage."), e["window"]) for e in stages]


def live(life: Life) -> None:
    """Hand the facts in as they happen: each is received at its own time, or when it says so."""
    for fact in sorted(life.facts, key=lambda f: at(str(f.get("received") or f["time"]))):
        send_one(fact)
    life.facts.clear()


def send_one(fact: dict[str, Any]) -> None:
    received = at(str(fact.get("received") or fact["time"]))
    receipt = accept([json.dumps(fact).encode()], terms=Terms(now=received, may_backdate=True))
    assert receipt.results == ["accepted"], receipt.rejections


def test_an_event_is_kept_only_for_endpoints_that_want_it_and_were_there() -> None:
    now = at("2026-05-01T12:00")
    tell("grant.released", "nobody", now)
    first = add_endpoint(url=URL, kinds=["grant.released"], now=now).endpoint
    tell("grant.released", "before", now - timedelta(seconds=1))
    tell("stage.passed", "other", now)
    tell("grant.released", "a", now)
    second = add_endpoint(url=URL, kinds=["stage.passed", "grant.released"], now=now).endpoint
    tell("grant.released", "a", now)
    tell("grant.released", "b", now)
    deliveries = rows("SELECT event_id, endpoint_id FROM outbox_delivery ORDER BY delivery_id")
    assert set(deliveries) == {
        (event_id_of("a"), first.endpoint_id),
        (event_id_of("b"), first.endpoint_id),
        (event_id_of("b"), second.endpoint_id),
    }
    assert len(rows("SELECT FROM outbox_event")) == 2
    with transaction.atomic():
        assert wanted_kinds(open_cursor()) == {"grant.released": now, "stage.passed": now}
    for endpoint in (first, second):
        disable_endpoint(endpoint_id=endpoint.endpoint_id, now=now)
    tell("grant.released", "c", now)
    assert len(rows("SELECT FROM outbox_event")) == 2


def test_an_event_and_its_cause_exist_together_or_not_at_all() -> None:
    now = at("2026-05-01T12:00")
    add_endpoint(url=URL, kinds=["grant.released"], now=now)

    class BreakError(Exception):
        pass

    def break_off() -> None:
        tell("grant.released", "a", now)
        assert len(rows("SELECT FROM outbox_delivery")) == 1
        raise BreakError

    with pytest.raises(BreakError), transaction.atomic():
        break_off()
    assert rows("SELECT FROM outbox_event") == rows("SELECT FROM outbox_delivery") == []


def test_the_body_is_the_same_for_ever_and_data_is_bounded() -> None:
    body = write_body("grant.released", datetime(2026, 5, 1, 12, 0, 0, 5, tzinfo=UTC), '{"a":1}')
    assert body == '{"type":"grant.released","timestamp":"2026-05-01T12:00:00.000005Z","data":{"a":1}}'
    assert str(event_id_of("a")) == "f670d7b5-9d04-5ed6-84f9-9c08ba647dfb"
    add_endpoint(url=URL, kinds=["grant.released"], now=EPOCH)
    large = EventRow("a", "grant.released", None, {"a": "x" * MAX_DATA_BYTES}, EPOCH)
    with transaction.atomic(), pytest.raises(EventTooLargeError):
        put_events(open_cursor(), [large])


def test_each_grant_is_told_with_the_operators_own_id_and_nothing_personal() -> None:
    prepare()
    add_endpoint(url=URL, kinds=ALL, now=EPOCH)
    life = Life("line-1", msisdn="+4915112345678")
    life.enrolled()
    life.active_monthly(1, 5)
    live(life)
    grants = told("grant.released")
    assert [(g["subject"], g["window"], g["index"], g["bytes"]) for g in grants] == [
        ("line-1", 1, 4, 100_000_000),
        ("line-1", 1, 5, 100_000_000),
    ]
    assert grants[0]["granted_at"] == "2025-04-10T12:00:00Z"
    assert grants[0]["valid_until"] == "2025-05-01T00:00:00Z"
    assert grants[0]["activity"]["source"] == "/test"
    assert "4915112345678" not in str(rows("SELECT data::text FROM outbox_event"))


def test_a_stage_is_told_passed_once_with_its_first_release_or_when_it_settles() -> None:
    prepare()
    add_endpoint(url=URL, kinds=ALL, now=EPOCH)
    early, late = Life("early"), Life("late")
    for life in (early, late):
        life.enrolled()
        life.active_monthly(1, 3)
    early.did("2025-04-01T03:00")
    live(early)
    live(late)
    assert of_stages() == [("early", "passed", 1)]
    assert told("stage.passed")[0]["at"] == at("2025-04-01T03:00")
    sweep(now=at("2025-04-01T23:59"))
    assert of_stages() == [("early", "passed", 1)]
    sweep(now=at("2025-04-02T00:00"))
    assert of_stages() == [("early", "passed", 1), ("late", "passed", 1)]
    assert told("stage.passed")[1]["at"] == at("2025-04-02T00:00")
    assert told("stage.passed")[1]["ended_at"] == "2025-04-01T00:00:00Z"
    for life in (early, late):
        life.active_monthly(4, 6)
        live(life)
    sweep(now=at("2025-06-20T00:00"))
    assert len(of_stages()) == 2


def test_a_stage_is_told_missed_once_when_it_settles_and_passed_if_that_is_corrected() -> None:
    prepare()
    add_endpoint(url=URL, kinds=ALL, now=EPOCH)
    life = Life("line-1")
    life.enrolled()
    life.active_monthly(1, 3)
    call = life.called("2025-02-10T10:00")
    live(life)
    for instant in ("2025-04-02T00:00", "2025-04-02T06:00", "2025-04-20T00:00"):
        sweep(now=at(instant))
    assert of_stages() == [("line-1", "missed", 1)]
    life.did("2025-04-21T10:00")
    live(life)
    assert of_stages() == [("line-1", "missed", 1)]
    life.reclassified("2025-04-22T10:00", call, counts=False)
    live(life)
    assert of_stages() == [("line-1", "missed", 1), ("line-1", "passed", 1)]
    assert [g["index"] for g in told("grant.released")] == [4]
    sweep(now=at("2025-04-23T00:00"))
    life.did("2025-05-22T10:00")
    live(life)
    assert len(of_stages()) == 2


def test_a_correction_without_a_release_is_told_as_well() -> None:
    prepare()
    add_endpoint(url=URL, kinds=ALL, now=EPOCH)
    life = Life("line-1")
    life.enrolled()
    life.active_monthly(1, 3)
    call = life.called("2025-02-10T10:00")
    live(life)
    sweep(now=at("2025-04-02T00:00"))
    life.reclassified("2025-04-22T10:00", call, counts=False)
    live(life)
    assert of_stages() == [("line-1", "missed", 1), ("line-1", "passed", 1)]
    assert told("grant.released") == []


def test_a_contact_that_arrives_in_time_makes_the_stage_missed_and_never_told_passed() -> None:
    """Within the settling time a stage may look passed; nothing is told that is taken back."""
    prepare()
    add_endpoint(url=URL, kinds=ALL, now=EPOCH)
    life = Life("line-1")
    life.enrolled()
    life.active_monthly(1, 3)
    live(life)
    sweep(now=at("2025-04-01T01:00"))
    life.called("2025-03-20T10:00", received="2025-04-01T12:00")
    live(life)
    sweep(now=at("2025-04-03T00:00"))
    assert of_stages() == [("line-1", "missed", 1)]


def test_of_a_line_that_is_held_out_nothing_is_ever_told() -> None:
    prepare()
    add_endpoint(url=URL, kinds=ALL, now=EPOCH)
    for subject, calls in (("held-passed", False), ("held-missed", True)):
        life = Life(subject, variant="control")
        life.enrolled()
        life.active_monthly(1, 8)
        call = life.called("2025-02-10T10:00") if calls else ""
        live(life)
        sweep(now=at("2025-08-20T00:00"))
        if calls:
            life.reclassified("2025-08-21T10:00", call, counts=False)
            life.did("2025-08-22T10:00")
            live(life)
    send_one(crisis("2025-01-01", "2025-09-01") | {"time": at("2025-08-25").isoformat()})
    sweep(now=at("2025-10-02T00:00"))
    assert rows("SELECT count(*) FROM programmes_release WHERE bytes = 0")[0][0] > 0
    assert told() == []


def test_stages_of_lines_that_left_before_they_ended_are_not_told() -> None:
    prepare()
    add_endpoint(url=URL, kinds=ALL, now=EPOCH)
    life = Life("line-1")
    life.enrolled()
    life.active_monthly(1, 2)
    life.withdrawn("2025-03-15T00:00")
    live(life)
    sweep(now=at("2025-04-02T00:00"))
    assert of_stages() == []


def test_an_endpoint_hears_only_of_stages_that_settled_later() -> None:
    prepare()
    life = Life("line-1")
    life.enrolled()
    life.active_monthly(1, 3)
    live(life)
    add_endpoint(url=URL, kinds=ALL, now=at("2025-04-02T00:01"))
    sweep(now=at("2025-04-02T00:02"))
    assert told() == []
    sweep(now=at("2025-07-02T00:00"))
    assert of_stages() == [("line-1", "missed", 2)]


def test_a_notice_is_told_with_its_message() -> None:
    prepare()
    endpoint = add_endpoint(url=URL, kinds=["allowance.notice"], now=EPOCH).endpoint
    life = Life("line-1", included_bytes=1_000_000)
    for n, bytes_ in enumerate((790_000, 20_000, 300_000)):
        life.add("usage.recorded", f"2025-01-1{n}T12:00", {"bytes": bytes_})
    live(life)
    events = told("allowance.notice")
    assert [(e["subject"], e["percent"], e["bonus_bytes"]) for e in events] == [
        ("line-1", 80, 0),
        ("line-1", 100, 0),
    ]
    assert events[0]["usable_until"] == "2025-02-01T00:00:00Z"
    change_endpoint(endpoint_id=endpoint.endpoint_id, kinds=["stage.missed"])
    life.add("usage.recorded", "2025-02-10T12:00", {"bytes": 900_000})
    live(life)
    assert len(told()) == 2
    assert rows("SELECT count(*) FROM outbox_message WHERE kind = 'allowance.notice'") == [(3,)]


def test_a_bonus_that_ends_soon_and_holds_something_is_told_once() -> None:
    prepare()
    add_endpoint(url=URL, kinds=["bucket.expiring"], now=EPOCH)
    for subject, used in (("full", 0), ("half", 60_000_000), ("empty", 100_000_000)):
        life = Life(subject)
        life.enrolled()
        life.active_monthly(1, 4)
        if used:
            life.add("usage.recorded", "2025-04-20T12:00", {"bytes": used})
        live(life)
    ends_at = at("2025-05-01T00:00")
    assert tell_expiring(now=ends_at - EXPIRING_WITHIN - timedelta(seconds=1)) == 0
    for instant in (ends_at - EXPIRING_WITHIN, ends_at - timedelta(hours=1)):
        assert tell_expiring(now=instant, limit=1) == 2
    assert sorted((e["subject"], e["left_bytes"], e["ends_at"]) for e in told()) == [
        ("full", 100_000_000, "2025-05-01T00:00:00Z"),
        ("half", 40_000_000, "2025-05-01T00:00:00Z"),
    ]
    assert tell_expiring(now=ends_at) == 0


def test_an_answer_is_told_without_what_was_written() -> None:
    prepare()
    add_endpoint(url=URL, kinds=["conversation.answered"], now=EPOCH)
    life = Life("line-1")
    live(life)
    now = at("2025-05-01T12:00")
    line = subscriber_id_of("line-1")
    cases = [
        open_case(kind=CaseKind.MESSAGE, text="geheim", key=uuid4(), now=now, line=line),
        open_case(kind=CaseKind.MESSAGE, text="geheim", key=uuid4(), now=now, to="a@example.org"),
    ]
    for case in cases:
        key = uuid4()
        for _ in range(2):
            answer(number=case.number, text="auch geheim", by="eva", now=now, key=key)
    events = told("conversation.answered")
    assert {e["case"]: e.get("subject") for e in events} == {
        cases[0].number: "line-1",
        cases[1].number: None,
    }
    texts = str(rows("SELECT data::text FROM outbox_event"))
    assert "geheim" not in texts
    assert "eva" not in texts
    assert "example.org" not in texts
