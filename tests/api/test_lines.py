"""A line by the API: what it is, its volume, its movements; and who may read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client

from selbsthelfer.allowances.queries import MAX_ENTRIES, allowance_of_line, entries_of_line
from selbsthelfer.api.pages import write_cursor
from selbsthelfer.api.shapes.values import read_instant, write_instant
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.api.callers import asking, make_client, read, read_problem
from tests.api.life import (
    GB,
    MAX_QUERIES,
    MB,
    READS,
    all_items,
    content_of_tables,
    counted_statements,
    eventful_life,
    with_all,
    with_token,
)
from tests.portal.life import Life, ago, now, prepare, recent_life

pytestmark = pytest.mark.django_db


def test_a_line_tells_what_it_is_and_its_volume(client: Client) -> None:
    prepare()
    eventful_life(msisdn="+491700000001", tariff="M", language="de").send()
    answer = with_all(client).get("/lines/line")
    line = read(answer)
    assert b"4917" not in answer.content
    assert (line["subject"], line["tariff"], line["timezone"]) == ("line", "M", "Europe/Berlin")
    assert (line["language"], line["is_suspended"], line["ended_at"]) == ("de", False, None)
    with transaction.atomic():
        allowance = allowance_of_line(open_cursor(), subscriber_id_of("line"), at=now())
    told = {bucket["id"]: bucket for bucket in line["buckets"]}
    assert list(told) == [str(bucket.bucket_id) for bucket in allowance.buckets]
    for bucket in allowance.buckets:
        one = told[str(bucket.bucket_id)]
        assert (one["kind"], one["size_bytes"], one["balance_bytes"], one["is_usable"]) == (
            (bucket.kind, bucket.size_bytes, bucket.left_bytes, True)
        )
        assert read_instant(one["valid_until"]) == bucket.valid_until
    assert line["usable_bytes"] == allowance.usable_bytes == sum(b["balance_bytes"] for b in line["buckets"])
    assert read_instant(line["period"]["starts_at"]) <= now() < read_instant(line["period"]["ends_at"])
    assert line["period"]["used_bytes"] <= 70 * MB


def test_a_suspended_line_has_volume_that_is_not_usable_and_an_ended_one_has_none(client: Client) -> None:
    resting, ended, endless = Life("resting"), Life("ended"), Life("endless", included_bytes=None)
    resting.add("subscriber.changed", ago(1), {"suspended": True})
    ended.add("subscriber.ended", ago(1), {})
    for one in (resting, ended, endless):
        one.send()
    caller = with_all(client)
    line = read(caller.get("/lines/resting"))
    assert (line["is_suspended"], line["usable_bytes"], line["buckets"][0]["is_usable"]) == (True, 0, False)
    assert line["buckets"][0]["balance_bytes"] == 5 * GB
    line = read(caller.get("/lines/ended"))
    assert (line["buckets"], line["usable_bytes"]) == ([], 0)
    assert read_instant(line["ended_at"]) < now()
    line = read(caller.get("/lines/endless"))
    assert (line["is_unlimited"], line["usable_bytes"]) == (True, None)


def test_a_line_that_has_not_changed_is_not_sent_again(client: Client) -> None:
    one = Life("line")
    one.send()
    caller = with_all(client)
    for path in ("/lines/line", "/lines/line/rewards"):
        etag = caller.get(path).headers["ETag"]
        again = caller.get(path, if_none_match=etag)
        assert (again.status_code, again.content) == (304, b"")
    one.facts.clear()
    one.add("usage.recorded", ago(0.01), {"bytes": 5})
    one.send()
    assert caller.get("/lines/line", if_none_match=etag).status_code == 200


@pytest.mark.parametrize("path", READS)
def test_a_line_is_told_to_its_own_token_and_to_no_other(client: Client, path: str) -> None:
    prepare()
    eventful_life().send()
    eventful_life("other").send()
    own = with_token(client, "line")
    told = read(own.get(f"/lines/line{path}"))
    assert told == read(with_all(client).get(f"/lines/line{path}"))
    answers = [own.get(f"/lines/{subject}{path}", x_request_id="same") for subject in ("other", "nobody")]
    answers.append(with_all(client).get(f"/lines/nobody{path}", x_request_id="same"))
    for answer in answers:
        read_problem(answer, 404, "line_unknown")
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("path", READS)
def test_reading_asks_the_database_little_and_writes_nothing(client: Client, path: str) -> None:
    prepare()
    eventful_life().send()
    before, caller = content_of_tables(), with_all(client)
    with counted_statements() as sent:
        read(caller.get(f"/lines/line{path}"))
    assert 0 < len(sent) <= MAX_QUERIES, sent
    assert content_of_tables() == before


@pytest.mark.parametrize("path", [*READS, "no-line"])
def test_reading_a_line_needs_the_scope_for_it(client: Client, path: str) -> None:
    caller = asking(client, make_client(*(scope for scope in Scope if scope is not Scope.LINES_READ)))
    at = "/programmes" if path == "no-line" else f"/lines/line{path}"
    read_problem(caller.get(at), 403, "scope_missing")


@pytest.mark.parametrize("subject", ["x" * 3_000, "ä ö", "%2e%2e", "line ", "LINE", "4711?x", "a\x7fb"])
def test_an_odd_id_is_just_unknown(client: Client, subject: str) -> None:
    Life("line").send()
    read_problem(with_all(client).get(f"/lines/{quote(subject)}"), 404, "line_unknown")


def lively() -> Life:
    """A line with many entries, some of them at the same instant."""
    one = Life("line")
    same = ago(3)
    for number in range(12):
        one.add("usage.recorded", same if number % 3 else ago(20 - number), {"bytes": 1_000 + number})
    for _ in range(3):
        one.add("courtesy.granted", same, {"bytes": GB})
    one.send()
    return one


@pytest.mark.parametrize("limit", [1, 4, 500])
def test_pages_of_entries_tell_each_once_newest_first(client: Client, limit: int) -> None:
    lively()
    items = all_items(with_all(client), "/lines/line/entries", limit=limit)
    with transaction.atomic():
        known = entries_of_line(open_cursor(), subscriber_id_of("line"), limit=MAX_ENTRIES)
    assert [(e["bucket_id"], e["ordinal"], e["amount_bytes"], e["balance_bytes"]) for e in items] == [
        (str(e.bucket_id), e.ordinal, e.amount_bytes, e.balance_bytes) for e in known
    ]
    assert [read_instant(e["happened_at"]) for e in items] == [e.happened_at for e in known]
    assert len(items) >= 16


def test_what_happens_meanwhile_moves_no_entry_to_another_page(client: Client) -> None:
    one, caller = lively(), with_all(client)
    before = all_items(caller, "/lines/line/entries", limit=500)
    first = read(caller.get("/lines/line/entries?limit=5"))
    one.facts.clear()
    one.add("usage.recorded", ago(0.001), {"bytes": 7})
    one.send()
    rest = read(caller.get(f"/lines/line/entries?limit=500&cursor={first['next']}"))["items"]
    assert first["items"] + rest == before


def test_entries_of_a_span_of_time_are_half_open(client: Client) -> None:
    lively()
    caller = with_all(client)
    entries = all_items(caller, "/lines/line/entries", limit=500)
    instants = sorted({read_instant(entry["happened_at"]) for entry in entries})
    start, end = instants[1], instants[-1]
    between = f"/lines/line/entries?from={quote(write_instant(start))}&until={quote(write_instant(end))}"
    expected = [entry for entry in entries if start <= read_instant(entry["happened_at"]) < end]
    assert expected
    assert len(expected) < len(entries)
    assert all_items(caller, between, limit=3) == expected
    in_zone = quote(start.astimezone().isoformat())
    assert read(caller.get(f"/lines/line/entries?from={in_zone}"))["items"] == [
        entry for entry in entries if start <= read_instant(entry["happened_at"])
    ]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ("from=2026-01-01", "query/from"),
        ("from=2026-01-01T00:00:00", "query/from"),
        ("from=1767225600", "query/from"),
        ("from=2026-02-30T00:00:00Z", "query/from"),
        ("until=9999-12-31T23:59:59-14:00", "query/until"),
        ("until=0001-01-01T00:00:00%2B14:00", "query/until"),
        ("until=2026-01-01T00:00:00.1234567890Z", "query/until"),
        ("until=%D9%A2026-01-01T00:00:00Z", "query/until"),
        ("until=null", "query/until"),
        ("from=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z", "query/until"),
        ("limit=0", "query/limit"),
        ("limit=501", "query/limit"),
        ("limit=1e2", "query/limit"),
        ("limit=1000000000000000000", "query/limit"),
        ("limit=", "query/limit"),
    ],
)
def test_a_question_that_is_wrong_is_answered_with_the_place(
    client: Client, asked: str, pointer: str
) -> None:
    Life("line").send()
    problem = read(with_all(client).get(f"/lines/line/entries?{asked}"), 422)
    assert pointer in {fault["pointer"] for fault in problem["errors"]}


@pytest.mark.parametrize("asked", ["from=9999-12-31T23:59:59Z", "until=0001-01-01T00:00:00Z"])
def test_the_ends_of_time_may_be_asked_about(client: Client, asked: str) -> None:
    lively()
    assert read(with_all(client).get(f"/lines/line/entries?{asked}"))["items"] == []


_LATE = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


@pytest.mark.parametrize("path", ["/entries", "/contacts", "/courtesies", "/enrolments", "/offers"])
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "a" * 2_000,
        write_cursor(1, 2, 3),
        write_cursor("2026-01-01T00:00:00", "00000000-0000-0000-0000-000000000000", 1),
        write_cursor("2026-01-01T00:00:00", "a", "b"),
        write_cursor(_LATE, "\0", "b"),
        write_cursor("\0"),
        write_cursor([]),
    ],
)
def test_a_cursor_that_is_not_of_this_list_is_refused(client: Client, path: str, cursor: str) -> None:
    prepare()
    recent_life().send()
    answer = with_all(client).get(f"/lines/line{path}?cursor={cursor}")
    assert read(answer, 400)["code"] in {"cursor_invalid", "character_nul"}


@pytest.mark.parametrize(
    "cursor",
    [
        write_cursor(_LATE, "ffffffff-ffff-ffff-ffff-ffffffffffff", 2**63),
        write_cursor("0001-01-01T00:00:00+14:00", "ffffffff-ffff-ffff-ffff-ffffffffffff", -(2**63)),
        write_cursor("9999-12-31T23:59:59-14:00", "ffffffff-ffff-ffff-ffff-ffffffffffff", 1),
    ],
)
def test_a_cursor_made_up_breaks_nothing(client: Client, cursor: str) -> None:
    lively()
    assert with_all(client).get(f"/lines/line/entries?cursor={cursor}").status_code in (200, 400)
