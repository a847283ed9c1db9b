"""Courtesy volume by the API: given once, within its limits, and listed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from selbsthelfer.allowances.core.buckets import COURTESY_MAX_BYTES
from selbsthelfer.api.shapes.values import read_instant
from selbsthelfer.identity.core.scopes import Scope
from tests.api.callers import asking, make_client, read, read_problem
from tests.api.life import (
    GB,
    all_items,
    content_of_tables,
    forget_answers,
    fresh_key,
    rows,
    with_all,
    with_token,
)
from tests.portal.life import Life, ago, now

pytestmark = pytest.mark.django_db

PATH = "/lines/line/courtesies"
GIFT = {"bytes": GB, "reason": "Störung „Nord“", "by": "agent-7"}


def courtesies() -> list[tuple[Any, ...]]:
    return rows("SELECT bytes, reason, by, source FROM allowances_courtesy ORDER BY bytes")


def test_courtesy_is_given_at_once_and_told_with_its_bucket(client: Client) -> None:
    Life("line").send()
    caller = asking(client, make_client(name="care"))
    before = read(caller.get("/lines/line"))
    given = read(caller.post(PATH, GIFT, once=fresh_key()), 201)
    line = read(caller.get("/lines/line"))
    (bucket,) = [bucket for bucket in line["buckets"] if bucket["kind"] == "courtesy"]
    assert bucket["id"] == given["bucket_id"]
    assert line["usable_bytes"] == before["usable_bytes"] + GB
    assert (given["bytes"], given["left_bytes"], given["is_confirmed"]) == (GB, GB, True)
    assert given["valid_until"] == line["period"]["ends_at"]
    assert ago(0.01) < read_instant(given["valid_from"]) <= now()
    assert given["fact"]["source"] == "/selbsthelfer/api/care"
    assert read(caller.get(PATH)) == {"items": [given], "next": None}
    assert courtesies() == [(GB, GIFT["reason"], "agent-7", "/selbsthelfer/api/care")]
    assert "agent-7" not in caller.get(PATH).content.decode()


def test_the_same_wish_gives_once_even_when_the_answer_is_forgotten(client: Client) -> None:
    Life("line").send()
    caller, key = with_all(client), fresh_key()
    given = read(caller.post(PATH, GIFT, once=key), 201)
    again = caller.post(PATH, GIFT, once=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    forget_answers()
    later = caller.post(PATH, GIFT, once=key)
    assert "Idempotency-Replayed" not in later.headers
    assert read(again, 201) == read(later, 201) == given
    forget_answers()
    before = content_of_tables()
    read_problem(caller.post(PATH, {**GIFT, "bytes": 5}, once=key), 422, "idempotency_key_reused")
    assert content_of_tables() == before
    assert len(courtesies()) == 1
    read(caller.post(PATH, GIFT, once=fresh_key()), 201)
    assert len(courtesies()) == 2


def test_one_key_for_two_lines_or_clients_are_two_gifts(client: Client) -> None:
    Life("line").send()
    Life("other").send()
    key, facts = fresh_key(), set()
    for caller in (with_all(client), with_all(client)):
        for subject in ("line", "other"):
            answer = caller.post(f"/lines/{subject}/courtesies", GIFT, once=f"{key}-{subject}")
            facts.add((subject, *read(answer, 201)["fact"].values()))
            forget_answers()
    assert len(facts) == len(courtesies()) == 4


def test_a_line_that_has_ended_gets_nothing(client: Client) -> None:
    one = Life("line")
    one.add("subscriber.ended", ago(1), {})
    one.send()
    before = content_of_tables()
    read_problem(with_all(client).post(PATH, GIFT, once=fresh_key()), 409, "line_ended")
    assert content_of_tables() == before


def test_the_list_is_told_page_by_page_newest_first(client: Client) -> None:
    one, same = Life("line"), ago(2)
    for number in range(7):
        one.add("courtesy.granted", same if number % 2 else ago(9 - number), {"bytes": number + 1})
    one.send()
    caller = with_all(client)
    items = all_items(caller, PATH, limit=2)
    assert sorted(item["bytes"] for item in items) == list(range(1, 8))
    assert items == all_items(caller, PATH, limit=500)
    assert [i["granted_at"] for i in items] == sorted((i["granted_at"] for i in items), reverse=True)


def test_the_most_and_the_least_are_given(client: Client) -> None:
    Life("line").send()
    for size in (1, COURTESY_MAX_BYTES):
        read(with_all(client).post(PATH, {"bytes": size}, once=fresh_key()), 201)
    assert [row[0] for row in courtesies()] == [1, COURTESY_MAX_BYTES]


BAD: list[tuple[object, int]] = [
    (b"", 422),
    (b"{", 400),
    (b"[]", 422),
    (b"null", 422),
    (b'"x"', 422),
    (b'{"bytes": NaN}', 400),
    (b'{"bytes": 1, "reason": "\\ud800"}', 400),
    (b"[" * 10_000, 400),
    ({}, 422),
    ({"bytes": 0}, 422),
    ({"bytes": -1}, 422),
    ({"bytes": 10**18}, 422),
    ({"bytes": 10**40}, 422),
    ({"bytes": COURTESY_MAX_BYTES + 1}, 422),
    ({"bytes": 1.5}, 422),
    ({"bytes": 1.0}, 422),
    ({"bytes": "1"}, 422),
    ({"bytes": True}, 422),
    ({"bytes": None}, 422),
    ({"bytes": [1]}, 422),
    ({"bytes": 1, "gift": 1}, 422),
    ({"bytes": 1, "received": "9999-12-31T23:59:59Z"}, 422),
    ({"bytes": 1, "reason": 5}, 422),
    ({"bytes": 1, "reason": "x" * 2_001}, 422),
    ({"bytes": 1, "reason": "a\0b"}, 400),
    ({"bytes": 1, "by": ""}, 422),
    ({"bytes": 1, "by": "x" * 101}, 422),
    ({"bytes": 1, "by": "a\nb"}, 422),
]


@pytest.mark.parametrize(("body", "status"), BAD)
def test_bad_input_is_refused_and_changes_nothing(client: Client, body: object, status: int) -> None:
    Life("line").send()
    before = content_of_tables()
    answer = with_all(client).post(PATH, body, once=fresh_key())
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert content_of_tables() == before


def test_giving_needs_the_scope_and_never_suffices_with_the_token_of_an_app(client: Client) -> None:
    Life("line").send()
    before = content_of_tables()
    reading = asking(client, make_client(Scope.LINES_READ, Scope.CONTACTS_WRITE, Scope.FACTS_WRITE))
    read_problem(reading.post(PATH, GIFT, once=fresh_key()), 403, "scope_missing")
    read_problem(with_token(client, "line").post(PATH, GIFT, once=fresh_key()), 403, "scope_missing")
    read_problem(with_all(client).post(PATH, GIFT), 400, "idempotency_key_missing")
    read_problem(with_all(client).post(PATH, GIFT, once="x" * 201), 400, "idempotency_key_invalid")
    read_problem(
        with_all(client).post("/lines/nobody/courtesies", GIFT, once=fresh_key()), 404, "line_unknown"
    )
    assert content_of_tables() == before
