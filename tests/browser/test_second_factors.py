"""Passkeys and authenticator apps, with a device that really signs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.authenticator import code_of, give_passkeys
from tests.browser.conftest import NewPerson
from tests.browser.lines import plain
from tests.browser.person import Person, Way
from tests.browser.ways import in_ways

pytestmark = pytest.mark.django_db(transaction=True)

WAYS = [Way("de", 320), Way("en", 1280)]


def is_signed_in(person: Person) -> bool:
    return person.page.get_by_role("button", name=person.say("Abmelden", "Sign out")).is_visible()


def passkeys_of(page: Page) -> int:
    return (
        page.locator("section", has=page.get_by_role("heading", name="Passkeys"))
        .get_by_role("listitem")
        .count()
    )


@in_ways(WAYS)
def test_a_passkey_is_added_and_signs_in_without_a_number(somebody: NewPerson, way: Way) -> None:
    told = plain()
    told.register()
    person = somebody(way)
    person.sign_in(told)
    give_passkeys(person.page)
    person.open("/account/passkeys/add")
    if person.path == "/sign-in/confirm":
        person.confirm()
    person.enter("Name für diesen Passkey", "Name for this passkey", "Mein Telefon")
    person.button("Passkey anlegen", "Create passkey").click()
    person.page.wait_for_url("**/account/recovery-codes*")
    person.follow("Ich habe sie notiert", "I have noted them down")
    person.open("/account/security")
    person.sees("Mein Telefon", "Mein Telefon")
    assert passkeys_of(person.page) == 1
    person.sign_out()
    assert not is_signed_in(person)
    person.open("/sign-in")
    person.button("Mit Passkey anmelden", "Sign in with a passkey").click()
    person.page.wait_for_url(f"{person.home}/")
    assert is_signed_in(person)


@in_ways(WAYS)
def test_with_an_app_a_code_to_the_number_is_not_enough(somebody: NewPerson, way: Way) -> None:
    told = plain()
    told.register()
    person = somebody(way)
    person.sign_in(told)
    person.open("/account/app")
    if person.path == "/sign-in/confirm":
        person.confirm()
    secret = person.main.locator("[translate=no]").inner_text()
    field = ("Code aus Ihrer Authentifizierungs-App", "Code from your authenticator app")
    person.enter(*field, code_of(secret))
    person.press("Einrichten", "Set up")
    person.sees("Ersatzcodes", "recovery codes")
    person.sign_out()
    person.sign_in(told)
    person.sees_heading("Noch ein Schritt", "One more step")
    assert not is_signed_in(person)
    code = code_of(secret)
    person.enter(*field, code)
    person.press("Anmelden", "Sign in")
    assert is_signed_in(person)
    person.sign_out()
    person.sign_in(told)
    person.enter(*field, code)
    person.press("Anmelden", "Sign in")
    assert not is_signed_in(person), "a code of an app is good for one time"
    # The app's clock may run half a minute ahead.
    person.enter(*field, code_of(secret, steps_later=1))
    person.press("Anmelden", "Sign in")
    assert is_signed_in(person)
