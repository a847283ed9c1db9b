"""Writes that happen once, however often and by however many at a time they are asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test import Client

from selbsthelfer.identity.answers import ANSWERS_KEPT_HOURS
from selbsthelfer.identity.models import Answer, Tries
from selbsthelfer.identity.operations import forget_expired
from tests.api.callers import Asking, asking, make_client, read, read_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trial_routes")]


@pytest.fixture
def caller(client: Client) -> Asking:
    return asking(client, make_client())


def wanted(word: str = "word", amount: int = 1) -> dict[str, object]:
    return {"word": word, "inner": {"amount": amount}}


def test_the_same_request_brings_the_same_answer_and_happens_once(caller: Asking) -> None:
    first = caller.post("/words", wanted(), once="k1")
    again = caller.post("/words", wanted(), once="k1")
    assert read(first, 201) == read(again, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"] == "application/json"
    assert Tries.objects.count() == 1


def test_a_key_is_good_for_one_request_only(caller: Asking) -> None:
    caller.post("/words", wanted(), once="k1")
    for path, body in (("/words", wanted("other")), ("/words", wanted(amount=2)), ("/words?a=1", wanted())):
        read_problem(caller.post(path, body, once="k1"), 422, "idempotency_key_reused")
    assert Tries.objects.count() == 1


def test_clients_do_not_share_their_keys(client: Client, caller: Asking) -> None:
    read(caller.post("/words", wanted("one"), once="k1"), 201)
    read(asking(client, make_client()).post("/words", wanted("two"), once="k1"), 201)
    assert Tries.objects.count() == 2


def test_without_a_key_nothing_happens(caller: Asking) -> None:
    read_problem(caller.post("/words", wanted()), 400, "idempotency_key_missing")
    for key in ("with blank", "x" * 201, "schlüssel"):
        read_problem(caller.post("/words", wanted(), once=key), 400, "idempotency_key_invalid")
    assert not Tries.objects.exists()


def test_a_refusal_takes_everything_back_and_is_not_kept(caller: Asking) -> None:
    for _ in range(2):
        answer = caller.post("/words", wanted("refused"), once="k1")
        read_problem(answer, 409, "refused_here")
        assert "Idempotency-Replayed" not in answer.headers
    assert not Tries.objects.exists()
    assert not Answer.objects.exists()
    read(caller.post("/words", wanted("taken"), once="k1"), 201)


@pytest.mark.django_db(transaction=True)
def test_equal_requests_at_the_same_moment_happen_once_and_bring_one_answer() -> None:
    key, together = make_client(), 8
    start = Barrier(together)

    def ask(number: int) -> tuple[bytes, bool]:
        start.wait(timeout=10)
        try:
            answer = asking(Client(), key).post("/words", wanted("slow"), once="k1")
            assert answer.status_code == 201, answer.content
            return answer.content, "Idempotency-Replayed" in answer.headers
        finally:
            connections.close_all()

    with ThreadPoolExecutor(together) as pool:
        answers = list(pool.map(ask, range(together)))
    assert len({body for body, _ in answers}) == 1
    assert [is_replayed for _, is_replayed in answers].count(False) == 1
    assert Tries.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_waited_for_a_request_that_failed_does_the_work() -> None:
    """Of two with the same key and other bodies, the one whose rival was refused is answered."""
    key = make_client()
    start = Barrier(2)

    def ask(word: str) -> int:
        start.wait(timeout=10)
        try:
            return asking(Client(), key).post("/words", wanted(word), once="k1").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(ask, ["refused", "taken"]))
    assert statuses[1] == 201
    assert statuses[0] in {409, 422}
    assert [one.key for one in Tries.objects.all()] == ["taken"]


def test_answers_are_forgotten_when_their_time_is_over(caller: Asking) -> None:
    caller.post("/words", wanted(), once="k1")
    now = datetime.now(UTC)
    forget_expired(now=now + timedelta(hours=ANSWERS_KEPT_HOURS, minutes=-1))
    assert Answer.objects.count() == 1
    forget_expired(now=now + timedelta(hours=ANSWERS_KEPT_HOURS, minutes=1))
    assert Answer.objects.count() == 0


def test_neither_the_key_nor_the_request_is_kept_as_it_was(caller: Asking) -> None:
    caller.post("/words", wanted("a-name"), once="key-with-a-number")
    with connection.cursor() as cursor:
        cursor.execute("SELECT key || asked FROM identity_answer")
        ((kept,),) = cursor.fetchall()
    assert len(kept) == 128
    assert "number" not in kept
