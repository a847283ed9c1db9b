"""The network: prices abroad, known faults, reports, and the guided diagnosis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.conversations.models import Case
from selbsthelfer.conversations.models import Message as CaseMessage
from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.articles.diagnosing import MAX_ANSWERS, STEPS, BrokenWalkError, End, walk
from selbsthelfer.portal.pages.writing_keeping import RATES
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.embedded.operations import begin_fault, begin_outage, repair_fault
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import prepare
from tests.portal.pages import open_page
from tests.portal.task_pages import form_with, send, sign_in_as
from tests.portal.task_pages import open_page as page_to_send
from tests.selfservice.world import facts_of, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

WORKS = "data.none.works"
PERSON = "network.known.person"


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


def place(postcode: str) -> str:
    return f"{reverse('network_status')}?postcode={postcode}"


def test_everybody_finds_the_price_of_a_country() -> None:
    price = the_back_end().roaming_prices()[-1]
    country = price.countries[0]
    german = open_page(Client(), f"{reverse('roaming_prices')}?country={country.de}")
    english = open_page(Client(), f"{reverse('roaming_prices')}?country={country.en.upper()}", "en")
    assert price.zone.de in german.text
    assert price.zone.en in english.text
    assert len(german.named("dl")) < len(open_page(Client(), reverse("roaming_prices")).named("dl"))


def test_an_unknown_country_shows_all_prices_and_says_so() -> None:
    page = open_page(Client(), f"{reverse('roaming_prices')}?country=<Atlantis>")
    assert "„<Atlantis>“ steht nicht in unserer Liste" in page.text
    assert len(page.named("dl")) == len(the_back_end().roaming_prices())


def test_faults_are_told_with_their_state_and_no_fault_is_no_promise() -> None:
    begin_fault(
        "S-1",
        postcode_start="507",
        place="Köln",
        what=Words("Sendemast ohne Strom", "A mast without power"),
        now=now(),
        expected_at=now() + timedelta(hours=3),
    )
    german, english = open_page(Client(), place("50733")), open_page(Client(), place("50733"), "en")
    assert "Sendemast ohne Strom bekannt" in german.text
    assert "A mast without power known" in english.text
    assert "Uns ist dort nichts bekannt." in open_page(Client(), place("10115")).text
    repair_fault("S-1", now=now())
    assert "Sendemast ohne Strom behoben" in open_page(Client(), place("50733")).text


@pytest.mark.parametrize("postcode", ["", "123", "123456", "abcde", "١٢٣٤٥"])
def test_what_is_no_postcode_is_told_beside_the_field(postcode: str) -> None:
    page = open_page(Client(), place(postcode), status=422)
    assert "Bitte geben Sie fünf Ziffern ein." in page.text


def test_a_script_gets_what_is_wrong_into_the_page_too() -> None:
    response = Client().get(place("abc"), headers={"hx-request": "true"})
    assert response.status_code == 200
    assert "Bitte geben Sie fünf Ziffern ein." in response.content.decode()


def test_a_script_leads_to_the_whole_page_where_the_back_end_fails(browser: Client, line: LineRef) -> None:
    begin_outage(None, now=now() - timedelta(minutes=1), until=now() + timedelta(hours=1))
    response = browser.get(place("50667"), headers={"hx-request": "true"})
    assert response["HX-Redirect"] == place("50667")
    open_page(browser, response["HX-Redirect"], status=503)
    assert facts_of(line) == [("net.status", False)]


def test_who_is_signed_in_sees_their_own_place_at_once(browser: Client, line: LineRef) -> None:
    postcode = the_back_end().customer(line, now=now()).address.postcode
    page = open_page(browser, reverse("network_status"))
    assert f"Was wir für {postcode} wissen" in page.text
    assert facts_of(line) == [("net.status", True)]
    assert "Was wir für" not in open_page(Client(), reverse("network_status")).text


def test_strangers_may_look_often_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "faults_from_address", "2/10m/ip")
    stranger = Client()
    for _ in range(2):
        open_page(stranger, place("10115"))
    assert "in zehn Minuten wieder" in open_page(stranger, place("10115"), status=429).text


def test_a_fault_is_reported_once_and_gets_number_promise_and_credit(browser: Client, line: LineRef) -> None:
    path = reverse("report_fault")
    shown = page_to_send(browser, path)
    assert "§ 58 TKG" in shown.content.decode()
    form = form_with(shown, "Störung melden")
    typed = {"symptom": "calls", "postcode": "50667", "text": "Seit heute früh."}
    response, again = send(browser, path, form, **typed), send(browser, path, form, **typed)
    assert response["Location"] == again["Location"]
    case = Case.objects.get()
    assert (case.kind, case.topic, case.subscriber_id) == ("fault", "fault", line.subscriber_id)
    page = open_page(browser, response["Location"])
    assert case.number in page.text
    assert "Anrufe gehen nicht · 50667" in page.text
    assert facts_of(line) == [("net.report", True)]


def test_a_fault_report_says_what_is_missing(browser: Client, line: LineRef) -> None:
    path = reverse("report_fault")
    form = form_with(page_to_send(browser, path), "Störung melden")
    response = send(browser, path, form, symptom="calls", postcode="5066", text="")
    assert response.status_code == 422
    assert "Bitte geben Sie fünf Ziffern ein." in response.content.decode()
    assert facts_of(line) == []


def test_a_fault_can_be_reported_while_the_back_end_fails(browser: Client) -> None:
    begin_outage(None, now=now() - timedelta(minutes=1), until=now() + timedelta(hours=1))
    path = reverse("report_fault")
    form = form_with(page_to_send(browser, path), "Störung melden")
    sent = send(browser, path, form, symptom="data", postcode="50667", text="Nichts geht.")
    assert sent.status_code == 302


def test_every_step_of_the_tree_is_reached_and_every_way_ends() -> None:
    reached: set[str] = set()

    def follow(written: str) -> int:
        walked = walk(written)
        if walked.step is None:
            assert walked.end in set(End)
            return len(walked.answers)
        reached.add(walked.step.id)
        return max(follow(walked.after(answer)) for answer in walked.step.answers)

    assert follow("") <= 11 < MAX_ANSWERS
    assert reached == set(STEPS)
    assert 8 <= len(STEPS) <= 12
    assert {step.task for step in STEPS.values() if step.task} <= set(CATALOGUE)


@pytest.mark.parametrize("written", ["nonsense", "data.nonsense", f"{WORKS}.works", "data" + ".none" * 30])
def test_answers_that_lead_nowhere_are_not_there(browser: Client, written: str) -> None:
    with pytest.raises(BrokenWalkError):
        walk(written)
    assert browser.get(f"{reverse('diagnose')}?walk={written}").status_code == 404


def test_the_diagnosis_is_walked_by_links_alone(browser: Client) -> None:
    path, seen = reverse("diagnose"), []
    for _ in range(MAX_ANSWERS):
        page = open_page(browser, path, "en")
        seen.append(path)
        onward = [link for link in page.links if link.startswith("?walk=") or "/diagnose?walk=" in link]
        deeper = [link for link in onward if len(link) > len(path) and link not in seen]
        if not deeper:
            break
        path = deeper[-1]
    assert "A person takes over now" in open_page(browser, path, "en").text


def test_a_diagnosis_counts_only_when_the_customer_says_that_it_works(browser: Client, line: LineRef) -> None:
    path = f"{reverse('diagnose')}?walk=data.none.works"
    page = page_to_send(browser, path)
    assert "Funktioniert es jetzt?" in page.content.decode()
    assert facts_of(line) == []
    form = form_with(page, "Ja, es funktioniert")
    response, again = send(browser, path, form), send(browser, path, form)
    assert response["Location"] == again["Location"]
    assert "Erledigt." in open_page(browser, response["Location"]).text
    assert facts_of(line) == [("net.diagnose", True)]


@pytest.mark.parametrize("written", ["", "data", PERSON])
def test_a_diagnosis_that_is_not_at_its_end_cannot_be_sent(
    browser: Client, line: LineRef, written: str
) -> None:
    response = browser.post(reverse("diagnose"), {"walk": written, "key": str(uuid4())})
    assert response["Location"] == reverse("diagnose")
    assert facts_of(line) == []


def test_what_was_tried_is_handed_to_a_person(browser: Client) -> None:
    path = f"{reverse('report_fault')}?walk={PERSON}"
    shown = page_to_send(browser, path)
    assert "Störung am Ort nachgesehen: Ja, eine Störung ist bekannt." in shown.content.decode()
    form = form_with(shown, "Störung melden")
    text = "Kein Netz.\nStörung am Ort nachgesehen: Ja."
    send(browser, path, form, symptom="network", postcode="50667", text=text)
    assert "Störung am Ort nachgesehen" in CaseMessage.objects.get().text
