"""Whole walks through the portal, as people take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from selbsthelfer.conversations.models import Case
from selbsthelfer.conversations.operations import reinstate
from selbsthelfer.selfservice.embedded.models import EmbeddedLine
from selbsthelfer.selfservice.embedded.operations import begin_outage, ensure_line
from tests.browser.conftest import NewPerson
from tests.browser.lines import missed_by_a_call, plain, waiting_for_activity
from tests.browser.person import Person, Way
from tests.browser.ways import ALL_WAYS, in_ways

pytestmark = pytest.mark.django_db(transaction=True)


def now() -> datetime:
    return datetime.now(UTC)


def enter_address(person: Person, city: str = "Köln") -> None:
    person.enter("Straße", "Street", "Lindenallee")
    person.enter("Hausnummer", "House number", "12a")
    person.enter("Postleitzahl", "Postcode", "50667")
    person.enter("Ort", "Town", city)


def megabytes_left(person: Person) -> float:
    """Read the large figure of the start page, in MB."""
    shown = person.page.locator(".hero").inner_text().replace("\xa0", " ").replace("\u202f", " ")
    number, unit = shown.split()[:2]
    figure = float(number.replace(",", ".") if person.way.language == "de" else number)
    return figure * {"MB": 1, "GB": 1_000}[unit]


@in_ways(ALL_WAYS)
def test_a_changed_address_releases_volume_that_is_usable_at_once(somebody: NewPerson, way: Way) -> None:
    told = waiting_for_activity()
    told.register()
    person = somebody(way)
    person.sign_in(told)
    before = megabytes_left(person)
    person.follow("Alles, was online geht", "Everything that can be done online")
    person.follow("Anschrift ändern", "Change postal address")
    enter_address(person)
    person.press("Anschrift ändern", "Change address")
    person.sees("Erledigt.", "Done.")
    person.sees("100 MB gutgeschrieben, nutzbar bis", "100 MB credited, usable until")
    receipt = person.path.rsplit("/", 1)[1]
    assert receipt in person.words
    person.sees("Lindenallee 12a", "Lindenallee 12a")
    person.follow("Zur Startseite", "To the start page")
    assert megabytes_left(person) == pytest.approx(before + 100)
