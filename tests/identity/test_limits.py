"""How often something may be tried: the statement against a model that remembers every try."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from allauth.core.internal.ratelimit import Rate, parse_rates
from django.db import connection
from django.test import RequestFactory

from selbsthelfer.identity import operations
from selbsthelfer.identity.limits import TooOftenError, count_try, count_within
from selbsthelfer.identity.models import Tries
from selbsthelfer.identity.operations import forget_expired
from selbsthelfer.privacy import operations as privacy

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


def is_within(kept: Sequence[datetime], rates: Sequence[Rate], at: datetime) -> bool:
    return all(
        sum(1 for t in kept if t > at - timedelta(seconds=rate.duration)) < rate.amount for rate in rates
    )


@pytest.mark.parametrize("rates", ["3/10m/key", "5/10m/key,8/d/key", "2/s/key,4/m/key,7/h/key"])
@pytest.mark.parametrize("seed", range(3))
def test_a_try_counts_if_and_only_if_every_limit_has_room(rates: str, seed: int) -> None:
    asked, chance = parse_rates(rates), Random(seed)
    at, refused = START, 0
    kept: list[datetime] = []
    for _ in range(120):
        at += timedelta(seconds=chance.choice([0.2, 1, 20, 400, 9_000]))
        expected = is_within(kept, asked, at)
        assert count_within("one", asked, now=at) is expected
        kept += [at] * expected
        refused += not expected
    assert refused
    assert len(kept) > max(rate.amount for rate in asked)


def test_what_no_limit_looks_at_any_more_is_not_kept() -> None:
    for minute in range(50):
        assert count_within("one", parse_rates("5/10m/key"), now=START + timedelta(minutes=3 * minute))
    assert len(Tries.objects.get().kept) <= 5


def test_keys_do_not_share_their_tries() -> None:
    rates = parse_rates("1/h/key")
    assert count_within("one", rates, now=START)
    assert count_within("two", rates, now=START)
    assert not count_within("one", rates, now=START)


def test_whoever_used_up_the_tries_of_their_address_uses_up_nobody_elses() -> None:
    limits = {"guess": "2/h/key,3/d/ip"}
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1")
    for key in ("a", "b", "c"):
        count_try(request, "guess", key=key, rates=limits)
    for _ in range(5):
        with pytest.raises(TooOftenError):
            count_try(request, "guess", key="victim", rates=limits)
    count_try(RequestFactory().post("/", REMOTE_ADDR="192.0.2.2"), "guess", key="victim", rates=limits)


def test_counting_against_two_limits_is_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **named: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *args, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    count_try(RequestFactory().post("/"), "code_to_number", key="+491713920000")
    assert len([query for query in sent if "SAVEPOINT" not in query]) == 1


def test_counts_are_forgotten_when_their_time_is_over() -> None:
    count_within("one", parse_rates("1/h/key"), now=START)
    count_within("two", parse_rates("1/d/key"), now=START)
    forget_expired(now=START + timedelta(hours=2))
    assert Tries.objects.count() == 1


def test_forgetting_says_of_how_many_so_that_a_full_round_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "MAX_FORGOTTEN", 2)
    for name in ("one", "two", "three"):
        count_within(name, parse_rates("1/h/key"), now=START)
    later = START + timedelta(hours=2)
    assert [privacy.forget_expired(now=later) for _ in range(2)] == [True, False]
    assert Tries.objects.count() == 0


def test_the_table_is_not_logged() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'identity_tries'")
        assert cursor.fetchone() == ("u",)
