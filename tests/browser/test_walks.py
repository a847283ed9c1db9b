"""Whole walks through the portal, as people take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from selbsthelfer.conversations.models import Case
from selbsthelfer.conversations.operations import reinstate
from selbsthelfer.selfservice.embedded.models import EmbeddedLine
from selbsthelfer.selfservice.embedded.operations import begin_outage, ensure_line
from tests.browser.activities import enter_address
from tests.browser.conftest import NewPerson
from tests.browser.lines import BERLIN, missed_by_a_call, plain, waiting_for_activity
from tests.browser.person import Person, Way
from tests.browser.ways import ALL_WAYS, FOUR_WAYS, in_ways

pytestmark = pytest.mark.django_db(transaction=True)


def now() -> datetime:
    return datetime.now(UTC)


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


@in_ways(FOUR_WAYS)
def test_what_failed_for_us_does_not_count_when_somebody_calls_about_it(
    somebody: NewPerson, way: Way
) -> None:
    told = waiting_for_activity()
    begin_outage("acc.address", now=now(), until=now() + timedelta(hours=1))
    person = somebody(way)
    person.sign_in_with_session(told)
    person.open("/tasks/acc.address")
    enter_address(person)
    person.press("Anschrift ändern", "Change address")
    person.sees("Der Fehler liegt bei uns, nicht bei Ihnen", "The fault is ours, not yours")
    person.sees("zählt dieser Anruf nicht", "that call does not count")
    person.follow("Mit einem Menschen sprechen", "Talk to a person")
    person.sees_heading("Hilfe und Kontakt", "Help and contact")
    told.life.called(now(), "acc.address")
    told.send()
    person.open("/rewards")
    contact = person.main.get_by_role("listitem").filter(
        has_text=person.say("Anschrift ändern", "Change postal")
    )
    reason = " ".join(contact.inner_text().split())
    assert person.say("zählt nicht", "does not count") in reason
    assert person.say("online nicht geklappt", "had failed online") in reason


@in_ways(FOUR_WAYS)
def test_a_sim_is_blocked_from_a_stranger_s_phone_and_unblocked_by_its_owner(
    somebody: NewPerson, way: Way
) -> None:
    told = plain()
    told.register()
    ensure_line(told.line, now=now())
    code = EmbeddedLine.objects.get(subscriber_id=told.line.subscriber_id).customer_code
    stranger = somebody(way)
    stranger.open("/")
    stranger.tap(
        stranger.page.get_by_role("contentinfo").get_by_role(
            "link", name=stranger.say("SIM sperren", "Block SIM")
        )
    )
    stranger.enter("Rufnummer der SIM", "Number of the SIM", told.number)
    stranger.enter("Kundenkennzahl", "Customer code", code)
    stranger.press("Jetzt sperren", "Block now")
    stranger.sees_heading("Die SIM ist gesperrt", "The SIM is blocked")
    owner = somebody(way)
    owner.sign_in(told)
    owner.open("/tasks/sim.unblock")
    owner.sees_heading("Bitte bestätigen Sie, dass Sie es sind", "Please confirm that it is you")
    owner.confirm()
    owner.sees("gesperrt", "blocked")
    owner.press("SIM entsperren", "Unblock SIM")
    owner.sees("Erledigt.", "Done.")
    owner.open("/tasks/sim.unblock")
    owner.sees("Ihre SIM ist nicht gesperrt.", "Your SIM is not blocked.")


@in_ways(FOUR_WAYS)
@pytest.mark.parametrize("path", ["/cancel", "/withdraw"])
def test_whoever_ends_a_contract_gets_a_receipt_at_once_without_signing_in(
    somebody: NewPerson, way: Way, path: str
) -> None:
    person = somebody(way)
    person.open("/")
    link = {
        "/cancel": person.say("Verträge hier kündigen", "Cancel contracts here"),
        "/withdraw": person.say("Vertrag widerrufen", "Withdraw from contract"),
    }
    person.tap(person.page.get_by_role("contentinfo").get_by_role("link", name=link[path], exact=True))
    assert person.path == path
    person.enter("Ihr Name", "Your name", "Ayşe Öztürk")
    person.enter("Welcher Vertrag?", "Which contract?", "0171 3920001")
    person.enter("E-Mail-Adresse oder Anschrift", "E-mail address or postal address", "ayse@example.com")
    before = now()
    if path == "/cancel":
        person.press("jetzt kündigen", "cancel now")
        person.sees_heading("Ihre Kündigung ist eingegangen", "Your cancellation has arrived")
    else:
        person.press("Widerruf bestätigen", "confirm withdrawal")
        person.sees_heading("Ihr Widerruf ist eingegangen", "Your withdrawal has arrived")
    case = Case.objects.get()
    assert case.number in person.words
    local = case.opened_at.astimezone(BERLIN)
    assert before <= case.opened_at <= now()
    person.sees(f"{local.day}. ", f"{local.day} ")
    person.sees(f"{local:%H:%M}", f"{local:%H:%M}")
    person.sees("Ayşe Öztürk", "Ayşe Öztürk")


@in_ways(FOUR_WAYS)
def test_a_contact_is_disputed_in_two_taps_and_what_was_due_is_credited(
    somebody: NewPerson, way: Way
) -> None:
    told = missed_by_a_call()
    person = somebody(way)
    person.sign_in_with_session(told)
    person.open("/")
    before = megabytes_left(person)
    person.open("/rewards")
    taps = person.taps
    person.tap(person.main.get_by_role("link", name=person.say("Das stimmt nicht", "This is not right")))
    person.press("Prüfen lassen", "Have it looked at")
    assert person.taps == taps + 2
    case = Case.objects.get()
    assert person.path == f"/cases/{case.number}"
    person.sees("Antwort bis", "Answer by")
    decided = reinstate(number=case.number, by="Alex", reason="Das war eine Störung.", now=now())
    assert decided.released >= 1
    person.open("/rewards")
    person.sees("zählt nicht mehr", "no longer counts")
    person.follow(f"Vorgang {case.number}", f"Case {case.number}")
    person.sees("Das war eine Störung.", "Das war eine Störung.")
    person.open("/demo/inbox")
    person.sees(case.number, case.number)
    person.open("/")
    assert megabytes_left(person) == pytest.approx(before + 100 * decided.released)
