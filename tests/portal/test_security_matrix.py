"""Every address of the project against everybody who should not be there.

The addresses come from the resolver: one that stands in no row of `ROUTES` fails, and so does a row of
which there is no address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import unified_diff
from enum import StrEnum
from itertools import product
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import resolve
from pytest_django import Settings

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.activities.operations import copy_catalogue
from selbsthelfer.contacts.operations import copy_exempt_topics
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.articles.helping import ARTICLES
from selbsthelfer.portal.assets import asset_url
from selbsthelfer.portal.pages.tasks import FORMS
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import ago, prepare
from tests.portal.security_world import (
    PROGRAMME,
    Neighbour,
    everything_of,
    known_to_back_end,
    leaks,
    neighbours,
    plain_life,
    routes,
    sent_fields,
    staff,
    without_what_differs,
)
from tests.portal.task_pages import sign_in_as

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_cache")]

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HERS: Final = ("bill", "receipt", "case", "passkey")
"""Names in addresses that are of one line only: for any other there is nothing there."""


class Kind(StrEnum):
    """Who is answered."""

    EVERYBODY = "everybody"
    STRANGERS = "strangers"
    SIGNED_IN = "signed in"
    LINE = "line"
    PROVED = "line with a second proof"
    DEMO = "everybody in a demo"
    DEMO_LINE = "line in a demo"


@dataclass(frozen=True)
class Route:
    """How an address is called: with names of a line in its braces, and with what its form sends."""

    kind: Kind
    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    stranger_sees: frozenset[int] = frozenset({200})
    echoes: frozenset[str] = frozenset()

    def paths(self) -> list[str]:
        return (
            [self.path.replace("{task}", task) for task in sorted(FORMS)]
            if "{task}" in self.path
            else [self.path]
        )


EVERYBODY, STRANGERS, SIGNED_IN = Kind.EVERYBODY, Kind.STRANGERS, Kind.SIGNED_IN
LINE, PROVED = Kind.LINE, Kind.PROVED
FORM_ONLY: Final = frozenset({405})
ELSEWHERE: Final = frozenset({302})
NOTHING: Final = frozenset({404})
TYPED_NUMBER: Final = frozenset({"msisdn"})
WRITTEN: Final = {
    "text": "Guten Tag",
    "name": "Ada",
    "email": "ada@example.org",
    "postcode": "10115",
    "symptom": "data",
}
DECLARED: Final = {
    "name": "Ada",
    "contract": "{msisdn}",
    "confirm_by": "email",
    "confirm_to": "ada@example.org",
    "notice": "ordinary",
}

ROUTES: Final[Mapping[str, Route]] = {
    "sign-in": Route(STRANGERS, "/sign-in", {"number": "{msisdn}"}),
    "sign-in/code": Route(STRANGERS, "/sign-in/code", {"code": "123456"}, ELSEWHERE),
    "sign-in/code/again": Route(STRANGERS, "/sign-in/code/again", {}, FORM_ONLY),
    "sign-in/password": Route(
        STRANGERS, "/sign-in/password", {"identifier": "{msisdn}", "password": "x"}, echoes=TYPED_NUMBER
    ),
    "sign-in/forgotten": Route(EVERYBODY, "/sign-in/forgotten"),
    "sign-in/passkey": Route(STRANGERS, "/sign-in/passkey", {"credential": "{{}}"}, ELSEWHERE),
    "sign-in/second-factor": Route(STRANGERS, "/sign-in/second-factor", {"code": "123456"}, ELSEWHERE),
    "sign-in/confirm": Route(SIGNED_IN, "/sign-in/confirm", {"way": "password", "password": "x"}),
    "sign-in/refused": Route(EVERYBODY, "/sign-in/refused", {}, frozenset({403})),
    "sign-out": Route(EVERYBODY, "/sign-out"),
    "account/security": Route(LINE, "/account/security"),
    "account/password": Route(LINE, "/account/password", {"present": "x", "new": "korrekt pferd batterie"}),
    "account/email": Route(PROVED, "/account/email", {"email": "neu@example.org"}),
    "account/email/code": Route(PROVED, "/account/email/code", {"code": "123456"}),
    "account/app": Route(LINE, "/account/app", {"code": "123456"}),
    "account/app/remove": Route(LINE, "/account/app/remove"),
    "account/passkeys/add": Route(LINE, "/account/passkeys/add", {"name": "Neu", "credential": "{{}}"}),
    "account/passkeys/<int:pk>/remove": Route(LINE, "/account/passkeys/{passkey}/remove"),
    "account/recovery-codes": Route(LINE, "/account/recovery-codes"),
    "account/recovery-codes/renew": Route(LINE, "/account/recovery-codes/renew"),
    "account/sessions": Route(LINE, "/account/sessions"),
    "account/sessions/end-others": Route(LINE, "/account/sessions/end-others"),
    "account/sessions/<int:session_id>/end": Route(LINE, "/account/sessions/{session}/end"),
    "sign-in/with/<slug:provider_id>": Route(EVERYBODY, "/sign-in/with/operator", {}, NOTHING),
    "sign-in/with/<slug:provider_id>/back": Route(EVERYBODY, "/sign-in/with/operator/back", {}, NOTHING),
    "sign-in/cancelled": Route(EVERYBODY, "/sign-in/cancelled"),
    "assets/<slug:digest>/<str:name>": Route(EVERYBODY, asset_url("portal.css")),
    "manifest.webmanifest": Route(EVERYBODY, "/manifest.webmanifest"),
    "": Route(EVERYBODY, "/"),
    "offline": Route(EVERYBODY, "/offline"),
    "service-worker.js": Route(EVERYBODY, "/service-worker.js"),
    "account": Route(LINE, "/account"),
    "settings/reminders": Route(LINE, "/settings/reminders", {"kinds": "tranche_waiting"}),
    "settings/appearance": Route(LINE, "/settings/appearance", {"language": "en", "appearance": "dark"}),
    "programmes/<str:programme>": Route(EVERYBODY, "/programmes/{programme}"),
    "programmes/<str:programme>/join": Route(LINE, "/programmes/{programme}/join", {"code": "7K3M-9XQ2"}),
    "imprint": Route(EVERYBODY, "/imprint"),
    "accessibility": Route(EVERYBODY, "/accessibility"),
    "privacy": Route(EVERYBODY, "/privacy"),
    "design": Route(EVERYBODY, "/design"),
    "rewards": Route(LINE, "/rewards"),
    "rewards/credits": Route(LINE, "/rewards/credits"),
    "rewards/leave/<str:programme>": Route(LINE, "/rewards/leave/{programme}"),
    "rewards/dispute": Route(
        LINE, "/rewards/dispute?source={source}&id={source_id}", {"source": "{source}", "id": "{source_id}"}
    ),
    "bills": Route(LINE, "/bills"),
    "bills/explained": Route(LINE, "/bills/explained"),
    "bills/itemised": Route(PROVED, "/bills/itemised"),
    "bills/<str:number>.pdf": Route(LINE, "/bills/{bill}.pdf"),
    "bills/<str:number>": Route(LINE, "/bills/{bill}"),
    "bills/<str:number>/explained": Route(LINE, "/bills/{bill}/explained"),
    "bills/<str:number>/itemised": Route(PROVED, "/bills/{bill}/itemised"),
    "usage": Route(LINE, "/usage"),
    "contract": Route(LINE, "/contract"),
    "sim/codes": Route(PROVED, "/sim/codes"),
    "roaming": Route(EVERYBODY, "/roaming"),
    "network": Route(EVERYBODY, "/network"),
    "network/report": Route(LINE, "/network/report", WRITTEN),
    "diagnose": Route(LINE, "/diagnose"),
    "help": Route(EVERYBODY, "/help"),
    "help/<slug:article_id>": Route(EVERYBODY, f"/help/{next(iter(ARTICLES))}", {"helped": "yes"}),
    "contact": Route(EVERYBODY, "/contact"),
    "tasks/": Route(EVERYBODY, "/tasks/"),
    "tasks/<str:activity>": Route(
        LINE,
        "/tasks/{task}",
        {
            "confirmed": "yes",
            "street": "Neuweg",
            "house_number": "1",
            "postcode": "10115",
            "city": "Berlin",
            "iban": "DE02120300000000202051",
            "account_holder": "Berta",
            "on": "yes",
            "blocked": "yes",
            "kind": "esim",
            "when": "always",
            "to": "+4930123456",
            "number": "+4930123456",
        },
    ),
    "receipts/": Route(LINE, "/receipts/"),
    "receipts/<str:number>.pdf": Route(LINE, "/receipts/{receipt}.pdf"),
    "receipts/<str:number>": Route(LINE, "/receipts/{receipt}"),
    "panel/<str:token>": Route(EVERYBODY, "/panel/made-up", {}, NOTHING),
    "write": Route(EVERYBODY, "/write", WRITTEN),
    "complain": Route(EVERYBODY, "/complain", WRITTEN),
    "written": Route(EVERYBODY, "/written", {}, NOTHING),
    "object": Route(LINE, "/object"),
    "object/<str:number>": Route(LINE, "/object/{bill}", WRITTEN),
    "cases": Route(LINE, "/cases"),
    "cases/<str:number>": Route(LINE, "/cases/{case}", {"text": "Von Berta"}),
    "cancel": Route(EVERYBODY, "/cancel", DECLARED, echoes=TYPED_NUMBER),
    "declared.txt": Route(EVERYBODY, "/declared.txt", {}, NOTHING, echoes=TYPED_NUMBER),
    "blocked": Route(EVERYBODY, "/blocked", {}, NOTHING),
    "erased": Route(EVERYBODY, "/erased", {}, NOTHING),
    "withdraw": Route(EVERYBODY, "/withdraw", DECLARED, echoes=TYPED_NUMBER),
    "declared": Route(EVERYBODY, "/declared", {}, NOTHING, echoes=TYPED_NUMBER),
    "block-sim": Route(EVERYBODY, "/block-sim", {"number": "{msisdn}", "code": "0000"}, echoes=TYPED_NUMBER),
    "consents": Route(LINE, "/consents", {"purposes": "statistics"}),
    "export": Route(PROVED, "/export"),
    "export/file": Route(PROVED, "/export/file", echoes=TYPED_NUMBER),
    "erase": Route(PROVED, "/erase", {"is_sure": "on"}),
    "demo/inbox": Route(Kind.DEMO, "/demo/inbox"),
    "demo/clock": Route(Kind.DEMO_LINE, "/demo/clock", {"step": "activity"}),
}
"""Every address of the project."""
DRAWN_ANEW: Final = {"/account/app", "/account/passkeys/add", "/account/sessions", "/sign-in/confirm"}
"""Pages with secrets of chance or numbers of rows, alike for nobody."""
CLOSED: Final = {LINE, PROVED, SIGNED_IN, Kind.DEMO_LINE}


@pytest.fixture
def pair(settings: Settings) -> tuple[Neighbour, Neighbour]:
    settings.DEMO = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return neighbours()


def each() -> Iterator[tuple[Route, str]]:
    for route in ROUTES.values():
        for path in route.paths():
            yield route, path


def call(client: Client, method: str, route: Route, path: str, of: Neighbour, **extra: str) -> Any:
    """Call an address with what belongs to somebody, in every field that might be believed."""
    names = of.names
    # Rates are not what is tried here.
    cache.clear()
    forged = {
        "line": names["line"],
        "subscriber_id": names["line"],
        "subject": names["subject"],
        "user": names["user"],
        "user_id": names["user"],
        "receipt": names["receipt"],
        "before": datetime.now(UTC).isoformat(),
        "beyond": names["receipt"],
    }
    told = path.format(**names)
    asked = urlencode({name: names[name] for name in ("line", "subject", "receipt")})
    query = f"{'&' if '?' in told else '?'}{asked}"
    fields = {name: value.format(**names) for name, value in route.fields.items()}
    sent = {**forged, **sent_fields(**fields), **extra}
    return (
        client.generic(method, told + query)
        if method in ("PUT", "PATCH", "DELETE", "OPTIONS")
        else (client.post(told + query, sent) if method == "POST" else client.generic(method, told + query))
    )


def test_every_address_stands_in_the_table_and_nothing_else_does() -> None:
    assert {pattern for pattern, _ in routes()} == set(ROUTES)


def test_no_address_hides_another() -> None:
    """Of two patterns alike the second is never reached; two names may lead to one view."""
    reached: dict[str, object] = {}
    for pattern, found in routes():
        assert reached.setdefault(pattern, found.callback) is found.callback, pattern


def test_what_the_table_says_is_how_views_are_guarded() -> None:
    levels = {LINE: 1, PROVED: 2, Kind.DEMO_LINE: 1}
    for route, path in each():
        if "{" in route.path and "{task}" in route.path:
            continue
        view = resolve(path.format_map(_Ones()).partition("?")[0]).func
        assert getattr(view, "needs_level", None) == levels.get(route.kind), path


class _Ones(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "1"


def test_strangers_see_only_what_is_for_everybody(pair: tuple[Neighbour, Neighbour]) -> None:
    anna, _ = pair
    before, wrong = everything_of(anna), []
    for (route, path), method in product(each(), METHODS):
        stranger = Client(raise_request_exception=False)
        answer = call(stranger, method, route, path, anna)
        if route.kind is Kind.DEMO:
            continue
        wrong += [(method, path, text) for text in leaks(answer, anna, echoed=route.echoes)]
        if route.kind in CLOSED:
            is_sent_away = answer.status_code == 302 and answer["Location"].startswith("/sign-in?next=")
            if not is_sent_away and answer.status_code not in (405, 404 if method != "GET" else 405):
                wrong.append((method, path, str(answer.status_code)))
        elif answer.status_code not in (
            route.stranger_sees if method in ("GET", "HEAD") else range(200, 500)
        ):
            wrong.append((method, path, str(answer.status_code)))
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    after = everything_of(anna)
    # Whoever knows her number may ask for a code to it: that, and nothing else, is kept about her.
    asked = {"identity_code by subscriber_id", "outbox_message by subscriber_id"}
    assert {name for name in before if before[name] != after[name]} <= asked


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_nobody_reaches_what_is_of_another_line(pair: tuple[Neighbour, Neighbour], method: str) -> None:
    anna, berta = pair
    before, wrong = everything_of(anna), []
    for route, path in each():
        if route.kind is Kind.DEMO:
            continue
        browser = Client(raise_request_exception=False)
        sign_in_as(browser, berta.line)
        for _ in range(2 if method == "POST" else 1):
            answer = call(browser, method, route, path, anna)
            wrong += [(path, text) for text in leaks(answer, anna, echoed=route.echoes)]
            if answer.status_code >= 500:
                wrong.append((path, str(answer.status_code)))
            if any(f"{{{name}}}" in path for name in HERS) and answer.status_code not in (404, 405):
                wrong.append((path, str(answer.status_code)))
            if answer.status_code == 302 and answer["Location"].startswith("/"):
                followed = browser.get(answer["Location"])
                wrong += [(path, "then", text) for text in leaks(followed, anna, echoed=route.echoes)]
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert everything_of(anna) == before


def test_the_same_calls_show_anna_her_own(pair: tuple[Neighbour, Neighbour]) -> None:
    """Were the marks not on her own pages, their absence elsewhere would prove nothing."""
    anna, _ = pair
    shown: set[str] = set()
    for route, path in each():
        browser = Client()
        sign_in_as(browser, anna.line)
        answer = call(browser, "POST" if route.path == "/export/file" else "GET", route, path, anna)
        if any(f"{{{name}}}" in path for name in HERS):
            assert answer.status_code in (200, 302), path
        shown |= set(leaks(answer, anna))
    assert anna.identifiers <= shown
    assert len(shown - anna.identifiers) >= 8, shown


def test_staff_have_no_line_and_no_page_of_one(pair: tuple[Neighbour, Neighbour]) -> None:
    anna, _ = pair
    petra, before, wrong = staff(), everything_of(anna), []
    for (route, path), method in product(each(), ("GET", "POST")):
        if route.kind is Kind.DEMO:
            continue
        browser = Client(raise_request_exception=False)
        browser.force_login(petra)
        answer = call(browser, method, route, path, anna)
        wrong += [(method, path, text) for text in leaks(answer, anna, echoed=route.echoes)]
        is_closed = route.kind in CLOSED - {SIGNED_IN}
        if answer.status_code not in (403, 405) if is_closed else answer.status_code >= 500:
            wrong.append((method, path, str(answer.status_code)))
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert everything_of(anna) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_needs_a_second_proof_is_refused_without(pair: tuple[Neighbour, Neighbour], method: str) -> None:
    anna, _ = pair
    before, wrong = everything_of(anna), []
    proved = [(route, path) for route, path in each() if _needs_proof(route, path)]
    assert len(proved) >= 10
    for route, path in proved:
        for age in (None, 15 * 60 + 1):
            browser = Client(raise_request_exception=False)
            sign_in_as(browser, anna.line, level=1 if age is None else 2)
            if age is not None:
                _grow_older(browser, age)
            answer = call(browser, method, route, path, anna)
            if answer.status_code == 405:
                continue
            if answer.status_code != 302 or not answer["Location"].startswith("/sign-in/confirm?next="):
                wrong.append((path, answer.status_code))
            wrong += [(path, text) for text in leaks(answer, anna, echoed=frozenset({"bill", "receipt"}))]
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert everything_of(anna) == before


def _needs_proof(route: Route, path: str) -> bool:
    if route.path == "/tasks/{task}":
        return CATALOGUE[path.removeprefix("/tasks/")].login == 2
    return route.kind is PROVED


def _grow_older(browser: Client, seconds: float) -> None:
    session = browser.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**one, "at": one["at"] - seconds} for one in records]
    session.save()


def test_no_form_is_taken_without_its_token(pair: tuple[Neighbour, Neighbour]) -> None:
    anna, _ = pair
    before, wrong = everything_of(anna), []
    for (route, path), method in product(each(), ("POST", "DELETE")):
        for who in (None, anna) if method == "POST" else (anna,):
            browser = Client(enforce_csrf_checks=True)
            if who is not None:
                sign_in_as(browser, who.line)
            answer = call(browser, method, route, path, anna)
            if answer.status_code != 403:
                wrong.append((method, path, answer.status_code))
            browser.cookies["csrf"] = "a" * 32
            forged = call(browser, method, route, path, anna, csrfmiddlewaretoken="b" * 32)
            if forged.status_code != 403:
                wrong.append((method, path, "forged", forged.status_code))
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert everything_of(anna) == before


@pytest.mark.parametrize("language", ["de", "en"])
def test_outside_a_demo_there_is_no_inbox_and_no_clock(settings: Settings, language: str) -> None:
    settings.DEMO = False
    prepare()
    browser = Client(headers={"accept-language": language})
    plain_life("anna-line").send()
    sign_in_as(browser, LineRef.of("anna-line"))
    for client, method, path in product((browser, Client()), METHODS, ("/demo/inbox", "/demo/clock")):
        assert client.generic(method, path).status_code == 404


@pytest.mark.parametrize("language", ["de", "en"])
def test_for_a_line_in_control_every_page_is_as_if_there_were_no_programme(language: str) -> None:
    """The same line lives twice: held out of a programme, and where no programme exists."""
    held_out = _pages(language, is_in_control=True)
    untouched = _pages(language, is_in_control=False)
    for path, (status, text) in held_out.items():
        assert status == untouched[path][0], path
        told = unified_diff(untouched[path][1].splitlines(), text.splitlines(), path, n=0, lineterm="")
        assert not list(told), path
    assert len(held_out) > 100
    assert not [path for path, (_, text) in held_out.items() if "2017" in text and "o2" in text]


def _pages(language: str, *, is_in_control: bool) -> dict[str, tuple[int, str]]:
    pages = {}
    before = transaction.savepoint()
    copy_catalogue(open_cursor())
    copy_exempt_topics(open_cursor())
    life = plain_life("held-out", msisdn="+491713920055")
    for day in range(190, 0, -20):
        life.did(_noon(day), "net.diagnose")
    life.called(_noon(20), "use.view")
    if is_in_control:
        prepare()
        life.variant = "control"
        life.enrolled(_noon(200))
    life.send()
    line = LineRef.of("held-out")
    known_to_back_end(line, datetime.now(UTC), is_marked=False)
    for route, path in each():
        if "{" in path.replace("{programme}", "") or path in DRAWN_ANEW:
            continue
        browser = Client(headers={"accept-language": language})
        sign_in_as(browser, line)
        told = path.format(programme=PROGRAMME)
        fields = {name: value for name, value in route.fields.items() if "{" not in value}
        for answer in (browser.get(told), browser.post(told, sent_fields(**fields))):
            pages[f"{answer.request['REQUEST_METHOD']} {told}"] = _seen(answer)
        if answer.status_code == 302 and answer["Location"].startswith("/receipts/"):
            pages[f"after {told}"] = _seen(browser.get(answer["Location"]))
    transaction.savepoint_rollback(before)
    return pages


def _noon(days_ago: int) -> datetime:
    return ago(days_ago).replace(hour=12, minute=0, second=0, microsecond=0)


def _seen(answer: Any) -> tuple[int, str]:
    return answer.status_code, without_what_differs(answer)
