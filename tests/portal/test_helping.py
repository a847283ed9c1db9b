"""Help articles, and the page that leads to people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.kit.wording import Language, Words
from selbsthelfer.portal.articles.channels import CHANNELS, hours, is_open
from selbsthelfer.portal.articles.helping import ARTICLES, MAX_SEARCH_CHARACTERS, find_articles
from selbsthelfer.portal.pages.helping import MAX_MISSING_CHARACTERS
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life, prepare, varied
from tests.portal.pages import open_page
from tests.portal.task_pages import form_with, send, sign_in_as
from tests.portal.task_pages import open_page as page_to_send
from tests.selfservice.world import MSISDN, facts_of, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

HOTLINE = next(channel for channel in CHANNELS if channel.id == "hotline")


@pytest.fixture
def line() -> LineRef:
    prepare()
    return registered()


@pytest.fixture
def browser(line: LineRef) -> Client:
    client = Client()
    sign_in_as(client, line, level=1)
    return client


def now() -> datetime:
    return datetime.now(UTC)


def test_there_are_articles_each_with_a_task_that_the_portal_does() -> None:
    assert 10 <= len(ARTICLES) <= 14
    for article in ARTICLES.values():
        assert CATALOGUE[article.task].online
        for words in (article.title, article.summary, *article.steps, *article.text):
            assert words.de.strip()
            assert words.en.strip()
            assert words.de != words.en


@pytest.mark.parametrize("article_id", ARTICLES)
@pytest.mark.parametrize("language", ["de", "en"])
def test_everybody_can_read_every_article(article_id: str, language: str) -> None:
    article = ARTICLES[article_id]
    page = open_page(Client(), reverse("article", args=[article_id]), language)
    for words in (article.title, *article.steps):
        assert words.told(Language(language)) in page.text
    assert reverse("task", args=[article.task]) in page.links


@pytest.mark.parametrize(
    ("search", "language", "first"),
    [
        ("Rechnung zu hoch", "de", "bill-higher"),
        ("Warum ist meine Rechnung so teuer?", "de", "bill-higher"),
        ("kein Netz", "de", "no-reception"),
        ("Handy geklaut", "de", "lost-phone"),
        ("PUK", "de", "puk"),
        ("tuerkei", "de", "roaming-world"),
        ("Türkei", "de", "roaming-world"),
        ("stolen phone", "en", "lost-phone"),
        ("internet is slow", "en", "slow-data"),
        ("esim", "en", "esim"),
    ],
)
def test_the_article_that_is_meant_is_found_first(search: str, language: str, first: str) -> None:
    assert find_articles(search, Language(language))[0].id == first


@pytest.mark.parametrize("search", ["", "   ", "?!", "x"])
def test_a_search_without_a_word_lists_all(search: str) -> None:
    assert list(find_articles(search, Language.GERMAN)) == list(ARTICLES.values())


def test_a_search_that_finds_nothing_offers_all_and_a_person() -> None:
    page = open_page(Client(), f"{reverse('articles')}?q=<xylophon>")
    assert "Zu „<xylophon>“ gibt es keinen Artikel" in page.text
    assert len([link for link in page.links if link.startswith("/help/")]) == len(ARTICLES)
    open_page(Client(), f"{reverse('articles')}?q={'rechnung ' * MAX_SEARCH_CHARACTERS}")


def test_an_article_that_helped_counts_once(browser: Client, line: LineRef) -> None:
    path = reverse("article", args=["no-data"])
    form = form_with(page_to_send(browser, path), "Ja")
    response, again = send(browser, path, form), send(browser, path, form)
    assert response["Location"] == again["Location"]
    assert "Erledigt." in open_page(browser, response["Location"]).text
    assert facts_of(line) == [("help.article", True)]


def test_a_stranger_is_thanked(line: LineRef) -> None:
    stranger, path = Client(), reverse("article", args=["no-data"])
    response = send(stranger, path, form_with(page_to_send(stranger, path), "Ja"))
    assert "Danke" in open_page(stranger, response["Location"]).text
    assert facts_of(line) == []


@pytest.mark.parametrize("is_known", [True, False])
def test_what_was_missing_is_carried_to_a_person_and_stands_in_no_address(
    browser: Client, line: LineRef, is_known: bool
) -> None:
    reader = browser if is_known else Client()
    path = reverse("article", args=["esim"])
    form = form_with(page_to_send(reader, path), "Weiter zu einem Menschen")
    response = send(reader, path, form, missing="Wo steht der Code? " + "x" * MAX_MISSING_CHARACTERS)
    assert "Code" not in response["Location"]
    contact = open_page(reader, response["Location"])
    assert "Wo steht der Code?" in contact.text
    onward = next(link for link in contact.links if link.startswith(f"{reverse('write')}?"))
    written = open_page(reader, onward)
    assert "Zum Hilfeartikel „SIM oder eSIM in Betrieb nehmen“: Wo steht der Code?" in written.text
    assert facts_of(line) == []


def test_an_unknown_article_is_not_there() -> None:
    assert Client().get(reverse("article", args=["nonsense"])).status_code == 404


@pytest.mark.parametrize(
    ("at", "is_open_then"),
    [
        ("2026-11-23T07:59+01:00", False),
        ("2026-11-23T08:00+01:00", True),
        ("2026-11-23T19:59+01:00", True),
        ("2026-11-23T20:00+01:00", False),
        ("2026-11-28T12:00+01:00", True),
        ("2026-11-29T12:00+01:00", False),
        ("2026-07-06T06:00+00:00", True),
        ("2026-11-23T06:30+00:00", False),
    ],
)
def test_the_hotline_is_open_by_its_hours_in_berlin(at: str, is_open_then: bool) -> None:
    assert is_open(HOTLINE, datetime.fromisoformat(at)) is is_open_then


def test_the_blocking_line_always_answers() -> None:
    (blocking,) = [channel for channel in CHANNELS if channel.is_always_open]
    assert blocking.number == "116 116"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert all(is_open(blocking, start + timedelta(minutes=17 * step)) for step in range(1_000))
    assert hours(blocking) == Words("Tag und Nacht", "day and night")


@pytest.mark.parametrize("language", ["de", "en"])
def test_everybody_finds_every_way_to_a_person(language: str) -> None:
    page = open_page(Client(), reverse("contact"), language)
    for channel in CHANNELS:
        assert channel.name.told(Language(language)) in page.text
        assert hours(channel).told(Language(language)) in page.text
    assert f"tel:{HOTLINE.dialled}" in page.links
    assert "tel:116116" in page.links
    assert {reverse("write"), reverse("complain"), reverse("articles")} <= set(page.links)


def contact_of(subject: str, **settings: str) -> str:
    """Open the contact page as a line that has just enrolled."""
    prepare(varied(**settings) if settings else None)
    life = Life(subject, timezone="Europe/Berlin", msisdn=MSISDN, variant="treatment")
    life.enrolled(now() - timedelta(days=40))
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of(subject), level=1)
    return open_page(browser, reverse("contact")).text


def test_one_neutral_line_says_what_a_call_means_for_the_running_stage() -> None:
    text = contact_of("line-1")
    assert "Stufe 1 läuft bis zum" in text
    assert "gelingt ohne einen Anruf, der zählt" in text
    assert "Störung oder kein Netz." in text


def test_where_another_way_counts_too_it_is_not_said_to_be_free() -> None:
    assert "Chat, Shop und Schreiben zählen nie." in contact_of("line-1")
    assert "zählen nie" not in contact_of("line-2", channels='["hotline", "chat"]')


def test_where_some_calls_are_free_that_is_what_is_said() -> None:
    assert "Sie verträgt noch 2 Anrufe, die zählen." in contact_of("line-1", contacts_max="2")


def test_where_nothing_is_exempt_no_topics_are_named() -> None:
    assert "Störung oder kein Netz." not in contact_of("line-1", exemptions='"none"')


def test_a_control_line_and_who_takes_no_part_see_the_same_as_a_stranger(line: LineRef) -> None:
    life = Life("line-2", timezone="Europe/Berlin", msisdn="+491713920077", variant="control")
    life.enrolled(now() - timedelta(days=40))
    life.send()
    texts = []
    for subject in ("line-1", "line-2"):
        browser = Client()
        sign_in_as(browser, LineRef.of(subject), level=1)
        texts.append(open_page(browser, reverse("contact")).text)
    assert texts[0] == texts[1]
    assert "Stufe" not in texts[0]
    assert "zählt" not in texts[0]
