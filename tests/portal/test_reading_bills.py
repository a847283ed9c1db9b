"""Bills: listed, explained, itemised, as PDF, and never those of another line."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.conversations.models import Case
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.explaining import bill_explained
from selbsthelfer.selfservice.core.records import Bill
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import prepare
from tests.portal.pages import open_page
from tests.portal.task_pages import form_with, send, sign_in_as
from tests.portal.task_pages import open_page as page_to_send
from tests.selfservice.world import facts_of, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

PER_BILL = ["bill", "bill_explain", "itemised", "object"]


@pytest.fixture
def line() -> LineRef:
    prepare()
    return registered()


@pytest.fixture
def browser(line: LineRef) -> Client:
    client = Client()
    sign_in_as(client, line)
    return client


def bills_of(line: LineRef) -> list[Bill]:
    return list(the_back_end().bills(line, now=datetime.now(UTC)))


def euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d} €"


def test_bills_are_listed_newest_first_with_what_matters(browser: Client, line: LineRef) -> None:
    page, bills = open_page(browser, reverse("bills")), bills_of(line)
    links = [link for link in page.links if re.fullmatch(r"/bills/[^/.]+", link)]
    assert links == [reverse("bill", args=[bill.number]) for bill in bills]
    assert euros(bills[0].total_cents) in page.text
    assert "abgebucht" in page.text
    assert "To be" not in page.text


def test_a_line_without_a_bill_is_told_when_the_first_one_comes() -> None:
    prepare()
    line = registered("line-9", timezone="UTC")
    browser = Client()
    sign_in_as(browser, line)
    for bill in bills_of(line):
        assert bill.issued_on <= datetime.now(UTC).date()
    assert "Rechnungen" in open_page(browser, reverse("bills")).text


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_line_of_a_bill_is_explained_beside_the_month_before(
    browser: Client, line: LineRef, language: str
) -> None:
    newest, before = bills_of(line)[:2]
    page = open_page(browser, reverse("bill_explain", args=[newest.number]), language)
    explained = bill_explained(newest, before)
    assert explained
    for item in explained:
        assert (item.line.name.de if language == "de" else item.line.name.en) in page.text
        told = item.told
        assert told is not None
        assert (told.de if language == "de" else told.en) in page.text
    assert facts_of(line) == [("bill.explain", True)]


def test_the_tasks_lead_to_the_newest_bill(browser: Client, line: LineRef) -> None:
    newest = bills_of(line)[0].number
    for name in ("bill_explain", "itemised"):
        response = browser.get(reverse(name))
        assert response["Location"] == reverse(name, args=[newest])
    assert facts_of(line) == []


def test_the_first_bill_has_none_to_compare_with(browser: Client, line: LineRef) -> None:
    oldest = bills_of(line)[-1]
    page = open_page(browser, reverse("bill_explain", args=[oldest.number]))
    assert "noch keine zum Vergleichen" in page.text


def test_a_bill_comes_as_pdf(browser: Client, line: LineRef) -> None:
    newest = bills_of(line)[0]
    response = browser.get(reverse("bill_pdf", args=[newest.number]))
    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert response["Cache-Control"] == "no-store"


def test_the_itemised_record_needs_a_second_proof_and_shortens_numbers(
    browser: Client, line: LineRef
) -> None:
    newest = bills_of(line)[0]
    page = open_page(browser, reverse("itemised", args=[newest.number]))
    records = the_back_end().records(line, newest, now=datetime.now(UTC))
    assert len(page.named("tr")) == len(records) + 1
    assert facts_of(line) == [("bill.itemised", True)]
    sign_in_as(browser, line, level=1)
    response = browser.get(reverse("itemised", args=[newest.number]))
    assert response["Location"].startswith(reverse("confirm"))


@pytest.mark.parametrize("name", [*PER_BILL, "bill_pdf"])
def test_a_bill_of_another_line_is_not_there(browser: Client, line: LineRef, name: str) -> None:
    theirs = bills_of(registered("line-2", msisdn="+491713920099"))[0]
    for number in (theirs.number, "nonsense"):
        assert browser.get(reverse(name, args=[number])).status_code == 404
    assert browser.post(reverse("object", args=[theirs.number]), {"text": "x"}).status_code == 404
    assert facts_of(line) == []


def test_an_objection_becomes_a_case_with_number_and_promise(browser: Client, line: LineRef) -> None:
    newest = bills_of(line)[0]
    path = reverse("object", args=[newest.number])
    assert "acht Wochen" in open_page(browser, path).text
    form = form_with(page_to_send(browser, path), "Beanstandung absenden")
    response = send(browser, path, form, text="Der Posten stimmt nicht.")
    again = send(browser, path, form, text="Der Posten stimmt nicht.")
    assert response.status_code == again.status_code == 302
    case = Case.objects.get()
    assert (case.kind, case.subscriber_id, case.topic) == ("objection", line.subscriber_id, "objection")
    assert case.details["bill"] == newest.number
    page = open_page(browser, response["Location"])
    assert case.number in page.text
    assert "Antwort bis" in page.text
    assert facts_of(line) == [("bill.object", True)]


def test_an_objection_that_comes_late_is_told_so_and_taken(browser: Client, line: LineRef) -> None:
    oldest = bills_of(line)[-1]
    path = reverse("object", args=[oldest.number])
    page = page_to_send(browser, path)
    assert "Schreiben Sie uns trotzdem" in page.content.decode()
    response = send(browser, path, form_with(page, "absenden"), text="Spät, aber falsch.")
    assert response.status_code == 302
    assert Case.objects.get().kind == "objection"


def test_an_objection_without_a_word_is_asked_for_one(browser: Client, line: LineRef) -> None:
    path = reverse("object", args=[bills_of(line)[0].number])
    response = send(browser, path, form_with(page_to_send(browser, path), "absenden"), text=" ")
    assert response.status_code == 422
    assert "Bitte schreiben Sie, worum es geht." in response.content.decode()
    assert not Case.objects.exists()
