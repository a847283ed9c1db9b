"""What every answer owes to whoever reads it, and what nobody can make the pages say or do."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from selbsthelfer.identity.limits import RATES
from selbsthelfer.identity.models import Code, User
from selbsthelfer.identity.operations import set_password
from selbsthelfer.outbox.adapters.smtp import compose
from selbsthelfer.outbox.core.messages import Channel, Outgoing
from selbsthelfer.outbox.core.wordings import word_message
from selbsthelfer.outbox.models import Message
from selbsthelfer.portal.assets import find_asset
from selbsthelfer.selfservice.back_end import BackEndUnavailableError
from selbsthelfer.selfservice.back_ends import use_back_end
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from selbsthelfer.selfservice.embedded.models import EmbeddedLine
from selbsthelfer.selfservice.models import Task
from selbsthelfer.subscribers.core.lines import LineRef
from tests.identity.people import last_code, now, wrong
from tests.portal.pages import Page, Tag, read_page
from tests.portal.security_world import (
    ANNAS_NUMBER,
    BERTAS_NUMBER,
    PRIVATE,
    TEXT,
    Neighbour,
    neighbours,
    routes,
)
from tests.portal.task_pages import sign_in_as
from tests.portal.test_security_matrix import FORM_ONLY, ROUTES, Kind, each

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_cache")]

QUICK: Final = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PASSWORD, OTHER_PASSWORD = "korrekt pferd batterie", "ganz anders seit heute"
MARKUP: Final = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:7 }}{% now 'Y' %}"
EVIL: Final = (
    "//evil.example",
    "///evil.example",
    "https://evil.example/",
    "https:evil.example",
    "https:///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "%2F%2Fevil.example",
    " //evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "/home\r\nSet-Cookie: a=b",
)
STRANGE: Final = {
    "a million letters": "x" * 1_000_000,
    "zero bytes": "a\0b\0",
    "signs": "\u202eabc\u2066 🧑🏽‍🚀 %s%n{0}{key}%(x)s ' OR 1=1; DROP TABLE identity_user; --" + MARKUP,
    "digits": "9" * 400,
    "nothing": "",
}

ASKED: Final = (
    *("q", "country", "postcode", "next", "walk", "article", "before", "beyond", "on", "version", "receipt"),
    *("source", "id", "language", "passkey", "sent", "joined", "left", "done", "way", "topic"),
)
"""Every name under which an address is asked for something."""


@pytest.fixture(autouse=True)
def _quick(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = QUICK


@pytest.fixture
def anna() -> Neighbour:
    return neighbours()[0]


@pytest.fixture
def browser(anna: Neighbour) -> Client:
    client = Client(headers={"accept-language": "de"})
    sign_in_as(client, anna.line)
    return client


def path_of(path: str, of: Neighbour) -> str:
    return path.format(**of.names)


def sign_in_by_code(client: Client, number: str = ANNAS_NUMBER, **fields: str) -> Any:
    client.post(reverse("sign_in"), {"number": number, **fields})
    return client.post(reverse("sign_in_code"), {"code": last_code()})


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("account")).status_code == 200


@pytest.fixture
def only_the_number(anna: Neighbour) -> None:
    """Anna has set up nothing besides her number."""
    Authenticator.objects.filter(user=anna.user).delete()


def obeyed_inline(page: Page) -> list[Tag]:
    """List what would run or look differently by the page's own text; data for scripts does neither."""
    return [
        tag
        for tag in page.tags
        if tag.name in {"style", "iframe", "object", "embed", "base", "frame"}
        or (tag.name == "script" and not {"src", "type"} & tag.attributes.keys())
        or (tag.name == "script" and tag.attributes.get("type", "application/json") != "application/json")
        or any(name == "style" or name.startswith(("on", "hx-on")) for name in tag.attributes)
        or tag.attributes.get("href", "").lower().strip().startswith(("javascript:", "data:"))
    ]


# What every answer carries


@pytest.mark.parametrize("is_known", [True, False])
def test_every_answer_is_protected(settings: Settings, anna: Neighbour, is_known: bool) -> None:
    settings.DEMO = True
    for route, path in each():
        client = Client()
        if is_known:
            sign_in_as(client, anna.line)
        method = client.post if route.path == "/export/file" else client.get
        answer = method(path_of(path, anna), {"key": str(uuid4())} if method == client.post else {})
        assert answer["X-Content-Type-Options"] == "nosniff", path
        assert answer["X-Frame-Options"] == "DENY", path
        # The panel's address holds its key: it is told to nobody at all.
        is_panel = path.startswith("/panel/")
        assert answer["Referrer-Policy"] == ("no-referrer" if is_panel else "same-origin"), path
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin", path
        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", path
        allowed = {policy.get(part, "'none'") for part in ("script-src", "style-src", "form-action")}
        assert allowed == {"'self'"} or (is_panel and allowed == {"'self'", "'none'"}), path
        is_for_all = path.startswith(("/assets/", "/service-worker.js"))
        assert is_for_all or "no-store" in answer["Cache-Control"], path
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.content:
            assert not obeyed_inline(read_page(answer.content.decode())), path


def test_errors_are_protected_too(anna: Neighbour) -> None:
    strict = Client(enforce_csrf_checks=True)
    answers = [
        strict.get("/nowhere"),
        strict.post("/write"),
        strict.get("/", HTTP_HOST="evil.example"),
        Client().put("/imprint"),
    ]
    assert [answer.status_code for answer in answers] == [404, 403, 400, 405]
    for answer in answers:
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer["Cache-Control"]


def test_scripts_of_ours_make_no_code_out_of_text() -> None:
    script = find_asset("portal.js").content.decode() + find_asset("service-worker.js").content.decode()
    for word in ("innerHTML", "outerHTML", "document.write", "eval(", "new Function", "insertAdjacentHTML"):
        assert word not in script


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil", "testserver:x", ""]
)
def test_a_made_up_host_is_refused_and_never_repeated(host: str) -> None:
    for path in ("/", "/sign-in", "/manifest.webmanifest"):
        answer = Client(raise_request_exception=False).get(path, HTTP_HOST=host)
        assert answer.status_code == 400
        assert b"evil" not in answer.content
    forwarded = Client().get("/account", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil" not in forwarded["Location"]


# Where one is sent


@pytest.mark.usefixtures("only_the_number")
@pytest.mark.parametrize("target", EVIL)
def test_nobody_is_led_to_another_site(anna: Neighbour, target: str) -> None:
    set_password(user=anna.user, password=PASSWORD, now=now())
    ways = []
    cache.clear()
    client = Client()
    ways.append(sign_in_by_code(client, next=target))
    ways.append(client.get(reverse("sign_in"), {"next": target}))
    client.post(reverse("confirm"), {"way": "send", "next": target})
    sent = {"way": "password", "password": PASSWORD, "next": target}
    ways.append(client.post(reverse("confirm"), sent))
    ways.append(client.post(reverse("sign_out"), {"next": target}))
    by_password = {"identifier": ANNAS_NUMBER, "password": PASSWORD, "next": target}
    ways.append(Client().post(reverse("sign_in_password"), by_password))
    ways.append(Client().get(reverse("mfa_login_webauthn"), {"next": target}))
    for answer in ways:
        assert answer.status_code == 302
        assert "evil" not in answer["Location"].partition("?")[0]
        assert urlsplit(answer["Location"]).netloc == ""
        assert answer["Location"].startswith("/")
        assert "\\" not in answer["Location"]
        assert "a" not in answer.cookies


# Sessions


@pytest.mark.usefixtures("only_the_number")
def test_a_session_given_from_outside_is_not_the_one_that_is_signed_in(anna: Neighbour) -> None:
    client, thief = Client(), Client()
    client.cookies["session"] = "a" * 32
    client.post(reverse("sign_in"), {"number": ANNAS_NUMBER})
    planted = client.session.session_key
    assert planted != "a" * 32
    client.post(reverse("sign_in_code"), {"code": last_code()})
    assert is_signed_in(client)
    for key in ("a" * 32, planted or ""):
        thief.cookies["session"] = key
        assert not is_signed_in(thief)


@pytest.mark.usefixtures("only_the_number")
def test_a_session_ends_when_signed_out_and_when_the_password_changes_elsewhere(anna: Neighbour) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        sign_in_by_code(client)
        assert is_signed_in(client)
    here.post(reverse("change_password"), {"new": PASSWORD})
    assert is_signed_in(here)
    assert not is_signed_in(there)
    key = here.cookies["session"].value
    here.post(reverse("sign_out"))
    old = Client()
    old.cookies["session"] = key
    assert not is_signed_in(old)


def test_whoever_has_a_stolen_session_cannot_make_themselves_a_second_proof(anna: Neighbour) -> None:
    """A passkey and a password, both made in a session that proved one thing, would sign in and confirm."""
    thief = Client()
    sign_in_as(thief, anna.line, level=1)
    session = thief.session
    (record,) = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**record, "at": record["at"] - 20 * 60}]
    session.save()
    assert thief.post(reverse("change_password"), {"new": PASSWORD})["Location"].startswith(
        "/sign-in/confirm"
    )
    assert not User.objects.get(pk=anna.user.pk).has_usable_password()


# Codes


def test_five_wrong_guesses_end_a_code_however_they_are_made(anna: Neighbour) -> None:
    client = Client()
    client.post(reverse("sign_in"), {"number": ANNAS_NUMBER})
    code, session = last_code(), client.cookies["session"].value
    for guess in range(5):
        other = Client(REMOTE_ADDR=f"10.0.0.{guess}", HTTP_X_FORWARDED_FOR=f"10.9.9.{guess}")
        other.cookies["session"] = session
        assert other.post(reverse("sign_in_code"), {"code": wrong(code)}).status_code == 422
    assert client.post(reverse("sign_in_code"), {"code": code}).status_code == 422
    assert not is_signed_in(client)


def test_a_code_opens_only_the_line_and_the_purpose_it_was_sent_for(anna: Neighbour) -> None:
    bertas, annas = Client(), Client()
    annas.post(reverse("sign_in"), {"number": ANNAS_NUMBER})
    of_anna = last_code()
    bertas.post(reverse("sign_in"), {"number": BERTAS_NUMBER})
    if of_anna != last_code():
        assert bertas.post(reverse("sign_in_code"), {"code": of_anna}).status_code == 422
    session = bertas.session
    mine = session["sign_in"]
    # Even with the number of another line beside it, the id of the code decides whose it is.
    session["sign_in"] = {**mine, "number": ANNAS_NUMBER}
    session.save()
    bertas.post(reverse("sign_in_code"), {"code": last_code()})
    assert bertas.get("/export").status_code == 302
    assert Code.objects.get(used_at__isnull=False).subscriber_id == LineRef.of("berta-line").subscriber_id


def test_a_forged_address_gets_nobody_more_tries(
    anna: Neighbour, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, "code_from_address", "2/10m/ip")
    statuses = [
        Client(
            HTTP_X_FORWARDED_FOR=f"10.0.0.{n}", HTTP_X_REAL_IP=f"10.0.0.{n}", HTTP_FORWARDED=f"for=10.0.0.{n}"
        )
        .post(reverse("sign_in"), {"number": f"+4917139200{n:02d}"})
        .status_code
        for n in range(10, 14)
    ]
    assert statuses == [302, 302, 429, 429]
    cache.clear()
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    behind = [
        Client(HTTP_X_FORWARDED_FOR=f"10.0.0.{n}, 192.0.2.7")
        .post(reverse("sign_in"), {"number": f"+4917139200{n:02d}"})
        .status_code
        for n in range(20, 24)
    ]
    assert behind == [302, 302, 429, 429]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/sign-in", {"number": "{}"}),
        ("/sign-in/password", {"identifier": "{}", "password": "falsch falsch"}),
        ("/block-sim", {"number": "{}", "code": "0000"}),
    ],
)
def test_a_number_that_is_nobodys_gets_the_same_answer(
    anna: Neighbour, path: str, fields: dict[str, str], queries: list[str]
) -> None:
    seen = []
    for number in ("+491713928400", ANNAS_NUMBER, "+491713928499", ANNAS_NUMBER):
        client = Client()
        client.get(path)
        queries.clear()
        answer = client.post(
            path, {name: value.format(number) for name, value in fields.items()} | {"key": str(uuid4())}
        )
        text = re.sub(r'value="[^"]*"', "", answer.content.decode()).replace(number, "")
        seen.append((answer.status_code, answer.headers.get("Location"), text, len(queries)))
    assert seen[0][:3] == seen[1][:3] == seen[2][:3]
    # The first of all cleans up; after that both cost about the same.
    assert abs(seen[2][3] - seen[3][3]) <= 2, seen[2][3:] + seen[3][3:]


def test_a_customer_code_cannot_be_guessed(anna: Neighbour) -> None:
    def block(code: str, address: str) -> Any:
        sent = {"number": ANNAS_NUMBER, "code": code, "key": str(uuid4())}
        return Client(REMOTE_ADDR=address).post("/block-sim", sent)

    for guess in range(5):
        assert b"passen nicht zusammen" in block(f"000{guess}", f"10.1.1.{guess}").content
    assert b"Zu viele Versuche" in block(PRIVATE["customer_code"], "10.1.1.9").content
    assert not Task.objects.filter(activity="sim.block").exists()


class _Unreachable(EmbeddedBackEnd):
    def is_customer_code(self, line: LineRef, code: str) -> bool:  # noqa: ARG002
        raise BackEndUnavailableError


def test_where_the_code_cannot_be_checked_a_person_is_named(anna: Neighbour) -> None:
    sent = {"number": ANNAS_NUMBER, "code": "0000", "key": str(uuid4())}
    with use_back_end(_Unreachable()):
        answer = Client(raise_request_exception=False).post("/block-sim", sent)
    assert b"116" in answer.content
    assert not Task.objects.filter(activity="sim.block").exists()


# What is typed


def names_of_fields() -> dict[str, str]:
    """Give every name under which a form of the table is sent something."""
    named = {name: "x" for route in ROUTES.values() for name in route.fields}
    extra = (
        "missing",
        "helped",
        "wanted",
        "chosen_topic",
        "reason",
        "ends_on",
        "ordered_on",
        "walk",
        "topic",
    )
    return {
        **named,
        **dict.fromkeys(("iccid", "tariff", "option", "seconds", "addition", "next", *extra), "x"),
    }


@pytest.mark.parametrize("kind", STRANGE)
def test_no_text_breaks_a_page(anna: Neighbour, settings: Settings, kind: str) -> None:
    settings.DEMO = True
    strange, broken = STRANGE[kind], []
    names = names_of_fields()
    asked = dict.fromkeys(ASKED, strange[:3_000])
    for route, path in each():
        for is_known in (True, False) if route.kind in (Kind.EVERYBODY, Kind.STRANGERS) else (True,):
            cache.clear()
            client = Client(raise_request_exception=False)
            if is_known:
                sign_in_as(client, anna.line)
            sent = {"key": str(uuid4()), **dict.fromkeys(names, strange)}
            # What only chooses between forms keeps its sense, so that the texts are looked at.
            sent |= {
                name: value for name, value in route.fields.items() if name in ("way", "step", "confirmed")
            }
            told = path_of(path, anna)
            posted = (
                client.post(told, sent) if len(strange) < 10_000 else _post_one_by_one(client, told, sent)
            )
            got = client.get(told, asked)
            broken += [(told, answer.status_code) for answer in (posted, got) if answer.status_code >= 500]
    assert not broken


def _post_one_by_one(client: Client, path: str, sent: dict[str, str]) -> Any:
    """Send one field of a million letters, since a whole form of them is refused before it is read."""
    name = next(
        (n for n in ("text", "number", "name", "code", "password", "street", "iban") if n in sent), "text"
    )
    return client.post(
        path, {**dict.fromkeys(sent, "x"), "key": str(uuid4()), name: sent[name], "new": sent[name]}
    )


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/write", ("text", "name", "email")),
        ("/complain", ("text", "name")),
        ("/cancel", ("name", "contract", "confirm_to")),
        ("/block-sim", ("number", "code")),
        ("/sign-in", ("number",)),
        ("/sign-in/password", ("identifier", "password")),
        ("/tasks/acc.address", ("street", "postcode", "city")),
        ("/network/report", ("text", "postcode", "symptom")),
    ],
)
def test_a_million_letters_are_refused(anna: Neighbour, path: str, fields: tuple[str, ...]) -> None:
    route = next(route for route, known in each() if known == path)
    sound = {name: value.format(**anna.names) for name, value in route.fields.items()}
    for field in fields:
        client = Client()
        if route.kind is Kind.LINE:
            sign_in_as(client, anna.line)
        answer = client.post(path, {**sound, "key": str(uuid4()), field: "x" * 1_000_000})
        assert 400 <= answer.status_code < 500, (field, answer.status_code)
    assert Client().post(path, {"text": "x" * 3_000_000}).status_code in (302, 400)


@pytest.mark.parametrize(
    "strange",
    ["%00", "a%00b", "..%2f..%2fetc%2fpasswd", "%2e%2e", "x" * 5_000, "%F0%9F%A7%91", "%ff%fe", "'--"],
)
def test_no_address_breaks_a_page(anna: Neighbour, browser: Client, strange: str) -> None:
    browser.raise_request_exception = False
    tried = 0
    for pattern, _ in routes():
        if "<" not in pattern:
            continue
        told = "/" + re.sub(r"<[^>]+>", strange, pattern)
        for method in ("GET", "POST"):
            answer = browser.generic(
                method,
                told,
                f"key={uuid4()}&text=x&code=7K3M9XQ2" if method == "POST" else "",
                "application/x-www-form-urlencoded",
            )
            assert answer.status_code in (302, 404, 405), (told[:80], answer.status_code)
            if answer.status_code == 302:
                assert "/sign-in" in answer["Location"] or "done=" in answer["Location"]
            tried += 1
    assert tried > 20


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../settings.py",
        "/assets/x/..%2f..%2fsettings.py",
        "/assets/x/portal.css%00",
        "/assets/x/%2e%2e%2fportal.js",
    ],
)
def test_no_file_but_ours_is_served(path: str) -> None:
    assert Client().get(path).status_code == 404


def test_markup_is_shown_and_never_obeyed(anna: Neighbour, browser: Client) -> None:
    """What was typed anywhere stands escaped wherever it is shown again."""
    EmbeddedLine.objects.filter(pk=anna.line.subscriber_id).update(
        name=MARKUP, street=MARKUP, city=MARKUP, account_holder=MARKUP, addition=MARKUP
    )
    browser.post("/write", {"text": MARKUP, "key": str(uuid4())})
    browser.post("/complain", {"text": MARKUP, "wanted": MARKUP, "key": str(uuid4())})
    browser.post(path_of("/cases/{case}", anna), {"text": MARKUP, "key": str(uuid4())})
    article = next(path for _, path in each() if path.startswith("/help/"))
    browser.post(article, {"helped": "no", "missing": MARKUP})
    declared = {
        "name": MARKUP[:100],
        "contract": MARKUP[:100],
        "confirm_by": "post",
        "confirm_to": MARKUP[:100],
    }
    declared |= {"notice": "extraordinary", "reason": MARKUP, "key": str(uuid4())}
    assert browser.post("/cancel", declared).status_code == 302
    paths = [path_of(path, anna) for route, path in each() if route.stranger_sees != FORM_ONLY]
    paths += ["/declared", f"/contact?article={article.removeprefix('/help/')}"]
    paths += [f"/write?article={article.removeprefix('/help/')}"]
    paths += [f"{path}?{name}={MARKUP}" for path in paths for name in ("q", "joined") if "?" not in path][:60]
    paths += [f"/roaming?country={MARKUP}", f"/network?postcode={MARKUP}", f"/sign-in/confirm?next={MARKUP}"]
    paths += [reverse("case", args=[number]) for number in _cases(anna)]
    shown = 0
    for path in paths:
        answer = browser.get(path)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        html = answer.content.decode()
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
        assert "14" + "2026" not in html, path
        shown += "&lt;script&gt;alert" in html
    assert shown >= 8
    for number in (anna.names["bill"],):
        document = browser.get(reverse("bill_pdf", args=[number]))
        assert document.content.startswith(b"%PDF")
        assert b"/JavaScript" not in document.content


def _cases(anna: Neighbour) -> list[str]:
    from selbsthelfer.conversations.models import Case

    return list(Case.objects.filter(subscriber_id=anna.line.subscriber_id).values_list("number", flat=True))


def test_no_text_gets_into_the_head_of_a_mail(anna: Neighbour) -> None:
    evil = "Ada\r\nBcc: all@evil.example\r\n\r\nHallo"
    declared = {
        "name": evil,
        "contract": evil,
        "confirm_by": "email",
        "notice": "extraordinary",
        "reason": evil,
    }
    for confirm_to in (
        "ada@example.org",
        "ada@example.org\r\nBcc: all@evil.example",
        "a@b.example, c@d.example",
    ):
        sent = {**declared, "confirm_to": confirm_to, "key": str(uuid4())}
        Client().post("/cancel", sent)
    Client().post("/write", {"text": evil, "name": evil, "email": "ada@example.org", "key": str(uuid4())})
    written = list(Message.objects.filter(channel=Channel.EMAIL.value))
    assert written
    for message in written:
        worded = word_message(message.kind, message.content, base_url="https://portal.example")
        outgoing = Outgoing(
            reference=message.key,
            channel=Channel.EMAIL,
            to=message.address or "",
            subject=worded.subject,
            text=worded.text,
            letter=worded.letter,
            created_at=message.created_at,
        )
        mail = compose(outgoing, "Musterfunk <hallo@musterfunk.example>")
        head = mail.as_bytes().partition(b"\n\n")[0].lower()
        assert b"bcc" not in head
        assert b"all@evil" not in head
        assert mail.get_content_type() == "text/plain"


def test_nobody_is_flooded_with_confirmations_and_nobody_is_kept_from_declaring(anna: Neighbour) -> None:
    declared = {"name": "Ada", "contract": "1", "confirm_to": "ada@example.org", "notice": "ordinary"}

    def cancel(confirm_by: str, address: str) -> int:
        sent = {**declared, "confirm_by": confirm_by, "key": str(uuid4())}
        return Client(REMOTE_ADDR=address).post("/cancel", sent).status_code

    assert [cancel("email", f"10.2.2.{n}") for n in range(6)] == [302] * 5 + [429]
    assert Message.objects.filter(address="ada@example.org").count() == 5
    assert cancel("post", "10.2.2.9") == 302


def test_one_key_for_two_declarations_is_no_error(anna: Neighbour) -> None:
    key = str(uuid4())
    declared = {
        "name": "Ada",
        "contract": "1",
        "confirm_by": "post",
        "confirm_to": "Weg 1",
        "notice": "ordinary",
    }
    answers = [
        Client(raise_request_exception=False).post(path, {**declared, "key": key}).status_code
        for path in ("/cancel", "/withdraw", "/cancel")
    ]
    assert max(answers) < 500


# What is handed out and written down


def test_an_export_holds_ones_own_and_no_secret(anna: Neighbour, browser: Client) -> None:
    Client().post(reverse("sign_in"), {"number": ANNAS_NUMBER})
    code = last_code()
    Client().post(reverse("sign_in"), {"number": BERTAS_NUMBER})
    answer = browser.post("/export/file", {"key": str(uuid4())})
    told = json.loads(answer.content)
    text = answer.content.decode()
    assert answer["Content-Disposition"].startswith("attachment")
    assert TEXT in text
    assert "berta" not in text
    assert BERTAS_NUMBER not in text
    assert f'"code": "{code}"' not in text
    assert not re.search(r"pbkdf2|md5\$|credential|session_key", text)
    assert set(told) >= {"conversations", "messages", "access"}


@pytest.mark.usefixtures("only_the_number")
def test_nothing_about_anybody_is_logged(anna: Neighbour, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django.request")
    client = Client()
    client.post(reverse("sign_in"), {"number": ANNAS_NUMBER})
    first = last_code()
    client.post(reverse("sign_in_code"), {"code": wrong(first)})
    client.post(reverse("sign_in_code"), {"code": first})
    client.post(reverse("confirm"), {"way": "send"})
    second = last_code("second_proof_code")
    client.post(reverse("confirm"), {"way": "code", "code": second})
    client.post("/write", {"text": TEXT, "key": str(uuid4())})
    client.post("/tasks/call.forward", {"when": "always", "to": "+4930123456", "key": str(uuid4())})
    client.post(reverse("change_password"), {"new": PASSWORD})
    client.get("/nowhere/at/all")
    Client(enforce_csrf_checks=True).post("/sign-in", {"number": ANNAS_NUMBER})
    logged = "\n".join(record.getMessage() + str(record.args) for record in caplog.records)
    assert "Not Found" in logged
    personal = (
        ANNAS_NUMBER[3:],
        first,
        second,
        TEXT,
        PASSWORD,
        "30123456",
        PRIVATE["name"],
        PRIVATE["street"],
    )
    assert [text for text in personal if text in logged] == []
