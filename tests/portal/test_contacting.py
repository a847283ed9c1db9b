"""What the contact page says about calls: what failed online lately, and by what a call never counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.activities.queries import FailedActivity
from selbsthelfer.kit.wording import day, moment
from selbsthelfer.portal.pages.contacting import failure_sentences
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life, prepare, varied
from tests.portal.pages import MAX_QUERIES, Page, open_page
from tests.portal.task_pages import sign_in_as

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

BERLIN = "Europe/Berlin"
NOON = datetime(2026, 5, 10, 10, tzinfo=UTC)
FAILED = "hat „Rufumleitung einstellen“ nicht geklappt"
AFTER_FAILURE = "Hat etwas online nicht geklappt, ist ein Kontakt dazu in den 72 Stunden danach frei."
ASKING_AGAIN = "Nachfragen zum selben Anliegen innerhalb von 7 Tagen zählen nicht."
EMERGENCY = "Rufen wir eine Ausnahmelage aus"
GOODWILL = "In jeder Stufe ist der erste Kontakt frei"


def now() -> datetime:
    return datetime.now(UTC)


def taking_part(*programmes: str, variant: str = "treatment") -> Life:
    """Live a line that takes part and whose forwarding failed yesterday in the operator's own app."""
    life = Life("line-1", timezone=BERLIN, variant=variant)
    for programme in programmes:
        life.enrolled(now() - timedelta(days=40), programme=programme)
    life.did(now() - timedelta(days=1), "call.forward", outcome="failed")
    return life


def contact_page(life: Life, language: str = "de") -> Page:
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-1"), level=1)
    return open_page(browser, reverse("contact"), language)


def test_a_failure_from_yesterday_is_named_with_the_end_of_the_free_call() -> None:
    prepare()
    life = taking_part("o2-2017")
    until = moment(datetime.fromisoformat(str(life.facts[-1]["time"])) + timedelta(hours=72), BERLIN)
    text = contact_page(life).text
    assert f"Gestern {FAILED}. Rufen Sie deswegen bis {until.de} an, zählt der Anruf nicht." in text


def test_it_is_said_in_english_too() -> None:
    prepare()
    text = contact_page(taking_part("o2-2017"), "en").text
    assert "Yesterday “Set call forwarding” did not work. If you call about it until" in text


def test_what_has_worked_since_is_not_brought_up() -> None:
    prepare()
    life = taking_part("o2-2017")
    life.did(now() - timedelta(hours=1), "call.forward")
    assert FAILED not in contact_page(life).text


@pytest.mark.parametrize(
    "kind", ["outside", "control", "withdrawn", "nothing exempt", "one of two", "no calls"]
)
def test_no_free_call_is_promised_where_none_is_due(kind: str) -> None:
    prepare()
    prepare(varied(name='"strict"', exemptions='"none"'))
    prepare(varied(name='"chats"', channels='["chat"]'))
    programmes = {"outside": [], "nothing exempt": ["strict"], "one of two": ["o2-2017", "strict"]}
    enrolled = ["chats"] if kind == "no calls" else programmes.get(kind, ["o2-2017"])
    life = taking_part(*enrolled, variant="control" if kind == "control" else "treatment")
    if kind == "withdrawn":
        life.withdrawn((now() - timedelta(hours=2)).isoformat())
    assert FAILED not in contact_page(life).text


@pytest.mark.parametrize(
    ("hours", "german", "english"),
    [(1, "Heute", "Today"), (13, "Gestern", "Yesterday"), (37, "Vorgestern", "The day before yesterday")],
)
def test_days_are_named_as_people_do_and_are_the_line_s_own(hours: int, german: str, english: str) -> None:
    (told,) = failure_sentences([FailedActivity("call.forward", NOON - timedelta(hours=hours))], NOON, BERLIN)
    assert told.de.startswith(f"{german} hat")
    assert told.en.startswith(f"{english} “Set")


def test_a_day_further_back_is_named_by_its_date() -> None:
    failed_at = NOON - timedelta(hours=70)
    (told,) = failure_sentences([FailedActivity("call.forward", failed_at)], NOON, BERLIN)
    assert told.de.startswith(f"Am {day(failed_at, BERLIN).de} hat")
    assert moment(failed_at + timedelta(hours=72), BERLIN).de in told.de


def test_what_never_counts_holds_the_rules_of_time_and_the_topics() -> None:
    prepare()
    text = contact_page(taking_part("o2-2017")).text
    for expected in (AFTER_FAILURE, ASKING_AGAIN, EMERGENCY, "Störung oder kein Netz."):
        assert expected in text
    assert GOODWILL not in text


def test_goodwill_is_told_where_the_programme_has_it() -> None:
    prepare(varied(goodwill_contacts="1"))
    assert GOODWILL in contact_page(taking_part("o2-2017")).text


def test_where_nothing_is_exempt_but_the_first_call_only_that_is_told() -> None:
    prepare(varied(exemptions='"none"', goodwill_contacts="1"))
    text = contact_page(taking_part("o2-2017")).text
    assert GOODWILL in text
    for other in (AFTER_FAILURE, ASKING_AGAIN, EMERGENCY, "Störung oder kein Netz."):
        assert other not in text


def test_two_programmes_are_told_apart_by_their_names(queries: list[str]) -> None:
    prepare()
    prepare(varied(name='"second"', **{"title.de": '"Zweites"', "title.en": '"Second"'}))
    life = taking_part("o2-2017", "second")
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-1"), level=1)
    queries.clear()
    page = open_page(browser, reverse("contact"))
    assert 0 < len(queries) <= MAX_QUERIES, queries
    assert len(page.named("details")) == 2
    assert "Zweites" in page.text
    assert "Datenguthaben für Selbsthelfer" in page.text
