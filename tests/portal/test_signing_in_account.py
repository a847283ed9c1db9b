"""Looking after how one signs in: password, e-mail address, second factor, sessions, and who is told."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from selbsthelfer.activities.models import Activity
from selbsthelfer.identity.models import Code, User
from selbsthelfer.identity.operations import change_email, erase_line, forget_expired
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.models import Message
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.identity.people import NUMBER, last_code, later, line, messages, now, only_user, wrong
from tests.portal.life import prepare
from tests.portal.test_signing_in import (
    PASSWORD,
    QUICK,
    ask_for_code,
    by_password,
    confirm_by_code,
    enter_code,
    is_signed_in,
    receipt_of,
    sign_in,
    words_of,
)

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "sieben bunte drachen"  # noqa: S105


@pytest.fixture(autouse=True)
def _fresh(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = QUICK
    cache.clear()
    prepare()
    line()


@pytest.fixture
def browser() -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="de")
    sign_in(client)
    return client


def app_code(secret: str) -> str:
    """Compute what an authenticator app shows now (RFC 6238, SHA-1, 30 seconds, 6 digits)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 15
    value = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{value % 1_000_000:06d}"


def set_up_app(browser: Client) -> str:
    """Set up an authenticator app and return its secret."""
    page = words_of(browser.get(reverse("mfa_activate_totp")))
    secret = re.search(r'translate="no">([A-Z2-7]+)<', page)
    assert secret is not None
    assert "<svg" in page
    response = browser.post(reverse("mfa_activate_totp"), {"code": app_code(secret[1])})
    assert response.url == reverse("mfa_view_recovery_codes")
    cache.clear()  # a code of an app works once, and the next is 30 seconds away
    return secret[1]


def recovery_codes(browser: Client) -> list[str]:
    page = words_of(browser.get(reverse("mfa_view_recovery_codes")))
    return re.findall(r'translate="no">(\d{8})<', page)


def activities() -> list[str]:
    return list(Activity.objects.order_by("happened_at").values_list("activity", flat=True))


def told(kind: str) -> list[str]:
    """List at which addresses a change was told."""
    return list(Message.objects.filter(kind=kind).order_by("message_id").values_list("address", flat=True))


def set_first_password(browser: Client, password: str = PASSWORD) -> Any:
    return browser.post(reverse("change_password"), {"new": password})


def test_a_password_is_set_reported_and_told_and_signs_in(browser: Client) -> None:
    assert set_first_password(browser).url == receipt_of("acc.password")
    assert is_signed_in(browser)
    assert told("password_changed") == [NUMBER]
    assert activities() == ["acc.register", "acc.password"]
    assert by_password(Client()).status_code == 302


@pytest.mark.parametrize(
    "password", ["kurz1234!", "1234567890123", "password1234", "anna.berta geheim", "01713920001"]
)
def test_a_bad_password_is_refused_with_a_reason(browser: Client, password: str) -> None:
    change_email(user=only_user(), email="anna.berta@example.com", now=now())
    response = set_first_password(browser, password)
    assert response.status_code == 422
    assert 'class="errorlist"' in words_of(response)
    assert not only_user().has_usable_password()


def make_old(browser: Client, seconds: int = 3_600) -> None:
    """Let the proofs of a session have been given earlier."""
    session = browser.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**r, "at": r["at"] - seconds} for r in records]
    session.save()


def test_changing_a_password_needs_the_present_one(browser: Client) -> None:
    set_first_password(browser)
    make_old(browser)
    given = {"present": "falsch falsch", "new": NEW_PASSWORD}
    assert "stimmt nicht" in words_of(browser.post(reverse("change_password"), given))
    assert browser.post(reverse("change_password"), {"new": NEW_PASSWORD}).status_code == 422
    assert by_password(Client()).status_code == 302
    browser.post(reverse("change_password"), {"present": PASSWORD, "new": NEW_PASSWORD})
    assert by_password(Client(), password=NEW_PASSWORD).status_code == 302
    assert by_password(Client()).status_code == 422


def test_a_forgotten_password_is_replaced_after_a_code(browser: Client) -> None:
    set_first_password(browser)
    other = Client(HTTP_ACCEPT_LANGUAGE="de")
    link = f"{reverse('sign_in')}?next=%2Faccount%2Fpassword"
    assert link in words_of(other.get(reverse("forgotten_password")))
    ask_for_code(other, next="/account/password")
    assert enter_code(other).url == "/account/password"
    assert other.post(reverse("change_password"), {"new": NEW_PASSWORD}).status_code == 302
    assert by_password(Client(), password=NEW_PASSWORD).status_code == 302


def test_a_new_password_signs_out_everywhere_else(browser: Client) -> None:
    other = Client()
    sign_in(other)
    set_first_password(browser)
    assert browser.get(reverse("security")).status_code == 200
    assert other.get(reverse("security")).status_code == 302
    assert words_of(browser.get(reverse("sessions"))).count("dieses Gerät") == 1


def test_an_email_address_needs_a_second_proof_and_a_code_sent_to_it(browser: Client) -> None:
    assert browser.post(reverse("email"), {"email": "neu@example.com"}).status_code == 302
    assert messages("email_confirmation_code") == []
    change_email(user=only_user(), email="alt@example.com", now=now())
    confirm_by_code(browser)
    assert browser.post(reverse("email"), {"email": "Neu@Example.com"}).url == reverse("email_code")
    assert only_user().email == "alt@example.com"
    code = last_code("email_confirmation_code")
    assert browser.post(reverse("email_code"), {"code": wrong(code)}).status_code == 422
    assert browser.post(reverse("email_code"), {"code": code}).url == receipt_of("acc.contact")
    assert only_user().email == "neu@example.com"
    assert told("email_changed")[-2:] == [NUMBER, "alt@example.com"]
    assert activities() == ["acc.register", "acc.contact"]


def test_an_email_address_of_somebody_else_gets_no_code_and_the_same_page(browser: Client) -> None:
    User.objects.create(name="somebody", email="besetzt@example.com")
    confirm_by_code(browser)
    response = browser.post(reverse("email"), {"email": "besetzt@example.com"})
    assert response.url == reverse("email_code")
    assert messages("email_confirmation_code") == []
    assert browser.post(reverse("email_code"), {"code": "123456"}).status_code == 422


def test_an_address_taken_meanwhile_is_refused(browser: Client) -> None:
    confirm_by_code(browser)
    browser.post(reverse("email"), {"email": "neu@example.com"})
    User.objects.create(name="somebody", email="neu@example.com")
    given = {"code": last_code("email_confirmation_code")}
    response = browser.post(reverse("email_code"), given)
    assert response.status_code == 422
    assert "nicht eintragen" in words_of(response)
    assert User.objects.get(subject="L-1").email == ""
    assert activities() == ["acc.register"]


def test_an_app_is_set_up_reported_and_told(browser: Client) -> None:
    set_up_app(browser)
    page = words_of(browser.get(reverse("mfa_view_recovery_codes")))
    assert receipt_of("acc.2fa") in page
    assert told("factor_changed") == [NUMBER]
    assert activities() == ["acc.register", "acc.2fa"]


def test_a_wrong_code_sets_up_no_app(browser: Client) -> None:
    browser.get(reverse("mfa_activate_totp"))
    response = browser.post(reverse("mfa_activate_totp"), {"code": "abc"})
    assert "<svg" in words_of(response)
    assert not Authenticator.objects.exists()


def test_secrets_of_apps_are_kept_encrypted(browser: Client) -> None:
    secret = set_up_app(browser)
    codes = recovery_codes(browser)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    assert not any(code in kept for code in codes)


def test_the_app_is_asked_for_after_the_code_and_both_make_level_two(browser: Client) -> None:
    secret = set_up_app(browser)
    other = Client(HTTP_ACCEPT_LANGUAGE="de")
    ask_for_code(other, next="/account/email")
    assert enter_code(other).url == reverse("mfa_authenticate")
    assert not is_signed_in(other)
    assert other.get(reverse("security")).status_code == 302
    wrong_one = other.post(reverse("mfa_authenticate"), {"code": wrong(app_code(secret))})
    assert 'aria-invalid="true"' in words_of(wrong_one)
    assert other.post(reverse("mfa_authenticate"), {"code": app_code(secret)}).url == "/account/email"
    assert other.get(reverse("email")).status_code == 200


def test_a_recovery_code_works_once(browser: Client) -> None:
    set_up_app(browser)
    code = recovery_codes(browser)[0]
    for is_first in (True, False):
        other = Client()
        ask_for_code(other)
        enter_code(other)
        other.post(reverse("mfa_authenticate"), {"code": code})
        assert is_signed_in(other) is is_first


def test_codes_of_an_app_cannot_be_guessed_at_length(browser: Client) -> None:
    secret = set_up_app(browser)
    other = Client()
    ask_for_code(other)
    enter_code(other)
    for _ in range(5):
        other.post(reverse("mfa_authenticate"), {"code": wrong(app_code(secret))})
    other.post(reverse("mfa_authenticate"), {"code": app_code(secret)})
    assert not is_signed_in(other)


def test_an_app_set_up_in_this_session_does_not_confirm_it(browser: Client) -> None:
    set_up_app(browser)
    page = words_of(browser.get(reverse("confirm")))
    assert 'value="app"' not in page
    assert 'value="send"' in page


def test_removing_the_app_needs_a_second_proof_and_is_told(browser: Client) -> None:
    set_up_app(browser)
    target = reverse("mfa_deactivate_totp")
    assert browser.post(target).url.startswith(reverse("confirm"))
    assert Authenticator.objects.filter(type="totp").exists()
    confirm_by_code(browser)
    assert browser.get(target).status_code == 200
    assert browser.post(target).url == f"{reverse('security')}?done=app_removed"
    assert not Authenticator.objects.exists()
    assert len(told("factor_changed")) == 2


def test_recovery_codes_are_shown_after_a_second_proof_only(browser: Client) -> None:
    set_up_app(browser)
    assert len(recovery_codes(browser)) == 10
    assert browser.get(reverse("mfa_view_recovery_codes")).url.startswith(reverse("confirm"))
    confirm_by_code(browser)
    before = recovery_codes(browser)
    browser.post(reverse("mfa_generate_recovery_codes"))
    after = recovery_codes(browser)
    assert len(after) == 10
    assert set(before).isdisjoint(after)


def test_the_page_for_a_passkey_asks_the_browser_for_one(browser: Client) -> None:
    page = words_of(browser.get(reverse("mfa_add_webauthn")))
    assert '"rp"' in page
    assert f'"displayName": "{NUMBER}"' in page
    assert '"name": "Musterfunk"' in page
    response = browser.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": "{}"})
    assert response.status_code == 200
    assert not Authenticator.objects.exists()


def test_a_stranger_gets_a_challenge_for_a_passkey_and_no_further_without_one() -> None:
    stranger = Client()
    answer = stranger.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    assert answer.json()["request_options"]["publicKey"]["challenge"]
    response = stranger.post(reverse("mfa_login_webauthn"), {"credential": "{}"})
    assert response.url == f"{reverse('sign_in')}?passkey=unknown"
    assert "kennen wir nicht" in words_of(stranger.get(response.url, headers={"Accept-Language": "de"}))


def test_one_session_and_all_others_can_be_ended(browser: Client) -> None:
    others = [Client(HTTP_USER_AGENT="Mozilla/5.0 (Android 14) Firefox/140.0") for _ in range(3)]
    for other in others:
        sign_in(other)
    page = words_of(browser.get(reverse("sessions")))
    assert page.count("Firefox, Android") == 3 * 2  # the name, and the label of its button
    one = re.findall(r"/account/sessions/(\d+)/end", page)[0]
    browser.post(reverse("end_session", args=[one]))
    assert sum(other.get(reverse("security")).status_code == 302 for other in others) == 1
    browser.post(reverse("end_sessions"))
    assert all(other.get(reverse("security")).status_code == 302 for other in others)
    assert browser.get(reverse("security")).status_code == 200


def test_nobody_ends_a_session_of_somebody_else(browser: Client) -> None:
    line("L-2", "+491713920002")
    thief = Client()
    sign_in(thief, "0171 3920002")
    page = words_of(browser.get(reverse("sessions")))
    own = User.objects.get(subject="L-1").usersession_set.get().pk
    thief.post(reverse("end_session", args=[own]))
    assert browser.get(reverse("security")).status_code == 200
    assert page


def test_staff_have_no_line_and_see_no_page_of_one() -> None:
    User.objects.create_staff("agent", PASSWORD)
    staff = Client()
    assert by_password(staff, "agent").status_code == 302
    assert staff.get(reverse("security")).status_code == 403


def test_what_ran_out_is_forgotten_and_nothing_else(browser: Client) -> None:
    other = Client()
    sign_in(other)
    Session.objects.filter(session_key=other.session.session_key).update(expire_date=later(days=-1))
    assert forget_expired(now=now()) == 1
    assert browser.get(reverse("security")).status_code == 200
    assert other.get(reverse("security")).status_code == 302
    assert User.objects.get().usersession_set.count() == 1


def test_erasing_the_access_of_a_line_leaves_no_way_in(browser: Client) -> None:
    set_up_app(browser)
    set_first_password(browser)
    with transaction.atomic():
        erase_line(open_cursor(), subscriber_id_of("L-1"), now=now())
    assert browser.get(reverse("security")).status_code == 302
    assert not User.objects.exists()
    assert not Authenticator.objects.exists()
    assert not Code.objects.exists()
    assert by_password(Client()).status_code == 422
