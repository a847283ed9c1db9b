from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.test import Client

from selbsthelfer.portal import views
from selbsthelfer.portal.guarding import CONTENT_SECURITY_POLICY, is_from_this_machine
from selbsthelfer.portal.presenting import MAX_CONTACTS
from tests.portal.life import Life, prepare, varied
from tests.portal.pages import Page, assert_sound, read_page

pytestmark = pytest.mark.django_db

MAX_PAGE_BYTES = 60_000
MAX_QUERIES = 8
LANGUAGES = ("de", "en")


@pytest.fixture(autouse=True)
def no_word_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a template does not find becomes a mark that no page may show."""
    backend = engines["django"]
    assert isinstance(backend, DjangoTemplates)
    monkeypatch.setattr(backend.engine, "string_if_invalid", "MISSING(%s)")


def now() -> datetime:
    return datetime.now(UTC)


def ago(days: float) -> datetime:
    return now() - timedelta(days=days)


def life(
    subject: str = "line", *, days: int = 200, variant: str = "treatment", **registration: object
) -> Life:
    """Live a line that was enrolled some days ago, and is active and called now and then."""
    one = Life(subject, variant=variant, timezone="Europe/Berlin", billing_day=3, **registration)
    one.facts[0]["time"] = ago(days + 100).isoformat()
    one.enrolled(ago(days))
    for day in range(days - 1, 0, -20):
        one.did(ago(day), "net.diagnose")
    return one


def open_page(client: Client, path: str, language: str = "de", status: int = 200) -> Page:
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == status
    assert response["Content-Language"] == language
    assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response["Cache-Control"] == "no-store"
    assert len(response.content) <= MAX_PAGE_BYTES
    html = response.content.decode()
    assert "MISSING" not in html
    page = read_page(html)
    assert_sound(page)
    assert page.named("html") == [{"lang": language}]
    return page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_tells_stages_contacts_credits_and_balance(client: Client, language: str) -> None:
    prepare()
    one = life()
    one.called(ago(150), "fault")
    one.called(ago(100), "use.view")
    one.add("usage.recorded", ago(0.5), {"bytes": 1_200_000_000})
    one.send()
    page = open_page(client, "/lines/line", language)
    de = language == "de"
    for expected in (
        "Anschluss line" if de else "Line line",
        "Jetzt nutzbar" if de else "Usable now",
        "Inklusivvolumen" if de else "Included volume",
        "Stufe 1 bestanden" if de else "Stage 1 passed",
        "Störung oder kein Netz" if de else "Fault or no reception",
        "Bei einer Störung dürfen Sie sich immer melden"
        if de
        else "You can always get in touch about a fault",
        "„Verbrauch ansehen“ geht auch online" if de else "“View usage” can also be done online",
        "zählt nicht" if de else "does not count",
        "von höchstens 1,8 GB" if de else "of at most 1.8 GB",
        "Geführte Diagnose" if de else "Guided diagnosis",
        "o2-2017, Fassung 1" if de else "o2-2017, version 1",
    ):
        assert expected in page.text, expected
    assert len(page.named("caption")) == 2


def test_the_page_shows_only_the_asked_line(client: Client) -> None:
    prepare()
    one, other = life("asked"), life("another", days=90)
    one.called(ago(50), "use.view")
    other.called(ago(40), "roam.info")
    other.add("courtesy.granted", ago(1), {"bytes": 77_000_000})
    one.send()
    alone = open_page(client, "/lines/asked")
    other.send()
    together = open_page(client, "/lines/asked")
    assert together.tags == alone.tags
    for foreign in ("another", "Roaming-Preise", "Kulanz", "77 MB"):
        assert foreign not in together.text
        assert foreign in open_page(client, "/lines/another").text


def test_a_control_line_looks_like_one_that_takes_no_part(client: Client) -> None:
    prepare()
    hidden = life("control", variant="control")
    hidden.called(ago(50), "use.view")
    hidden.send()
    outside = Life("outside", timezone="Europe/Berlin", billing_day=3)
    outside.facts[0]["time"] = hidden.facts[0]["time"]
    outside.send()
    for language in LANGUAGES:
        pages = [open_page(client, f"/lines/{subject}", language) for subject in ("control", "outside")]
        assert pages[0].tags == pages[1].tags
        assert pages[0].text.replace("control", "outside") == pages[1].text
        assert "Stufe" not in pages[0].text
        assert "Stage" not in pages[0].text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/lines/nobody", "/nowhere", "/assets/portal.0000.css"])
def test_what_does_not_exist_is_told_in_both_languages(client: Client, path: str, language: str) -> None:
    page = open_page(client, path, language, status=404)
    told = {"de": "Das gibt es hier nicht", "en": "There is nothing here"}[language]
    assert told in page.text


def test_the_language_switch_needs_no_script_and_stays(client: Client) -> None:
    prepare()
    life().send()
    response = client.get("/lines/line?language=en", headers={"accept-language": "de"})
    assert '<html lang="en">' in response.content.decode()
    assert response["Content-Language"] == "en"
    page = read_page(response.content.decode())
    assert {"href": "/?language=en", "class": "brand"} in page.named("a")
    current = [a for a in page.named("a") if a.get("aria-current") == "true"]
    assert [a["lang"] for a in current] == ["en"]
    assert (
        '<html lang="de">' in client.get("/?language=fr", headers={"accept-language": "fr"}).content.decode()
    )
    assert "Accept-Language" in response["Vary"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_start_page_leads_to_a_line(client: Client, language: str) -> None:
    open_page(client, "/", language)
    for subject in ("line", "tél 7/äß?&#<b>%2F", "a" * 200):
        response = client.get("/", {"line": f" {subject} ", "language": language})
        assert response.status_code == 302
        address = urlsplit(response["Location"])
        assert unquote(address.path) == f"/lines/{subject}"
        assert (address.netloc, address.query) == ("", f"language={language}")
    for refused in ("", "  ", "a" * 201):
        page = open_page(client, f"/?line={refused}", language, status=400)
        assert any(attributes.get("aria-invalid") == "true" for attributes in page.named("input"))


@pytest.mark.parametrize("subject", ["tél 7/äß?&#<b>%2F", "a/b", "&lt;script&gt;", "x" * 200])
def test_any_id_of_the_operator_is_shown_as_it_is(client: Client, subject: str) -> None:
    prepare()
    life(subject).send()
    address = client.get("/", {"line": subject})["Location"]
    page = open_page(client, address)
    assert f"Anschluss {' '.join(subject.split())}" in page.text


def test_a_channel_s_name_cannot_break_the_page(client: Client) -> None:
    prepare()
    one = life()
    one.called(ago(50), "<img src=x>", channel='"><script>alert(1)</script>')
    one.send()
    assert '"><script>alert(1)</script>' in open_page(client, "/lines/line").text


def test_pages_are_read_only(client: Client) -> None:
    prepare()
    life().send()
    for path in ("/", "/lines/line"):
        assert client.post(path).status_code == 405
        assert client.head(path).status_code == 200


@pytest.mark.parametrize(
    "meta",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.7"},
    ],
)
def test_nobody_else_is_answered_while_there_is_no_sign_in(client: Client, meta: dict[str, str]) -> None:
    prepare()
    life().send()
    assert not is_from_this_machine(meta)
    for path in ("/", "/lines/line", "/lines/nobody"):
        response = client.get(path, **meta)  # type: ignore[arg-type]
        assert response.status_code == 403
        assert b"Stufe" not in response.content
    assert is_from_this_machine({"REMOTE_ADDR": "::1"})


def test_other_host_names_are_refused(client: Client) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_a_failure_is_told_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(views, "explain_to_subscriber", fail)
    client.raise_request_exception = False
    page = open_page(client, "/lines/line", "en", status=500)
    assert "The fault is ours." in page.text


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that reaches the server, whichever cursor sends it; not the test's own savepoints."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if "SAVEPOINT" not in text:
            sent.append(text)
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    return sent


@pytest.mark.parametrize("kind", ["plain", "altered", "control", "suspended", "two programmes", "outside"])
def test_a_page_asks_few_questions(client: Client, queries: list[str], kind: str) -> None:
    prepare()
    prepare(varied(name='"second"', goodwill_contacts="1"))
    one = life(variant="control" if kind == "control" else "treatment")
    one.called(ago(50), "use.view")
    if kind == "altered":
        one.add("subscriber.billing_day_changed", ago(60), {"billing_day": 17})
        one.add("subscriber.changed", ago(55), {"tariff": "blue-m", "included_bytes": 9_000_000_000})
    if kind == "suspended":
        one.add("subscriber.changed", ago(1), {"suspended": True})
    if kind == "two programmes":
        one.enrolled(ago(100), programme="second")
    if kind == "outside":
        one.facts = one.facts[:1]
    one.send()
    queries.clear()
    page = open_page(client, "/lines/line")
    assert 0 < len(queries) <= MAX_QUERIES, "\n\n".join(queries)
    assert len(page.named("progress")) == {"two programmes": 2, "control": 0, "outside": 0}.get(kind, 1)


def test_a_line_with_very_many_contacts_stays_small(client: Client) -> None:
    prepare()
    one = life(days=300)
    for number in range(300):
        one.called(ago(299 - number * 0.8), ["bill.view", "use.view", "con.view", None][number % 4])
    one.send()
    for language in LANGUAGES:
        page = open_page(client, "/lines/line", language)
        assert len(page.named("time")) == MAX_CONTACTS
    assert "260 more contacts are not listed here" in page.text


def test_the_longest_programme_stays_small(client: Client) -> None:
    stages = "[" + ", ".join(['{ bytes = "10 MB" }'] * 11) + "]"
    prepare(varied(stages=stages, periods_per_stage="5", cap_bytes='"1 TB"'))
    one = life(days=1_700)
    for number in range(100):
        one.called(ago(1_600 - number * 10), "fault")
    one.send()
    for language in LANGUAGES:
        page = open_page(client, "/lines/line", language)
    assert page.text.count("Stage 11") >= 1


def test_the_stylesheet_may_be_kept_for_ever(client: Client) -> None:
    page = open_page(client, "/")
    (link,) = page.named("link")
    response = client.get(link["href"])
    assert response["Content-Type"] == "text/css; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"http" not in response.content
    assert b"@import" not in response.content
    assert client.get("/assets/portal.../../settings.css").status_code == 404
