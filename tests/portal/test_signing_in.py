"""Signing in as people do it: forms, codes, passwords, and what strangers try."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django import Settings

from selbsthelfer.identity.core.codes import MAX_GUESSES
from selbsthelfer.identity.limits import RATES
from selbsthelfer.identity.models import User
from selbsthelfer.identity.operations import change_email, enter, set_password
from selbsthelfer.selfservice.models import Task
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from selbsthelfer.subscribers.models import Ended
from tests.identity.people import (
    AS_WRITTEN,
    NUMBER,
    UNKNOWN,
    ended_line,
    last_code,
    line,
    messages,
    now,
    only_user,
    wrong,
)
from tests.portal.life import prepare

pytestmark = pytest.mark.django_db

PASSWORD = "korrekt pferd batterie"  # noqa: S105
WRONG_PASSWORD = "etwas ganz anderes"  # noqa: S105
QUICK = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""Passwords of tests need no slow hash."""
RECORDS = "account_authentication_methods"


@pytest.fixture(autouse=True)
def _fresh(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = QUICK
    cache.clear()
    prepare()


@pytest.fixture
def browser() -> Client:
    return Client(HTTP_ACCEPT_LANGUAGE="de")


def ask_for_code(browser: Client, number: str = AS_WRITTEN, **extra: str) -> Any:
    return browser.post(reverse("sign_in"), {"number": number, **extra})


def enter_code(browser: Client, code: str | None = None) -> Any:
    return browser.post(reverse("sign_in_code"), {"code": code or last_code()})


def sign_in(browser: Client, number: str = AS_WRITTEN) -> None:
    ask_for_code(browser, number)
    assert enter_code(browser).status_code == 302
    assert is_signed_in(browser)


def receipt_of(activity: str) -> str:
    """Tell where the only receipt for an activity is shown."""
    return reverse("receipt", args=[Task.objects.get(activity=activity).receipt])


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def user_with_password() -> User:
    line()
    user = enter(subscriber_id=subscriber_id_of("L-1"), now=now()).user
    set_password(user=user, password=PASSWORD, now=now())
    return user


def by_password(browser: Client, identifier: str = AS_WRITTEN, password: str = PASSWORD) -> Any:
    return browser.post(reverse("sign_in_password"), {"identifier": identifier, "password": password})


def words_of(response: Any) -> str:
    """Give a page without what differs each time: the token, and the numbers of the person."""
    text = response.content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)


def test_number_and_code_sign_in_and_register(browser: Client) -> None:
    line()
    assert ask_for_code(browser).url == reverse("sign_in_code")
    assert "one-time-code" in words_of(browser.get(reverse("sign_in_code")))
    response = enter_code(browser)
    assert response.url == receipt_of("acc.register")
    assert is_signed_in(browser)
    assert only_user().subject == "L-1"


@pytest.mark.parametrize("language", ["de", "en"])
def test_whoever_signs_in_goes_on_in_the_language_in_which_they_did(browser: Client, language: str) -> None:
    line()
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    sign_in(browser)
    other = {"de": "en", "en": "de"}[language]
    assert browser.get("/", headers={"accept-language": other})["Content-Language"] == language
    assert User.objects.get().language == language


def test_the_session_gets_a_new_key(browser: Client) -> None:
    line()
    ask_for_code(browser)
    before = browser.session.session_key
    enter_code(browser)
    assert browser.session.session_key != before


def test_a_wrong_code_is_said_to_be_wrong_and_the_fifth_ends_it(browser: Client) -> None:
    line()
    ask_for_code(browser)
    for _ in range(MAX_GUESSES - 1):
        response = enter_code(browser, wrong(last_code()))
        assert response.status_code == 422
        assert "stimmt nicht" in words_of(response)
    assert "gilt nicht mehr" in words_of(enter_code(browser, wrong(last_code())))
    assert "gilt nicht mehr" in words_of(enter_code(browser))
    assert not is_signed_in(browser)


def test_a_code_is_worth_nothing_in_another_browser(browser: Client) -> None:
    line()
    ask_for_code(browser)
    thief = Client()
    assert enter_code(thief).url == reverse("sign_in")
    ask_for_code(thief, UNKNOWN)
    assert enter_code(thief).status_code == 422
    assert not is_signed_in(thief)


def test_a_new_code_replaces_the_old_one(browser: Client) -> None:
    line()
    ask_for_code(browser)
    old = last_code()
    browser.post(reverse("sign_in_code_again"))
    assert last_code() == old or enter_code(browser, old).status_code == 422
    assert enter_code(browser).status_code == 302


def test_known_unknown_and_ended_lines_get_the_same_answers(browser: Client) -> None:
    line("L-1")
    ended_line("L-2", "+491713920002")
    seen = []
    for number in (AS_WRITTEN, "0171 3920002", "0171 3920003"):
        stranger = Client(HTTP_ACCEPT_LANGUAGE="de")
        asked = ask_for_code(stranger, number)
        shown = f"… {number[-3:]}"
        page = words_of(stranger.get(asked.url)).replace(shown, "")
        code = wrong(last_code())
        guesses = [words_of(enter_code(stranger, code)).replace(shown, "") for _ in range(MAX_GUESSES)]
        seen.append((asked.status_code, asked.url, page, guesses))
    assert seen[0] == seen[1] == seen[2]
    assert len(messages("sign_in_code")) == 1


def test_what_is_no_number_is_told_at_the_field(browser: Client) -> None:
    response = ask_for_code(browser, "abc")
    assert response.status_code == 422
    assert 'aria-invalid="true"' in words_of(response)
    assert messages("sign_in_code") == []


def test_codes_for_one_number_are_limited(browser: Client) -> None:
    line()
    answers = [ask_for_code(Client(REMOTE_ADDR=f"10.0.0.{n}")).status_code for n in range(6)]
    assert answers == [302] * 5 + [429]
    assert len(messages("sign_in_code")) == 5


def test_codes_from_one_address_are_limited_on_our_own_page(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, "code_from_address", "3/10m/ip")
    for number in range(3):
        assert ask_for_code(Client(), f"0171 39200{number:02d}").status_code == 302
    response = ask_for_code(browser, "0171 3920055")
    assert response.status_code == 429
    assert "Zu viele Versuche" in words_of(response)
    assert ask_for_code(Client(REMOTE_ADDR="10.0.0.2"), "0171 3920055").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
    ],
)
def test_nobody_is_sent_to_another_site(browser: Client, target: str) -> None:
    line()
    sign_in(Client())
    ask_for_code(browser, next=target)
    assert enter_code(browser).url == reverse("home")
    response = browser.get(reverse("sign_in"), {"next": target})
    assert response.url == reverse("home")
    page = words_of(browser.get(reverse("confirm"), {"next": target}))
    assert escape(target) not in page


def test_whoever_needs_to_sign_in_goes_on_to_where_they_wanted(browser: Client) -> None:
    line()
    response = browser.get(reverse("security"))
    assert response.url == f"{reverse('sign_in')}?next=%2Faccount%2Fsecurity"
    assert 'value="/account/security"' in words_of(browser.get(response.url))
    ask_for_code(browser, next="/account/security")
    assert enter_code(browser).url == "/account/security"


def test_signing_out_needs_a_post_and_ends_the_session(browser: Client) -> None:
    line()
    sign_in(browser)
    key = browser.session.session_key
    assert browser.get(reverse("sign_out")).status_code == 200
    assert is_signed_in(browser)
    browser.post(reverse("sign_out"))
    assert not is_signed_in(browser)
    browser.cookies["session"] = key or ""
    assert browser.get(reverse("security")).status_code == 302


def test_forms_without_a_token_are_refused() -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(reverse("sign_in"), {"number": AS_WRITTEN})
    assert response.status_code == 403
    assert response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("identifier", [AS_WRITTEN, "+49 171 3920001", "Anna@Example.com"])
def test_number_or_email_and_password_sign_in(browser: Client, identifier: str) -> None:
    user = user_with_password()
    change_email(user=user, email="anna@example.com", now=now())
    assert by_password(browser, identifier).status_code == 302
    assert is_signed_in(browser)


def test_a_wrong_password_and_an_unknown_number_get_the_same_answer(browser: Client) -> None:
    user_with_password()
    one = words_of(by_password(browser, AS_WRITTEN, WRONG_PASSWORD))
    other = words_of(by_password(browser, UNKNOWN, WRONG_PASSWORD))
    assert one.replace(AS_WRITTEN, "") == other.replace(UNKNOWN, "")
    assert "passen nicht zusammen" in one
    assert not is_signed_in(browser)


def test_the_secret_name_of_a_user_does_not_sign_in(browser: Client) -> None:
    user = user_with_password()
    by_password(browser, user.name)
    assert not is_signed_in(browser)


@pytest.mark.parametrize("identifier", [AS_WRITTEN, UNKNOWN])
def test_passwords_cannot_be_guessed_at_length(browser: Client, identifier: str) -> None:
    user_with_password()
    for _ in range(5):
        by_password(browser, identifier, "geraten geraten")
    response = by_password(browser, identifier)
    assert not is_signed_in(browser)
    assert "passen nicht zusammen" not in words_of(response)


def test_a_line_that_ends_signs_everybody_out(browser: Client) -> None:
    life = line()
    sign_in(browser)
    life.facts.clear()
    life.add("subscriber.ended", "2025-06-01", {})
    life.send()
    assert Ended.objects.exists()
    assert browser.get(reverse("security")).status_code == 302
    by_password(browser)
    assert not is_signed_in(Client())


def test_a_line_that_has_ended_cannot_sign_in_by_password(browser: Client) -> None:
    user = user_with_password()
    change_email(user=user, email="anna@example.com", now=now())
    life = line("L-9", "+491713920009")
    life.facts.clear()
    life.subject = "L-1"
    life.add("subscriber.ended", "2025-06-01", {})
    life.send()
    assert by_password(browser, "anna@example.com").url == reverse("account_inactive")
    assert browser.get(reverse("account_inactive")).status_code == 403
    assert not is_signed_in(browser)


def test_a_signed_in_page_spends_two_queries_on_who_it_is(
    browser: Client, django_assert_num_queries: Any
) -> None:
    line()
    sign_in(browser)
    with django_assert_num_queries(2):
        assert browser.get(reverse("change_password")).status_code == 200


def test_a_level_two_page_asks_for_a_second_proof_and_goes_on(browser: Client) -> None:
    line()
    sign_in(browser)
    response = browser.get(reverse("email"))
    assert response.url == f"{reverse('confirm')}?next=%2Faccount%2Femail"
    confirm_by_code(browser)
    assert browser.get(reverse("email")).status_code == 200


def confirm_by_code(browser: Client) -> None:
    sent = browser.post(reverse("confirm"), {"way": "send", "next": "/account/email"})
    assert sent.status_code == 302
    given = {"way": "code", "next": "/account/email", "code": last_code("second_proof_code")}
    assert browser.post(reverse("confirm"), given).url == "/account/email"


def test_a_second_proof_holds_fifteen_minutes(browser: Client) -> None:
    line()
    sign_in(browser)
    confirm_by_code(browser)
    for age, status in ((14 * 60, 200), (15 * 60 + 1, 302)):
        session = browser.session
        session[RECORDS] = [*session[RECORDS][:1], {**session[RECORDS][-1], "at": time.time() - age}]
        session.save()
        assert browser.get(reverse("email")).status_code == status


def test_the_code_that_signed_in_is_no_second_proof(browser: Client) -> None:
    line()
    sign_in(browser)
    code = last_code()
    browser.post(reverse("confirm"), {"way": "send"})
    response = browser.post(reverse("confirm"), {"way": "code", "code": code})
    assert response.status_code == 422 or code == last_code("second_proof_code")


def test_a_password_confirms_unless_it_signed_in(browser: Client) -> None:
    user_with_password()
    sign_in(browser)
    page = words_of(browser.get(reverse("confirm")))
    assert 'value="password"' in page
    assert 'value="code"' not in page
    wrong_one = browser.post(reverse("confirm"), {"way": "password", "password": "falsch falsch"})
    assert "stimmt nicht" in words_of(wrong_one)
    right = browser.post(
        reverse("confirm"), {"way": "password", "password": PASSWORD, "next": "/account/email"}
    )
    assert right.url == "/account/email"
    assert browser.get(reverse("email")).status_code == 200
    other = Client()
    by_password(other)
    refused = other.post(reverse("confirm"), {"way": "password", "password": PASSWORD})
    assert refused.status_code == 200
    assert other.get(reverse("email")).status_code == 302


def test_pages_about_signing_in_speak_english(browser: Client) -> None:
    line()
    english = Client(HTTP_ACCEPT_LANGUAGE="en")
    assert "We send you a code" in words_of(english.get(reverse("sign_in")))
    ask_for_code(english)
    assert "This code is not right" in words_of(enter_code(english, wrong(last_code())))
    assert messages("sign_in_code")[0]["language"] == "en"


def test_a_part_of_a_page_that_needs_signing_in_leads_the_whole_page_there(browser: Client) -> None:
    response = browser.get(reverse("security"), headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response.headers["HX-Redirect"].startswith(reverse("sign_in"))


def test_the_number_stands_in_no_page_of_the_code(browser: Client) -> None:
    line()
    ask_for_code(browser)
    page = words_of(browser.get(reverse("sign_in_code")))
    assert NUMBER not in page
    assert "3920001" not in page
