"""Disputing a contact in two taps, until a person has decided."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.conversations.core.cases import MAX_TEXT_CHARACTERS
from selbsthelfer.conversations.models import Case
from selbsthelfer.conversations.operations import reinstate, uphold
from tests.portal.life import SOURCE, ago, now, prepare, recent_life, sign_in
from tests.portal.pages import LANGUAGES, MAX_QUERIES, Page, open_page, sound_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]

DISPUTE = "/rewards/dispute"


def disputable(client: Client, subject: str = "line") -> str:
    """Live a line with a contact that counts and one that does not; give the link to dispute."""
    prepare()
    one = recent_life(subject)
    one.called(ago(102), "fault")
    one.called(ago(100), "use.view")
    one.send()
    sign_in(client, subject)
    (link,) = links_to_dispute(open_page(client, "/rewards"))
    return link


def links_to_dispute(page: Page) -> list[str]:
    return [link for link in page.links if link.startswith(DISPUTE)]


def sent(client: Client, page: Page, text: str = "") -> Any:
    fields = {name: page.hidden(name) for name in ("source", "id", "key")}
    return client.post(DISPUTE, {**fields, "text": text})


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_taps_make_a_case(client: Client, language: str) -> None:
    page = open_page(client, disputable(client), language)
    assert {"de": "Verbrauch ansehen", "en": "View usage"}[language] in page.text
    response = sent(client, page, "Das war eine Störung.")
    case = Case.objects.get()
    assert response.status_code == 302
    assert response["Location"] == reverse("case", args=[case.number])
    assert (case.about_source, case.kind) == (SOURCE, "dispute")
    after = open_page(client, "/rewards", language)
    assert links_to_dispute(after) == []
    assert reverse("case", args=[case.number]) in after.links
    assert {"de": "Ihr Widerspruch wird geprüft:", "en": "Your dispute is being looked at:"}[
        language
    ] in after.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_case_tells_its_number_and_when_it_will_be_answered(client: Client, language: str) -> None:
    response = sent(client, open_page(client, disputable(client)), "Das war eine Störung.")
    page = open_page(client, response["Location"], language)
    assert Case.objects.get().number in page.text
    assert {"de": "Antwort bis", "en": "Answer by"}[language] in page.text
    assert "Das war eine Störung." in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_case_names_the_contact_and_leads_back_to_it(
    client: Client, queries: list[str], language: str
) -> None:
    response = sent(client, open_page(client, disputable(client)))
    queries.clear()
    page = open_page(client, response["Location"], language)
    assert 0 < len(queries) <= MAX_QUERIES, queries
    german, english = "Es geht um diesen Kontakt:", "It is about this contact:"
    assert {"de": german, "en": english}[language] in page.text
    assert {"de": "Hotline · Verbrauch ansehen.", "en": "Hotline · View usage."}[language] in page.text
    (back,) = [link for link in page.links if link.startswith("/rewards#")]
    rewards = open_page(client, "/rewards", language)
    assert back.removeprefix("/rewards#") in {tag["id"] for tag in rewards.named("li") if "id" in tag}


def test_what_a_dispute_brings_is_there_at_once(client: Client) -> None:
    """The call had missed stage 1; without it two periods are paid, and both are usable now."""
    prepare()
    one = recent_life(days=130)
    one.called(ago(110), "use.view")
    one.send()
    sign_in(client, "line")
    before = open_page(client, "/rewards")
    assert "Stufe 1 verfehlt" in before.text
    assert before.named("progress")[0]["value"] == "0"
    sent(client, open_page(client, links_to_dispute(before)[0]))
    decided = reinstate(number=Case.objects.get().number, by="Alex", reason="Störung.", now=now())
    after = open_page(client, "/rewards")
    assert "Stufe 1 bestanden" in after.text
    assert decided.released >= 1
    assert after.named("progress")[0]["value"] == str(decided.released * 100_000_000)
    assert {"class": "badge usable"} in after.named("span")


def test_no_words_are_needed_and_sending_twice_is_sending_once(client: Client) -> None:
    page = open_page(client, disputable(client))
    assert [sent(client, page).status_code for _ in range(2)] == [302, 302]
    assert Case.objects.count() == 1


def test_a_contact_already_disputed_leads_to_its_case(client: Client) -> None:
    link = disputable(client)
    sent(client, open_page(client, link))
    again = open_page(client, link)
    assert "Das prüfen wir schon." in again.text
    assert reverse("case", args=[Case.objects.get().number]) in again.links
    assert not [a for a in again.named("form") if a["action"] == DISPUTE]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_contact_found_not_to_count_says_that_it_was_disputed(client: Client, language: str) -> None:
    link = disputable(client)
    sent(client, open_page(client, link))
    reinstate(number=Case.objects.get().number, by="Alex", reason="Das war eine Störung.", now=now())
    page = open_page(client, "/rewards", language)
    assert links_to_dispute(page) == []
    for expected in {
        "de": ("zählt nicht mehr", "Auf Ihren Widerspruch hin geändert:", "noch einmal geprüft"),
        "en": ("no longer counts", "Changed because you disputed it:", "looked at this call again"),
    }[language]:
        assert expected in page.text
    assert "Alex" not in page.text
    assert "zählt nicht gegen Sie" in open_page(client, link).text


def test_a_contact_found_to_count_says_so(client: Client) -> None:
    link = disputable(client)
    sent(client, open_page(client, link))
    uphold(number=Case.objects.get().number, by="Alex", text="Das war keine Störung.", now=now())
    assert "Geprüft; es bleibt dabei:" in open_page(client, "/rewards").text
    assert "Das haben wir schon geprüft." in open_page(client, link).text


def test_only_one_s_own_contacts_can_be_disputed(client: Client) -> None:
    link = disputable(client, "one")
    key = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    recent_life("two").send()
    sign_in(client, "two")
    assert client.get(link).status_code == 404
    assert client.post(DISPUTE, {**key, "key": str(uuid4()), "text": ""}).status_code == 404
    assert not Case.objects.exists()


@pytest.mark.parametrize("query", ["", "?source=/test", "?source=/test&id=nothing", "?id=%00&source=%00"])
def test_a_contact_that_there_is_not_cannot_be_disputed(client: Client, query: str) -> None:
    disputable(client)
    assert client.get(DISPUTE + query).status_code == 404
    assert client.post(DISPUTE, {"source": SOURCE, "id": "x"}).status_code == 404


def test_a_contact_that_does_not_count_needs_no_dispute(client: Client) -> None:
    prepare()
    one = recent_life()
    key = {"source": SOURCE, "id": one.called(ago(102), "fault")}
    one.send()
    sign_in(client, "line")
    page = open_page(client, f"{DISPUTE}?{urlencode(key)}")
    assert "zählt nicht gegen Sie" in page.text
    assert not [a for a in page.named("form") if a["action"] == DISPUTE]
    assert client.post(DISPUTE, {**key, "key": str(uuid4()), "text": ""}).status_code == 422
    assert not Case.objects.exists()


def test_too_long_a_text_is_told_beside_the_field_and_kept(client: Client) -> None:
    page = open_page(client, disputable(client))
    response = sent(client, page, "x" * (MAX_TEXT_CHARACTERS + 1))
    assert response.status_code == 422
    again = sound_page(response.content)
    assert f"höchstens {MAX_TEXT_CHARACTERS} Zeichen" in again.text
    assert [a["aria-invalid"] for a in again.named("textarea")] == ["true"]
    assert not Case.objects.exists()


def test_the_page_asks_few_questions(client: Client, queries: list[str]) -> None:
    link = disputable(client)
    queries.clear()
    open_page(client, link)
    assert 0 < len(queries) <= MAX_QUERIES
