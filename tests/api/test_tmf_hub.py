"""The hubs of TM Forum's APIs: who listens, and what those hear."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import EventKind, write_body
from selbsthelfer.outbox.event_queries import endpoints
from selbsthelfer.outbox.webhooks import MAX_OF_OWNER, add_endpoint
from selbsthelfer.partners.listening import EVENTS, PartnerEvent
from tests.api import callers
from tests.api.callers import make_client, read, read_problem
from tests.api.tmforum import BALANCE, INTERACTION, Partner, check
from tests.portal.life import Life

pytestmark = pytest.mark.django_db
CALLBACK = "https://partner.example/listener"
OWN = {"url": CALLBACK, "events": ["grant.released"], "description": "TMF654 hub of crm"}


@pytest.fixture
def partner(client: Client) -> Partner:
    Life("line-1").send()
    return Partner(client, BALANCE, make_client(Scope.BALANCE_READ, Scope.BALANCE_WRITE))


@pytest.fixture
def desk(client: Client) -> Partner:
    return Partner(client, INTERACTION, make_client(Scope.INTERACTION_WRITE))


def bodies() -> list[dict[str, Any]]:
    """Give what is on its way, as it will be sent."""
    with transaction.atomic():
        rows = open_cursor().execute(
            "SELECT e.kind, e.happened_at, e.data::text, e.is_whole_body FROM outbox_event e"
            " JOIN outbox_delivery d USING (event_id) ORDER BY e.happened_at, e.kind"
        )
        return [json.loads(write_body(*row[:3], is_whole_body=row[3])) for row in rows]


def top_up(**members: Any) -> dict[str, Any]:
    return {"amount": {"amount": 1, "units": "GB"}, "partyAccount": {"id": "line-1"}, **members}


def test_every_event_of_the_forum_can_be_listened_to_and_none_is_the_operators() -> None:
    assert {kind for kinds in EVENTS.values() for kind in kinds} == set(PartnerEvent)
    assert not {kind.value for kind in PartnerEvent} & {kind.value for kind in EventKind}


def test_a_partner_that_got_no_answer_and_asks_again_has_one_listener(
    client: Client, partner: Partner
) -> None:
    first = partner.post("hub", {"callback": CALLBACK})
    for _ in range(MAX_OF_OWNER):
        assert partner.post("hub", {"callback": CALLBACK}) == first
    others = [partner.post("hub", {"callback": f"{CALLBACK}/{n}"}) for n in range(1, MAX_OF_OWNER)]
    partner.refused("POST", "hub", {"callback": f"{CALLBACK}/more"}, 409, "too_many_listeners")
    Partner(client, BALANCE, make_client(Scope.BALANCE_WRITE)).post("hub", {"callback": CALLBACK})
    add_endpoint(url=CALLBACK, kinds=["grant.released"], now=datetime.now(UTC))
    with transaction.atomic():
        assert len(endpoints(open_cursor())) == len(others) + 3
    partner.post("topupBalance", top_up())
    assert len(bodies()) == len(others) + 2


def test_the_operator_sees_whose_a_listener_is_and_cannot_take_it_over(
    client: Client, partner: Partner
) -> None:
    listener = partner.post("hub", {"callback": CALLBACK})["id"]
    operator = callers.asking(client, make_client(Scope.WEBHOOKS_WRITE))
    path = f"/webhooks/{listener}"
    assert read(operator.get(path))["owner"]
    for number, change in enumerate(
        ({"url": "https://own.example/"}, {"events": ["grant.released"]}, {"description": "TMF654 hub of me"})
    ):
        read_problem(operator.patch(path, change, once=str(number)), 409, "endpoint_owned")
    assert read(operator.patch(path, {"is_active": False}, once="off"))["disabled_reason"] == "by_hand"
    partner.refused("POST", "hub", {"callback": CALLBACK}, 409, "listener_disabled")
    read(operator.patch(path, {"is_active": True}, once="on"))
    mine = read(operator.post("/webhooks", OWN, once="own"), 201)
    assert mine["owner"] is None
    partner.refused("DELETE", f"hub/{mine['id']}", None, 404, "not_found")
    read(operator.delete(path, once="gone"))
    partner.refused("DELETE", f"hub/{listener}", None, 404, "not_found")


def test_a_listener_hears_of_each_request_once_in_the_forums_own_words(partner: Partner) -> None:
    partner.post("topupBalance", top_up(id="before"))
    listener = partner.post("hub", {"callback": CALLBACK})
    check(BALANCE, "EventSubscription", listener)
    given = partner.post("topupBalance", top_up(id="t-1", reason="Herr Meyer"))
    partner.post("topupBalance", top_up(id="t-1", reason="Herr Meyer"))
    [event] = bodies()
    check(BALANCE, "TopupBalanceCreateEvent", event)
    assert (event["eventType"], event["event"]["topupBalance"]["id"]) == ("TopupBalanceCreateEvent", "t-1")
    assert event["event"]["topupBalance"]["amount"] == given["amount"]
    assert "Meyer" not in str(event)
    bucket = partner.get("bucket?partyAccount.id=line-1&name=included")[0]
    held = partner.post("reserveBalance", {"amount": {"amount": 1, "units": "MB"}, "bucket": bucket})
    for _ in range(2):
        partner.send("DELETE", f"reserveBalance/{held['id']}", None, 204)
    partner.post("adjustBalance", top_up())
    assert [body["eventType"] for body in bodies()] == [
        "TopupBalanceCreateEvent",
        "ReserveBalanceCreateEvent",
        "ReserveBalanceCancelEvent",
        "AdjustBalanceCreateEvent",
    ]
    assert bodies()[2]["event"]["reserveBalance"]["status"] == "cancelled"


def test_a_listener_hears_only_what_it_asked_for_and_nothing_after_it_left(partner: Partner) -> None:
    listener = partner.post("hub", {"callback": CALLBACK, "query": "eventType = AdjustBalanceCreateEvent"})
    partner.post("topupBalance", top_up())
    assert bodies() == []
    partner.send("DELETE", f"hub/{listener['id']}", None, 204)
    partner.post("adjustBalance", top_up())
    assert bodies() == []
    partner.refused("DELETE", f"hub/{listener['id']}", None, 404, "not_found")


def test_a_desk_hears_how_interactions_go_on(desk: Partner) -> None:
    desk.post("hub", {"callback": CALLBACK})
    desk.post("partyInteraction", {"id": "i", "status": "opened", "reason": "bill.view"})
    desk.patch("partyInteraction/i", {"status": "completed"})
    desk.patch("partyInteraction/i", {"reason": "fault"})
    desk.patch("partyInteraction/i", {"reason": "fault"})
    heard = bodies()
    assert [body["eventType"] for body in heard] == [
        "PartyInteractionCreateEvent",
        "PartyInteractionStatusChangeEvent",
        "PartyInteractionAttributeValueChangeEvent",
    ]
    for body in heard:
        check(INTERACTION, body["eventType"], body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "callback_missing"),
        ({"callback": 5}, "callback_missing"),
        ({"callback": "http://partner.example/"}, "callback_refused"),
        ({"callback": "https://127.0.0.1/"}, "callback_refused"),
        ({"callback": "https://169.254.169.254/latest"}, "callback_refused"),
        ({"callback": "no address"}, "callback_refused"),
        ({"callback": CALLBACK, "query": "status=done"}, "query_unsupported"),
        ({"callback": CALLBACK, "query": "eventType=grant.released"}, "query_unsupported"),
        ({"callback": CALLBACK, "query": 7}, "query_unsupported"),
    ],
)
def test_a_listener_that_cannot_be_told_is_refused(partner: Partner, body: object, code: str) -> None:
    partner.refused("POST", "hub", body, 400, code)


def test_listeners_of_others_cannot_be_struck(client: Client, partner: Partner, desk: Partner) -> None:
    mine = partner.post("hub", {"callback": CALLBACK})["id"]
    webhook = add_endpoint(url=CALLBACK, kinds=["grant.released"], now=datetime.now(UTC) - timedelta(days=1))
    other = Partner(client, BALANCE, make_client(Scope.BALANCE_WRITE))
    for asking, id_ in ((other, mine), (desk, mine), (partner, webhook.endpoint.endpoint_id), (partner, "x")):
        asking.refused("DELETE", f"hub/{id_}", None, 404, "not_found")
    reader = Partner(client, BALANCE, make_client(Scope.BALANCE_READ))
    reader.refused("POST", "hub", {"callback": CALLBACK}, 403, "scope_missing")
    partner.refused("GET", "hub", None, 405, "method_not_allowed")
    partner.refused("GET", f"hub/{mine}", None, 405, "method_not_allowed")


def test_the_sandbox_lets_listen_and_never_calls(
    client: Client, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELBSTHELFER_TMF_SANDBOX", "1")
    kit = Partner(client, BALANCE)
    listener = kit.post("hub", {"callback": "http://127.0.0.1:9/listener"})
    check(BALANCE, "EventSubscription", listener)
    partner.post("topupBalance", top_up())
    kit.post("topupBalance", top_up())
    assert bodies() == []
    kit.send("DELETE", f"hub/{listener['id']}", None, 204)
    kit.refused("DELETE", f"hub/{listener['id']}", None, 404, "not_found")
    kit.refused("POST", "hub", {}, 400, "callback_missing")
