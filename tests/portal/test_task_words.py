"""What task pages say before anything is done, and by which words tasks are found."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.portal.pages.tasks import FORMS
from selbsthelfer.selfservice.embedded.operations import begin_outage
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life, now, prepare, varied
from tests.portal.task_pages import form_with, open_page, page_of, send, sign_in_as, words_of
from tests.selfservice.world import MSISDN, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]


@pytest.fixture
def line() -> LineRef:
    return registered()


@pytest.fixture
def browser(line: LineRef) -> Client:
    client = Client()
    sign_in_as(client, line)
    return client


def task_page(activity: str) -> str:
    return reverse("task", args=[activity])


@pytest.mark.parametrize("activity", FORMS)
def test_no_page_speaks_as_if_it_had_been_done(browser: Client, activity: str) -> None:
    for language, done_already in (("de", r"Ab sofort|gilt jetzt"), ("en", r"From now on")):
        told = words_of(open_page(browser, task_page(activity), language=language))
        assert not re.search(done_already, told), told


@pytest.mark.parametrize(
    ("activity", "button", "before", "after"),
    [
        (
            "roam.switch",
            "Datenroaming",
            "Wenn Sie es ausschalten: Im Ausland gibt es dann kein Internet",
            "Wenn Sie es einschalten: In der EU gilt Ihr Tarif",
        ),
        (
            "bill.thirdparty",
            "Drittanbieter",
            "Wenn Sie sperren: Das gilt sofort",
            "Wenn Sie die Sperre aufheben: Andere Anbieter",
        ),
    ],
)
def test_a_switch_says_what_it_would_do_either_way(
    browser: Client, activity: str, button: str, before: str, after: str
) -> None:
    shown = open_page(browser, task_page(activity))
    if before not in words_of(shown):
        before, after = after, before
    assert before in words_of(shown)
    assert after not in words_of(shown)
    assert send(browser, task_page(activity), form_with(shown, button)).status_code == 302
    assert after in words_of(open_page(browser, task_page(activity)))


def test_automatic_top_up_says_what_follows_from_turning_it_off(browser: Client) -> None:
    shown = words_of(open_page(browser, task_page("use.autotopup")))
    assert "Wenn Sie sie ausschalten: Ist Ihr Volumen aufgebraucht" in shown


def test_both_missing_fields_of_forwarding_are_shown_at_once(browser: Client) -> None:
    path = task_page("call.forward")
    form = form_with(open_page(browser, path), "Umleitung einschalten")
    response = send(browser, path, form, to="")
    assert response.status_code == 422
    told = words_of(response)
    assert "Bitte wählen Sie, wann umgeleitet wird." in told
    assert "Bitte geben Sie die Zielnummer an." in told


def test_a_wrong_number_is_shown_beside_a_missing_choice(browser: Client) -> None:
    path = task_page("call.forward")
    form = form_with(open_page(browser, path), "Umleitung einschalten")
    response = send(browser, path, form, to="12")
    assert response.status_code == 422
    page = page_of(response)
    invalid = [field for field in page.named("input") if field.get("aria-invalid") == "true"]
    assert {field["name"] for field in invalid} == {"when", "to"}


@pytest.mark.parametrize(("kind", "is_free"), [("fair", True), ("nothing exempt", False), ("outside", False)])
def test_a_free_call_is_promised_only_where_the_programme_gives_it(kind: str, is_free: bool) -> None:
    prepare(varied(exemptions='"none"') if kind == "nothing exempt" else None)
    life = Life("line-2", timezone="Europe/Berlin", msisdn=MSISDN, tariff="musterfunk-m")
    if kind != "outside":
        life.enrolled(now() - timedelta(days=10))
    life.send()
    client = Client()
    sign_in_as(client, LineRef.of("line-2"))
    begin_outage(None, now=now() - timedelta(minutes=1), until=now() + timedelta(hours=1))
    told = words_of(open_page(client, task_page("call.forward"), status=503))
    assert "Der Fehler liegt bei uns" in told
    assert ("zählt dieser Anruf nicht" in told) is is_free


def links_found(client: Client, searched: str) -> list[str]:
    return page_of(client.get(reverse("tasks"), {"q": searched}, headers={"accept-language": "de"})).links


@pytest.mark.parametrize(
    ("searched", "page"),
    [
        ("bonus", "/rewards"),
        ("guthaben", "/rewards"),
        ("reward", "/rewards"),
        ("volumen", "/rewards"),
        ("data", "/rewards"),
        ("hotline", "/contact"),
        ("Mit einem Menschen sprechen", "/contact"),
        ("quittung", "/receipts/"),
    ],
)
def test_everyday_words_lead_to_pages_beside_the_tasks(browser: Client, searched: str, page: str) -> None:
    # Every page leads there too: what is found comes on top of that.
    assert links_found(browser, searched).count(page) == links_found(browser, "").count(page) + 1


@pytest.mark.parametrize(
    ("searched", "expected"),
    [
        ("volumen", "/tasks/use.view"),
        ("data", "/tasks/use.view"),
        ("handy verloren", "/tasks/sim.block"),
        ("lost phone", "/tasks/sim.block"),
        ("umzug", "/tasks/acc.address"),
        ("passwort vergessen", "/tasks/acc.password"),
    ],
)
def test_everyday_words_lead_to_tasks(browser: Client, searched: str, expected: str) -> None:
    found = links_found(browser, searched)
    assert expected in found
    assert len(found) < len(links_found(browser, "")) * 3 / 4


def test_a_stranger_is_not_sent_to_pages_that_ask_to_sign_in() -> None:
    stranger = Client()
    assert "/rewards" not in links_found(stranger, "bonus")
    assert (
        links_found(stranger, "hotline").count("/contact") == links_found(stranger, "").count("/contact") + 1
    )


def test_whoever_is_signed_in_is_not_offered_to_register(browser: Client) -> None:
    registering = task_page("acc.register")
    assert registering not in page_of(open_page(browser, reverse("tasks"))).links
    assert registering not in links_found(browser, "registrieren")
    assert registering in page_of(open_page(Client(), reverse("tasks"))).links


def test_help_articles_are_listed_by_what_they_are(browser: Client) -> None:
    german = words_of(open_page(browser, reverse("tasks")))
    english = words_of(open_page(browser, reverse("tasks"), language="en"))
    assert "Hilfeartikel hat geholfen" not in german
    assert "Hilfeartikel" in german
    assert "Help article solved it" not in english
    assert "Help articles" in english
