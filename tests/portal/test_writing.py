"""Writing to people, signed in or not: a number and a promise at once, and only the own cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from selbsthelfer.conversations.core.cases import MAX_TEXT_CHARACTERS, CaseKind
from selbsthelfer.conversations.models import Case, Message
from selbsthelfer.conversations.operations import answer, close, open_case
from selbsthelfer.conversations.recording import MAX_OPEN_OF_LINE
from selbsthelfer.outbox.models import Message as Outgoing
from selbsthelfer.portal.pages.writing_keeping import RATES
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import prepare
from tests.portal.pages import open_page
from tests.portal.task_pages import form_with, send, sign_in_as, words_of
from tests.portal.task_pages import open_page as page_to_send
from tests.selfservice.world import facts_of, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

STRANGER = {"name": "Ada Beispiel", "email": "ada@example.org", "text": "Wann kommt meine SIM?"}


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


def write(client: Client, page: str = "write", **typed: str) -> HttpResponse:
    path = reverse(page)
    return send(client, path, form_with(page_to_send(client, path), "bsenden"), **typed)


def case_of(line: LineRef, text: str = "Guten Tag") -> str:
    opened = open_case(kind=CaseKind.MESSAGE, text=text, key=uuid4(), now=now(), line=line.subscriber_id)
    return opened.number


@pytest.mark.parametrize(("page", "kind"), [("write", "message"), ("complain", "complaint")])
def test_a_stranger_writes_and_sees_number_and_promise_at_once(page: str, kind: str) -> None:
    stranger = Client()
    response = write(stranger, page, **STRANGER)
    assert response["Location"] == reverse("written")
    case = Case.objects.get()
    assert (case.kind, case.subscriber_id, case.name) == (kind, None, "Ada Beispiel")
    shown = open_page(stranger, reverse("written"))
    assert case.number in shown.text
    assert "Antwort bis" in shown.text
    assert "ada@example.org" in shown.text
    assert Outgoing.objects.get().kind == "case_received"
    assert open_page(stranger, reverse("written"), "en").text.count(case.number) == 1


def test_the_receipt_of_a_stranger_is_shown_to_their_browser_only() -> None:
    stranger = Client()
    write(stranger, **STRANGER)
    assert Client().get(reverse("written")).status_code == 404
    Case.objects.update(opened_at=now() - timedelta(hours=2))
    assert stranger.get(reverse("written")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"text": ""}, "Bitte schreiben Sie, worum es geht."),
        ({"text": "x" * (MAX_TEXT_CHARACTERS + 1)}, "Das ist zu lang: höchstens 5000 Zeichen."),
        ({"name": ""}, "Bitte sagen Sie uns Ihren Namen."),
        ({"email": "ada"}, "Bitte geben Sie eine E-Mail-Adresse"),
        ({"email": "ada@löwe.example"}, "An diese Adresse können wir nicht schreiben."),
        ({"key": "nonsense"}, "Diese Seite war nicht mehr frisch."),
        ({"chosen_topic": "nonsense"}, "nonsense"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_kept(wrong: dict[str, str], told: str) -> None:
    response = write(Client(), **{**STRANGER, **wrong})
    assert response.status_code == 422
    assert told in words_of(response)
    assert not Case.objects.exists()


def test_parts_that_are_too_long_together_are_told_and_nothing_is_kept(
    browser: Client, line: LineRef
) -> None:
    response = write(browser, "complain", text="x" * MAX_TEXT_CHARACTERS, wanted="Bitte erstatten.")
    assert response.status_code == 422
    assert "Das ist zu lang." in words_of(response)
    assert not Case.objects.exists()
    assert facts_of(line) == []


def test_sent_twice_it_is_one_case() -> None:
    stranger, path = Client(), reverse("write")
    form = form_with(page_to_send(stranger, path), "bsenden")
    for _ in range(2):
        assert send(stranger, path, form, **STRANGER).status_code == 302
    assert Case.objects.count() == 1


def test_strangers_are_limited_and_who_is_signed_in_is_not(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, "written_from_address", "1/h/ip")
    assert write(Client(), **STRANGER).status_code == 302
    refused = write(Client(), "complain", **STRANGER)
    assert refused.status_code == 422
    assert "sehr viele Nachrichten" in words_of(refused)
    assert Case.objects.count() == 1
    assert write(browser, text="Und ich?").status_code == 302


@pytest.mark.parametrize(
    ("page", "kind", "activity"),
    [("write", "message", "help.message"), ("complain", "complaint", "help.complaint")],
)
def test_who_is_signed_in_writes_for_their_line_and_it_is_reported(
    browser: Client, line: LineRef, page: str, kind: str, activity: str
) -> None:
    response = write(browser, page, text="Es geht um meinen Vertrag.")
    case = Case.objects.get()
    assert (case.kind, case.subscriber_id) == (kind, line.subscriber_id)
    shown = open_page(browser, response["Location"])
    assert f"Nummer {case.number}" in shown.text
    assert "Es geht um meinen Vertrag." in shown.text
    assert facts_of(line) == [(activity, True)]
    assert case.number in open_page(browser, reverse("cases"), "en").text


def test_the_topic_is_kept_and_what_tells_about_a_person_is_not(browser: Client) -> None:
    write(browser, text="Rechnung?", chosen_topic="bill.view")
    write(browser, text="Ich brauche Hilfe.", chosen_topic="hardship")
    assert set(Case.objects.values_list("topic", flat=True)) == {"bill.view", "exempt"}


def test_a_case_shows_what_was_written_and_takes_more(browser: Client, line: LineRef) -> None:
    number = case_of(line, "Erste Frage\n<b>fett</b>")
    answer(number=number, text="Unsere Antwort", by="petra", now=now())
    path = reverse("case", args=[number])
    shown = open_page(browser, path)
    assert "<b>fett</b>" in shown.text
    assert "Unsere Antwort" in shown.text
    assert "petra" not in shown.text
    assert "beantwortet" in shown.text
    response = send(browser, path, form_with(page_to_send(browser, path), "Absenden"), text="Noch etwas")
    assert response["Location"] == path
    assert "wird bearbeitet" in open_page(browser, path).text
    assert Message.objects.filter(text="Noch etwas").count() == 1


def test_a_closed_case_takes_nothing_more(browser: Client, line: LineRef) -> None:
    number = case_of(line)
    close(number=number, now=now())
    path = reverse("case", args=[number])
    assert "abgeschlossen" in open_page(browser, path).text
    response = browser.post(path, {"text": "Doch noch", "key": str(uuid4())})
    assert response["Location"] == path
    assert Message.objects.count() == 1


def test_a_promise_that_was_broken_is_told(browser: Client, line: LineRef) -> None:
    number = case_of(line)
    Case.objects.update(promised_at=now() - timedelta(days=1))
    page = open_page(browser, reverse("case", args=[number]))
    assert "Das haben wir nicht geschafft" in page.text


def test_a_case_of_another_line_is_not_there(browser: Client, line: LineRef) -> None:
    theirs = case_of(registered("line-2", msisdn="+491713920099"))
    path = reverse("case", args=[theirs])
    assert browser.get(path).status_code == 404
    assert browser.post(path, {"text": "Hallo", "key": str(uuid4())}).status_code == 404
    assert theirs not in open_page(browser, reverse("cases")).text
    assert Message.objects.count() == 1


def test_cases_ask_for_sign_in() -> None:
    for path in (reverse("cases"), reverse("case", args=["F-0000-0000"])):
        assert Client().get(path)["Location"].startswith(reverse("sign_in"))


def test_a_line_with_too_many_open_cases_is_told_so(browser: Client, line: LineRef) -> None:
    for _ in range(MAX_OPEN_OF_LINE):
        case_of(line)
    response = write(browser, text="Noch eine")
    assert response.status_code == 422
    assert "sehr viele offene Vorgänge" in words_of(response)
    assert facts_of(line) == []


def test_a_receipt_of_another_task_makes_no_case_new(browser: Client, line: LineRef) -> None:
    number = case_of(line)
    path = reverse("case", args=[number])
    assert "Angekommen" not in open_page(browser, f"{path}?receipt=Q-0000-0000-0000").text
