"""The first page: for a stranger what this is about, for a subscriber all that matters without a tap."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.db.models import F
from django.test import Client, RequestFactory

from selbsthelfer.charging.models import CreditOrder
from selbsthelfer.identity.models import User
from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.pages import home as pages
from selbsthelfer.portal.presenting_home import ago as told_ago
from selbsthelfer.portal.presenting_home import days_left
from selbsthelfer.programmes.core.key_facts import key_facts
from selbsthelfer.selfservice.operations import report_done, report_failed
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.portal.life import Life, ago, at, now, prepare, recent_life, sign_in, varied
from tests.portal.pages import LANGUAGES, MAX_QUERIES, open_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

BERLIN = "Europe/Berlin"
LINE = LineRef(subscriber_id_of("line"), "line")


def newcomer(subject: str = "line", **registration: object) -> Life:
    one = Life(subject, timezone=BERLIN, billing_day=3, **registration)
    one.facts[0]["time"] = ago(50).isoformat()
    return one


def a_signed_in(client: Client, life: Life) -> None:
    life.send()
    sign_in(client, life.subject)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stranger_reads_what_it_is_about_in_three_facts(client: Client, language: str) -> None:
    definition = varied()
    prepare(definition)
    page = open_page(client, "/", language)
    facts = [words.de if language == "de" else words.en for words in key_facts(definition)]
    assert [fact in page.text for fact in facts] == [True] * 3 + [False] * (len(facts) - 3)
    assert {"/programmes/o2-2017", "/cancel", "/block-sim"} <= set(page.links)


@pytest.mark.parametrize("has_usage", [True, False])
def test_it_asks_few_questions(client: Client, queries: list[str], has_usage: bool) -> None:
    prepare()
    life = recent_life()
    if has_usage:
        life.add("usage.recorded", ago(0.01), {"bytes": 1_000_000})
    a_signed_in(client, life)
    client.get("/")
    queries.clear()
    open_page(client, "/")
    assert len(queries) <= MAX_QUERIES, "\n".join(queries)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("de", ("4 GB", "von 5 GB, bis ", "€", "vor 2 Stunden", "Erhalten 0 MB von höchstens 1,8 GB")),
        ("en", ("4 GB", "of 5 GB, until ", "€", "2 hours ago", "Received 0 MB of at most 1.8 GB")),
    ],
)
def test_all_that_matters_stands_there_without_a_tap(
    client: Client, language: str, told: tuple[str, ...]
) -> None:
    prepare()
    life = newcomer()
    life.enrolled(ago(1))
    life.add("usage.recorded", ago(2.5 / 24), {"bytes": 1_000_000_000})
    a_signed_in(client, life)
    page = open_page(client, "/", language)
    for text in told:
        assert text in page.text, text


def test_without_a_word_from_the_network_it_says_so(client: Client) -> None:
    prepare()
    a_signed_in(client, recent_life())
    assert "Vom Netz kam noch keine Meldung." in open_page(client, "/").text


def test_figures_that_came_late_are_not_called_fresh(client: Client) -> None:
    prepare()
    life = recent_life()
    life.add("usage.recorded", ago(4), {"bytes": 1}, received=ago(0.001).isoformat())
    a_signed_in(client, life)
    page = open_page(client, "/")
    assert "Stand des Verbrauchs" in page.text
    assert "Stand des Verbrauchs: vor" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_newcomer_sees_when_the_first_volume_comes(client: Client, language: str) -> None:
    prepare()
    life = newcomer()
    life.enrolled(ago(1))
    a_signed_in(client, life)
    page = open_page(client, "/", language)
    before = {
        "de": ("Ist Stufe 1 bestanden, gibt es die ersten 100 MB ab ", "."),
        "en": ("Once stage 1 is passed, the first 100 MB come from ", " on."),
    }[language]
    for text in before:
        assert text in page.text
    report_done(LINE, "call.voicemail", key=str(uuid4()), now=now())
    page = open_page(client, "/", language)
    assert {"de": "Die ersten 100 MB gibt es ab ", "en": "The first 100 MB come from "}[language] in page.text


def test_nothing_is_promised_where_too_many_called(client: Client) -> None:
    prepare()
    life = newcomer()
    life.enrolled(ago(1))
    for hour in (20, 10):
        life.called(ago(hour / 24), ("bill.view", "con.view")[hour // 20])
    a_signed_in(client, life)
    page = open_page(client, "/")
    assert "die ersten 100 MB" not in page.text.lower()
    assert "wird sie verfehlt" in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_takes_no_part_is_offered_what_they_may_join(client: Client, language: str) -> None:
    prepare()
    a_signed_in(client, newcomer())
    page = open_page(client, "/", language)
    assert {"/programmes/o2-2017/join", "/programmes/o2-2017"} <= set(page.links)
    response = client.post("/programmes/o2-2017/join")
    assert response.status_code == 302
    assert "/programmes/o2-2017/join" not in open_page(client, "/", language).links


def test_a_control_line_sees_nothing_of_the_programme(client: Client) -> None:
    prepare()
    life = newcomer()
    life.variant = "control"
    life.enrolled(ago(20))
    life.did(ago(10))
    a_signed_in(client, life)
    page = open_page(client, "/")
    assert not [link for link in page.links if "/programmes/" in link]
    assert "Stufe" not in page.text
    assert "1,8 GB" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_failure_is_pointed_out_as_long_as_it_stands(client: Client, language: str) -> None:
    prepare()
    a_signed_in(client, recent_life())
    told = {"de": "noch einmal versuchen", "en": "try again"}[language]
    for hours in (80, 30, 20):
        report_failed(LINE, "acc.address", key=str(uuid4()), now=ago(hours / 24))
    page = open_page(client, "/", language)
    assert page.text.count(told) == 1
    excuse = {"de": "zählt dieser Anruf nicht", "en": "that call does not count"}[language]
    assert excuse in page.text
    assert "/tasks/acc.address" in page.links
    report_done(LINE, "acc.address", key=str(uuid4()), now=now())
    assert told not in open_page(client, "/", language).text


def test_an_old_failure_is_not_pointed_out(client: Client) -> None:
    prepare()
    a_signed_in(client, recent_life())
    report_failed(LINE, "acc.address", key=str(uuid4()), now=ago(73 / 24))
    assert "noch einmal versuchen" not in open_page(client, "/").text


def test_whoever_takes_no_part_is_promised_nothing_about_calls(client: Client) -> None:
    prepare()
    a_signed_in(client, newcomer())
    report_failed(LINE, "acc.address", key=str(uuid4()), now=ago(0.1))
    page = open_page(client, "/")
    assert "noch einmal versuchen" in page.text
    assert "zählt dieser Anruf nicht" not in page.text


def test_a_bonus_that_is_not_confirmed_is_never_called_usable(client: Client) -> None:
    prepare()
    life = recent_life()
    life.facts = [fact for fact in life.facts if str(fact["time"]) < ago(32).isoformat()]
    a_signed_in(client, life)
    report_done(LINE, "call.voicemail", key=str(uuid4()), now=now())
    before = open_page(client, "/").text
    assert "wird gebucht" not in before
    assert "Datenvolumen 5 GB" not in before
    assert CreditOrder.objects.update(state="open", confirmed_at=None, due_at=F("ordered_at"))
    after = open_page(client, "/").text
    assert "Datenguthaben wird gebucht" in after
    assert "Datenvolumen 5 GB" in after


def test_volume_rests_while_the_line_is_suspended(client: Client) -> None:
    prepare()
    life = recent_life()
    life.add("subscriber.changed", ago(0.5), {"suspended": True})
    a_signed_in(client, life)
    page = open_page(client, "/")
    assert "ruht das Volumen" in page.text
    assert "Inklusivvolumen ruht" in page.text


def test_what_is_used_up_is_called_so_and_nothing_is_foretold(client: Client) -> None:
    prepare()
    life = recent_life()
    life.add("usage.recorded", ago(0.01), {"bytes": 6_000_000_000})
    a_signed_in(client, life)
    page = open_page(client, "/")
    assert "0 MB" in page.text
    assert "aufgebraucht" in page.text
    assert "Reicht" not in page.text


def test_the_card_of_volume_reloads_alone_and_as_a_plain_link(client: Client) -> None:
    prepare()
    a_signed_in(client, recent_life())
    page = open_page(client, "/")
    (link,) = [a for a in page.named("a") if a.get("hx-get")]
    assert link["href"] == link["hx-get"] == "/"
    assert link["hx-select"] == link["hx-target"] == "#volume-card"
    assert [a["id"] for a in page.named("section") if a.get("id")] == ["volume-card"]


def test_after_leaving_the_row_of_tranches_promises_nothing(client: Client) -> None:
    prepare()
    life = recent_life(days=60)
    life.withdrawn(ago(5).isoformat())
    a_signed_in(client, life)
    page = open_page(client, "/")
    assert "noch offen" not in page.text
    assert "beendet" in page.text


def test_a_user_whose_line_is_unknown_is_told_so(client: Client) -> None:
    prepare()
    newcomer().send()
    sign_in(client, "line")
    User.objects.update(subscriber_id=uuid4())
    open_page(client, "/", status=404)


def test_the_page_of_a_fault_needs_no_database(rf: RequestFactory) -> None:
    class Nobody:
        def __getattr__(self, name: str) -> Any:
            raise OperationalError("the server is gone")

    request = rf.get("/")
    request.user = Nobody()  # type: ignore[assignment]
    response = pages.failed(request)
    assert response.status_code == 500
    assert "Das hat nicht geklappt" in response.content.decode()


@pytest.mark.parametrize(
    ("moment", "german"),
    [
        ("2026-03-28T22:30", "noch 3 Tage, bis 30. März 2026"),
        ("2026-03-29T12:00", "noch 2 Tage, bis 30. März 2026"),
        ("2026-03-30T21:59", "letzter Tag, 30. März 2026"),
    ],
)
def test_days_left_are_days_of_the_calendar(moment: str, german: str) -> None:
    """The last one has 23 hours, because clocks go forward on 29 March."""
    assert days_left(at("2026-03-30T22:00"), at(moment), BERLIN).de == german


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=3), Words("vor 1 Minute", "1 minute ago")),
        (timedelta(minutes=59), Words("vor 59 Minuten", "59 minutes ago")),
        (timedelta(hours=1), Words("vor 1 Stunde", "1 hour ago")),
        (timedelta(hours=23, minutes=59), Words("vor 23 Stunden", "23 hours ago")),
        (timedelta(days=1), Words("21. November 2026 um 13:00 Uhr", "21 November 2026 at 13:00")),
    ],
)
def test_how_fresh_something_is(span: timedelta, words: Words) -> None:
    instant = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert told_ago(instant - span, instant, BERLIN) == words


def test_a_failure_in_the_operators_own_app_is_pointed_out_too(client: Client) -> None:
    prepare()
    life = recent_life()
    life.did(ago(0.5), "call.forward", outcome="failed")
    life.did(ago(0.4), "bill.budget", outcome="failed")
    a_signed_in(client, life)
    page = open_page(client, "/")
    assert "/tasks/call.forward" in page.links
    assert "Kostengrenze setzen" in page.text
    assert "/tasks/bill.budget" not in page.links


def test_the_row_of_credits_is_counted_in_words(client: Client) -> None:
    prepare()
    a_signed_in(client, recent_life())
    text = open_page(client, "/").text
    found = re.search(r"9 Gutschriften: ((?:\d × [\wäöü ]+(?:, )?)+)", text)
    assert found is not None
    assert sum(int(number) for number in re.findall(r"(\d) ×", found[1])) == 9
