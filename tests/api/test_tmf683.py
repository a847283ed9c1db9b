"""TMF683: interactions in, contacts out, and no word of what was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from selbsthelfer.contacts.operations import ContactRow
from selbsthelfer.contacts.queries import LineContacts, contacts_of_line
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.api.callers import make_client
from tests.api.tmforum import INTERACTION, Partner, check
from tests.portal.life import Life

pytestmark = pytest.mark.django_db
STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ENDED = STARTED + timedelta(minutes=4)
PATH = "partyInteraction"


@pytest.fixture
def partner(client: Client) -> Partner:
    Life("line-1", msisdn="+491761234567").send()
    return Partner(client, INTERACTION, make_client(Scope.INTERACTION_READ, Scope.INTERACTION_WRITE))


def call(**members: Any) -> dict[str, Any]:
    """Tell of a call as the Swagger file wants it; a member that is None is left out."""
    whole = {
        "channel": [{"id": "7", "href": "/channel/7", "name": "Call Center", "role": "interaction"}],
        "direction": "inbound",
        "reason": "bill.view",
        "status": "completed",
        "description": "Herr Meyer klagt über seine Rechnung",
        "note": [{"author": "agent 7", "text": "war unfreundlich"}],
        "interactionDate": {"startDateTime": STARTED.isoformat(), "endDateTime": ENDED.isoformat()},
        "relatedParty": [
            {
                "id": "line-1",
                "role": "customer",
                "name": "Karl Meyer",
                "@referredType": "Individual",
                "href": "x",
            },
            {"id": "agent-7", "role": "agent", "name": "Susi", "@referredType": "Individual", "href": "y"},
        ],
        **members,
    }
    return {name: value for name, value in whole.items() if value is not None}


def known(line: str = "line-1") -> LineContacts:
    with transaction.atomic():
        until = datetime.now(UTC) + timedelta(days=1)
        return contacts_of_line(open_cursor(), subscriber_id_of(line), known_until=until)


def contact(line: str = "line-1") -> ContactRow:
    [only] = known(line).contacts
    return only


def test_a_call_that_has_ended_is_a_contact_that_may_count(partner: Partner) -> None:
    told = partner.post(PATH, call(id="call-1"))
    check(INTERACTION, "PartyInteraction", told)
    one = contact()
    assert (one.channel, one.direction, one.outcome, one.topic) == (
        "hotline",
        "inbound",
        "answered",
        "bill.view",
    )
    assert (one.happened_at, one.talk_seconds, one.wait_seconds) == (ENDED, 240, None)
    assert partner.get(f"{PATH}/call-1") == told
    assert told["href"] == f"http://testserver{INTERACTION}{PATH}/call-1"


def test_nothing_anybody_wrote_or_is_called_is_kept(partner: Partner) -> None:
    told = partner.post(PATH, call())
    with transaction.atomic():
        kept = open_cursor().execute("SELECT d::text FROM partners_document d").fetchall()
    for word in ("Meyer", "Karl", "Susi", "agent", "unfreundlich", "klagt", "Call Center"):
        assert word not in str(told)
        assert word not in str(kept)
    assert told["relatedParty"][0]["id"] == "line-1"
    sensitive = partner.post(PATH, call(reason="hardship"))
    assert sensitive["reason"] == "exempt"
    assert {one.topic for one in known().contacts} == {"bill.view", "hardship"}


def test_telling_twice_is_telling_once(partner: Partner) -> None:
    first = partner.post(PATH, call(id="call-1"))
    again = partner.post(PATH, call(id="call-1", description="noch einmal"))
    assert again == first
    partner.post(PATH, call(), idempotency_key="k")
    partner.post(PATH, call(), idempotency_key="k")
    assert len(known().contacts) == 2
    partner.refused("POST", PATH, call(id="call-1", direction="outbound"), 409, "id_taken")


@pytest.mark.parametrize(
    ("members", "member", "understood"),
    [
        ({"direction": "inbounds"}, "direction", "inbound"),
        ({"direction": "Out-Bound"}, "direction", "outbound"),
        ({"direction": "sideways"}, "direction", None),
        ({"direction": None}, "direction", None),
        ({"channel": [{"id": "chat"}]}, "channel", "chat"),
        ({"channel": [{"id": "9", "name": "Store"}]}, "channel", "shop"),
        ({"channel": {"id": "E-Mail"}}, "channel", "written"),
        ({"channel": [{"id": "555"}]}, "channel", None),
        ({"channel": [{"id": "chat"}, {"id": "phone"}]}, "channel", None),
        ({"channel": None}, "channel", None),
        ({"status": "abandoned"}, "outcome", "abandoned"),
        ({"status": "weird"}, "outcome", None),
        ({"status": None}, "outcome", None),
        ({"interactionDate": None}, "outcome", None),
        ({"interactionDate": {"startDateTime": "gestern"}}, "outcome", None),
        ({"interactionDate": {"startDateTime": ENDED.isoformat()}}, "talk_seconds", None),
        ({"reason": "The user wanted to buy TV"}, "topic", None),
        ({"reason": "Rechnung", "interactionItem": [{"reason": "bill.view"}]}, "topic", "bill.view"),
        ({"interactionItem": [{"item": {"id": "fault"}}]}, "topic", "fault"),
        ({"interactionItem": [{"reason": "use.view"}, {"reason": "complaint"}]}, "topic", "complaint"),
    ],
)
def test_what_cannot_be_understood_is_left_empty_so_that_it_does_not_count(
    partner: Partner, members: dict[str, Any], member: str, understood: str | None
) -> None:
    partner.post(PATH, call(**members))
    assert getattr(contact(), member) == understood


def test_the_customer_is_found_by_id_or_number_and_never_guessed(partner: Partner) -> None:
    parties: list[tuple[Any, bool]] = [
        ([{"id": "+49 176 1234567", "role": "customer"}], True),
        ([{"id": "01761234567", "role": "Subscriber"}], True),
        ([{"id": "line-1"}], True),
        ([{"id": "line-1", "role": "agent"}], False),
        ([{"id": "line-1"}, {"id": "line-2"}], False),
        ([{"id": "line-1", "role": "customer"}, {"id": "line-2", "role": "customer"}], False),
        ([{"id": "+491769999999", "role": "customer"}], False),
        (None, False),
        ("line-1", False),
    ]
    for number, (party, _) in enumerate(parties):
        told = partner.post(PATH, call(id=f"c{number}", relatedParty=party))
        assert "176" not in str(told.get("relatedParty"))
    found = {one.id.rpartition("/")[2] for one in known().contacts}
    assert found == {f"c{number}" for number, (_, is_found) in enumerate(parties) if is_found}


def test_an_interaction_waits_for_its_end_and_for_its_line(partner: Partner) -> None:
    partner.post(PATH, call(id="open", status="inProgress"))
    assert known().contacts == ()
    closed = partner.patch(f"{PATH}/open", {"status": "completed"})
    assert (closed["status"], contact().outcome, contact().topic) == ("completed", "answered", "bill.view")
    assert partner.patch(f"{PATH}/open", {"status": "completed"})["status"] == "completed"
    assert len(known().contacts) == 1
    partner.post(PATH, call(id="early", relatedParty=[{"id": "line-8", "role": "customer"}]))
    Life("line-8").send()
    assert contact("line-8").happened_at == ENDED


def test_another_topic_is_a_coding_and_nothing_else_of_a_contact_changes(partner: Partner) -> None:
    partner.post(PATH, call(id="call-1"))
    changed = partner.patch(f"{PATH}/call-1", {"reason": "fault", "description": "Susi sagt"})
    assert (changed["reason"], changed["relatedParty"][0]["id"]) == ("fault", "line-1")
    [coding] = known().codings
    assert (coding.topic, coding.contact_id, contact().topic) == (
        "fault",
        "partyInteraction/call-1",
        "bill.view",
    )
    for _ in range(2):
        assert partner.patch(f"{PATH}/call-1", {"reason": "no idea"})["reason"] == "fault"
        partner.patch(f"{PATH}/call-1", {"reason": "fault"})
    assert len(known().codings) == 1
    partner.refused("PATCH", f"{PATH}/call-1", {"direction": "outbound"}, 409, "contact_is_fact")
    partner.refused("PATCH", f"{PATH}/none", {}, 404, "not_found")
    partner.refused("DELETE", f"{PATH}/call-1", None, 405, "not_offered")


def test_a_contact_of_tomorrow_is_refused_and_changes_nothing(partner: Partner) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    partner.refused("POST", PATH, call(interactionDate={"endDateTime": tomorrow}), 400, "in_future")
    ancient = {"endDateTime": "1800-01-01T00:00:00Z"}
    partner.refused("POST", PATH, call(interactionDate=ancient), 400, "implausible_time")
    assert (known().contacts, partner.get(PATH)) == ((), [])


def test_interactions_are_listed_filtered_and_shown_under_both_addresses(
    client: Client, partner: Partner
) -> None:
    Life("line-2").send()
    other = [{"id": "line-2", "role": "customer"}]
    partner.post(PATH, call(id="a"))
    partner.post(PATH, call(id="b", relatedParty=other, direction="outbound"))
    partner.post(PATH, call(id="c", relatedParty=other))

    def ids(query: str) -> list[str]:
        return sorted(one["id"] for one in partner.get(f"{PATH}?{query}"))

    assert ids("relatedParty.id=line-2") == ["b", "c"]
    assert ids("relatedParty.id=line-2&direction=inbound") == ["c"]
    assert ids("channel.name=hotline&reason=bill.view") == ["a", "b", "c"]
    assert partner.answer("GET", f"{PATH}?limit=1").status_code == 206
    under = Partner(client, "/tmf-api/partyInteractionManagement/v4/", partner.key)
    assert under.get(f"{PATH}/a")["href"].endswith(
        "/tmf-api/partyInteractionManagement/v4/partyInteraction/a"
    )


def test_nobody_gets_in_without_the_right_key(client: Client, partner: Partner) -> None:
    nobody = Partner(client, INTERACTION)
    stranger = Partner(client, INTERACTION, make_client(Scope.BALANCE_WRITE, Scope.FACTS_WRITE))
    for method, path in (
        ("GET", PATH),
        ("POST", PATH),
        ("PATCH", f"{PATH}/a"),
        ("DELETE", f"{PATH}/a"),
        ("GET", ""),
    ):
        nobody.refused(method, path, call(), 401, "key_invalid")
        stranger.refused(method, path, call(), 403, "scope_missing")
