"""Ten tasks as a screen reader goes about them: by role and name alone, never by place, class or looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page

from selbsthelfer.selfservice.models import Task
from tests.browser.conftest import NewPerson
from tests.browser.lines import missed_by_a_call
from tests.browser.person import Way

pytestmark = pytest.mark.django_db(transaction=True)


class Tree:
    """The page as its roles and names."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def find(self, role: Any, name: str | None = None) -> Locator:
        return self.page.get_by_role(role, name=name, exact=True)

    def go(self, *links: str) -> None:
        """Follow links of the main part one after the other, from the list of tasks."""
        self.page.get_by_role("navigation", name="Seiten").get_by_role("link", name="Erledigen").click()
        for link in links:
            self.page.get_by_role("main").get_by_role("link", name=link, exact=True).click()

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            self.find("textbox", name.replace("_", " ")).fill(text)

    def press(self, name: str) -> None:
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def address(tree: Tree) -> None:
    tree.go("Anschrift ändern")
    tree.fill(Straße="Lindenallee", Hausnummer="12a", Postleitzahl="50667", Ort="Köln")
    tree.press("Anschrift ändern")


def voicemail(tree: Tree) -> None:
    tree.go("Mailbox einstellen")
    tree.page.get_by_role("group", name="Mailbox").get_by_role("radio", name="Ausschalten").check()
    tree.press("Mailbox einstellen")


def forwarding(tree: Tree) -> None:
    tree.go("Rufumleitung einstellen")
    tree.page.get_by_role("group", name="Wann umleiten?").get_by_role(
        "radio", name="Wenn besetzt ist"
    ).check()
    tree.fill(Zielnummer="0221 4710123")
    tree.press("Umleitung einschalten")


def barring(tree: Tree) -> None:
    tree.go("Nummern sperren")
    tree.fill(Rufnummer="0221 4710123")
    tree.press("Nummer sperren")


def bank_account(tree: Tree) -> None:
    tree.go("Bankverbindung ändern")
    tree.fill(Kontoinhaber="Ayşe Öztürk", IBAN="DE89 3704 0044 0532 0130 00")
    tree.press("Bankverbindung ändern")


def replacement_sim(tree: Tree) -> None:
    tree.go("Ersatz-SIM bestellen")
    tree.find("radio", "eSIM zum Herunterladen").check()
    tree.press("Ersatz-SIM bestellen")


def option(tree: Tree) -> None:
    tree.go("Option buchen oder abbestellen")
    tree.press("Schweiz-Paket ansehen und buchen")
    tree.press("Zahlungspflichtig bestellen")


def diagnosis(tree: Tree) -> None:
    tree.go("Geführte Diagnose", "Mobile Daten gehen nicht", "Nein, nichts bekannt", "Jetzt geht es")
    tree.press("Ja, es funktioniert")


def consents(tree: Tree) -> None:
    tree.go("Einwilligungen")
    tree.page.get_by_role("group", name="Ich bin einverstanden mit").get_by_role("checkbox").first.check()
    tree.press("Speichern")


def display(tree: Tree) -> None:
    tree.go("Sprache und Darstellung")
    tree.page.get_by_role("group", name="Darstellung").get_by_role("radio", name="Dunkel").check()
    tree.press("Speichern")


TASKS: Final[dict[str, Callable[[Tree], None]]] = {
    "acc.address": address,
    "call.voicemail": voicemail,
    "call.forward": forwarding,
    "call.block": barring,
    "bill.iban": bank_account,
    "sim.replace": replacement_sim,
    "con.option": option,
    "net.diagnose": diagnosis,
    "priv.consents": consents,
    "acc.lang": display,
}


def test_ten_tasks_by_roles_and_names_alone(somebody: NewPerson) -> None:
    person = somebody(Way("de", 1280))
    person.sign_in_with_session(missed_by_a_call())
    tree = Tree(person.page)
    person.open("/")
    assert len(TASKS) == 10
    for activity, do in TASKS.items():
        do(tree)
        assert tree.page.get_by_role("status").get_by_role("heading", name="Erledigt.").is_visible(), activity
        assert Task.objects.filter(activity=activity, state="succeeded").count() == 1
