"""How many taps and seconds a task takes from the sign-in page on, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

import pytest

from tests.browser.activities import enter_address
from tests.browser.conftest import NewPerson
from tests.browser.lines import waiting_for_activity
from tests.browser.person import Person, Way

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: Final = Way("de", 360)
MAX_TAPS: Final = 6
MAX_SECONDS: Final = 60.0
# How long people take, after Card, Moran and Newell's keystroke-level model, with slow thumbs for keys.
SECONDS_TO_TAP: Final = 1.1
SECONDS_TO_TYPE: Final = 0.5
SECONDS_TO_READ_A_PAGE: Final = 2.7
SECONDS_FOR_THE_TEXT_MESSAGE: Final = 5.0


def to_tasks(person: Person) -> None:
    person.follow("Alles, was online geht", "Everything that can be done online")


def view_bill(person: Person) -> None:
    person.follow("Rechnungen", "Bills")


def block_third_parties(person: Person) -> None:
    to_tasks(person)
    person.follow("Drittanbieter sperren", "Block third-party billing")
    person.tap(person.main.get_by_role("button").first)


def set_voicemail(person: Person) -> None:
    to_tasks(person)
    person.follow("Mailbox einstellen", "Set voicemail")
    person.choose("Ausschalten", "Off")
    person.press("Mailbox einstellen", "Set voicemail")


def change_address(person: Person) -> None:
    person.follow("Anschrift ändern", "Change postal address")
    enter_address(person)
    person.press("Anschrift ändern", "Change address")


def switch_roaming(person: Person) -> None:
    to_tasks(person)
    person.follow("Datenroaming an oder aus", "Data roaming on or off")
    person.tap(person.main.get_by_role("button").first)


TASKS: Final[dict[str, Callable[[Person], None]]] = {
    "bill.view": view_bill,
    "bill.thirdparty": block_third_parties,
    "roam.switch": switch_roaming,
    "call.voicemail": set_voicemail,
    "acc.address": change_address,
}
MANY_FIELDS: Final = "acc.address"
"""Five fields have to be filled in, each with a tap; the others keep to `MAX_TAPS` with every tap counted."""


@pytest.mark.parametrize("activity", TASKS)
def test_from_the_sign_in_page_to_success(somebody: NewPerson, activity: str) -> None:
    told = waiting_for_activity()
    told.register()
    person = somebody(PHONE)
    person.counts_taps_into_fields = True
    began = monotonic()
    person.sign_in(told)
    TASKS[activity](person)
    person.sees("Erledigt.", "Done.")
    measured = monotonic() - began
    by_hand = (
        person.taps * SECONDS_TO_TAP
        + person.keys * SECONDS_TO_TYPE
        + person.pages * SECONDS_TO_READ_A_PAGE
        + SECONDS_FOR_THE_TEXT_MESSAGE
    )
    into_fields = person.taps_into_fields
    print(  # noqa: T201 - the figures that the project tells
        f"\n{activity}: {person.taps} taps ({into_fields} of them into fields), {person.keys} keys,"
        f" {person.pages} pages; {measured:.1f} s here, {by_hand:.0f} s by hand"
    )
    assert max(measured, by_hand) <= MAX_SECONDS
    assert person.taps - into_fields <= MAX_TAPS
    if activity != MANY_FIELDS:
        assert person.taps <= MAX_TAPS
