"""Joining and leaving in two taps, refusals in both languages, and codes that nobody can guess."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.identity.limits import RATES
from selbsthelfer.intake.inviting import invitation_codes, invite_lines
from selbsthelfer.programmes.core.wording_joining import OBSTACLES, REFUSALS
from selbsthelfer.programmes.models import Enrolment, Withdrawal
from tests.portal.life import Life, ago, now, prepare, recent_life, sign_in, varied
from tests.portal.pages import LANGUAGES, MAX_QUERIES, Page, open_page, sound_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

JOIN = "/programmes/o2-2017/join"
LEAVE = "/rewards/leave/o2-2017"


def a_line(subject: str = "line", **registration: object) -> Life:
    one = Life(subject, timezone="Europe/Berlin", billing_day=3, **registration)
    one.facts[0]["time"] = ago(50).isoformat()
    return one


def send_join(client: Client, code: str | None = None) -> Any:
    return client.post(JOIN, {} if code is None else {"code": code})


def refused(response: Any, status: int = 422) -> Page:
    assert response.status_code == status
    return sound_page(response.content)


@pytest.mark.parametrize("language", LANGUAGES)
def test_joining_takes_two_taps_and_tells_what_comes_next(client: Client, language: str) -> None:
    prepare()
    a_line().send()
    sign_in(client, "line")
    offered = open_page(client, "/rewards", language)
    assert JOIN in offered.links
    page = open_page(client, JOIN, language)
    assert "1,8 GB" in page.text or "1.8 GB" in page.text
    assert [a["action"] for a in page.named("form") if a.get("method") == "post" and a["action"] == JOIN]
    response = send_join(client)
    assert response.status_code == 302
    after = open_page(client, response["Location"], language)
    for expected in {
        "de": ("Sie sind dabei.", "Stufe 1 läuft bis zum", "die ersten 100 MB gibt es ab dem"),
        "en": ("You are in.", "Stage 1 runs until", "the first 100 MB come from"),
    }[language]:
        assert expected in after.text
    assert Enrolment.objects.count() == 1


def test_joining_twice_is_joining_once(client: Client) -> None:
    prepare()
    a_line().send()
    sign_in(client, "line")
    for _ in range(2):
        assert send_join(client).status_code == 302
    assert Enrolment.objects.count() == 1
    assert client.get(JOIN)["Location"] == reverse("rewards")


def test_looking_joins_nobody(client: Client) -> None:
    prepare()
    a_line().send()
    sign_in(client, "line")
    open_page(client, JOIN)
    assert not Enrolment.objects.exists()


def test_without_the_token_of_the_form_nothing_happens() -> None:
    prepare()
    a_line().send()
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, "line")
    assert send_join(strict).status_code == 403
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "settings",
    [
        {"enrol_until": "2020-01-02T00:00:00Z"},
        {"enrol_from": "2090-01-02T00:00:00Z"},
        {"eligible.tariffs": '["gold"]'},
        {"eligible.tenure_days_min": "900"},
    ],
)
def test_whoever_cannot_join_is_told_why(client: Client, settings: dict[str, str], language: str) -> None:
    prepare(varied(**settings))
    a_line(tariff="blue-s").send()
    sign_in(client, "line")
    page = open_page(client, JOIN, language)
    told = [
        words for words in OBSTACLES.values() if (words.de if language == "de" else words.en) in page.text
    ]
    assert len(told) == 1
    assert not [a for a in page.named("form") if a["action"] == JOIN]
    assert told[0].de in refused(send_join(client)).text
    assert not Enrolment.objects.exists()


def test_a_code_lets_in_as_often_as_it_says_however_it_is_typed(client: Client) -> None:
    prepare(varied(join='"invitation"'))
    (code,) = invitation_codes("o2-2017", count=1, uses=1, now=now())
    for subject in ("one", "two"):
        a_line(subject).send()
    sign_in(client, "one")
    assert any(a.get("name") == "code" for a in open_page(client, JOIN).named("input"))
    assert send_join(client, code.lower().replace("-", " ")).status_code == 302
    sign_in(client, "two")
    page = refused(send_join(client, code))
    assert REFUSALS["invitation_used"].de in page.text
    assert [a["aria-invalid"] for a in page.named("input") if a.get("name") == "code"] == ["true"]


def test_a_line_on_the_list_needs_no_code(client: Client) -> None:
    prepare(varied(join='"invitation"'))
    a_line().send()
    invite_lines(["line"], "o2-2017", now=now())
    sign_in(client, "line")
    assert not any(a.get("name") == "code" for a in open_page(client, JOIN).named("input"))
    assert send_join(client).status_code == 302


def test_a_missing_or_wrong_code_is_told_beside_the_field(client: Client) -> None:
    prepare(varied(join='"invitation"'))
    a_line().send()
    sign_in(client, "line")
    assert "Bitte geben Sie den Code" in refused(send_join(client)).text
    assert "Bitte geben Sie den Code" in refused(send_join(client, " ")).text
    assert REFUSALS["invitation_unknown"].de in refused(send_join(client, "7K3M-9XQ2")).text
    assert "So lang ist kein Code." in refused(send_join(client, "7" * 41)).text
    assert not Enrolment.objects.exists()


def test_codes_cannot_be_guessed(client: Client) -> None:
    """After ten tries in an hour even the right code waits; other lines do not."""
    prepare(varied(join='"invitation"'))
    (code,) = invitation_codes("o2-2017", count=1, uses=1, now=now())
    for subject in ("guesser", "other"):
        a_line(subject).send()
    sign_in(client, "guesser")
    assert RATES["invitation_code"] == "10/h/key"
    for number in range(10):
        refused(send_join(client, f"AAAA-AAA{number}"))
    assert "zu viele Versuche" in refused(send_join(client, code), 429).text
    assert not Enrolment.objects.exists()
    sign_in(client, "other")
    assert send_join(client, code).status_code == 302


@pytest.mark.parametrize("path", [JOIN, LEAVE])
def test_a_control_line_finds_no_programme(client: Client, path: str) -> None:
    prepare()
    recent_life(variant="control").send()
    sign_in(client, "line")
    assert client.get(path).status_code == 404
    assert client.post(path, {"key": str(uuid4())}).status_code == 404
    assert client.get(path.replace("o2-2017", "unheard-of")).status_code == 404


def test_a_line_that_would_be_drawn_for_control_finds_no_programme(client: Client) -> None:
    prepare(varied(control_share="1", salt='"x"'))
    a_line().send()
    sign_in(client, "line")
    assert client.get(JOIN).status_code == 404
    assert send_join(client).status_code == 404
    assert not [link for link in open_page(client, "/rewards").links if "programmes" in link]


@pytest.mark.parametrize("language", LANGUAGES)
def test_leaving_takes_two_taps_and_says_what_stays_and_what_ends(client: Client, language: str) -> None:
    prepare()
    recent_life(days=130).send()
    sign_in(client, "line")
    assert LEAVE in open_page(client, "/rewards", language).links
    page = open_page(client, LEAVE, language)
    stays = {"de": "nimmt Ihnen niemand weg", "en": "nobody takes away"}[language]
    assert stays in page.text
    response = client.post(LEAVE, {"key": page.hidden("key")})
    assert response.status_code == 302
    after = open_page(client, response["Location"], language)
    assert {"de": "Ihre Teilnahme ist beendet.", "en": "You no longer take part."}[language] in after.text
    assert LEAVE not in after.links
    assert Withdrawal.objects.count() == 1
    assert client.get(LEAVE).status_code == 404


def test_leaving_twice_is_leaving_once_and_joining_again_is_refused(client: Client) -> None:
    prepare()
    recent_life(days=130).send()
    sign_in(client, "line")
    key = open_page(client, LEAVE).hidden("key")
    for _ in range(2):
        assert client.post(LEAVE, {"key": key}).status_code == 302
    assert client.post(LEAVE, {"key": "not a key"}).status_code == 302
    assert Withdrawal.objects.count() == 1
    assert REFUSALS["withdrawn"].de in open_page(client, JOIN).text
    assert REFUSALS["withdrawn"].de in refused(send_join(client)).text


def test_somebody_else_s_programme_cannot_be_left(client: Client) -> None:
    prepare()
    recent_life("one").send()
    a_line("two").send()
    sign_in(client, "two")
    assert client.get(LEAVE).status_code == 404
    assert client.post(LEAVE, {"key": str(uuid4())}).status_code == 404
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize("path", [JOIN, LEAVE])
def test_the_pages_ask_few_questions(client: Client, queries: list[str], path: str) -> None:
    prepare()
    (a_line() if path == JOIN else recent_life()).send()
    sign_in(client, "line")
    queries.clear()
    open_page(client, path)
    assert 0 < len(queries) <= MAX_QUERIES
