"""The inbox and the clock of the demo, and that neither exists anywhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from selbsthelfer.demo.clock import MAX_AHEAD
from selbsthelfer.demo.models import Clock
from selbsthelfer.identity.operations import send_sign_in_code
from selbsthelfer.portal.pages.demonstration import MAX_MESSAGES
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.identity.people import NUMBER, last_code
from tests.portal.life import Life, ago, now, prepare
from tests.portal.pages import LANGUAGES, MAX_QUERIES, open_page, sound_page
from tests.portal.task_pages import form_with, send, sign_in_as

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

CLOCK, INBOX = "/demo/clock", "/demo/inbox"


@pytest.fixture
def demo(settings: Settings) -> None:
    settings.DEMO = True


def a_line(subject: str = "line", number: str = NUMBER) -> LineRef:
    one = Life(subject, msisdn=number, timezone="Europe/Berlin", billing_day=3)
    one.facts[0]["time"] = ago(50).isoformat()
    one.send()
    return LineRef(subscriber_id_of(subject), subject)


def step(client: Client, button: str, **typed: str) -> str:
    """Press a button of the page of the clock and read what comes."""
    response = send(client, CLOCK, form_with(client.get(CLOCK), button), **typed)
    assert response.status_code == 302
    return open_page(client, response["Location"]).text


@pytest.mark.parametrize("path", [CLOCK, INBOX])
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_outside_the_demo_they_do_not_exist(client: Client, path: str, is_signed_in: bool) -> None:
    prepare()
    line = a_line()
    if is_signed_in:
        sign_in_as(client, line)
    assert client.get(path).status_code == 404
    assert client.post(path, {"step": "month"}).status_code in (404, 405)
    assert not Clock.objects.exists()
    assert path not in open_page(client, "/imprint").links


def test_outside_the_demo_no_clock_is_asked(client: Client) -> None:
    prepare()
    line = a_line()
    sign_in_as(client, line)
    Clock.objects.create(subscriber_id=line.subscriber_id, ahead=timedelta(days=90))
    year = datetime.now(UTC).year
    assert f" {year} " in f" {open_page(client, '/rewards').text} "


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_inbox_shows_codes_to_sign_in(client: Client, language: str) -> None:
    prepare()
    a_line()
    send_sign_in_code(number=NUMBER, language=language, now=now())
    page = open_page(client, INBOX, language)
    assert last_code() in page.text.replace(" ", "") or last_code() in page.text


@pytest.mark.usefixtures("demo")
def test_the_inbox_shows_no_more_than_its_limit(client: Client) -> None:
    prepare()
    a_line()
    for _ in range(MAX_MESSAGES + 1):
        send_sign_in_code(number=NUMBER, language="de", now=now())
    page = open_page(client, INBOX)
    assert len([tag for tag in page.tags if tag.name == "li" and tag.attributes.get("class") == "card"]) == 50


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_clock_is_for_whoever_is_signed_in(client: Client, queries: list[str], language: str) -> None:
    assert client.get(CLOCK).status_code == 302
    prepare()
    sign_in_as(client, a_line())
    client.get(CLOCK)
    queries.clear()
    open_page(client, CLOCK, language)
    assert len(queries) <= MAX_QUERIES


@pytest.mark.usefixtures("demo")
def test_the_programme_can_be_lived_through_by_its_buttons(client: Client) -> None:
    prepare()
    sign_in_as(client, a_line())
    client.post("/programmes/o2-2017/join")
    steps = 1
    while "Erhalten 1,8 GB von höchstens 1,8 GB" not in open_page(client, "/").text:
        step(client, "Erledigen")
        step(client, "Weiter")
        steps += 2
        assert steps < 40


@pytest.mark.usefixtures("demo")
def test_a_call_is_seen_with_its_reason(client: Client) -> None:
    prepare()
    sign_in_as(client, a_line())
    client.post("/programmes/o2-2017/join")
    assert "zählt nie" in open_page(client, CLOCK).text
    assert "Angerufen" in step(client, "Anrufen", topic="bill.explain")
    assert "verfehlt" in open_page(client, "/").text
    assert "Bitte wählen Sie ein Anliegen." in step(client, "Anrufen", topic="everything")


@pytest.mark.usefixtures("demo")
def test_a_breakdown_makes_every_task_fail_for_two_minutes(client: Client) -> None:
    prepare()
    sign_in_as(client, a_line())
    step(client, "Weiter")
    assert "scheitert" in step(client, "Panne")
    page = open_page(client, "/")
    assert "Die Kosten sind gerade nicht abrufbar." in page.text
    assert client.get("/bills").status_code == 503
    clock = Clock.objects.get()
    Clock.objects.update(ahead=clock.ahead + timedelta(minutes=3))
    assert "€" in open_page(client, "/").text


@pytest.mark.usefixtures("demo")
def test_at_its_end_the_clock_says_so(client: Client) -> None:
    prepare()
    line = a_line()
    sign_in_as(client, line)
    Clock.objects.create(subscriber_id=line.subscriber_id, ahead=MAX_AHEAD)
    for button in ("Erledigen", "Anrufen", "Weiter"):
        told = step(client, button, topic="bill.explain")
        assert "Weiter lässt sich die Uhr nicht vorstellen." in told


@pytest.mark.usefixtures("demo")
def test_an_unknown_step_changes_nothing(client: Client) -> None:
    prepare()
    sign_in_as(client, a_line())
    response: Any = client.post(CLOCK, {"step": "back"})
    assert response.status_code == 302
    sound_page(client.get(CLOCK).content)
    assert not Clock.objects.exists()


@pytest.mark.usefixtures("demo")
def test_two_lines_live_by_two_clocks(client: Client) -> None:
    prepare()
    line, other = a_line(), a_line("other", "+491713920002")
    sign_in_as(client, line)
    step(client, "Weiter")
    elsewhere = Client()
    sign_in_as(elsewhere, other)
    today = now().astimezone(UTC)
    assert str(today.year) in open_page(elsewhere, CLOCK).text
    assert [clock.subscriber_id for clock in Clock.objects.all()] == [line.subscriber_id]
