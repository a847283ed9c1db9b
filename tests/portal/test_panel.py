"""The panel in an app of the operator's: the figures of the portal, to whoever has a link and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape
from pytest_django import Settings

from selbsthelfer.identity import known_keys
from selbsthelfer.identity.clients import add_client, revoke_keys
from selbsthelfer.identity.core.line_tokens import PanelLink
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import write_panel_link
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language
from selbsthelfer.portal.presenting_panel import MAX_PANEL_CREDITS, PanelPage, present_panel
from selbsthelfer.programmes.explaining import explain_to_subscriber
from selbsthelfer.selfservice.operations import report_done, report_failed
from selbsthelfer.selfservice.queries import receipts_of_line
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.portal.life import Life, ago, at, now, prepare, recent_life, sign_in
from tests.portal.pages import LANGUAGES, MAX_PAGE_BYTES, MAX_QUERIES, Page, open_page, read_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "app")]

LINE = LineRef.of("line")
LINK = PanelLink("app", LINE.subscriber_id, datetime(2200, 1, 1, tzinfo=UTC), Language.GERMAN)


@pytest.fixture
def app(db: None) -> Iterator[None]:
    """A client of the operator's that may make links."""
    known_keys.forget_known()
    add_client(name="app", scopes=[Scope.TOKENS_WRITE], now=now())
    yield
    known_keys.forget_known()


def get(client: Client, link: PanelLink | str = LINK, **headers: str) -> HttpResponse:
    token = link if isinstance(link, str) else write_panel_link(link)
    return client.get(f"/panel/{token}", headers=headers)  # type: ignore[return-value]


def open_panel(client: Client, link: PanelLink | str = LINK, status: int = 200) -> Page:
    """Open a panel, and check what every one owes to everybody, one that is over too."""
    response = get(client, link)
    assert response.status_code == status
    assert response.cookies == {}
    for name, value in (
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Robots-Tag", "noindex, nofollow"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ):
        assert response[name] == value, name
    policy = response["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("frame-ancestors 'none'")
    html = response.content.decode()
    assert len(response.content) <= MAX_PAGE_BYTES
    assert "MISSING" not in html
    page = read_page(html)
    assert page.named("html")[0]["lang"] == response["Content-Language"]
    check_manners(page)
    return page


def check_manners(page: Page) -> None:
    """Check that nothing runs, sends or leads on inside the frame, and that the parts have names."""
    assert not [tag for tag in page.tags if tag.name in {"script", "style", "form", "iframe", "input"}]
    assert not [tag for tag in page.tags if {"style", "onclick"} & tag.attributes.keys()]
    for link in page.named("a"):
        assert link["target"] == "_top", link
        assert "/panel/" not in link["href"], link
    headings = [int(tag.name[1]) for tag in page.tags if tag.name in {"h1", "h2", "h3"}]
    assert headings[0] == headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    ids = [tag.attributes["id"] for tag in page.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    assert {tag.attributes.get("aria-labelledby", ids[0]) for tag in page.tags} <= set(ids)


def paying_line() -> Life:
    """A line that has been credited, uses what it has, and has volume that waits."""
    life = recent_life()
    life.add("usage.recorded", ago(0.1), {"bytes": 1_230_000_000})
    return life


def control_line() -> Life:
    return recent_life(variant="control")


def in_no_programme() -> Life:
    life = recent_life()
    life.facts = [fact for fact in life.facts if fact["type"] != "programme.enrolled"]
    return life


def newcomer() -> Life:
    life = recent_life(days=1)
    life.facts[0]["time"] = ago(50).isoformat()
    return life


def missed() -> Life:
    """Two calls in the first stage, which bears none: it is missed while it runs."""
    life = newcomer()
    for hour in (20, 10):
        life.called(ago(hour / 24), ("bill.view", "con.view")[hour // 20])
    return life


def all_done() -> Life:
    """A programme whose last period is over."""
    life = Life("line", timezone="Europe/Berlin", billing_day=3)
    life.facts[0]["time"] = ago(900).isoformat()
    life.enrolled(ago(800))
    for day in range(795, 300, -20):
        life.did(ago(day), "net.diagnose")
    return life


def withdrawn() -> Life:
    life = recent_life(days=60)
    life.withdrawn(ago(5).isoformat())
    return life


def ended() -> Life:
    life = recent_life(days=100)
    life.add("subscriber.ended", ago(2), {})
    return life


def suspended() -> Life:
    life = recent_life()
    life.add("subscriber.changed", ago(0.5), {"suspended": True})
    return life


STATES: dict[Callable[[], Life], tuple[str, str]] = {
    paying_line: ("Erhalten", "gutgeschrieben"),
    newcomer: ("Stufe 1", "Aus diesem Programm wurde bisher nichts gutgeschrieben."),
    missed: ("wird sie verfehlt", "Aus diesem Programm wurde bisher nichts gutgeschrieben."),
    all_done: ("abgeschlossen", "gutgeschrieben"),
    withdrawn: ("Die Teilnahme hat am", "beendet"),
    ended: ("Dieser Anschluss endete am", "Die Teilnahme hat am"),
    suspended: ("ruht das Volumen", "Inklusivvolumen ruht"),
    in_no_programme: ("keinem Bonusprogramm", "Datenvolumen"),
    control_line: ("keinem Bonusprogramm", "Datenvolumen"),
}
"""Each state of a line, with what its panel says."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("life", STATES, ids=lambda life: life.__name__)
def test_it_tells_the_figures_of_the_portal(
    client: Client, life: Callable[[], Life], language: str, settings: Settings
) -> None:
    prepare()
    life().send()
    page = open_panel(client, replace(LINK, language=Language(language)))
    assert page.named("html")[0]["lang"] == language
    if language == "de":
        for words in STATES[life]:
            assert words in page.text, page.text
    if life is ended:
        return
    sign_in(client, "line")
    home = open_page(client, "/", language)
    shares = [(bar["value"], bar["max"]) for bar in home.named("progress")]
    assert shares
    assert [(bar["value"], bar["max"]) for bar in page.named("progress")] == shares
    assert [step["class"] for step in page.named("li") if step.get("class") in LOOKS] == [
        step["class"] for step in home.named("li") if step.get("class") in LOOKS
    ]
    for sentence in told_of_volume(home):
        assert sentence in page.text, sentence


LOOKS = {"open", "passed", "current", "granted", "missed", "ended"}


def told_of_volume(home: Page) -> list[str]:
    """Take from the first page what it tells of volume, and how much of each programme was received."""
    (volume,) = re.findall(
        r"(?:Datenvolumen|Data volume) (.*?)(?:Stand des|Vom Netz|Usage as|There has)", home.text
    )
    return [
        volume,
        *re.findall(r"(?:Erhalten|Received) \S+ .B (?:von höchstens|of at most) \S+ .B", home.text),
    ]


@pytest.mark.parametrize("language", Language)
def test_a_held_out_line_is_told_what_a_line_without_a_programme_is_told(language: Language) -> None:
    """Word for word: whoever compares the two learns nothing."""
    prepare()
    told, instant = [], now()
    for life in (control_line(), in_no_programme()):
        with transaction.atomic():
            life.send()
            told.append(_page_at(instant, language))
            transaction.set_rollback(True)
    assert told[0] == told[1]
    assert told[0].programmes == []
    assert told[0].home.buckets


def _page_at(instant: datetime, language: Language) -> PanelPage:
    cursor = open_cursor()
    explanation = explain_to_subscriber(cursor, LINE.subscriber_id, at=instant)
    return present_panel(explanation, receipts_of_line(cursor, LINE.subscriber_id, limit=3), language)


def test_the_running_stage_is_told_period_by_period(client: Client) -> None:
    prepare()
    life = recent_life()
    life.send()
    page = open_panel(client)
    with transaction.atomic():
        told = explain_to_subscriber(open_cursor(), LINE.subscriber_id, at=now()).enrolments[0]
    (running,) = [stage for stage in told.stages if stage.phase.value == "current"]
    cells = [cell["class"] for cell in page.named("li") if cell.get("class", "").startswith("period ")]
    assert len(cells) == len(told.periods_of_window(running.window)) > 1
    assert cells.count("period current") == 1
    assert f"Stufe {running.window}" in page.text


def test_the_newest_credits_are_told_with_what_brought_them(client: Client) -> None:
    prepare()
    recent_life(days=330).send()
    page = open_panel(client)
    with transaction.atomic():
        (programme,) = _page_at(now(), Language.GERMAN).programmes
    assert len(programme.credits) == MAX_PANEL_CREDITS
    places = [page.text.rindex(credit.sentence) for credit in programme.credits]
    assert places == sorted(places)
    assert all("durch „" in credit.sentence for credit in programme.credits)


def test_a_task_done_a_moment_ago_stands_there_with_its_receipt(client: Client) -> None:
    prepare()
    recent_life().send()
    failed = report_failed(LINE, "acc.address", key=str(uuid4()), now=ago(0.1))
    done = report_done(LINE, "call.voicemail", key=str(uuid4()), now=now())
    page = open_panel(client)
    assert page.text.index(done.receipt) < page.text.index(failed.receipt)
    assert "fehlgeschlagen" in page.text


def test_the_link_chooses_language_colours_and_the_way_back(client: Client) -> None:
    prepare()
    recent_life().send()
    back = "https://app.example/bonus?a=1&b=2"
    link = replace(LINK, language=Language.ENGLISH, appearance="dark", return_url=back)
    client.cookies["language"] = "de"
    page = open_panel(client, link)
    assert page.named("html")[0] == {"lang": "en", "data-appearance": "dark"}
    (way,) = [a for a in page.named("a") if a["href"] == back]
    assert way == {"class": "back", "href": back, "target": "_top", "rel": "noopener noreferrer"}
    assert escape(back) in get(client, link).content.decode()
    assert "data-appearance" not in open_panel(client).named("html")[0]


def test_one_that_is_over_says_so_and_nothing_of_the_line(client: Client) -> None:
    prepare()
    recent_life().send()
    link = replace(LINK, valid_until=now() - timedelta(seconds=1), return_url="https://app.example/")
    page = open_panel(client, link, status=410)
    assert "abgelaufen" in page.text
    assert "https://app.example/" in page.links
    assert "GB" not in page.text
    assert page.named("progress") == []


def test_what_a_client_made_ends_with_the_client(client: Client) -> None:
    prepare()
    recent_life().send()
    open_panel(client)
    revoke_keys(name="app", now=now())
    known_keys.forget_known()
    assert "GB" not in open_panel(client, status=410).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_damaged_link_says_how_to_open_it_anew(client: Client, language: str) -> None:
    token = write_panel_link(LINK)
    client.cookies["language"] = language
    for damaged in (token[:-1], token + "x", "x" + token, "nonsense", "a.b", "x" * 7_000):
        page = open_panel(client, damaged, status=404)
        assert {"de": "zurück in die App", "en": "back to the app"}[language] in page.text


def test_a_line_that_is_unknown_or_forgotten_has_none(client: Client) -> None:
    prepare()
    page = open_panel(client, replace(LINK, line=subscriber_id_of("nobody")), status=404)
    assert "GB" not in page.text


def test_it_keeps_and_asks_for_nothing_in_the_browser(client: Client) -> None:
    """Neither being signed in to another line nor a wish for a language changes what it shows or keeps."""
    prepare()
    recent_life().send()
    Life("other", included_bytes=1).send()
    plain = open_panel(client).text
    sign_in(client, "other")
    signed_in = client.get(f"/panel/{write_panel_link(LINK)}?language=en")
    assert signed_in.cookies == {}
    assert read_page(signed_in.content.decode()).text == plain
    client.cookies["session"] = "made-up"
    assert get(client).cookies == {}


def test_frames_are_allowed_where_the_operator_says_so(client: Client, settings: Settings) -> None:
    settings.PANEL_FRAME_ANCESTORS = ["https://app.example", "https://www.example"]
    for response in (get(client), get(client, "nonsense")):
        policy = response["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors https://app.example https://www.example")
        assert "X-Frame-Options" not in response
    # Every other page stays out of frames.
    assert client.get("/")["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_can_only_be_read(client: Client, method: str) -> None:
    assert client.generic(method, f"/panel/{write_panel_link(LINK)}").status_code == 405
    head = client.head(f"/panel/{write_panel_link(replace(LINK, valid_until=at('2020-01-01')))}")
    assert (head.status_code, head.content) == (410, b"")


def test_it_asks_few_questions(client: Client, queries: list[str]) -> None:
    prepare()
    paying_line().send()
    get(client)
    known_keys.forget_known()
    queries.clear()
    open_panel(client)
    assert len(queries) <= MAX_QUERIES, "\n".join(queries)
