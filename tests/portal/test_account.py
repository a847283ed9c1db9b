"""My account: the ways to everything about oneself, and reminders by choice."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.selfservice.core.reminders import BUCKET_REMINDED, TRANCHE_REMINDED, ReminderKind
from selbsthelfer.selfservice.models import ReminderChoice
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.portal.life import Life, prepare
from tests.portal.pages import LANGUAGES, MAX_QUERIES, open_page, sound_page
from tests.portal.task_pages import form_with, sign_in_as

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

REMINDERS = "/settings/reminders"


def a_line(subject: str = "line", number: str | None = "+491713920001") -> LineRef:
    prepare()
    Life(subject, **({"msisdn": number} if number else {})).send()
    return LineRef(subscriber_id_of(subject), subject)


def chosen() -> set[str]:
    return set(ReminderChoice.objects.filter(is_on=True).values_list("kind", flat=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_account_leads_to_everything_about_oneself(
    client: Client, queries: list[str], language: str
) -> None:
    sign_in_as(client, a_line())
    client.get("/account")
    queries.clear()
    page = open_page(client, "/account", language)
    assert len(queries) <= MAX_QUERIES
    assert "+49 171 3920001" in page.text
    names = (
        "security",
        "sessions",
        "reminders",
        "receipts",
        "cases",
        "credits",
        "consents",
        "export",
        "erase",
    )
    assert {reverse(name) for name in names} <= set(page.links)
    assert {"de": "Belege", "en": "Receipts"}[language] in page.text


def test_a_line_without_a_number_has_an_account_as_well(client: Client) -> None:
    sign_in_as(client, a_line(number=None))
    assert "None" not in open_page(client, "/account").text


@pytest.mark.parametrize("path", ["/account", REMINDERS])
def test_strangers_sign_in_first_and_come_back(client: Client, path: str) -> None:
    assert client.get(path)["Location"] == f"{reverse('sign_in')}?next={path.replace('/', '%2F')}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_reminders_come_only_by_choice_and_the_page_says_when(client: Client, language: str) -> None:
    sign_in_as(client, a_line())
    page = open_page(client, REMINDERS, language)
    assert not [a for a in page.named("input") if a.get("type") == "checkbox" and "checked" in a]
    assert (TRANCHE_REMINDED.days, BUCKET_REMINDED.days) == (7, 3)
    for told in {
        "de": ("eine Woche, bevor", "drei Tage vorher"),
        "en": ("a week before", "three days before"),
    }[language]:
        assert told in page.text


def test_a_choice_is_kept_shown_and_taken_back(client: Client) -> None:
    sign_in_as(client, a_line())
    form = form_with(client.get(REMINDERS), "Speichern")
    response = client.post(REMINDERS, {**form.sent, "kinds": [ReminderKind.BUCKET_ENDING.value]})
    assert response.status_code == 302
    assert chosen() == {"bucket_ending"}
    page = open_page(client, response["Location"])
    assert "Gespeichert." in page.text
    ticked = [a["value"] for a in page.named("input") if "checked" in a]
    assert ticked == ["bucket_ending"]
    client.post(REMINDERS, form.sent)
    assert chosen() == set()


def test_a_choice_changes_no_other_line(client: Client) -> None:
    a_line("other", "+491713920002")
    Life("line", msisdn="+491713920001").send()
    sign_in_as(client, LineRef(subscriber_id_of("line"), "line"))
    form = form_with(client.get(REMINDERS), "Speichern")
    client.post(
        REMINDERS, {**form.sent, "kinds": ["tranche_waiting"], "line": str(subscriber_id_of("other"))}
    )
    assert [one.subscriber_id for one in ReminderChoice.objects.filter(is_on=True)] == [
        subscriber_id_of("line")
    ]


def test_what_cannot_be_reminded_of_is_refused(client: Client) -> None:
    sign_in_as(client, a_line())
    form = form_with(client.get(REMINDERS), "Speichern")
    response = client.post(f"{REMINDERS}?saved=1", {**form.sent, "kinds": ["everything"]})
    assert response.status_code == 422
    assert "Gespeichert." not in sound_page(response.content).text
    assert chosen() == set()
