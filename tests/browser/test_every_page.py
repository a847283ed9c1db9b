"""What holds on every page: axe finds nothing in light and dark, it fits a phone, all comes from here."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.browser.activities import MAIL, declare
from tests.browser.addresses import BEFORE_SIGN_IN, NO_PAGES, ON_THE_WAY, addresses, full_life, route_names
from tests.browser.authenticator import code_of, give_passkeys
from tests.browser.conftest import NewPerson
from tests.browser.lines import Told, plain
from tests.browser.person import Person, Way
from tests.browser.ways import LANGUAGES

pytestmark = pytest.mark.django_db(transaction=True)

OPEN_TO_ALL = (
    "/",
    "/contact",
    "/write",
    "/complain",
    "/cancel",
    "/withdraw",
    "/block-sim",
    "/network?postcode=1",
    "/api/v1/reference",
)
NOT_THERE = ("/no-such-page", "/bills/R0", "/programmes/none")


def look(person: Person) -> list[str]:
    """Look at a page; colours are the same in every language, so they are looked at in the dark in one."""
    return person.access_problems(also_in_the_dark=person.way.language == "de")


def look_at_all(person: Person, paths: Iterable[str]) -> None:
    """Look at many pages, and tell all that is wrong at once."""
    problems = []
    for path in paths:
        person.page.goto(f"{person.home}{path}")
        wide = person.width()
        if wide > person.way.width:
            problems.append(f"{path} is {wide} px wide")
        problems += [f"{path}: {problem}" for problem in look(person)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_a_line(somebody: NewPerson, language: str) -> None:
    told, pages = full_life()
    person = somebody(Way(language, 320))
    person.sign_in_with_session(told)
    paths = addresses(pages)
    assert len(paths) > 60
    look_at_all(person, [*paths, *NOT_THERE])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_for_strangers(somebody: NewPerson, language: str) -> None:
    person = somebody(Way(language, 320))
    look_at_all(person, [*addresses({}, for_strangers=True), *OPEN_TO_ALL, "/rewards"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_that_show_only_after_another_one(somebody: NewPerson, language: str) -> None:
    person = somebody(Way(language, 320))
    told = plain()
    told.register()
    problems: list[str] = []
    for name in _on_the_way(person, told):
        problems += [f"{name}: {problem}" for problem in look(person)]
    assert not problems, "\n".join(problems)


def _on_the_way(person: Person, told: Told) -> Iterable[str]:
    """Go by all pages that no address alone leads to; the forms among them are sent empty first."""
    person.open("/cancel")
    person.press("jetzt kündigen", "cancel now")
    yield "cancel, with errors"
    declare(person)
    person.press("jetzt kündigen", "cancel now")
    yield "declared"
    person.open("/write")
    person.enter("Ihr Name", "Your name", "Ayşe Öztürk")
    person.enter("Ihre E-Mail-Adresse", "Your e-mail address", MAIL)
    person.enter("Ihre Nachricht", "Your message", "Guten Tag!")
    person.press("Absenden", "Send")
    yield "written"
    person.open("/sign-in")
    person.press("Code schicken", "Send code")
    yield "sign_in, with errors"
    person.ask_for_code(told)
    person.press("Anmelden", "Sign in")
    yield "sign_in_code, with errors"
    person.enter("Code", "Code", person.newest_code())
    person.press("Anmelden", "Sign in")
    person.open("/tasks/acc.address")
    person.press("Anschrift ändern", "Change address")
    yield "task, with errors"
    yield from _second_factors(person, told)


def _second_factors(person: Person, told: Told) -> Iterable[str]:
    person.open("/account/email")
    yield "confirm"
    person.press("Code schicken", "Send code")
    person.press("Bestätigen", "Confirm")
    yield "confirm, with errors"
    person.enter("Code", "Code", person.newest_code())
    person.press("Bestätigen", "Confirm")
    person.enter("Neue E-Mail-Adresse", "New e-mail address", MAIL)
    person.press("Code schicken", "Send code")
    yield "email_code"
    give_passkeys(person.page)
    person.open("/account/passkeys/add")
    person.button("Passkey anlegen", "Create passkey").click()
    person.page.wait_for_url("**/account/recovery-codes*")
    yield "mfa_view_recovery_codes"
    person.follow("Neue Ersatzcodes machen", "Make new recovery codes")
    yield "mfa_generate_recovery_codes"
    person.open("/account/app")
    secret = person.main.locator("[translate=no]").inner_text()
    person.enter("Code aus Ihrer Authentifizierungs-App", "Code from your authenticator app", code_of(secret))
    person.press("Einrichten", "Set up")
    person.open("/account/security")
    yield "security, with a passkey and an app"
    person.tap(person.main.get_by_role("link", name=person.say("Passkey „", "Remove the passkey")))
    yield "mfa_remove_webauthn"
    person.open("/account/app/remove")
    yield "mfa_deactivate_totp"
    person.sign_out()
    person.sign_in(told)
    yield "mfa_authenticate"


def test_every_route_is_known() -> None:
    assert route_names() >= NO_PAGES | ON_THE_WAY | BEFORE_SIGN_IN
    assert not (NO_PAGES & ON_THE_WAY)
