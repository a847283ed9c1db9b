"""The sandbox: what TM Forum's conformance kits ask, in their words, without a key, and far from every line.

The requests are those of the kits CTK-TMF654-PrepayBalance 4.0.0 and CTK-TMF683-PartyInteraction 4.0.0, and
what is asserted is what their tests ask of the answers.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.partners import sandbox
from tests.api.callers import make_client
from tests.api.life import content_of_tables
from tests.api.tmforum import BALANCE, INTERACTION, Partner, check
from tests.portal.life import Life

pytestmark = pytest.mark.django_db

BUCKET = {"id": "11", "href": "/prepayBalanceManagement/v4/bucket/11"}
FIFTY = {"amount": 50, "units": "EUR"}
KIT: dict[str, tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "bucket": (
        "Bucket",
        {"usageType": "monetary"},
        ("confirmationDate", "href", "id", "status", "usageType"),
        ("id", "status", "usageType"),
    ),
    "topupBalance": (
        "TopupBalance",
        {"amount": FIFTY, "bucket": BUCKET},
        ("amount", "href", "id", "status"),
        ("id", "status"),
    ),
    "adjustBalance": (
        "AdjustBalance",
        {"amount": FIFTY, "usageType": "monetary", "product": {"id": "d3ba9b4b"}, "bucket": BUCKET},
        ("amount", "href", "id", "status", "usageType"),
        ("id", "status", "usageType"),
    ),
    "reserveBalance": (
        "ReserveBalance",
        {
            "amount": FIFTY,
            "relatedParty": [
                {"id": "5", "name": "jerry wilson", "role": "customer", "@referredType": "Individual"}
            ],
            "bucket": BUCKET,
        },
        ("amount", "href", "id", "relatedParty", "status"),
        ("id", "status"),
    ),
    "partyInteraction": (
        "PartyInteraction",
        {
            "channel": [{"id": "555"}],
            "direction": "inbounds",
            "reason": "The user wanted to buy TV and internet plan",
        },
        ("channel", "direction", "href", "id", "reason"),
        ("direction", "href", "id", "reason"),
    ),
}
"""By resource: its definition, what a kit posts, what every answer holds, and what lists are filtered by."""


def base_of(kind: str) -> str:
    return INTERACTION if kind == "partyInteraction" else BALANCE


@pytest.fixture
def _open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELBSTHELFER_TMF_SANDBOX", "1")


@pytest.mark.usefixtures("_open")
@pytest.mark.parametrize("kind", KIT)
def test_a_conformance_kit_is_answered_as_it_expects(client: Client, kind: str) -> None:
    definition, body, mandatory, filters = KIT[kind]
    kit = Partner(client, base_of(kind))
    made = [kit.post(kind, body), kit.post(kind, body)]
    assert made[0]["id"] != made[1]["id"]
    listed = kit.get(kind)
    assert len(listed) == 2
    for one in (*made, *listed, kit.get(f"{kind}/{made[0]['id']}")):
        assert set(mandatory) <= set(one)
        check(base_of(kind), definition, one)
    assert {one["id"] for one in listed} == {one["id"] for one in made}
    for name in filters:
        found = kit.get(f"{kind}?{name}={made[0][name]}")
        assert made[0] in found
        assert all(one[name] == made[0][name] for one in found)
        assert name in kit.get(f"{kind}?fields={name}")[0]
    kit.refused("GET", f"{kind}/7c3981c5-5f8c-4800-a1b3-19cfcd3a44da", None, 404, "not_found")
    assert "jerry" not in str(listed)
    assert "internet plan" not in str(listed)


@pytest.mark.usefixtures("_open")
def test_the_buckets_of_the_sandbox_move_with_what_is_asked(client: Client) -> None:
    kit = Partner(client, BALANCE)
    for kind in ("topupBalance", "adjustBalance", "reserveBalance"):
        kit.post(kind, KIT[kind][1])
    [bucket] = kit.get("bucket?id=11")
    assert (bucket["remainingValue"], bucket["reservedValue"]) == (FIFTY, FIFTY)
    [total] = kit.get("accumulatedBalance")
    check(BALANCE, "AccumulatedBalance", total)
    assert total["totalBalance"] == FIFTY
    assert kit.get(f"accumulatedBalance/{total['id']}") == total
    kit.refused("GET", "accumulatedBalance/x", None, 404, "not_found")
    kit.refused("POST", "topupBalance", {"bucket": BUCKET}, 400, "amount_missing")


@pytest.mark.usefixtures("_open")
def test_nothing_in_the_sandbox_touches_or_shows_a_line(client: Client) -> None:
    Life("line-1").send()
    owner = Partner(client, BALANCE, make_client(Scope.BALANCE_READ, Scope.BALANCE_WRITE))
    real = owner.post("topupBalance", {"id": "t", "amount": {"amount": 1, "units": "GB"},
                                       "partyAccount": {"id": "line-1"}})  # fmt: skip
    bucket = owner.get("bucket?partyAccount.id=line-1&name=courtesy")[0]
    before = content_of_tables()
    kit = Partner(client, BALANCE)
    told = Partner(client, INTERACTION)
    body = {"amount": {"amount": 1, "units": "GB"}, "partyAccount": {"id": "line-1"}, "bucket": bucket}
    for kind in ("topupBalance", "adjustBalance", "reserveBalance"):
        made = kit.post(kind, {**body, "id": "t"})
        assert made["partyAccount"] == {"id": "sandbox"}
    told.post(
        "partyInteraction", {"status": "completed", "relatedParty": [{"id": "line-1", "role": "customer"}]}
    )
    after = content_of_tables()
    assert {name for name in after if after[name] != before[name]} == {"partners_document"}
    assert (owner.get("topupBalance"), owner.get("topupBalance/t")) == ([real], real)
    assert owner.get(f"bucket/{bucket['id']}") == bucket
    assert kit.get("bucket?partyAccount.id=line-1") == []
    kit.refused("GET", "accumulatedBalance/" + bucket["id"][:32], None, 404, "not_found")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM partners_document WHERE is_sandbox AND subscriber_id IS NOT NULL"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.usefixtures("_open")
def test_the_sandbox_keeps_as_much_as_one_answer_holds(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "MAX_KEPT", 3)
    for kind in ("topupBalance", "partyInteraction"):
        kit = Partner(client, base_of(kind))
        made = [kit.post(kind, KIT[kind][1])["id"] for _ in range(5)]
        assert [one["id"] for one in kit.get(kind)] == made[:1:-1]


@pytest.mark.usefixtures("_open")
@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_HOST": "tmf.example"},
    ],
)
def test_the_sandbox_is_shut_to_whoever_is_not_on_this_machine(
    client: Client, settings: Settings, headers: dict[str, str]
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert client.get(BALANCE + "bucket").status_code == 200
    assert client.get(BALANCE + "bucket", **headers).status_code == 401  # type: ignore[arg-type]


def test_the_sandbox_is_shut_unless_it_was_asked_for(client: Client) -> None:
    Partner(client, BALANCE).refused("GET", "bucket", None, 401, "key_invalid")


@pytest.mark.usefixtures("_open")
@pytest.mark.parametrize(("name", "value"), [("HTTPS", True), ("PROXIES", 1)])
def test_the_sandbox_is_shut_where_strangers_come(
    client: Client, settings: Settings, name: str, value: object
) -> None:
    setattr(settings, name, value)
    Partner(client, BALANCE).refused("GET", "bucket", None, 401, "key_invalid")


@pytest.mark.usefixtures("_open")
def test_a_wrong_key_does_not_fall_back_to_the_sandbox(client: Client) -> None:
    Partner(client, BALANCE, "nobodys").refused("GET", "bucket", None, 401, "key_invalid")
