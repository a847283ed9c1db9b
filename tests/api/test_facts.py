"""Facts over HTTP: what is taken, what is refused and how it is told, and that nothing else changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from selbsthelfer.api.routes.facts import pointer_of
from selbsthelfer.api.shapes.facts import ANSWER
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.intake.operations import MAX_BATCH
from selbsthelfer.kit.sql import open_cursor
from tests.api.callers import Asking, asking, make_client, read, read_problem
from tests.portal.life import Life, prepare

pytestmark = pytest.mark.django_db

ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"
LINE = "line-1"


@pytest.fixture
def sender(client: Client) -> Asking:
    """A client that may send facts and no more, of an operator with one line."""
    prepare()
    Life(LINE).send()
    return asking(client, make_client(Scope.FACTS_WRITE))


def fact(number: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"fact-{number}",
        "source": "/app",
        "type": "selfservice.finished",
        "subject": LINE,
        "time": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "data": {"activity": "bill.view", "outcome": "succeeded"},
    } | members


def usage(written: str) -> bytes:
    """A fact of used volume, with a number that Python would not write."""
    told = json.dumps(fact(type="usage.recorded", data={"bytes": "here"}))
    return told.replace('"here"', written).encode()


def stored() -> list[str]:
    with transaction.atomic():
        rows = open_cursor().execute("SELECT id FROM intake_key WHERE source = '/app' ORDER BY id").fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("kind", "is_array"),
    [
        (ONE, False),
        ("application/json", False),
        ("application/json", True),
        (MANY, True),
        (f"{ONE}; charset=UTF-8", False),
    ],
)
def test_a_fact_is_taken_as_object_and_in_an_array(sender: Asking, kind: str, is_array: bool) -> None:
    answer = read(sender.send("POST", "/facts", [fact()] if is_array else fact(), content_type=kind))
    assert answer == {
        "counts": {"accepted": 1, "known": 0, "parked": 0, "rejected": 0},
        "results": [{"id": "fact-1", "source": "/app", "result": "accepted"}],
    }
    assert stored() == ["fact-1"]


def test_each_fact_is_answered_in_the_order_given(sender: Asking) -> None:
    read(sender.post("/facts", fact(1)))
    wrong = fact(4, data={"activity": "bill.shred", "outcome": "succeeded"})
    answer = read(sender.post("/facts", [fact(3, subject="nobody"), wrong, fact(1), fact(2), 5]))
    assert answer["counts"] == {"accepted": 1, "known": 1, "parked": 1, "rejected": 2}
    assert [one["result"] for one in answer["results"]] == [
        "parked",
        "rejected",
        "known",
        "accepted",
        "rejected",
    ]
    assert [one["id"] for one in answer["results"]] == ["fact-3", "fact-4", "fact-1", "fact-2", None]
    assert answer["results"][1]["code"] == "unknown_activity"
    assert answer["results"][1]["pointer"] == "/data/activity"
    assert "bill.shred" in answer["results"][1]["detail"]
    assert answer["results"][4]["code"] == "wrong_type"
    assert stored() == ["fact-1", "fact-2"]


@pytest.mark.parametrize(
    ("sent", "code", "pointer"),
    [
        (usage("1000000000000000000"), "wrong_unit", "/data/bytes"),
        (usage("1e18"), "wrong_unit", "/data/bytes"),
        (usage("9" * 400), "wrong_unit", "/data/bytes"),
        (usage("-1"), "negative_bytes", "/data/bytes"),
        (usage("1.5"), "wrong_unit", "/data/bytes"),
        (usage("true"), "wrong_type", "/data/bytes"),
        (usage("null"), "wrong_type", "/data/bytes"),
        (fact(time="9999-12-31T23:59:59Z"), "implausible_time", "/time"),
        (fact(time="9999-12-31T23:59:59-12:00"), "implausible_time", "/time"),
        (fact(time="2026-02-30T00:00:00Z"), "broken_time", "/time"),
        (fact(time="2026-02-03T00:00:00"), "broken_time", "/time"),
        (fact(id="x" * 201), "too_long", "/id"),
        (fact(id="x" * 66_000), "too_large", None),
        (fact(id=""), "empty", "/id"),
        (fact(id="a\0b"), "control_character", None),
        (fact(subject="a\nb"), "control_character", "/subject"),
        (fact(note="a\0b"), "control_character", None),
        (fact(subject=None), "wrong_type", "/subject"),
        (fact(specversion="0.3"), "unknown_value", "/specversion"),
        (fact(type="no.such"), "unknown_type", "/type"),
        (fact(data=[]), "wrong_type", "/data"),
        (fact(data={"activity": "bill.view", "outcome": "failed", "x": 1}), "unknown_member", "/data/x"),
        (fact(data={"activity": "bill.view"}), "missing_member", "/data/outcome"),
        (fact(received="2026-01-01T00:00:00Z"), "backdating_not_allowed", "/received"),
        (fact(source="/selbsthelfer/portal"), "source_reserved", "/source"),
        ({}, "missing_member", "/type"),
        (b"{}", "missing_member", "/type"),
        (b'{"id":"\xff"}', "missing_member", "/type"),
    ],
)  # fmt: skip
def test_an_unsound_fact_is_rejected_and_hinders_no_other(
    sender: Asking, sent: Any, code: str, pointer: str | None
) -> None:
    unsound = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    body = b"[" + unsound + b"," + json.dumps(fact(2)).encode() + b"]"
    answer = read(sender.post("/facts", body))
    assert answer["results"][0]["result"] == "rejected"
    assert answer["results"][0]["code"] == code
    assert answer["results"][0].get("pointer") == pointer
    assert answer["results"][1]["result"] == "accepted"
    assert stored() == ["fact-2"]


def test_extensions_are_allowed_and_left_aside(sender: Asking) -> None:
    extended = fact(partitionkey="7", traceparent="00-1-1-00", dataschema="urn:x")
    assert read(sender.post("/facts", extended))["counts"]["accepted"] == 1


def test_who_may_backdate_tells_when_a_fact_was_received(sender: Asking, client: Client) -> None:
    trusted = asking(client, make_client(Scope.FACTS_WRITE, Scope.FACTS_BACKDATE))
    told = fact(time="2025-06-01T10:00:00Z", received="2025-06-02T10:00:00Z")
    assert read(sender.post("/facts", told))["counts"]["rejected"] == 1
    assert read(trusted.post("/facts", told))["counts"]["accepted"] == 1
    with transaction.atomic():
        row = (
            open_cursor()
            .execute("SELECT received_at FROM activities_activity WHERE id = 'fact-1'")
            .fetchone()
        )
    assert row == (datetime(2025, 6, 2, 10, tzinfo=UTC),)


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b" ", ONE, 400, "body_not_json"),
        (b"{", ONE, 400, "body_not_json"),
        (b"[1,", MANY, 400, "body_not_json"),
        (b"{} {}", "application/json", 400, "body_not_json"),
        (b"\xef\xbb\xbf{}", ONE, 400, "body_not_json"),
        (b"[" * 100_000, "application/json", 400, "body_not_json"),
        (b'[{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}]", "application/json", 400, "body_not_json"),
        (b"{}", MANY, 400, "body_of_other_kind"),
        (b"[]", ONE, 400, "body_of_other_kind"),
        (b"{}", "text/plain", 415, "media_type_unknown"),
        (b"{}", "application/x-www-form-urlencoded", 415, "media_type_unknown"),
        (b"{}", f"{ONE}; charset=utf-16", 415, "media_type_unknown"),
        (b"[" + b"1," * MAX_BATCH + b"1]", MANY, 413, "batch_too_large"),
    ],
)
def test_a_body_that_cannot_be_read_changes_nothing(
    sender: Asking, body: bytes, kind: str, status: int, code: str
) -> None:
    read_problem(sender.send("POST", "/facts", body, content_type=kind), status, code)
    assert stored() == []


def test_an_empty_array_is_answered_with_nothing(sender: Asking) -> None:
    answer = read(sender.post("/facts", []))
    assert answer == {"counts": {"accepted": 0, "known": 0, "parked": 0, "rejected": 0}, "results": []}


def test_the_largest_batch_is_taken_in_one_request(sender: Asking) -> None:
    body = [fact(n) for n in range(MAX_BATCH)]
    answer = read(sender.send("POST", "/facts", body, content_type=MANY))
    assert answer["counts"]["accepted"] == MAX_BATCH == len(stored())
    assert [one["id"] for one in answer["results"]] == [one["id"] for one in body]


def test_only_a_key_with_the_scope_sends_facts(sender: Asking, client: Client) -> None:
    reader = asking(client, make_client(Scope.LINES_READ))
    read_problem(reader.post("/facts", fact()), 403, "scope_missing")
    read_problem(asking(client, "shk_nonsense").post("/facts", fact()), 401, "key_invalid")
    assert stored() == []


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("data.bytes", "/data/bytes"),
        ("data.topics[...]", "/data/topics"),
        ("time", "/time"),
        ("a/b~", "/a~1b~0"),
    ],
)
def test_a_member_is_told_as_a_json_pointer(path: str, pointer: str) -> None:
    assert pointer_of(path) == pointer


def test_the_example_in_the_reference_is_an_answer_as_it_is_given(sender: Asking) -> None:
    """What is told there is what these three facts are told."""
    facts = [fact(number) | {"id": told["id"]} for number, told in enumerate(ANSWER["results"])]
    facts[2]["data"] = {"activity": "bill.shred", "outcome": "succeeded"}
    read(sender.send("POST", "/facts", facts[1], content_type=ONE))
    assert read(sender.send("POST", "/facts", facts, content_type=MANY)) == ANSWER
    schema = read(sender.get("/openapi.json"))["components"]["schemas"]["FactsOut"]
    assert schema["examples"] == [ANSWER]
