"""What holds for every route: problems, ids of requests, headers, and that nothing of pages is in it."""

from __future__ import annotations

import logging
import re

import psycopg
import pytest
from django.db import close_old_connections
from django.test import Client

from selbsthelfer.api.middleware import request_id_now
from selbsthelfer.identity.clients import client_of_key
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.known_keys import forget_known
from tests.api.callers import Asking, asking, make_client, read, read_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trial_routes")]


@pytest.fixture
def caller(client: Client) -> Asking:
    return asking(client, make_client())


def test_a_route_answers_json_by_alias(caller: Asking) -> None:
    answer = caller.get("/nothing", x_request_id="mine-1")
    assert read(answer) == {"word": "nothing", "from": "mine-1"}
    assert answer.headers["Content-Type"] == "application/json"
    assert request_id_now() == ""


@pytest.mark.parametrize("given", ["", "x" * 101, "with blank", "ümlaut", "line\tbreak"])
def test_an_id_that_is_unfit_for_a_log_is_replaced(caller: Asking, given: str) -> None:
    answer = caller.get("/nothing", x_request_id=given)
    assert len(answer.headers["X-Request-Id"]) == 36
    assert read(answer)["from"] == answer.headers["X-Request-Id"]


def test_every_answer_protects_itself_and_sets_no_cookie(caller: Asking) -> None:
    for path in ("/nothing", "/nowhere", "/broken"):
        answer = caller.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert not answer.cookies
        assert "Vary" not in answer.headers


@pytest.mark.parametrize("path", ["/nowhere", "/", "", "/number/x/y", "/../../etc/passwd"])
def test_an_unknown_path_is_a_problem(caller: Asking, path: str) -> None:
    read_problem(caller.get(path), 404, "path_unknown")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(caller: Asking) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = caller.send(method, "/nothing")
        read_problem(answer, 405, "method_unknown")
        assert answer.headers["Allow"] == "GET"


def test_head_is_get_without_a_body(caller: Asking) -> None:
    answer = caller.send("HEAD", "/nothing", x_request_id="same")
    whole = caller.get("/nothing", x_request_id="same")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"] == whole.headers["ETag"]
    assert int(answer.headers["Content-Length"]) == len(whole.content)


def test_parameters_that_are_wrong_are_named(caller: Asking) -> None:
    problem = read_problem(caller.get("/number/x?limit=y"), 422, "request_invalid")
    assert {(one["pointer"], one["code"]) for one in problem["errors"]} == {
        ("path/number", "int_parsing"),
        ("query/limit", "int_parsing"),
    }


@pytest.mark.parametrize(
    "key", [None, "", "Basic eDp5", "Bearer", "Bearer x", "Bearer shk_1234567890_" + "a" * 49]
)
def test_without_a_key_nobody_gets_in(client: Client, key: str | None) -> None:
    headers = {} if key is None else {"authorization": key}
    answer = client.get("/api/v1/nothing", headers=headers)
    read_problem(answer, 401, "key_invalid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_without_the_scope_is_refused_and_told_which(client: Client) -> None:
    caller = asking(client, make_client(Scope.FACTS_WRITE))
    assert "lines:read" in read_problem(caller.get("/nothing"), 403, "scope_missing")["detail"]


def test_what_nobody_expected_is_told_with_the_id_of_the_request_and_nothing_else(
    caller: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        problem = read_problem(caller.get("/broken", x_request_id="lost-1"), 500, "failed")
    assert set(problem) == {"type", "title", "status", "code", "request_id"}
    assert problem["request_id"] == "lost-1"
    assert [(one.name, one.levelno) for one in caplog.records] == [
        ("selbsthelfer.api.refusing", logging.ERROR)
    ]


def test_a_refusal_leaves_no_address_in_the_log(caller: Asking, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="django"):
        caller.get("/number/subject-of-a-line")
        caller.get("/nowhere/subject-of-a-line")
    assert "subject-of-a-line" not in caplog.text


def test_an_etag_spares_what_is_known(caller: Asking) -> None:
    first = caller.get("/nothing", x_request_id="same")
    etag = first.headers["ETag"]
    assert etag.startswith('"')
    for known in (etag, f'W/{etag}, "other"', "*"):
        again = caller.get("/nothing", x_request_id="same", if_none_match=known)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert read(caller.get("/nothing", x_request_id="other", if_none_match=etag))


def test_a_host_that_is_not_ours_is_refused(caller: Asking) -> None:
    read_problem(caller.get("/nothing", host="elsewhere.example"), 400, "host_unknown")


def test_pages_are_answered_as_before(client: Client) -> None:
    assert client.get("/api").status_code == 404
    assert "X-Request-Id" not in client.get("/elsewhere").headers


def test_a_call_asks_the_database_nothing_once_its_key_is_known(
    caller: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.get("/nothing")

    def refuse(*arguments: object) -> None:
        raise AssertionError("a statement was sent")

    monkeypatch.setattr(psycopg.Cursor, "execute", refuse)
    assert read(caller.get("/nothing"))


@pytest.mark.django_db(transaction=True)
def test_after_the_database_cut_the_connection_the_next_request_is_answered(caller: Asking) -> None:
    answer = caller.get("/cut-off")
    read_problem(answer, 503, "database_away")
    assert answer.headers["Retry-After"]
    forget_known()
    close_old_connections()
    assert read(caller.get("/nothing"))


def test_a_request_is_logged_by_its_route_and_never_by_its_address(
    caller: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="selbsthelfer.api.requests"):
        caller.get("/number/4711")
        caller.send("HEAD", "/nothing/")
        caller.get("/number/0171392?limit=0171392")
        caller.client.get("/api/v1/0171392", headers={"authorization": "Bearer 0171392"})
        caller.client.generic("0171392", "/api/v1/nothing")
    told = [record.getMessage() for record in caplog.records]
    name = caller_name(caller)
    assert re.fullmatch(rf"GET /api/v1/number/{{number}} 200 in [0-9.]+ ms for {name}", told[0])
    assert re.fullmatch(r"HEAD - 404 in [0-9.]+ ms for -", told[1])
    assert re.fullmatch(r"- /api/v1/nothing 405 in [0-9.]+ ms for -", told[4])
    assert not any("0171392" in f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert len(told) == 5


def test_requests_are_not_logged_where_nobody_asks_for_it(
    caller: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="selbsthelfer.api.requests"):
        caller.get("/number/4711")
    assert not caplog.records


def caller_name(caller: Asking) -> str:
    client = client_of_key(caller.key)
    assert client is not None
    return client.name
