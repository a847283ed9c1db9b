"""Two neighbours: Anna, whose data are marked so that they are known again, and Berta, who wants them."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from selbsthelfer.conversations.core.cases import CaseKind
from selbsthelfer.conversations.models import Case
from selbsthelfer.conversations.operations import open_case
from selbsthelfer.identity.models import User
from selbsthelfer.identity.operations import change_email, enter
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.orders import SwitchAutomaticTopUp
from selbsthelfer.selfservice.embedded.models import EmbeddedLine, EmbeddedSim
from selbsthelfer.selfservice.embedded.operations import ensure_line, order_sim
from selbsthelfer.selfservice.operations import carry_out
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import SOURCE, Life, ago, prepare, recent_life
from tests.portal.task_pages import sign_in_as

PROGRAMME = "o2-2017"
ANNAS_NUMBER, BERTAS_NUMBER = "+491713928471", "+491713920002"

PRIVATE = {
    "name": "Annegret Merkzeichen",
    "street": "Geheimwinkelgasse",
    "house_number": "4711m",
    "city": "Verborgenhausen",
    "iban": "DE89370400440532013000",
    "account_holder": "Kontofrau Merkzeichen",
    "customer_number": "KN-merkzeichen-1",
    "contract_number": "VN-merkzeichen-2",
    "customer_code": "8351",
}
"""What the operator's systems know about Anna; the code stands nowhere but there."""
EMAIL = "annegret.merkzeichen@example.org"
TEXT = "Mein geheimer Kummer mit der Merkzeichenrechnung"
PUK, PIN = "73918264", "6402"
SECRETS = (
    *(PRIVATE[name] for name in PRIVATE if name != "customer_code"),
    PRIVATE["iban"][-6:],
    "DE89 •••• 3000",
    EMAIL,
    TEXT,
    PUK,
)
"""What no page of anybody else may hold, whatever they sent."""


@dataclass(frozen=True)
class Neighbour:
    """A line, and the names of what belongs to it as they stand in addresses and fields."""

    line: LineRef
    user: User
    names: Mapping[str, str]

    @property
    def identifiers(self) -> set[str]:
        """What is only hers among the names."""
        return {self.names[name] for name in ("bill", "receipt", "case", "source_id", "msisdn")}


def neighbours() -> tuple[Neighbour, Neighbour]:
    """Settle Anna and Berta, who take part in the same programme."""
    prepare()
    return settled("anna-line", ANNAS_NUMBER, is_marked=True), settled("berta-line", BERTAS_NUMBER)


def settled(subject: str, msisdn: str, *, is_marked: bool = False) -> Neighbour:
    """Live a line with everything a page can show: bills, tasks, contacts, cases, proofs and sessions."""
    life = recent_life(subject, msisdn=msisdn, tariff="musterfunk-m")
    contact = life.called(ago(100), "use.view")
    life.send()
    line, now = LineRef.of(subject), datetime.now(UTC)
    known_to_back_end(line, now, is_marked=is_marked)
    user = enter(subscriber_id=line.subscriber_id, now=now).user
    change_email(user=user, email=EMAIL if is_marked else "berta@example.org", now=now)
    done = carry_out(line, SwitchAutomaticTopUp(on=False), key=uuid4(), now=now)
    case = open_case(
        kind=CaseKind.MESSAGE,
        text=TEXT if is_marked else "Hallo",
        key=uuid4(),
        now=now,
        line=line.subscriber_id,
    )
    bill = the_back_end().bills(line, now=now)[0]
    passkey = Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Handy", "credential": a_credential()}
    )
    elsewhere = Client()
    sign_in_as(elsewhere, line)
    session = UserSession.objects.create(
        user=user, ip="10.1.1.1", session_key=elsewhere.session.session_key or "", user_agent="Firefox"
    )
    names = {
        "line": str(line.subscriber_id),
        "subject": subject,
        "msisdn": msisdn,
        "user": str(user.pk),
        "bill": bill.number,
        "receipt": done.receipt,
        "case": case.number,
        "source": SOURCE,
        "source_id": contact,
        "passkey": str(passkey.pk),
        "session": str(session.pk),
        "code": EmbeddedLine.objects.get(pk=line.subscriber_id).customer_code,
        "programme": PROGRAMME,
    }
    return Neighbour(line, user, names)


def a_credential() -> dict[str, Any]:
    """Make what a browser sends when it has made a passkey."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    made = AttestedCredentialData.create(b"\0" * 16, secrets.token_bytes(16), key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    data = AuthenticatorData.create(sha256(b"testserver").digest(), flags, 0, made)
    attested = AttestationObject.create("none", data, {})
    told = CollectedClientData.create("webauthn.create", secrets.token_bytes(16), "http://testserver")
    return {
        "id": websafe_encode(made.credential_id),
        "rawId": websafe_encode(made.credential_id),
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(told),
            "attestationObject": websafe_encode(attested),
        },
    }


def known_to_back_end(line: LineRef, now: datetime, *, is_marked: bool) -> None:
    """Let the embedded back end meet a line, with a second SIM on its way."""
    ensure_line(line, now=now)
    order_sim(line, is_esim=False, now=now)
    if is_marked:
        EmbeddedLine.objects.filter(pk=line.subscriber_id).update(**PRIVATE)
        EmbeddedSim.objects.filter(subscriber_id=line.subscriber_id).update(puk=PUK, pin=PIN)


def staff() -> User:
    return User.objects.create_staff("petra", "lang genug für alle")


def everything_of(one: Neighbour) -> dict[str, str]:
    """Digest all rows of a neighbour, table by table, so that any change shows."""
    digests = {}
    with transaction.atomic():
        cursor = open_cursor()
        cases = list(Case.objects.filter(number=one.names["case"]).values_list("case_id", flat=True))
        for column, value in (
            ("subscriber_id", one.line.subscriber_id),
            ("user_id", one.user.pk),
            ("case_id", cases[0] if cases else UUID(int=0)),
        ):
            tables = cursor.execute(
                "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t"
                " USING (table_schema, table_name) WHERE c.column_name = %s AND c.table_schema = 'public'"
                " AND c.data_type = 'uuid' AND t.table_type = 'BASE TABLE'",
                [column],
            ).fetchall()
            for (table,) in tables:
                (digest,) = cursor.execute(
                    f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t"  # noqa: S608
                    f" WHERE {column} = %s",  # type: ignore[arg-type]
                    [value],
                ).fetchone() or ("",)
                digests[f"{table} by {column}"] = digest
        keys = list(UserSession.objects.filter(user=one.user).values_list("session_key", flat=True))
        (sessions,) = cursor.execute(
            "SELECT count(*) FROM django_session WHERE session_key = ANY (%s)", [keys]
        ).fetchone() or (0,)
        digests["sessions"] = str(sessions)
    return digests


def leaks(response: HttpResponse, one: Neighbour, *, echoed: frozenset[str] = frozenset()) -> list[str]:
    """List what an answer shows of somebody; `echoed` are names that whoever asked had typed themselves."""
    if response.headers.get("Content-Type", "").startswith("application/pdf"):
        return ["a whole document"]
    # Where it leads repeats what was asked; all else must not.
    headers = {name: value for name, value in response.headers.items() if name != "Location"}
    shown = html.unescape(response.content.decode()) + str(headers)
    typed = {one.names[name] for name in echoed}
    return [text for text in (*SECRETS, *(one.identifiers - typed)) if text in shown]


FOR_MACHINES = ("api/", "tmf-api/", "health", "ready", "metrics")
"""What systems ask; these addresses have a table of their own in `tests/api`."""


def routes() -> Iterator[tuple[str, URLPattern]]:
    """List every address of the pages as the resolver knows it."""
    yield from (
        (told, found) for told, found in _routes(get_resolver(), "") if not told.startswith(FOR_MACHINES)
    )


def routes_for_machines() -> Iterator[tuple[str, URLPattern]]:
    """List every other address: each is in one of both lists."""
    yield from ((told, found) for told, found in _routes(get_resolver(), "") if told.startswith(FOR_MACHINES))


def _routes(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for found in resolver.url_patterns:
        if isinstance(found, URLResolver):
            yield from _routes(found, prefix + str(found.pattern))
        else:
            yield prefix + str(found.pattern), found


_FRESH = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Z](-[0-9A-Z]{4}){2,3}|[0-9-]{10}T[0-9:.]{8,15}|[0-9]{2}:[0-9]{2}"
    r'|name="csrfmiddlewaretoken" value="[^"]*"'
)


def without_what_differs(response: HttpResponse) -> str:
    """Give an answer without keys, numbers and tokens that are drawn anew each time."""
    return _FRESH.sub("…", response.content.decode())


def sent_fields(**fields: Any) -> dict[str, Any]:
    """Give fields of a form under a fresh key."""
    return {"key": str(uuid4()), **fields}


def plain_life(subject: str, **registration: object) -> Life:
    """Live a line of the tariff M that does something online now and then."""
    one = Life(subject, timezone="Europe/Berlin", billing_day=3, tariff="musterfunk-m", **registration)
    one.facts[0]["time"] = ago(300).isoformat()
    return one
