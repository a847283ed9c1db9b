"""Rights without hurdles: cancel, withdraw, block a SIM, consents, export, erasure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from selbsthelfer.conversations.models import Case
from selbsthelfer.identity.limits import RATES
from selbsthelfer.identity.models import User
from selbsthelfer.intake.inviting import invite_lines
from selbsthelfer.outbox.models import Message
from selbsthelfer.portal.pages.rights import cookies
from selbsthelfer.portal.pages.rights_declaring import CONFIRMATION_SHOWN
from selbsthelfer.privacy.core.purposes import PURPOSES
from selbsthelfer.privacy.core.retention import KEPT
from selbsthelfer.privacy.models import Consent, Wish
from selbsthelfer.programmes.models import Enrolment, Invitation, Release
from selbsthelfer.selfservice.embedded.models import EmbeddedSim
from selbsthelfer.selfservice.embedded.operations import begin_outage
from selbsthelfer.selfservice.embedded.queries import customer_code_of
from selbsthelfer.selfservice.models import Task
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.portal.life import Life, ago, now, prepare, recent_life, varied
from tests.portal.pages import LANGUAGES, MAX_QUERIES, open_page, sound_page
from tests.portal.task_pages import form_with, send, sign_in_as

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

LINE = LineRef(subscriber_id_of("line"), "line")
NUMBER = "+491713920001"
TYPED = {
    "name": "Erika Mustermann",
    "contract": "0171 3920001",
    "confirm_by": "email",
    "confirm_to": "erika@example.org",
}


def a_line(subject: str = "line", number: str = NUMBER, **registration: object) -> LineRef:
    prepare()
    one = Life(subject, msisdn=number, timezone="Europe/Berlin", billing_day=3, **registration)
    one.facts[0]["time"] = ago(50).isoformat()
    one.send()
    return LineRef(subscriber_id_of(subject), subject)


def declare(client: Client, path: str, button: str, **typed: str) -> HttpResponse:
    form = form_with(client.get(path), button)
    return send(client, path, form, **{**TYPED, **typed})


def text_of(response: Any, language: str = "de") -> str:
    return sound_page(response.content, language).text


@pytest.mark.parametrize(
    ("path", "button", "kind", "arrived"),
    [
        ("/cancel", "jetzt kündigen", "cancellation", "Ihre Kündigung ist eingegangen"),
        ("/withdraw", "Widerruf bestätigen", "withdrawal", "Ihr Widerruf ist eingegangen"),
    ],
)
def test_a_stranger_declares_and_gets_the_confirmation_at_once(
    client: Client, path: str, button: str, kind: str, arrived: str
) -> None:
    response = declare(client, path, button)
    assert response.status_code == 302
    assert response["Location"] == "/declared"
    case = Case.objects.get()
    assert (case.kind, case.subscriber_id) == (kind, None)
    page = open_page(client, "/declared")
    for told in (arrived, case.number, "Eingegangen am ", "Uhr", "Erika Mustermann", "0171 3920001"):
        assert told in page.text, told
    assert "erika@example.org" in page.text
    message = Message.objects.get()
    assert (message.kind, message.address) == (f"{kind}_received", "erika@example.org")


def test_the_confirmation_can_be_kept_as_text(client: Client) -> None:
    declare(client, "/cancel", "jetzt kündigen")
    number = Case.objects.get().number
    response = client.get("/declared.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="{number}.txt"'
    text = response.content.decode()
    for told in (number, "Eingegangen am ", "Name: Erika Mustermann", "Vertrag: 0171 3920001"):
        assert told in text
    assert "/declared.txt" in open_page(client, "/declared").links
    english = client.get("/declared.txt?language=en").content.decode()
    assert "Received on " in english


@pytest.mark.parametrize("path", ["/declared", "/declared.txt"])
def test_the_confirmation_is_shown_to_the_same_browser_for_an_hour(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
    declare(client, "/cancel", "jetzt kündigen")
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200
    assert Client().get(path).status_code == 404
    case = Case.objects.get()
    Case.objects.update(opened_at=case.opened_at - CONFIRMATION_SHOWN - timedelta(seconds=1))
    assert client.get(path).status_code == 404


def test_sent_twice_is_declared_once_and_altered_is_declared_anew(client: Client) -> None:
    form = form_with(client.get("/cancel"), "jetzt kündigen")
    for _ in range(2):
        assert send(client, "/cancel", form, **TYPED).status_code == 302
    assert Case.objects.count() == Message.objects.count() == 1
    assert send(client, "/cancel", form, **{**TYPED, "contract": "K-42"}).status_code == 302
    assert Case.objects.count() == 2
    assert "K-42" in open_page(client, "/declared").text


def test_by_post_nothing_is_said_to_be_under_way_by_email(client: Client) -> None:
    declare(client, "/cancel", "jetzt kündigen", confirm_by="post", confirm_to="Musterweg 1, 12345 Berlin")
    page = open_page(client, "/declared")
    assert "per Post" in page.text
    assert "per E-Mail" not in page.text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": " "}, "Diese Angabe fehlt noch."),
        ({"confirm_to": "no address"}, "Das ist keine E-Mail-Adresse."),
        ({"notice": "extraordinary", "reason": " "}, "Diese Angabe fehlt noch."),
        ({"contract": "x" * 501}, "500"),
        ({"ends_on": "31.02.2027"}, "Datum"),
    ],
)
def test_what_is_missing_is_told_beside_the_field(client: Client, typed: dict[str, str], told: str) -> None:
    response = declare(client, "/cancel", "jetzt kündigen", **typed)
    assert response.status_code == 422
    page = sound_page(response.content)
    assert told in page.text
    wrong = [a for a in [*page.named("input"), *page.named("textarea")] if a.get("aria-invalid") == "true"]
    assert [a["name"] for a in wrong] == [list(typed)[-1]]
    assert not Case.objects.exists()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/cancel", "/withdraw", "/block-sim", "/privacy"])
def test_anybody_can_open_them_in_both_languages(client: Client, path: str, language: str) -> None:
    open_page(client, path, language)


def test_whoever_is_signed_in_finds_the_declaration_among_their_cases(client: Client) -> None:
    line = a_line()
    sign_in_as(client, line)
    assert declare(client, "/withdraw", "Widerruf bestätigen").status_code == 302
    case = Case.objects.get()
    assert case.subscriber_id == line.subscriber_id
    assert Task.objects.get().activity == "con.withdraw"
    assert case.number in open_page(client, "/cases").text


def test_a_declaration_is_erased_from_no_page_by_anybody_else(client: Client) -> None:
    line = a_line()
    sign_in_as(client, line)
    declare(client, "/cancel", "jetzt kündigen")
    Case.objects.update(details={})
    assert client.get("/declared").status_code == 404


def block_from_elsewhere(client: Client, number: str, code: str) -> HttpResponse:
    form = form_with(client.get("/block-sim"), "Jetzt sperren")
    return send(client, "/block-sim", form, number=number, code=code)


def test_a_sim_is_blocked_from_another_phone_once(client: Client) -> None:
    line = a_line()
    code = customer_code_of(line, now=now())
    form = form_with(client.get("/block-sim"), "Jetzt sperren")
    for _ in range(2):
        response = send(client, "/block-sim", form, number="0171 3920001", code=code)
        assert response.status_code == 302
        assert response["Location"] == "/blocked"
    assert {sim.state for sim in EmbeddedSim.objects.all()} == {"blocked"}
    receipt = Task.objects.get().receipt
    page = open_page(client, "/blocked")
    assert "Die SIM ist gesperrt" in page.text
    assert receipt in page.text
    assert Client().get("/blocked").status_code == 404
    assert client.get(reverse("receipt", args=[receipt])).status_code == 302


def test_whoever_is_signed_in_blocks_with_one_tap(client: Client) -> None:
    line = a_line()
    sign_in_as(client, line, level=1)
    response = send(client, "/block-sim", form_with(client.get("/block-sim"), "Jetzt sperren"))
    assert response.status_code == 302
    assert response["Location"].startswith("/receipts/")
    assert {sim.state for sim in EmbeddedSim.objects.all()} == {"blocked"}


def test_a_wrong_code_and_an_unknown_number_get_the_same_answer(client: Client) -> None:
    line = a_line()
    wrong = f"{(int(customer_code_of(line, now=now())) + 1) % 10_000:04d}"
    told = []
    for number, code in (("0171 3920001", wrong), ("0171 3920099", "1234")):
        response = block_from_elsewhere(client, number, code)
        assert response.status_code == 422
        told.append(text_of(response).replace(wrong, "").replace("1234", ""))
    assert told[0] == told[1]
    assert "116 116" in told[0]
    assert {sim.state for sim in EmbeddedSim.objects.all()} == {"active"}


def test_the_code_cannot_be_guessed(client: Client) -> None:
    line = a_line()
    tries = int(RATES["customer_code"].partition("/")[0])
    code = customer_code_of(line, now=now())
    wrong = f"{(int(code) + 1) % 10_000:04d}"
    for _ in range(tries):
        assert "passen nicht zusammen" in text_of(block_from_elsewhere(client, "0171 3920001", wrong))
    assert "Zu viele Versuche" in text_of(block_from_elsewhere(client, "0171 3920001", code))
    assert {sim.state for sim in EmbeddedSim.objects.all()} == {"active"}


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_when_blocking_fails_it_says_who_blocks_now(client: Client, is_signed_in: bool) -> None:
    line = a_line()
    code = customer_code_of(line, now=now())
    begin_outage("sim.block", now=now(), until=now() + timedelta(minutes=5))
    if is_signed_in:
        sign_in_as(client, line)
        response = send(client, "/block-sim", form_with(client.get("/block-sim"), "Jetzt sperren"))
    else:
        response = block_from_elsewhere(client, "0171 3920001", code)
    assert response["Location"] == "/blocked"
    page = open_page(client, "/blocked")
    assert "nicht gesperrt" in page.text
    assert "116 116" in page.text
    assert Task.objects.get().state == "failed"


def test_consents_begin_empty_and_each_change_has_its_receipt(client: Client) -> None:
    line = a_line()
    sign_in_as(client, line, level=1)
    form = form_with(client.get("/consents"), "Speichern")
    assert "purposes" not in form.sent
    response = client.post("/consents", {**form.sent, "purposes": ["news", "surveys"]})
    page = open_page(client, response["Location"])
    for text in PURPOSES.values():
        assert text.title.de in page.text
    assert set(Consent.objects.values_list("purpose", flat=True)) == {"news", "surveys"}
    form = form_with(client.get("/consents"), "Speichern")
    client.post("/consents", {**form.sent, "purposes": ["news"]})
    standing = Consent.objects.filter(withdrawn_at__isnull=True)
    assert [one.purpose for one in standing] == ["news"]
    assert Consent.objects.count() == 2
    assert not Release.objects.exists()


def test_a_purpose_that_there_is_not_is_refused(client: Client) -> None:
    sign_in_as(client, a_line(), level=1)
    form = form_with(client.get("/consents"), "Speichern")
    response = client.post("/consents", {**form.sent, "purposes": ["everything"]})
    assert response.status_code == 422
    text_of(response)
    assert not Consent.objects.exists()


@pytest.mark.parametrize("path", ["/export", "/erase"])
def test_data_and_erasure_need_a_second_proof(client: Client, path: str) -> None:
    line = a_line()
    assert client.get(path)["Location"].startswith(reverse("sign_in"))
    sign_in_as(client, line, level=1)
    assert client.get(path)["Location"].startswith(reverse("confirm"))
    assert client.post("/export/file").status_code == 302
    sign_in_as(client, line, level=2)
    open_page(client, path)


def exported(client: Client) -> dict[str, Any]:
    form = form_with(client.get("/export"), "Datei herunterladen")
    response = send(client, "/export", form)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"].startswith("attachment")
    found: dict[str, Any] = json.loads(response.content)
    return found


def test_the_export_is_one_file_of_all_rooms_without_json_inside_of_texts(client: Client) -> None:
    prepare()
    life = recent_life(msisdn=NUMBER)
    contact = life.called(ago(30))
    life.reclassified(ago(29).isoformat(), contact, counts=False)
    life.add("usage.recorded", ago(0.1), {"bytes": 12_345})
    life.send()
    sign_in_as(client, LINE)
    client.post("/consents", {**form_with(client.get("/consents"), "Speichern").sent, "purposes": ["news"]})
    parts = exported(client)
    assert parts["subject"] == "line"
    assert parts["line"]["line"]["msisdn"] == NUMBER
    (told,) = parts["contacts"]["contacts"]
    assert told["topic"] == "bill.view"
    assert [one["counts"] for one in told["reclassifications"]] == [False]
    assert [one["bytes"] for one in parts["allowances"]["usage"]] == [12_345]
    assert [one["programme"] for one in parts["programmes"]["enrolments"]] == ["o2-2017"]
    assert {one["activity"] for one in parts["receipts"]["tasks"]} == {"priv.consents", "priv.export"}
    assert [one["purpose"] for one in parts["privacy"]["consents"]] == ["news"]
    assert not [text for text in texts_in(parts) if text.startswith(("{", "["))]
    assert "password" not in keys_in(parts)
    assert Wish.objects.get().kind == "export"


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_in(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) else []


def keys_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in keys_in(inner))]
    return [key for inner in value for key in keys_in(inner)] if isinstance(value, list) else []


def test_the_export_of_a_line_held_out_is_that_of_one_without_a_programme(client: Client) -> None:
    prepare()
    life = recent_life(variant="control")
    life.withdrawn(ago(3).isoformat())
    life.send()
    assert Enrolment.objects.get().variant == "control"
    assert Release.objects.exists()
    sign_in_as(client, LINE)
    parts = exported(client)
    assert not any(parts["programmes"].values()), parts["programmes"]
    written = json.dumps(parts)
    for word in ("control", "treatment", "variant", "o2-2017"):
        assert word not in written


def erase(client: Client) -> HttpResponse:
    return send(client, "/erase", form_with(client.get("/erase"), "Löschen"), is_sure="on")


def test_erasing_takes_the_access_and_keeps_what_was_given(client: Client) -> None:
    prepare()
    life = recent_life(msisdn=NUMBER)
    life.did(ago(0.01), "call.voicemail")
    life.send()
    other = Client()
    sign_in_as(client, LINE)
    other.force_login(User.objects.get())
    client.post(
        "/settings/reminders",
        {**form_with(client.get("/settings/reminders"), "Speichern").sent, "kinds": ["bucket_ending"]},
    )
    declare(client, "/cancel", "jetzt kündigen")
    number = Case.objects.get().number
    known = exported(client)
    before = known["allowances"]["buckets"]
    assert known["messages"]["messages"]
    granted = list(Release.objects.order_by("index").values_list("index", "bytes", "granted_at"))
    response = erase(client)
    assert response["Location"] == "/erased"
    assert "Gelöscht" in open_page(client, "/erased").text
    assert Client().get("/erased").status_code == 404
    assert not User.objects.exists()
    for anybody in (client, other):
        assert anybody.get("/account")["Location"].startswith(reverse("sign_in"))
    assert list(Release.objects.order_by("index").values_list("index", "bytes", "granted_at")) == granted
    assert Case.objects.get().number == number
    assert Task.objects.filter(activity="priv.erase").get().details == []
    sign_in_as(client, LINE)
    parts = exported(client)
    assert parts["allowances"]["buckets"] == before
    assert [one for one in parts["receipts"]["reminders"] if one["is_on"]] == []
    assert parts["messages"]["messages"] == []
    assert [wish["kind"] for wish in parts["privacy"]["wishes"]].count("erase") == 1


def test_erasing_takes_the_line_off_lists_of_invitations(client: Client) -> None:
    prepare(varied(join='"invitation"'))
    one = Life("line", msisdn=NUMBER)
    one.facts[0]["time"] = ago(50).isoformat()
    one.send()
    invite_lines(["line"], "o2-2017", now=now())
    sign_in_as(client, LINE)
    assert exported(client)["programmes"]["invitations"]
    erase(client)
    assert not Invitation.objects.exists()


def test_nothing_is_erased_without_the_tick(client: Client) -> None:
    sign_in_as(client, a_line())
    response = send(client, "/erase", form_with(client.get("/erase"), "Löschen"))
    assert response.status_code == 422
    assert "Bitte bestätigen Sie mit dem Haken" in text_of(response)
    assert User.objects.exists()


def test_the_page_says_before_what_goes_and_what_stays(client: Client) -> None:
    sign_in_as(client, a_line())
    page = open_page(client, "/erase")
    for kept in KEPT:
        assert kept.what.de in page.text


def test_every_cookie_is_named_on_the_privacy_page(client: Client) -> None:
    line = a_line()
    declare(client, "/cancel", "jetzt kündigen")
    client.get("/?language=en")
    sign_in_as(client, line)
    client.get("/")
    page = open_page(client, "/privacy", "en")
    named = {name for name, _, _ in cookies()}
    assert set(client.cookies) <= named
    assert len(client.cookies) == 3
    for name, purpose, days in cookies():
        assert name in page.text
        assert purpose.en in page.text
        assert f"{days} days" in page.text
    assert settings.SESSION_COOKIE_AGE == 14 * 24 * 3_600


@pytest.mark.parametrize(
    "path", ["/cancel", "/block-sim", "/consents", "/export", "/erase", "/privacy", "/account"]
)
def test_pages_ask_few_questions(client: Client, queries: list[str], path: str) -> None:
    sign_in_as(client, a_line())
    client.get(path)
    queries.clear()
    open_page(client, path)
    assert len(queries) <= MAX_QUERIES
