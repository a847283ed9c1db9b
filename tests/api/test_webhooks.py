"""The operator says where events go, and sees what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import EventKind, event_id_of
from selbsthelfer.outbox.webhooks import MAX_ENDPOINTS
from tests.api.callers import Asking, asking, make_client, read, read_problem
from tests.outbox.receiving import Receiver, deliver, receiver, tell
from tests.portal.life import now

WANTED = {"url": "https://hooks.example.com/in", "events": ["grant.released"], "description": "CRM"}


@pytest.fixture
def ask(client: Client) -> Asking:
    return asking(client, make_client(Scope.WEBHOOKS_WRITE))


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("SELBSTHELFER_WEBHOOKS_PRIVATE", "1")
    with receiver() as made:
        yield made


def add(ask: Asking, **changes: Any) -> Any:
    return read(ask.post("/webhooks", WANTED | changes, once=str(uuid4())), 201)


@pytest.mark.django_db
def test_an_endpoint_is_added_once_and_its_secret_is_told_once_and_kept_nowhere(ask: Asking) -> None:
    answer = ask.post("/webhooks", WANTED, once="a")
    made = read(answer, 201)
    assert made["secret"].startswith("whsec_")
    assert answer.headers["Cache-Control"] == "no-store"
    again = ask.post("/webhooks", WANTED, once="a")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert read(again, 201) == made | {"secret": None}
    del made["secret"]
    assert read(ask.get(f"/webhooks/{made['id']}")) == made
    assert read(ask.get("/webhooks")) == {"items": [made], "next": None}
    assert (made["events"], made["is_active"]) == (["grant.released"], True)
    with transaction.atomic():
        kept = str(open_cursor().execute("SELECT t::text FROM identity_answer t").fetchall())
        kept += str(open_cursor().execute("SELECT t::text FROM outbox_endpoint t").fetchall())
    assert made["id"] in kept
    assert "whsec" not in kept


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://hooks.example.com/"}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://a:b@hooks.example.com/"}, "/url"),
        ({"url": "https://localhost/"}, "/url"),
        ({"events": []}, "/events"),
        ({"events": ["grant.taken"]}, "/events/0"),
        ({"description": "x" * 201}, "/description"),
        ({"secret": "mine"}, "/secret"),
    ],
)
def test_what_cannot_be_is_refused_with_the_place(ask: Asking, change: dict[str, Any], pointer: str) -> None:
    answer = read(ask.post("/webhooks", WANTED | change, once="a"), 422)
    assert [fault["pointer"] for fault in answer["errors"]] == [pointer]
    assert read(ask.get("/webhooks"))["items"] == []


@pytest.mark.django_db
def test_another_scope_and_unknown_endpoints_are_refused(ask: Asking, client: Client) -> None:
    other = asking(client, make_client(Scope.LINES_READ))
    read_problem(other.get("/webhooks"), 403, "scope_missing")
    unknown = f"/webhooks/{uuid4()}"
    read_problem(ask.get(unknown), 404, "endpoint_unknown")
    read_problem(ask.patch(unknown, {}, once="a"), 404, "endpoint_unknown")
    read_problem(ask.delete(unknown, once="b"), 404, "endpoint_unknown")
    for what in ("replays", "secret-rotations", "tests"):
        read_problem(ask.post(f"{unknown}/{what}", {}, once=what), 404, "endpoint_unknown")
    for what in ("deliveries", "attempts"):
        read_problem(ask.get(f"{unknown}/{what}"), 404, "endpoint_unknown")


@pytest.mark.django_db
def test_there_is_a_limit(ask: Asking) -> None:
    for _ in range(MAX_ENDPOINTS):
        add(ask)
    read_problem(ask.post("/webhooks", WANTED, once="one-more"), 409, "too_many_endpoints")


@pytest.mark.django_db
def test_an_endpoint_is_changed_disabled_enabled_and_deleted(ask: Asking) -> None:
    path = f"/webhooks/{add(ask)['id']}"
    changed = read(ask.patch(path, {"events": [k.value for k in EventKind], "description": ""}, once="a"))
    assert (len(changed["events"]), changed["url"], changed["description"]) == (6, WANTED["url"], "")
    off = read(ask.patch(path, {"is_active": False}, once="b"))
    assert (off["is_active"], off["disabled_reason"]) == (False, "by_hand")
    read_problem(ask.post(f"{path}/tests", once="c"), 409, "endpoint_disabled")
    refused = ask.patch(path, {"is_active": True, "url": "https://127.0.0.1/"}, once="d")
    read_problem(refused, 422, "url_refused")
    assert read(ask.get(path))["is_active"] is False
    assert read(ask.patch(path, {"is_active": True}, once="e"))["disabled_reason"] is None
    assert read(ask.delete(path, once="f"))["id"] in path
    read_problem(ask.get(path), 404, "endpoint_unknown")


@pytest.mark.django_db(transaction=True)
def test_deliveries_are_listed_in_pages_with_their_attempts_and_sent_again(
    ask: Asking, there: Receiver
) -> None:
    made = add(ask, url=there.url)
    there.secrets = [made["secret"]]
    path = f"/webhooks/{made['id']}"
    there.answers = [410]
    tell(now(), "a")
    deliver(now())
    assert read(ask.get(path))["disabled_reason"] == "gone"
    read(ask.patch(path, {"is_active": True}, once="on"))
    rotated = read(ask.post(f"{path}/secret-rotations", {}, once="rotate"), 201)
    there.secrets.append(rotated["secret"])
    assert rotated["old_secret_until"] is not None
    tell(now(), "b")
    read(ask.post(f"{path}/tests", once="test"), 201)
    deliver(now())
    failed = read(ask.get(f"{path}/deliveries?state=failed"))["items"]
    assert [(d["event"], d["failure"]) for d in failed] == [(str(event_id_of("a")), "http_410")]
    listed, cursor = [], ""
    for _ in range(3):
        page = read(ask.get(f"{path}/deliveries?limit=1{cursor}"))
        listed += [d["type"] for d in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert (page["next"], listed) == (None, ["webhook.test", "grant.released", "grant.released"])
    assert read(ask.post(f"{path}/replays", {}, once="all"), 201) == {"events": 1, "is_all": True}
    one = {"event": str(event_id_of("b"))}
    assert read(ask.post(f"{path}/replays", one, once="one"), 201)["events"] == 1
    deliver(now())
    attempts = read(ask.get(f"{path}/attempts"))["items"]
    assert [a["status"] for a in attempts] == [204, 204, 204, 204, 410]
    assert there.unsigned == []
    read_problem(ask.post(f"{path}/replays", {"event": str(uuid4())}, once="no"), 404, "event_unknown")
    read_problem(ask.get(f"{path}/deliveries?cursor=x"), 400, "cursor_invalid")
