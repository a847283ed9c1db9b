"""Facts by the short way are answered as by the long one, whatever is wrong with them."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from selbsthelfer.api.routes.facts import NEEDED, router
from selbsthelfer.api.shortcut import FactsFirst, Start
from selbsthelfer.identity.core.scopes import Scope
from tests.api.callers import make_client
from tests.portal.life import Life, prepare

pytestmark = pytest.mark.django_db

PATH = "/api/v1/facts"
ONE = "application/cloudevents+json"
FACT = (
    b'{"specversion":"1.0","id":"1","source":"/app","type":"selfservice.finished","subject":"line-1",'
    b'"time":"2026-03-01T10:00:00Z","data":{"activity":"bill.view","outcome":"succeeded"}}'
)


def long_way(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("418 Long Way", [])
    return [b"the long way"]


def ask(environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    told: list[Any] = []
    body = b"".join(FactsFirst(long_way)(environ, lambda status, headers: told.append((status, headers))))
    ((status, headers),) = told
    return int(status.split()[0]), dict(headers), body


def environ_of(body: bytes = FACT, *, path: str = PATH, **headers: Any) -> dict[str, Any]:
    sent = {"HTTP_AUTHORIZATION": f"Bearer {headers.pop('key', '')}", **headers}
    kind = sent.pop("CONTENT_TYPE", ONE)
    return dict(RequestFactory().post(path, body, content_type=kind, **sent).environ)


def without_id(body: bytes) -> Any:
    told = json.loads(body)
    told.pop("request_id", None)
    return told


CASES: dict[str, dict[str, Any]] = {
    "sound": {},
    "a batch": {"body": b"[" + FACT + b",5]", "CONTENT_TYPE": "application/json"},
    "zipped": {"body": gzip.compress(FACT), "HTTP_CONTENT_ENCODING": "gzip"},
    "a bomb": {"body": gzip.compress(b" " * 20_000_000), "HTTP_CONTENT_ENCODING": "gzip"},
    "named": {"HTTP_X_REQUEST_ID": "mine-7"},
    "named badly": {"HTTP_X_REQUEST_ID": "no good"},
    "no key": {"key": ""},
    "a broken key": {"key": "shk_x"},
    "the wrong scope": {"scope": Scope.LINES_READ},
    "another host": {"HTTP_HOST": "elsewhere.example"},
    "no JSON": {"body": b"{"},
    "no body": {"body": b""},
    "another kind": {"CONTENT_TYPE": "text/plain"},
    "another encoding": {"HTTP_CONTENT_ENCODING": "br"},
    "too long": {"CONTENT_LENGTH": str(10**18)},
    "longer than sent": {"CONTENT_LENGTH": "100000"},
    "a broken length": {"CONTENT_LENGTH": "many"},
    "NUL in the query": {"QUERY_STRING": "x=%00"},
}


SOUND = {"sound", "a batch", "zipped", "named", "named badly"}


@pytest.mark.parametrize("case", CASES)
def test_both_ways_give_the_same_answer(case: str, client: Client) -> None:
    prepare()
    Life("line-1").send()
    wanted = dict(CASES[case])
    key = make_client(wanted.pop("scope", Scope.FACTS_WRITE))
    wanted = {"key": key, **wanted}
    body = wanted.pop("body", FACT)
    # What is sent twice is known the second time: the first time is not compared.
    ask(environ_of(body, **wanted))
    status, headers, answer = ask(environ_of(body, **wanted))
    environ = environ_of(body, **wanted)
    asked = client.request(**environ)
    assert status == asked.status_code
    assert status != 503
    assert (status == 200) == (case in SOUND)
    assert without_id(answer) == without_id(asked.content)
    changing = {"X-Request-Id", "RateLimit", "Content-Length"}
    assert {n: v for n, v in headers.items() if n not in changing} == {
        n: v for n, v in asked.headers.items() if n not in changing
    }
    assert headers.keys() == asked.headers.keys()
    assert headers["Content-Length"] == str(len(answer))
    if "HTTP_X_REQUEST_ID" in wanted:
        assert (headers["X-Request-Id"] == "mine-7") == (case == "named")


def test_the_short_way_is_logged_as_the_long_one_is(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    prepare()
    Life("line-1").send()
    key = make_client(Scope.FACTS_WRITE, name="sender")
    with caplog.at_level(logging.INFO, logger="selbsthelfer.api.requests"):
        ask(environ_of(key=key))
        client.request(**environ_of(key=key))
    told = [one.getMessage() for one in caplog.records if one.name == "selbsthelfer.api.requests"]
    assert [line.partition(" in ")[0] for line in told] == ["POST /api/v1/facts 200"] * 2
    assert all(line.endswith(" ms for sender") for line in told)


def test_the_short_way_asks_for_what_the_route_asks_for() -> None:
    ((operation,),) = [view.operations for path, view in router.path_operations.items() if path == "/facts"]
    assert operation.auth_callbacks == [NEEDED]
    assert operation.throttle_objects == []


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/api/v1/facts/"},
        {"path": "/"},
        {"path": "/api/v1/lines/1"},
        {"REQUEST_METHOD": "GET"},
        {"SCRIPT_NAME": "/below"},
    ],
)
def test_all_else_goes_the_long_way(other: dict[str, Any]) -> None:
    assert ask(environ_of(**other))[0] == 418


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_is_not_used_again() -> None:
    """The first request finds out and says so; the next one has a new connection."""
    prepare()
    Life("line-1").send()
    key = make_client(Scope.FACTS_WRITE)
    assert ask(environ_of(key=key))[0] == 200
    with connection.cursor() as cursor, pytest.raises(Exception, match="terminat"):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    statuses = [ask(environ_of(key=key))[0] for _ in range(3)]
    assert statuses[1:] == [200, 200]
