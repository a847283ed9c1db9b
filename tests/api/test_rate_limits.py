"""How often a client may ask: never more than its calls of a minute, however many processes answer."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from pytest_django import Settings

from selbsthelfer.api import limits
from selbsthelfer.identity import calls
from selbsthelfer.identity.calls import BLOCKS_PER_MINUTE, forget_purses, spend_call
from selbsthelfer.identity.core.keys import new_key
from tests.api.callers import asking, make_client, read, read_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trial_routes")]
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Process:
    """What one process holds, apart from the others."""

    def __init__(self) -> None:
        self.purses: dict[str, Any] = {}

    def spend(self, most: int, at: datetime) -> bool:
        calls._PURSES.clear()
        calls._PURSES.update(self.purses)
        spent = spend_call(client="app", most=most, now=at)
        self.purses = dict(calls._PURSES)
        return spent.is_allowed


@pytest.mark.parametrize("most", [1, 7, 59, 60, 61, 600, 1_234])
@pytest.mark.parametrize("processes", [1, 3])
def test_no_minute_sees_more_calls_than_it_has(most: int, processes: int) -> None:
    """And hardly fewer: what processes hold at the end, a block each less the one that was just spent."""
    chance, answering = Random(most), [Process() for _ in range(processes)]
    block = max(most // BLOCKS_PER_MINUTE, 1)
    for minute in range(3):
        allowed = sum(
            chance.choice(answering).spend(most, START + timedelta(minutes=minute, seconds=number % 60))
            for number in range(most + 200)
        )
        assert most - (processes - 1) * (block - 1) <= allowed <= most


def test_a_process_that_comes_late_finds_nothing_left() -> None:
    early, late = Process(), Process()
    assert sum(early.spend(100, START) for _ in range(150)) == 100
    assert not late.spend(100, START)
    assert late.spend(100, START + timedelta(minutes=1))


def test_a_clock_that_is_behind_gets_no_second_minute() -> None:
    ahead, behind = Process(), Process()
    assert sum(ahead.spend(10, START + timedelta(seconds=60)) for _ in range(20)) == 10
    assert sum(behind.spend(10, START + timedelta(seconds=59)) for _ in range(20)) == 0


@pytest.mark.django_db(transaction=True)
def test_threads_of_one_process_share_a_purse() -> None:
    def spend(_: int) -> int:
        try:
            return sum(spend_call(client="app", most=1_000, now=START).is_allowed for _ in range(200))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(8))) == 1_000


def test_a_statement_is_needed_for_a_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **named: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *args, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    for _ in range(2_500):
        spend_call(client="app", most=60_000, now=START)
    assert len([query for query in sent if "identity_clientcalls" in query]) == 3
    sent.clear()
    for _ in range(50):
        spend_call(client="small", most=1, now=START)
    assert len([query for query in sent if "identity_clientcalls" in query]) == 1


def test_answers_say_what_is_left_and_refusals_when_to_come_back(client: Client) -> None:
    caller = asking(client, make_client(requests_per_minute=3))
    lefts, refused = [], None
    for _ in range(8):
        answer = caller.get("/nothing")
        assert answer.headers["RateLimit-Policy"] == '"client";q=3;w=60'
        told = re.fullmatch(r'"client";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
        assert told is not None
        assert 1 <= int(told[2]) <= 60
        if answer.status_code == 429:
            read_problem(answer, 429, "too_many_requests")
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            refused = answer
        lefts.append(int(told[1]))
    assert refused is not None
    assert lefts[0] == 2
    assert min(lefts) == 0


def test_another_client_is_not_held_up(client: Client) -> None:
    busy, calm = make_client(requests_per_minute=1), make_client()
    for _ in range(3):
        asking(client, busy).get("/nothing")
    assert read(asking(client, calm).get("/nothing"))


def test_an_address_that_tries_keys_is_refused_and_a_key_known_before_is_not(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FAILED_KEYS", {"key_from_address": "3/10m/ip"})
    good, fresh = make_client(), make_client()
    read(asking(client, good).get("/nothing"))
    for _ in range(3):
        read_problem(asking(client, new_key()).get("/nothing"), 401, "key_invalid")
    answer = asking(client, new_key()).get("/nothing")
    read_problem(answer, 429, "too_many_keys")
    assert int(answer.headers["Retry-After"]) > 0
    read(asking(client, good).get("/nothing"))
    read_problem(asking(client, "").get("/nothing"), 401, "key_invalid")
    read_problem(asking(client, fresh).get("/nothing"), 429, "too_many_keys")
    limits.forget_refused()
    read(asking(client, fresh).get("/nothing"))


def test_a_refused_address_asks_the_database_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAILED_KEYS", {"key_from_address": "1/10m/ip"})
    for _ in range(2):
        asking(client, new_key()).get("/nothing")

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(psycopg.Cursor, "execute", refuse)
    read_problem(asking(client, new_key()).get("/nothing"), 429, "too_many_keys")


@pytest.mark.parametrize(("proxies", "passed_on"), [(2, {"x_forwarded_for": "192.0.2.7"}), (0, {})])
def test_where_the_address_cannot_be_told_wrong_keys_are_counted_together(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    proxies: int,
    passed_on: dict[str, str],
) -> None:
    """Two proxies are named and the request came past one of them; or the server knows no address at all."""
    monkeypatch.setattr(limits, "FAILED_KEYS", {"key_from_address": "2/10m/ip"})
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    client.defaults["REMOTE_ADDR"] = ""
    for _ in range(2):
        read_problem(asking(client, new_key()).get("/nothing", **passed_on), 401, "key_invalid")
    read_problem(asking(client, new_key()).get("/nothing", **passed_on), 429, "too_many_keys")


def test_the_table_is_not_logged() -> None:
    forget_purses()
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'identity_clientcalls'")
        assert cursor.fetchone() == ("u",)
