"""Keys of clients: what a key is, that only digests are kept, and when one opens."""

from __future__ import annotations

import logging
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.identity import known_keys
from selbsthelfer.identity.clients import (
    MAX_LIVE_KEYS,
    ClientInvalidError,
    ClientTakenError,
    ClientUnknownError,
    TooManyClientsError,
    add_client,
    client_named,
    client_of_key,
    list_clients,
    revoke_keys,
    rotate_key,
)
from selbsthelfer.identity.core.keys import KEY_CHARACTERS, _with_check, new_key, read_key
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.known_keys import forget_known
from selbsthelfer.identity.models import Client, ClientKey

READ = frozenset({Scope.LINES_READ})


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    forget_known()
    yield
    forget_known()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements about clients."""
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **named: Any) -> Any:
        if "identity_client" in str(query):
            statements.append(str(query))
        return execute(self, query, *args, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    return statements


def now() -> datetime:
    return datetime.now(UTC)


def add(name: str = "app", scopes: frozenset[Scope] = READ) -> str:
    return add_client(name=name, scopes=scopes, now=now())


def test_a_key_is_long_and_never_the_same() -> None:
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert {len(key) for key in keys} == {KEY_CHARACTERS}
    assert len({key.split("_")[2][:43] for key in keys}) == 200


@given(
    place=st.integers(0, KEY_CHARACTERS - 1),
    other=st.sampled_from(string.ascii_letters + string.digits + "_-é"),
)
def test_a_key_with_one_wrong_character_is_no_key(place: int, other: str) -> None:
    key = new_key()
    changed = key[:place] + other + key[place + 1 :]
    assert (read_key(changed) is None) is (changed != key)


@given(st.text(max_size=80))
def test_what_is_no_key_is_not_read(text: str) -> None:
    assert read_key(text) is None


@pytest.mark.django_db
def test_a_key_opens_for_its_client_and_is_kept_as_a_digest_only() -> None:
    key = add()
    client = client_of_key(key)
    assert client is not None
    assert (client.name, client.scopes) == ("app", READ)
    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text || k::text FROM identity_client c, identity_clientkey k")
        ((kept,),) = cursor.fetchall()
    secret = key.split("_")[2]
    assert secret not in kept
    assert not any(secret[at : at + 8] in kept for at in range(len(secret) - 8))


@pytest.mark.django_db
def test_a_key_of_the_right_id_with_another_secret_opens_nothing() -> None:
    """Also while the right one is remembered, and the right one goes on opening."""
    key, stranger = add(), new_key()
    forged = _with_id_of(key, stranger)
    assert client_of_key(forged) is None
    assert client_of_key(key) is not None
    assert client_of_key(forged) is None


def _with_id_of(key: str, stranger: str) -> str:
    return _with_check("_".join([*key.split("_")[:2], stranger.split("_")[2][:43]]))


@pytest.mark.django_db
def test_the_database_is_asked_once_a_second_for_a_key_and_never_for_a_mistyped_one(
    sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = add()
    sent.clear()
    clock = 1_000.0
    monkeypatch.setattr(known_keys, "monotonic", lambda: clock)
    for _ in range(50):
        client_of_key(key)
        client_of_key(key[:-1] + "é")
    assert len(sent) == 2, "one to find it, one to note the day"
    clock += known_keys.KNOWN_SECONDS
    client_of_key(key)
    assert len(sent) == 3
    unknown = new_key()
    for _ in range(50):
        assert client_of_key(unknown) is None
    assert len(sent) == 4


@pytest.mark.django_db(transaction=True)
def test_of_many_that_bring_a_key_at_once_one_asks_the_database(sent: list[str]) -> None:
    """At first the others wait; while what is known is good, none of those without a connection asks."""
    key, together = add(), Barrier(8)
    sent.clear()

    def bring(_: int) -> bool:
        try:
            together.wait(10)
            return client_of_key(key) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(bring, range(8)))
        assert len(sent) == 2, "one to find it, one to note the day"
        assert all(pool.map(bring, range(8)))
    assert len(sent) == 2


@pytest.mark.django_db
def test_a_thread_with_a_connection_asks_before_the_time_is_over(
    sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1_000.0
    monkeypatch.setattr(known_keys, "monotonic", lambda: clock)
    key = add()
    client_of_key(key)
    sent.clear()
    clock += known_keys.KNOWN_SECONDS - known_keys._EARLY_SECONDS
    client_of_key(key)
    client_of_key(key)
    assert len(sent) == 1


@pytest.mark.django_db
def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "MAX_KNOWN", 3)
    for number in range(8):
        assert client_of_key(add(f"app-{number}"))
        assert 1 <= len(known_keys._KNOWN.found) <= 3


@pytest.mark.django_db
def test_rotating_leaves_the_old_key_good_for_the_overlap() -> None:
    old = add()
    new = rotate_key(name="app", overlap=timedelta(hours=2), now=now())
    assert client_of_key(old) == client_of_key(new) is not None
    ends = {key.key_id: key.ends_at for key in ClientKey.objects.all()}
    assert ends[new.split("_")[1]] is None
    old_ends = ends[old.split("_")[1]]
    assert old_ends is not None
    assert timedelta(hours=1.9) < old_ends - now() < timedelta(hours=2.1)
    rotate_key(name="app", overlap=timedelta(hours=9), now=now())
    assert ClientKey.objects.get(key_id=old.split("_")[1]).ends_at == old_ends, (
        "never longer than told before"
    )


@pytest.mark.django_db
def test_a_key_whose_time_is_over_opens_nothing_even_while_it_is_remembered() -> None:
    key = add()
    rotate_key(name="app", overlap=timedelta(seconds=0.3), now=now())
    assert client_of_key(key) is not None
    ClientKey.objects.filter(key_id=key.split("_")[1]).update(ends_at=now())
    forget_known()
    assert client_of_key(key) is None


@pytest.mark.django_db
def test_a_revoked_key_opens_nothing_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1_000.0
    monkeypatch.setattr(known_keys, "monotonic", lambda: clock)
    key, other = add(), add("other")
    assert client_of_key(key) is not None
    assert client_named("app") is not None
    assert revoke_keys(name="app", now=now()) == [key.split("_")[1]]
    clock += known_keys.KNOWN_SECONDS
    assert client_of_key(key) is None
    assert client_named("app") is None
    assert client_of_key(other) is not None
    assert revoke_keys(name="app", now=now()) == []


@pytest.mark.django_db
def test_a_scope_of_another_version_allows_nothing() -> None:
    key = add()
    Client.objects.update(scopes=["lines:read", "lines:eat"])
    client = client_of_key(key)
    assert client is not None
    assert client.scopes == READ


@pytest.mark.django_db
def test_what_cannot_be_done_is_refused_and_changes_nothing() -> None:
    add()
    with pytest.raises(ClientTakenError):
        add()
    for name in ("", "A", "a b", "ä", "a" * 101, "-a"):
        with pytest.raises(ClientInvalidError):
            add(name)
    with pytest.raises(ClientInvalidError):
        add("none", frozenset())
    with pytest.raises(ClientUnknownError):
        rotate_key(name="other", now=now())
    with pytest.raises(ClientUnknownError):
        revoke_keys(name="app", key_id="other", now=now())
    for _ in range(MAX_LIVE_KEYS - 1):
        rotate_key(name="app", now=now())
    with pytest.raises(TooManyClientsError):
        rotate_key(name="app", now=now())
    assert ClientKey.objects.count() == MAX_LIVE_KEYS
    (listed,) = list_clients(now=now())
    assert [key.is_live for key in listed.keys] == [True] * MAX_LIVE_KEYS


@pytest.mark.django_db
def test_every_act_is_logged_with_the_id_of_the_key_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="selbsthelfer.acts"):
        first = add()
        second = rotate_key(name="app", now=now())
        revoke_keys(name="app", now=now())
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert all("app" in line for line in lines)
    assert first.split("_")[1] in lines[0]
    assert second.split("_")[1] in lines[1]
    assert not any(key.split("_")[2] in line for key in (first, second) for line in lines)


@pytest.mark.django_db
def test_wrong_keys_never_push_out_a_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "MAX_MISSED", 5)
    good = add()
    assert client_of_key(good)
    for _ in range(12):
        assert client_of_key(new_key()) is None
        assert len(known_keys._KNOWN.missed) <= 5
    assert known_keys.was_known(good)
    assert not known_keys.was_known(new_key())
    assert not known_keys.was_known("shk_x")
