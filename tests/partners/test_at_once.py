"""Partners that ask at the same instant: what one was given is not given twice, nor held twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from selbsthelfer.partners.core.asking import Asking
from selbsthelfer.partners.core.refusals import ConflictError
from selbsthelfer.partners.filing import Answered, Partner, Request
from selbsthelfer.partners.operations import ask, search
from tests.portal.life import Life

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
PARTNER = Partner("at-once")
MB = 1_000_000


def at_once(work: Callable[[int], Answered]) -> list[Answered | ConflictError]:
    """Do something in several threads at the same instant."""
    together = Barrier(THREADS)

    def one(number: int) -> Answered | ConflictError:
        try:
            together.wait(30)
            return work(number)
        except ConflictError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, range(THREADS)))


def buckets() -> dict[str, Any]:
    asking = Asking({"partyAccount.id": frozenset({"line-1"})})
    found = search(PARTNER, "bucket", asking, now=datetime.now(UTC))
    return {bucket["name"]: bucket for bucket in found.documents}


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of this file
        return int(cursor.fetchone()[0])  # type: ignore[index]


def test_a_top_up_sent_many_times_at_once_is_given_once() -> None:
    Life("line-1").send()
    body = {"id": "t-1", "amount": {"amount": 1, "units": "MB"}, "partyAccount": {"id": "line-1"}}
    request = Request(PARTNER, "topupBalance", body)
    answers = at_once(lambda _: ask(request, now=datetime.now(UTC)))
    assert all(isinstance(answer, Answered) for answer in answers)
    assert sum(answer.is_new for answer in answers if isinstance(answer, Answered)) == 1
    assert len({str(answer.document) for answer in answers if isinstance(answer, Answered)}) == 1
    assert buckets()["courtesy"]["remainingValue"]["amount"] == MB
    assert (count("allowances_courtesy"), count("partners_document")) == (1, 1)


def test_reservations_at_once_never_hold_more_than_there_is() -> None:
    Life("line-1", included_bytes=10 * MB).send()
    bucket = {"id": buckets()["included"]["id"]}

    def reserve(number: int) -> Answered:
        body = {"id": f"r-{number}", "amount": {"amount": 3, "units": "MB"}, "bucket": bucket}
        return ask(Request(PARTNER, "reserveBalance", body), now=datetime.now(UTC))

    answers = at_once(reserve)
    assert sum(isinstance(answer, Answered) for answer in answers) == 3
    assert {answer.code for answer in answers if isinstance(answer, ConflictError)} == {"not_enough_volume"}
    included = buckets()["included"]
    assert (included["remainingValue"]["amount"], included["reservedValue"]["amount"]) == (MB, 9 * MB)
