"""What strangers want from the API: Anna's line, whose values are known again; and the wrong keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import uuid4

from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from selbsthelfer.identity.clients import add_client, revoke_keys, rotate_key
from selbsthelfer.identity.core.keys import new_key
from selbsthelfer.identity.core.line_tokens import LineToken
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import write_token
from selbsthelfer.identity.models import User
from selbsthelfer.outbox.webhooks import add_endpoint, send_test
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.api.callers import make_client
from tests.api.life import eventful_life
from tests.api.tmforum import BALANCE, INTERACTION, Partner
from tests.portal.life import ago, prepare
from tests.portal.task_pages import sign_in_as

ANNA, BERTA = "anna-merkzeichen-line", "berta-line"
PROGRAMME: Final = "o2-2017"
NUMBER: Final = "+491713928471"
KUMMER: Final = "Mein geheimer Kummer"
MIN_CHARACTERS, MIN_FIGURE = 7, 10_000
"""Shorter texts and smaller numbers stand in any answer by chance."""
OF_A_LINE: Final = ("partners_document", "outbox_endpoint", "outbox_event", "outbox_delivery")
"""Tables of which every row is what strangers want, beside those that name a line."""

_WORD: Final = re.compile(r"(?!.*merkzeichen)[A-Za-z._-]+", re.IGNORECASE)
"""A word of ours or of TM Forum's, which may stand in any answer."""
_ADDRESSES = count(1)


def fresh_address() -> str:
    """Give an address of the network that has sent no wrong key yet, and is not this machine."""
    number = next(_ADDRESSES)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True)
class World:
    """Names of what there is, as they stand in addresses; and every value that is of Anna's line only."""

    names: Mapping[str, str]
    private: frozenset[str]


@dataclass(frozen=True)
class Identity:
    """Somebody who asks: what they send, and what a route that is not open answers them."""

    name: str
    headers: Mapping[str, str]
    client: Client


def settle() -> World:
    """Let Anna and Berta live, and leave a document of each kind of Anna's."""
    prepare()
    life = eventful_life(ANNA, msisdn=NUMBER, tariff="merkzeichen-tarif", included_bytes=5_000_471_117)
    life.add("usage.recorded", ago(0.3), {"bytes": 123_456_789})
    life.add(
        "courtesy.granted", ago(0.2), {"bytes": 500_123_457, "reason": KUMMER, "by": "agent-merkzeichen"}
    )
    life.send()
    eventful_life(BERTA, msisdn="+491713920002", tariff="M").send()
    names = {"line": ANNA, "programme": PROGRAMME} | _documents()
    return World(names, private_values())


def _documents() -> dict[str, str]:
    """Ask by TM Forum's APIs for one of each, about Anna's line, and add an endpoint with a delivery."""
    key = make_client(name="partner-of-anna")
    balance, interaction = Partner(Client(), BALANCE, key), Partner(Client(), INTERACTION, key)
    account: dict[str, object] = {"partyAccount": {"id": ANNA}}
    amount = {"amount": 4_711_001, "units": "octets"}
    [bucket, *_] = balance.get(f"bucket?partyAccount.id={ANNA}&status=active")
    account["bucket"] = {"id": bucket["id"]}
    made = {
        kind: balance.post(kind, {"id": f"{kind}-merkzeichen", "amount": amount, **account})["id"]
        for kind in ("topupBalance", "adjustBalance", "reserveBalance")
    }
    [sums] = balance.get(f"accumulatedBalance?partyAccount.id={ANNA}")
    made |= {"bucket": bucket["id"], "accumulatedBalance": sums["id"]}
    made["partyInteraction"] = interaction.post("partyInteraction", told_interaction("call-merkzeichen"))[
        "id"
    ]
    for name, partner in (("balance_hub", balance), ("interaction_hub", interaction)):
        made[name] = partner.post("hub", {"callback": f"https://merkzeichen.example.com/{name}"})["id"]
    now = datetime.now(UTC)
    endpoint = add_endpoint(
        url="https://merkzeichen.example.com/in", kinds=["grant.released"], description="Merkzeichen", now=now
    ).endpoint.endpoint_id
    return made | {"webhook": str(endpoint), "event": str(send_test(endpoint_id=endpoint, now=now))}


def told_interaction(id_: str, line: str = ANNA) -> dict[str, Any]:
    """Tell of a call by TMF683."""
    return {
        "id": id_,
        "channel": [{"id": "7", "name": "Call Center", "role": "interaction"}],
        "direction": "inbound",
        "reason": "bill.view",
        "status": "completed",
        "description": KUMMER,
        "interactionDate": {"startDateTime": ago(3).isoformat(), "endDateTime": ago(2.99).isoformat()},
        "relatedParty": [{"id": line, "role": "customer", "@referredType": "Individual"}],
    }


def private_values() -> frozenset[str]:
    """Gather every value in the database that stands in rows of Anna's and in none of Berta's."""
    berta = str(subscriber_id_of(BERTA))
    hers, others = set[str](), set[str]()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, bool_or(column_name = 'subscriber_id') FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY 1"
        )
        for table, is_of_lines in cursor.fetchall():
            if not is_of_lines and table not in OF_A_LINE:
                continue
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")  # noqa: S608
            for (text,) in cursor.fetchall():
                row = json.loads(text)
                found = set(_texts(row))
                (others if row.get("subscriber_id") == berta else hers).update(found)
    return frozenset(hers - others - {PROGRAMME}) | {NUMBER, ANNA, KUMMER}


def _texts(value: Any) -> Iterator[str]:
    """List the texts and figures in a value that are long enough to be known again."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str) and len(value) >= MIN_CHARACTERS and _WORD.fullmatch(value) is None:
        yield value
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= MIN_FIGURE:
        yield str(abs(value))


def leaks(answer: HttpResponse, private: frozenset[str]) -> list[str]:
    """List the private values that stand in an answer or its headers."""
    shown = answer.content.decode(errors="replace") + str(dict(answer.headers))
    return sorted(value for value in private if value in shown)


def token_of(subject: str, *, client: str = "app-server", seconds: int = 300) -> str:
    return write_token(LineToken(client, subject, datetime.now(UTC) + timedelta(seconds=seconds)))


def strangers() -> list[Identity]:
    """List everybody to whom no closed route may open; the cookie of a page opens nothing here."""
    now = datetime.now(UTC)
    revoked = make_client(name="revoked")
    revoke_keys(name="revoked", now=now)
    rotated_out = make_client(name="rotated")
    rotate_key(name="rotated", overlap=timedelta(), now=now)
    good = make_client(name="app-server")
    make_client(name="gone-server")
    orphan = token_of(ANNA, client="gone-server")
    revoke_keys(name="gone-server", now=now)
    add_client(name="no-tokens", scopes=[Scope.LINES_READ], requests_per_minute=600, now=now)
    own = token_of(ANNA)
    bearers: Mapping[str, str] = {
        "garbage": "Bearer garbage",
        "unknown key": f"Bearer {new_key()}",
        "mistyped key": f"Bearer {good[:-1]}{'a' if good[-1] != 'a' else 'b'}",
        "revoked key": f"Bearer {revoked}",
        "rotated-out key": f"Bearer {rotated_out}",
        "key of no scheme": good,
        "key as password": f"Basic {good}",
        "expired token": f"Bearer {token_of(ANNA, seconds=-1)}",
        "altered token": f"Bearer {own[:-2]}",
        "token of a client that is gone": f"Bearer {orphan}",
        "token of a client that may make none": f"Bearer {token_of(ANNA, client='no-tokens')}",
    }
    found = [Identity(name, {"authorization": bearer}, Client()) for name, bearer in bearers.items()]
    signed_in, staff = Client(), Client()
    sign_in_as(signed_in, LineRef.of(ANNA))
    staff.force_login(User.objects.create_staff("petra", "lang genug für alle"))
    return [
        Identity("nobody", {}, Client()),
        *found,
        Identity("her own session", {}, signed_in),
        Identity("a session of staff", {}, staff),
    ]


def with_scopes(*scopes: Scope) -> Identity:
    """Give a client with a key for just these."""
    key = make_client(*scopes)
    return Identity(f"key for {' '.join(scopes)}", {"authorization": f"Bearer {key}"}, Client())


def with_token(subject: str) -> Identity:
    """Give an app with a token for one line, made by a client that may do everything."""
    name = f"maker-{next(_ADDRESSES)}"
    make_client(name=name)
    return Identity(
        f"token of {subject}", {"authorization": f"Bearer {token_of(subject, client=name)}"}, Client()
    )


def ask(
    who: Identity, method: str, path: str, names: Mapping[str, str], *, body: object = None, **headers: str
) -> HttpResponse:
    """Ask as somebody, from an address of its own, about what is named in the braces of a path."""
    fresh = {**names, "fresh": str(uuid4()), "now": datetime.now(UTC).isoformat()}
    sent = {"idempotency-key": str(uuid4()), **who.headers}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer: Any = who.client.generic(
        method,
        path.format_map(names),
        b"" if body is None else json.dumps(filled(body, fresh)).encode(),
        content_type="application/json",
        headers=sent,
        REMOTE_ADDR=fresh_address(),
    )
    return answer


def filled(body: object, names: Mapping[str, str]) -> object:
    """Give a body with the names that stand in braces in its texts."""
    if isinstance(body, dict):
        return {member: filled(value, names) for member, value in body.items()}
    if isinstance(body, list):
        return [filled(value, names) for value in body]
    return body.format_map(names) if isinstance(body, str) else body
