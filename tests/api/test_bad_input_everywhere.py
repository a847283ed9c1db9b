"""Bad input to every route that writes: a clear refusal of the 4xx kind, and nothing is changed.

What is bad in the same way everywhere is tried on the routes as the resolver lists them; what is bad for a
member is put into each member of a body that would be taken. A fact that is bad is rejected by itself.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final

import pytest
from django.http import HttpResponse
from django.test.client import FakePayload

from selbsthelfer.api.bodies import MAX_BODY_BYTES
from selbsthelfer.api.pages import write_cursor
from selbsthelfer.identity.core.scopes import Scope
from tests.api.life import READS, content_of_tables
from tests.api.security_world import ANNA, Identity, World, ask, filled, fresh_address, settle, with_scopes
from tests.api.test_security_matrix import ROUTES

pytestmark = pytest.mark.django_db

WHOLE: Final[Mapping[str, object]] = {
    "/lines/{line}/tokens": {"seconds_valid": 60},
    "/lines/{line}/panel-links": {
        "language": "de",
        "appearance": "dark",
        "seconds_valid": 60,
        "return_url": "https://app.example/",
    },
    "/lines/{line}/enrolments": {"programme": "{programme}", "code": "7K3M-9XQ2"},
    "/lines/{line}/courtesies": {"bytes": 1_000, "reason": "word", "by": "agent"},
    "/lines/{line}/reclassifications": {
        "contact": {"source": "/test", "id": "any"},
        "counts": False,
        "reason": "word",
        "by": "agent",
    },
    "/webhooks": {"url": "https://hooks.example.com/x", "events": ["grant.released"], "description": "CRM"},
    "/webhooks/{webhook}": {
        "url": "https://hooks.example.com/x",
        "events": ["grant.released"],
        "description": "CRM",
        "is_active": True,
    },
    "/webhooks/{webhook}/secret-rotations": {"old_valid_seconds": 60},
    "/webhooks/{webhook}/replays": {"event": "{event}", "since": "2026-01-01T00:00:00Z"},
}
"""For each route with a body one with every member, by its address after `/api/v1`."""
WRITES: Final = [
    (method, route)
    for methods in ROUTES.values()
    for method, route in methods.items()
    if method in ("POST", "PATCH") and route.body is not None
]
OURS: Final = [(method, route) for method, route in WRITES if route.path.startswith("/api/v1/")]
DEEP: Final = 10_000
HUGE: Final = 50_000_000


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> Iterator[World]:
    """Settle Anna; whatever is sent, nothing of it is logged."""
    for name in ("selbsthelfer", "django", "django.request", "django.security", "ninja"):
        caplog.set_level(logging.DEBUG, logger=name)
    settled = settle()
    caplog.clear()
    yield settled
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.get_records("call"))
    told = [value for value in (*settled.private, "Bearer", "shk_", "whsec_", "Kummer") if value in logged]
    assert not told, told


@pytest.fixture
def everything(world: World) -> Identity:
    return with_scopes(*Scope)


def content() -> Mapping[str, str]:
    """Make a digest of all tables but the one that keeps what intake rejected."""
    return {table: digest for table, digest in content_of_tables().items() if table != "intake_reject"}


def send(
    who: Identity,
    method: str,
    path: str,
    world: World,
    body: bytes,
    *,
    content_type: str = "application/json",
    **headers: str,
) -> HttpResponse:
    """Send a body as it is."""
    sent = {**who.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent.setdefault("idempotency-key", "bad")
    answer: Any = who.client.generic(
        method,
        path.format_map(world.names),
        body,
        content_type=content_type,
        headers=sent,
        REMOTE_ADDR=fresh_address(),
    )
    return answer


def wrongly(answer: HttpResponse, statuses: tuple[int, ...] = (400, 404, 409, 413, 415, 422)) -> str | None:
    """Say what is wrong with a refusal: another status, or no document of its face."""
    text = answer.content.decode()
    if answer.status_code not in statuses:
        return f"{answer.status_code} {text[:300]}"
    said = json.loads(text)
    is_error = said.get("@type") == "Error" and said["status"] == str(answer.status_code)
    is_problem = answer.headers["Content-Type"] == "application/problem+json"
    return None if (is_error or is_problem) and said["code"] else f"no refusal: {text[:300]}"


BODIES: Final[Mapping[str, bytes]] = {
    "malformed": b'{"a": ',
    "no JSON": b"a=b",
    "nothing": b"",
    "a text": b'"Kummer"',
    "a number": b"5",
    "null": b"null",
    "NaN": b'{"bytes": NaN, "amount": NaN}',
    "infinite": b'{"bytes": -Infinity}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": json.dumps({"bytes": 1_000}).encode("utf-16"),
    "UTF-32": json.dumps({"bytes": 1_000}).encode("utf-32"),
    "latin-1": '{"by": "ä"}'.encode("latin-1"),
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep in a member": b'{"contact":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "NUL raw": b'{"by": "a\0b"}',
    "NUL escaped": b'{"by": "a\\u0000b"}',
    "NUL in a name": b'{"\\u0000": 1}',
    "half a surrogate": b'{"by": "\\ud800"}',
    "the other half": b'{"by": "\\udc00x"}',
    "raw surrogate": b'{"by": "\xed\xa0\x80"}',
    "two documents": b"{}{}",
    "an array of objects": b"[{}]",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_none_is_refused(world: World, everything: Identity, body: bytes) -> None:
    before, wrong = content(), []
    for method, route in WRITES:
        answer = send(everything, method, route.path, world, body)
        is_fact = route.path.endswith("/facts")
        if is_fact and answer.status_code == 200:
            counts = json.loads(answer.content)["counts"]
            fault = None if counts["accepted"] + counts["known"] + counts["parked"] == 0 else str(counts)
        else:
            fault = wrongly(answer)
        if fault:
            wrong.append(f"{method} {route.path}: {fault}")
        if b"Kummer" in answer.content:
            wrong.append(f"{method} {route.path} repeats what was sent")
    assert not wrong, "\n" + "\n".join(wrong)
    assert content() == before


class Stream(FakePayload):
    """So many bytes of blanks, made as they are read; notes how many were."""

    def __init__(self, length: int) -> None:
        self.left = length
        self.was_read = 0

    def __len__(self) -> int:
        return self.left

    def read(self, size: int = -1) -> bytes:
        """Give no more at once than was asked for."""
        assert 0 <= size <= 17 * MAX_BODY_BYTES, "the whole body was asked for"
        given = min(size, self.left)
        self.left -= given
        self.was_read += given
        return b" " * given

    def close(self) -> None:
        """Nothing is open."""


def test_bodies_of_50_megabytes_are_refused_unread(world: World, everything: Identity) -> None:
    """Announced, they are not read at all; in chunks, as far as a body may reach."""
    before = content()
    for method, route in WRITES:
        most = (16 if route.path.endswith("/facts") else 1) * MAX_BODY_BYTES + 1
        for announced in (str(HUGE), ""):
            stream = Stream(HUGE)
            answer: Any = everything.client.request(
                REQUEST_METHOD=method,
                PATH_INFO=route.path.format_map(world.names).partition("?")[0],
                CONTENT_TYPE="application/json",
                CONTENT_LENGTH=announced,
                HTTP_TRANSFER_ENCODING="" if announced else "chunked",
                HTTP_AUTHORIZATION=everything.headers["authorization"],
                HTTP_IDEMPOTENCY_KEY="huge",
                REMOTE_ADDR=fresh_address(),
                **{"wsgi.input": stream},
            )
            assert wrongly(answer, (413,)) is None, (route.path, announced, answer.content[:300])
            assert stream.was_read <= (0 if announced else most), route.path
    assert content() == before


def test_gzip_bombs_are_refused(world: World, everything: Identity) -> None:
    before, packed = content(), BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as packing:
        for _ in range(HUGE // 1_000_000):
            packing.write(b" " * 1_000_000)
    for method, route in WRITES:
        answer = send(everything, method, route.path, world, packed.getvalue(), content_encoding="gzip")
        assert wrongly(answer, (413,)) is None, (route.path, answer.content[:300])
        answer = send(
            everything, method, route.path, world, gzip.compress(packed.getvalue()), content_encoding="gzip"
        )
        assert wrongly(answer, (400,)) is None, (route.path, answer.content[:300])
    assert content() == before


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/cloudevents+xml",
        "",
    ],
)
def test_a_body_of_another_kind_is_refused(world: World, everything: Identity, kind: str) -> None:
    before, wrong = content(), []
    for method, route in OURS:
        body = json.dumps(filled(route.body, {**world.names, "fresh": "f", "now": "n"})).encode()
        answer = send(everything, method, route.path, world, body, content_type=kind)
        fault = wrongly(answer, (415,))
        if fault:
            wrong.append(f"{method} {route.path}: {fault}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert content() == before


VALUES: Final[Mapping[str, bytes]] = {
    "10^18": str(10**18).encode(),
    "10^400": str(10**400).encode(),
    "a number of 5,000 digits": b"9" * 5_000,
    "-1": b"-1",
    "1e3": b"1e3",
    "1.5": b"1.5",
    "1e999": b"1e999",
    "-0.0": b"-0.0",
    "a number as text": b'"5"',
    "empty": b'""',
    "array": b"[]",
    "object": b"{}",
    "array of null": b"[null]",
    "array of numbers": b"[1, 2]",
    "year 9999": b'"9999-12-31T23:59:59-23:59"',
    "year 1": b'"0001-01-01T00:00:00+23:59"',
    "no zone": b'"2026-01-01T00:00:00"',
    "leap second": b'"2026-12-31T23:59:60Z"',
    "megabyte": b'"' + b"x" * 1_000_000 + b'"',
    "line break": b'"a\\nb"',
    "delete": b'"a\\u007fb"',
    "right to left": b'"\\u202eabc"',
    "no address": b'"javascript:alert(1)"',
    "address of this machine": b'"http://127.0.0.1/"',
    "address of a cloud": b'"https://169.254.169.254/latest"',
}
"""What no member of any body is, but for those in `SOUND`."""
UNREADABLE: Final = frozenset({"1e999", "a number of 5,000 digits"})
"""Numbers beyond what is read at all."""
SOUND: Final[Mapping[str, frozenset[str]]] = {
    "reason": frozenset(
        {"empty", "a number as text", "year 9999", "year 1", "no zone", "leap second", "line break", "delete"}
    )
    | {"right to left", "no address", "address of this machine", "address of a cloud"},
    "by": frozenset(
        {"a number as text", "year 9999", "year 1", "no zone", "leap second", "right to left", "no address"}
    )
    | {"address of this machine", "address of a cloud"},
}
TEXTS: Final = SOUND["by"]
SOUND_IN: Final[Mapping[str, frozenset[str]]] = {
    **SOUND,
    "source": TEXTS,
    "id": TEXTS,
    "code": TEXTS | {"empty"},
    "return_url": frozenset({"address of this machine", "address of a cloud"}),
    "description": TEXTS | {"empty"},
}


def members(body: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """List where in a body a member stands."""
    for name, value in body.items():
        yield (*path, name)
        if isinstance(value, dict):
            yield from members(value, (*path, name))


def with_member(body: Any, path: tuple[str, ...], raw: bytes) -> bytes:
    """Write a body in which one member is what is given, as it is."""
    name, *rest = path
    told = [
        json.dumps(other).encode()
        + b":"
        + (
            json.dumps(value).encode()
            if other != name
            else (with_member(value, tuple(rest), raw) if rest else raw)
        )
        for other, value in body.items()
    ]
    return b"{" + b",".join(told) + b"}"


@pytest.mark.parametrize("path", WHOLE)
def test_a_value_that_no_member_may_have_is_refused(world: World, everything: Identity, path: str) -> None:
    before, wrong = content(), []
    method = "PATCH" if path == "/webhooks/{webhook}" else "POST"
    whole = filled(WHOLE[path], world.names)
    for member in members(whole):
        for name, raw in VALUES.items():
            if name in SOUND_IN.get(member[-1], ()):
                continue
            answer = send(everything, method, f"/api/v1{path}", world, with_member(whole, member, raw))
            is_unknown_name = member == ("programme",) and name in TEXTS
            fault = wrongly(answer, (404,) if is_unknown_name else (400,) if name in UNREADABLE else (422,))
            if fault:
                wrong.append(f"{'.'.join(member)} is {name}: {fault}")
            if b"javascript" in answer.content or b"169.254" in answer.content:
                wrong.append(f"{'.'.join(member)} repeats what was sent: {answer.content.decode()[:200]}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert content() == before


@pytest.mark.parametrize("path", WHOLE)
def test_a_member_that_is_unknown_or_told_twice_is_refused(
    world: World, everything: Identity, path: str
) -> None:
    before = content()
    method = "PATCH" if path == "/webhooks/{webhook}" else "POST"
    whole: Any = filled(WHOLE[path], world.names)
    for extra in ("surprise", "subscriber_id", "line", "__proto__", "constructor", "Bytes", "ä", ""):
        body = json.dumps({**whole, extra: 1}).encode()
        answer = send(everything, method, f"/api/v1{path}", world, body)
        assert wrongly(answer, (422,)) is None, (extra, answer.content[:300])
    name = next(iter(whole))
    twice = b"{" + json.dumps(name).encode() + b": 1, " + json.dumps(whole).encode()[1:]
    answer = send(everything, method, f"/api/v1{path}", world, twice)
    assert wrongly(answer, (400, 422)) is None, answer.content[:300]
    assert content() == before


def test_every_route_with_a_body_was_tried() -> None:
    tried = {f"/api/v1{path}" for path in WHOLE} | {"/api/v1/facts"}
    assert {route.path for _, route in OURS} == tried


QUERIES: Final = [
    "limit=0",
    "limit=501",
    "limit=-1",
    "limit=1e2",
    "limit=" + "9" * 400,
    "limit=١",
    "limit=NaN",
    "limit=1&limit=x",
    "limit=",
    "&".join(["limit=x"] * 2_000),
    "limit=x" + "&" * 5_000,
    "limit[]=1&limit=a",
    "cursor=x",
    "cursor=%FF%FE",
    "cursor=" + "A" * 100_000,
    "cursor=W10",
    "cursor=bnVsbA",
    "cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwieCIsIngiXQ",
    "cursor=WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5IiwieCIsIngiXQ",
]


def test_queries_that_ask_for_nothing_sensible_are_refused(world: World, everything: Identity) -> None:
    """A cursor that could be one of ours is a place like any other, at the end of all time too."""
    wrong = []
    for methods in ROUTES.values():
        route = methods.get("GET")
        if route is None or not route.path.startswith("/api/v1/lines"):
            continue
        is_list = route.path.rpartition("/")[2] not in ("{line}", "rewards")
        for query in QUERIES:
            answer = ask(everything, "GET", f"{route.path}?{query}", world.names)
            statuses = (400, 422) if is_list and "WyI" not in query else (200, 400)
            fault = wrongly(answer, statuses) if answer.status_code != 200 or 200 not in statuses else None
            if fault:
                wrong.append(f"{route.path}?{query[:60]}: {fault}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_cursors_hold_only_what_the_database_can_be_asked_for(world: World, everything: Identity) -> None:
    uuid = "6d3f3c8e-5f0e-5f6b-9a53-6f2f0b7a1c11"
    instants = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "2026-01-01T00:00:00Z")
    wrong = []
    for path in (*READS, "/../../programmes"):
        for instant in instants:
            for rest in (
                ("x" * 500, "y"),
                (uuid, 1),
                (uuid, 10**18),
                (uuid, -(10**18)),
                (uuid, 2**63),
                (uuid, 10**300),
                ("\U0010ffff", "'\"%;"),
            ):
                cursor = write_cursor(instant, *rest)
                for part in (cursor, write_cursor("x" * 600), write_cursor(10**18)):
                    answer = ask(everything, "GET", f"/api/v1/lines/{ANNA}{path}?cursor={part}", {})
                    if answer.status_code not in (200, 400, 404):
                        wrong.append(
                            f"{path} {instant} {rest}: {answer.status_code} {answer.content[:200]!r}"
                        )
    assert not wrong, "\n" + "\n".join(wrong)


def test_more_parameters_than_anybody_needs_are_refused_where_any_are_read(
    world: World, everything: Identity
) -> None:
    many, refused = "&".join(f"x{number}=1" for number in range(5_000)), 0
    for methods in ROUTES.values():
        for method, route in methods.items():
            if not route.path.startswith("/api/"):
                continue
            mark = "&" if "?" in route.path else "?"
            answer = ask(everything, method, f"{route.path}{mark}{many}", world.names, body={})
            assert answer.status_code < 500, (method, route.path, answer.content[:300])
            refused += answer.status_code == 400
    assert refused > 5


def test_spans_of_time_beyond_all_bounds_are_answered_or_refused(world: World, everything: Identity) -> None:
    for name in ("from", "until"):
        for instant in (
            "0001-01-01T00:00:00%2B23:59",
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-01",
            "1767225600",
            "now",
            "x" * 10_000,
            "2026-01-01T00:00:00",
        ):
            answer = ask(everything, "GET", f"/api/v1/lines/{ANNA}/entries?{name}={instant}", {})
            assert wrongly(answer, (422,)) is None, (
                name,
                instant[:40],
                answer.status_code,
                answer.content[:300],
            )


@pytest.mark.parametrize(
    "id_", ["x" * 100_000, "%FF%FE", "%ED%A0%80", "%0A%0D", "..%2f..%2f", "%E2%80%AE", "'%3B--", "a%00b"]
)
def test_names_in_addresses_may_be_anything(world: World, everything: Identity, id_: str) -> None:
    before, wrong = content(), []
    for methods in ROUTES.values():
        for method, route in methods.items():
            if "{" not in route.path or route.scope is None:
                continue
            names = dict.fromkeys(world.names, id_)
            answer = ask(everything, method, route.path, names, body={})
            is_empty_list = answer.status_code == 200 and method == "GET" and "?" in route.path
            if not is_empty_list and answer.status_code != 405 and (fault := wrongly(answer)):
                wrong.append(f"{method} {route.path}: {fault}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert content() == before


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "ä", "a b", "a\tb", "\x7f", "%00", "x" * 100_000])
def test_a_key_of_a_request_that_is_none_is_refused(world: World, everything: Identity, key: str) -> None:
    before, wrong = content(), []
    for method, route in OURS:
        if route.path.rpartition("/")[2] in ("facts", "tokens", "panel-links") or key == "%00":
            continue
        body = json.dumps(filled(route.body, {**world.names, "fresh": "f", "now": "n"})).encode()
        answer = send(everything, method, route.path, world, body, idempotency_key=key)
        fault = wrongly(answer, (400,))
        if fault:
            wrong.append(f"{method} {route.path}: {fault}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert content() == before


FACT: Final[Mapping[str, Any]] = {
    "specversion": "1.0",
    "id": "bad-1",
    "source": "/app",
    "type": "courtesy.granted",
    "subject": ANNA,
    "time": "2026-11-20T12:00:00Z",
    "data": {"bytes": 1_000, "reason": "word", "by": "agent"},
}
BAD_FACTS: Final[Mapping[str, tuple[str, bytes]]] = {
    f"{'.'.join(path)} {name}": (".".join(path), with_member(FACT, path, raw))
    for path in members(FACT)
    for name, raw in VALUES.items()
    if name not in SOUND_IN.get(path[-1], ())
    and not (path[-1] == "subject" and name in TEXTS)
    # The names of staff are the sender's, whatever is in them.
    and not (path[-1] == "by" and name in ("line break", "delete"))
}


def test_facts_with_a_bad_member_are_rejected_each_by_itself(world: World, everything: Identity) -> None:
    before = content()
    body = b"[" + b",".join(raw for _, raw in BAD_FACTS.values() if len(raw) < 100_000) + b"]"
    answer = send(everything, "POST", "/api/v1/facts", world, body)
    assert answer.status_code == 200, answer.content[:300]
    said = json.loads(answer.content)
    names = [name for name, (_, raw) in BAD_FACTS.items() if len(raw) < 100_000]
    taken = [
        (name, one) for name, one in zip(names, said["results"], strict=True) if one["result"] != "rejected"
    ]
    assert not taken, "\n" + "\n".join(map(str, taken))
    assert all(one["code"] and one["detail"] for one in said["results"])
    assert content() == before
    for name, (_, raw) in BAD_FACTS.items():
        if len(raw) >= 100_000:
            answer = send(everything, "POST", "/api/v1/facts", world, raw)
            assert json.loads(answer.content)["counts"]["rejected"] == 1, name
    assert content() == before


def test_too_many_facts_are_refused_together(world: World, everything: Identity) -> None:
    before = content()
    answer = send(everything, "POST", "/api/v1/facts", world, b"[" + b"{}," * 10_000 + b"{}]")
    assert wrongly(answer, (413,)) is None
    many = b"[" + b",".join([b"1"] * 10_000) + b"]"
    answer = send(everything, "POST", "/api/v1/facts", world, many)
    assert json.loads(answer.content)["counts"]["rejected"] == 10_000
    assert content() == before
