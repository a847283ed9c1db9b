"""Contacts by the API: pages, verdicts with reasons, and what staff decide."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from selbsthelfer.identity.core.scopes import Scope
from tests.api.callers import Asking, asking, make_client, read, read_problem
from tests.api.life import (
    all_items,
    content_of_tables,
    eventful_life,
    forget_answers,
    fresh_key,
    rows,
    with_all,
    with_token,
)
from tests.portal.life import SOURCE, Life, ago, prepare, recent_life

pytestmark = pytest.mark.django_db

PATH = "/lines/line/reclassifications"


def decision(contact: str, *, counts: bool = False, **members: Any) -> dict[str, Any]:
    return {
        "contact": {"source": SOURCE, "id": contact},
        "counts": counts,
        "reason": "Anruf wegen der Störung",
        "by": "agent-7",
        **members,
    }


def verdict(contact: dict[str, Any]) -> tuple[bool, str | None]:
    (one,) = contact["verdicts"]
    return one["counts"], one["code"]


def test_contacts_tell_what_they_mean_and_name_no_sensitive_topic(client: Client) -> None:
    prepare()
    eventful_life().send()
    caller = with_all(client)
    contacts = all_items(caller, "/lines/line/contacts", limit=500)
    assert [contact["topic"] for contact in contacts] == ["exempt", "bill.view", "use.view", "fault"]
    assert [verdict(contact) for contact in contacts] == [
        (False, "not_served"),
        (False, "reclassified"),
        (True, None),
        (False, "fault"),
    ]
    told = caller.get("/lines/line/contacts").content.decode()
    for secret in ("hardship", "nur intern", "agent-7"):
        assert secret not in told
    why = contacts[2]["verdicts"][0]["why"]
    assert why["de"] == "„Verbrauch ansehen“ geht auch online, deshalb zählt dieser Anruf."
    assert why["en"].startswith("“View usage” can also be done online")


def test_a_contact_outside_of_every_stage_means_nothing(client: Client) -> None:
    prepare()
    one = recent_life(days=100)
    one.called(ago(150), "use.view")
    one.send()
    (contact,) = all_items(with_all(client), "/lines/line/contacts", limit=5)
    assert contact["verdicts"] == []


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_pages_of_contacts_tell_each_once_newest_first(client: Client, limit: int) -> None:
    prepare()
    one, same = recent_life(), ago(50)
    ids = [one.called(same if number % 2 else ago(60 + number)) for number in range(8)]
    one.send()
    items = all_items(with_all(client), "/lines/line/contacts", limit=limit)
    assert sorted(item["id"] for item in items) == sorted(ids)
    places = [(item["happened_at"], item["id"]) for item in items]
    assert places == sorted(places, reverse=True)


def counted_contact() -> str:
    """A line with one contact that counts against its running stage; return its id."""
    prepare()
    one = recent_life(days=40)
    contact = one.called(ago(20), "use.view")
    one.send()
    return contact


def test_a_decision_takes_effect_at_once_and_the_newest_holds(client: Client) -> None:
    contact, caller = counted_contact(), asking(client, make_client(name="care"))
    before = read(caller.get("/lines/line/contacts"))["items"][0]
    assert verdict(before) == (True, None)
    answer = read(caller.post(PATH, decision(contact), once=fresh_key()), 201)
    assert answer["is_known"]
    assert verdict(answer["contact"]) == (False, "reclassified")
    assert answer["contact"] == read(caller.get("/lines/line/contacts"))["items"][0]
    assert answer["fact"]["source"] == "/selbsthelfer/api/care"
    answer = read(caller.post(PATH, decision(contact, counts=True), once=fresh_key()), 201)
    assert verdict(answer["contact"]) == (True, None)
    (reward,) = read(caller.get("/lines/line/rewards"))["items"]
    assert reward["stages"][0]["contacts"] == 1
    told = rows("SELECT source, counts, reason, by FROM contacts_reclassification ORDER BY happened_at")
    assert told == [
        ("/selbsthelfer/api/care", counts, "Anruf wegen der Störung", "agent-7") for counts in (False, True)
    ]


def test_a_contact_may_be_decided_about_before_it_is_known(client: Client) -> None:
    prepare()
    one, caller = recent_life(days=40), with_all(client)
    one.send()
    answer = read(caller.post(PATH, decision("call-1"), once=fresh_key()), 201)
    assert (answer["is_known"], answer["contact"]) == (False, None)
    one.facts.clear()
    one.called(ago(3), "use.view")
    one.facts[0]["id"] = "call-1"
    one.send()
    (contact,) = read(caller.get("/lines/line/contacts"))["items"]
    assert verdict(contact) == (False, "reclassified")


def test_the_same_decision_is_one_even_when_the_answer_is_forgotten(client: Client) -> None:
    contact, caller, key = counted_contact(), with_all(client), fresh_key()
    first = read(caller.post(PATH, decision(contact), once=key), 201)
    forget_answers()
    assert read(caller.post(PATH, decision(contact), once=key), 201) == first
    forget_answers()
    before = content_of_tables()
    for other in (decision(contact, counts=True), decision("another"), decision(contact, reason="anders")):
        read_problem(caller.post(PATH, other, once=key), 422, "idempotency_key_reused")
    assert content_of_tables() == before
    assert len(rows("SELECT id FROM contacts_reclassification")) == 1


def test_a_decision_about_a_line_that_is_held_out_tells_no_verdict(client: Client) -> None:
    prepare()
    one = recent_life(days=40, variant="control")
    contact = one.called(ago(20), "use.view")
    one.send()
    answer = read(with_all(client).post(PATH, decision(contact), once=fresh_key()), 201)
    assert answer["contact"]["verdicts"] == []


KEY = {"source": SOURCE, "id": "call-1"}
BAD: list[tuple[object, int]] = [
    (b"", 422),
    (b"\xff\xfe", 400),
    ([], 422),
    ({}, 422),
    ({"contact": KEY}, 422),
    ({"counts": False}, 422),
    ({"contact": KEY, "counts": 0}, 422),
    ({"contact": KEY, "counts": "false"}, 422),
    ({"contact": KEY, "counts": None}, 422),
    ({"contact": "call-1", "counts": False}, 422),
    ({"contact": {}, "counts": False}, 422),
    ({"contact": {**KEY, "id": ""}, "counts": False}, 422),
    ({"contact": {**KEY, "id": 5}, "counts": False}, 422),
    ({"contact": {**KEY, "id": "x" * 201}, "counts": False}, 422),
    ({"contact": {**KEY, "id": "a\tb"}, "counts": False}, 422),
    ({"contact": {**KEY, "id": "a\0b"}, "counts": False}, 400),
    ({"contact": {**KEY, "more": 1}, "counts": False}, 422),
    ({"contact": KEY, "counts": False, "time": "9999-12-31T23:59:59Z"}, 422),
    ({"contact": KEY, "counts": False, "reason": ["x"]}, 422),
    ({"contact": KEY, "counts": False, "reason": "x" * 2_001}, 422),
    ({"contact": KEY, "counts": False, "by": 10**18}, 422),
    ({"contact": KEY, "counts": False, "by": "a\x7fb"}, 422),
]


@pytest.mark.parametrize(("body", "status"), BAD)
def test_bad_input_is_refused_and_changes_nothing(client: Client, body: object, status: int) -> None:
    Life("line").send()
    before = content_of_tables()
    answer = with_all(client).post(PATH, body, once=fresh_key())
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert content_of_tables() == before


def test_what_is_printable_for_us_but_not_for_a_fact_is_refused_by_its_place(client: Client) -> None:
    """Every text that the shape lets through, intake takes too; nothing ends in a failure of ours."""
    Life("line").send()
    for id_ in ("\u2028", "\u202e", "\ufeff", "é", "\U0001f600", " "):
        body = decision("x") | {"contact": {"source": SOURCE, "id": id_}}
        assert read(with_all(client).post(PATH, body, once=fresh_key()), 201)["is_known"] is False


def test_deciding_needs_the_scope_and_a_line(client: Client) -> None:
    Life("line").send()
    before = content_of_tables()
    others = tuple(scope for scope in Scope if scope is not Scope.CONTACTS_WRITE)

    def ask(caller: Asking, path: str = PATH, once: str | None = "key") -> Any:
        return caller.post(path, decision("x"), once=once)

    read_problem(ask(asking(client, make_client(*others))), 403, "scope_missing")
    read_problem(ask(with_token(client, "line")), 403, "scope_missing")
    read_problem(ask(with_all(client), once=None), 400, "idempotency_key_missing")
    read_problem(ask(with_all(client), "/lines/nobody/reclassifications"), 404, "line_unknown")
    assert content_of_tables() == before
