"""Clients by the real API: keys are changed without downtime, and revoked ones open nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from selbsthelfer.identity import known_keys
from selbsthelfer.identity.clients import revoke_keys, rotate_key
from selbsthelfer.identity.core.scopes import Scope
from tests.api.callers import asking, make_client, read, read_problem

pytestmark = pytest.mark.django_db
LIST = "/programmes"


def test_while_a_key_is_changed_both_open_and_afterwards_the_new_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1_000.0
    monkeypatch.setattr(known_keys, "monotonic", lambda: clock)
    old = make_client(Scope.LINES_READ, name="app")
    new = rotate_key(name="app", overlap=timedelta(hours=1), now=datetime.now(UTC))
    for key in (old, new):
        assert read(asking(client, key).get(LIST))
    revoke_keys(name="app", key_id=old.split("_")[1], now=datetime.now(UTC))
    clock += known_keys.KNOWN_SECONDS
    read_problem(asking(client, old).get(LIST), 401, "key_invalid")
    assert read(asking(client, new).get(LIST))


def test_a_key_in_the_address_or_in_a_cookie_opens_nothing(client: Client) -> None:
    key = make_client(Scope.LINES_READ)
    client.cookies["session"] = key
    assert client.get(f"/api/v1{LIST}?key={key}&access_token={key}").status_code == 401
    assert client.get(f"/api/v1{LIST}", headers={"x-api-key": key}).status_code == 401


def test_a_session_of_somebody_signed_in_opens_nothing(client: Client) -> None:
    from selbsthelfer.identity.models import User

    client.force_login(User.objects.create_staff("desk"))
    read_problem(asking(client, "").get(LIST), 401, "key_invalid")
