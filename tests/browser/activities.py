"""How somebody does each task that the portal carries out, and how it shows afterwards that it is done.

One function for each row of the catalogue. Each begins at the one address of its task, and ends by looking at
a page that shows the new state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from django.db import transaction

from selbsthelfer.selfservice.core.orders import BlockSim
from selbsthelfer.selfservice.embedded.models import EmbeddedLine, EmbeddedSim
from selbsthelfer.selfservice.embedded.operations import ensure_line, order_sim
from selbsthelfer.selfservice.operations import carry_out
from tests.browser.authenticator import code_of
from tests.browser.lines import Told
from tests.browser.person import Person
from tests.selfservice.world import new_key

PASSWORD: Final = "korrekt pferd batterie"  # noqa: S105
MAIL: Final = "ayse@example.com"

Step = Callable[[Person, Told], None]


def now() -> datetime:
    return datetime.now(UTC)


def begin(person: Person, activity: str) -> None:
    person.open(f"/tasks/{activity}")


def order(person: Person, activity: str, german: str, english: str) -> None:
    """Press the button of an order, read the receipt, and go back to see how it stands."""
    person.press(german, english)
    person.sees("Erledigt.", "Done.")
    begin(person, activity)


def enter_address(person: Person) -> None:
    person.enter("Straße", "Street", "Lindenallee")
    person.enter("Hausnummer", "House number", "12a")
    person.enter("Postleitzahl", "Postcode", "50667")
    person.enter("Ort", "Town", "Köln")


def with_back_end(told: Told, **state: object) -> None:
    """Have the operator's systems know the line, in this state."""
    ensure_line(told.line, now=now())
    EmbeddedLine.objects.filter(subscriber_id=told.line.subscriber_id).update(**state)


# The account.


def register(person: Person, told: Told) -> None:
    begin(person, "acc.register")
    person.ask_for_code(told)
    person.enter("Code", "Code", person.newest_code())
    person.press("Anmelden", "Sign in")
    person.sees("Erledigt.", "Done.")
    person.open("/account")
    person.sees(told.number[-4:], told.number[-4:])


def change_password(person: Person, told: Told) -> None:
    begin(person, "acc.password")
    person.enter_secret("Neues Passwort", "New password", PASSWORD)
    person.press("Speichern", "Save")
    person.sees("Erledigt.", "Done.")
    person.open("/account/security")
    person.sees("Gesetzt am", "Set on")


def set_up_app(person: Person, told: Told) -> None:
    begin(person, "acc.2fa")
    person.follow("App einrichten", "Set up an app")
    secret = person.main.locator("[translate=no]").inner_text()
    person.enter("Code aus Ihrer Authentifizierungs-App", "Code from your authenticator app", code_of(secret))
    person.press("Einrichten", "Set up")
    person.sees("Ersatzcodes", "recovery codes")
    person.follow("Ich habe sie notiert", "I have noted them down")
    person.sees("Erledigt.", "Done.")
    person.open("/account/security")
    person.sees("Eingerichtet am", "Set up on")


def change_email(person: Person, told: Told) -> None:
    begin(person, "acc.contact")
    person.enter("Neue E-Mail-Adresse", "New e-mail address", MAIL)
    person.press("Code schicken", "Send code")
    person.enter("Code", "Code", person.newest_code())
    person.press("Bestätigen", "Confirm")
    person.sees("Erledigt.", "Done.")
    person.open("/account/security")
    person.sees(MAIL, MAIL)


def change_address(person: Person, told: Told) -> None:
    begin(person, "acc.address")
    enter_address(person)
    order(person, "acc.address", "Anschrift ändern", "Change address")
    person.sees("Lindenallee 12a, 50667 Köln", "Lindenallee 12a, 50667 Köln")


def change_display(person: Person, told: Told) -> None:
    begin(person, "acc.lang")
    person.choose("Dunkel", "Dark")
    person.press("Speichern", "Save")
    person.sees("Erledigt.", "Done.")
    assert person.page.locator("html").get_attribute("data-appearance") == "dark"


# Bills.


def view_bill(person: Person, told: Told) -> None:
    begin(person, "bill.view")
    person.sees("Erledigt.", "Done.")
    person.tap(person.main.get_by_role("heading", level=2).get_by_role("link").first)
    person.sees("Was berechnet wird", "What is charged")


def have_bill_explained(person: Person, told: Told) -> None:
    begin(person, "bill.explain")
    person.sees("Posten für Posten", "Item by item")
    person.sees("Erledigt.", "Done.")


def view_itemised_record(person: Person, told: Told) -> None:
    begin(person, "bill.itemised")
    person.sees("Verbindungen, die ältesten zuerst", "Connections, oldest first")
    person.sees("Erledigt.", "Done.")


def go_paperless(person: Person, told: Told) -> None:
    with_back_end(told, is_paperless=False)
    begin(person, "bill.paperless")
    order(person, "bill.paperless", "Auf papierlos umstellen", "Go paperless")
    person.sees("schon ohne Papier", "already get your bills without paper")


def change_bank_account(person: Person, told: Told) -> None:
    begin(person, "bill.iban")
    person.enter("Kontoinhaber", "Account holder", "Ayşe Öztürk")
    person.enter("IBAN", "IBAN", "DE89 3704 0044 0532 0130 00")
    order(person, "bill.iban", "Bankverbindung ändern", "Change bank account")
    person.sees("DE89 •••• 3000", "DE89 •••• 3000")


def block_third_parties(person: Person, told: Told) -> None:
    with_back_end(told, is_third_party_blocked=False)
    begin(person, "bill.thirdparty")
    order(person, "bill.thirdparty", "Drittanbieter sperren", "Block third parties")
    assert person.button("Sperre aufheben", "Remove the block").is_visible()


def object_to_bill(person: Person, told: Told) -> None:
    begin(person, "bill.object")
    person.tap(person.main.get_by_role("list").get_by_role("link").first)
    person.enter("Was stimmt an der Rechnung nicht?", "What is wrong with the bill?", "Zu viel.")
    person.press("Beanstandung absenden", "Send the objection")
    person.sees("Angekommen", "Received")
    in_cases(person)


# Usage and contract.


def view_usage(person: Person, told: Told) -> None:
    begin(person, "use.view")
    person.sees("Bisher verbraucht", "Used so far")
    person.sees("Erledigt.", "Done.")


def turn_top_up_off(person: Person, told: Told) -> None:
    with_back_end(told, is_automatic_top_up_on=True)
    begin(person, "use.autotopup")
    order(person, "use.autotopup", "Datenautomatik ausschalten", "Turn automatic top-up off")
    person.sees("schon ausgeschaltet", "off already")


def view_contract(person: Person, told: Told) -> None:
    begin(person, "con.view")
    person.sees("Laufzeit und Kündigung", "Term and notice")
    person.sees("Erledigt.", "Done.")


def change_tariff(person: Person, told: Told) -> None:
    begin(person, "con.change")
    person.press("Musterfunk L ansehen und bestellen", "Look at and order Musterfunk L")
    person.sees("Noch ist nichts bestellt", "Nothing has been ordered yet")
    order(person, "con.change", "Zahlungspflichtig bestellen", "Order with obligation to pay")
    person.sees("Musterfunk L ab", "Musterfunk L from")


def add_option(person: Person, told: Told) -> None:
    begin(person, "con.option")
    person.press("Schweiz-Paket ansehen und buchen", "Look at and add Switzerland package")
    order(person, "con.option", "Zahlungspflichtig bestellen", "Order with obligation to pay")
    assert person.button("Schweiz-Paket abbestellen", "Remove Switzerland package").is_visible()


def declare(person: Person) -> None:
    person.enter("Ihr Name", "Your name", "Ayşe Öztürk")
    person.enter("Welcher Vertrag?", "Which contract?", "0171 3920001")
    person.enter("E-Mail-Adresse oder Anschrift", "E-mail address or postal address", MAIL)


def cancel(person: Person, told: Told) -> None:
    begin(person, "con.cancel")
    declare(person)
    person.press("jetzt kündigen", "cancel now")
    person.sees_heading("Ihre Kündigung ist eingegangen", "Your cancellation has arrived")
    in_cases(person)


def withdraw(person: Person, told: Told) -> None:
    begin(person, "con.withdraw")
    declare(person)
    person.press("Widerruf bestätigen", "confirm withdrawal")
    person.sees_heading("Ihr Widerruf ist eingegangen", "Your withdrawal has arrived")
    in_cases(person)


# SIMs.


def activate_sim(person: Person, told: Told) -> None:
    with_back_end(told)
    with transaction.atomic():
        order_sim(told.line, is_esim=True, now=now())
    sent = EmbeddedSim.objects.get(subscriber_id=told.line.subscriber_id, state="ordered")
    begin(person, "sim.activate")
    person.enter("SIM-Kartennummer", "SIM number", sent.iccid)
    person.enter("Aktivierungscode", "Activation code", sent.code)
    order(person, "sim.activate", "SIM aktivieren", "Activate SIM")
    facts = " ".join(person.main.get_by_role("term").all_inner_texts())
    assert sent.iccid[-4:] in facts
    person.sees("aktiv", "active")
    person.sees_not("noch nicht aktiviert", "not activated yet")


def block_sim(person: Person, told: Told) -> None:
    begin(person, "sim.block")
    person.press("Jetzt sperren", "Block now")
    person.sees("Erledigt.", "Done.")
    begin(person, "sim.unblock")
    assert person.button("SIM entsperren", "Unblock SIM").is_visible()


def unblock_sim(person: Person, told: Told) -> None:
    carry_out(told.line, BlockSim(), key=new_key(), now=now())
    begin(person, "sim.unblock")
    order(person, "sim.unblock", "SIM entsperren", "Unblock SIM")
    person.sees("Ihre SIM ist nicht gesperrt.", "Your SIM is not blocked.")


def order_replacement_sim(person: Person, told: Told) -> None:
    begin(person, "sim.replace")
    person.choose("eSIM zum Herunterladen", "eSIM to download")
    order(person, "sim.replace", "Ersatz-SIM bestellen", "Order replacement SIM")
    person.sees("bestellt, noch nicht aktiviert", "ordered, not activated yet")


def show_puk(person: Person, told: Told) -> None:
    begin(person, "sim.puk")
    person.press("PIN und PUK anzeigen", "Show PIN and PUK")
    (sim,) = EmbeddedSim.objects.filter(subscriber_id=told.line.subscriber_id)
    person.sees(sim.puk, sim.puk)
    person.sees("Erledigt.", "Done.")


# Calls and use abroad.


def forward_calls(person: Person, told: Told) -> None:
    begin(person, "call.forward")
    person.choose("Wenn besetzt ist", "When busy")
    person.enter("Zielnummer", "Number to forward to", "0221 4710123")
    order(person, "call.forward", "Umleitung einschalten", "Turn forwarding on")
    person.sees("an +49 221 4710123", "to +49 221 4710123")


def set_voicemail(person: Person, told: Told) -> None:
    begin(person, "call.voicemail")
    person.choose("Ausschalten", "Off")
    order(person, "call.voicemail", "Mailbox einstellen", "Set voicemail")
    person.sees("ausgeschaltet", "off")


def bar_number(person: Person, told: Told) -> None:
    begin(person, "call.block")
    person.enter("Rufnummer", "Phone number", "0221 4710123")
    order(person, "call.block", "Nummer sperren", "Bar number")
    person.sees("1 von 50", "1 of 50")


def see_roaming_prices(person: Person, told: Told) -> None:
    begin(person, "roam.info")
    person.sees("Erledigt.", "Done.")
    person.enter("Wohin reisen Sie?", "Where are you travelling?", "Schweiz")
    person.press("Preise zeigen", "Show prices")
    person.sees("Schweiz", "Switzerland")


def switch_roaming_off(person: Person, told: Told) -> None:
    with_back_end(told, is_roaming_on=True)
    begin(person, "roam.switch")
    order(person, "roam.switch", "Datenroaming ausschalten", "Turn data roaming off")
    assert person.button("Datenroaming einschalten", "Turn data roaming on").is_visible()


# The network.


def look_for_fault(person: Person, told: Told) -> None:
    begin(person, "net.status")
    person.sees("Erledigt.", "Done.")
    person.enter("Postleitzahl", "Postcode", "50667")
    person.press("Nachsehen", "Look")
    person.page.wait_for_url("**/network?postcode=50667")
    person.sees("Was wir für 50667 wissen", "What we know for 50667")


def report_fault(person: Person, told: Told) -> None:
    begin(person, "net.report")
    person.enter("Was haben Sie bemerkt?", "What have you noticed?", "Seit heute früh kein Netz.")
    person.press("Störung melden", "Report the fault")
    person.sees("Angekommen", "Received")
    in_cases(person)


def walk_through_diagnosis(person: Person, told: Told) -> None:
    begin(person, "net.diagnose")
    person.follow("Mobile Daten gehen nicht", "Mobile data do not work")
    person.follow("Nein, nichts bekannt", "No, nothing is known")
    person.follow("Jetzt geht es", "It works now")
    person.press("Ja, es funktioniert", "Yes, it works")
    person.sees("Erledigt.", "Done.")


# Help and rights.


def find_article_helpful(person: Person, told: Told) -> None:
    begin(person, "help.article")
    person.tap(person.main.get_by_role("heading", level=3).get_by_role("link").first)
    person.press("Ja", "Yes")
    person.sees("Erledigt.", "Done.")


def write_message(person: Person, told: Told) -> None:
    begin(person, "help.message")
    person.enter("Ihre Nachricht", "Your message", "Guten Tag!")
    person.press("Absenden", "Send")
    person.sees("Angekommen", "Received")
    in_cases(person)


def complain(person: Person, told: Told) -> None:
    begin(person, "help.complaint")
    person.enter("Was ist schiefgelaufen?", "What went wrong?", "Niemand rief zurück.")
    person.press("Beschwerde absenden", "Send the complaint")
    person.sees("Angekommen", "Received")
    in_cases(person)


def in_cases(person: Person) -> None:
    """Look whether what was written stands among the cases."""
    person.open("/cases")
    assert person.main.get_by_role("heading", level=2).count() == 1


def consent(person: Person, told: Told) -> None:
    begin(person, "priv.consents")
    box = person.main.get_by_role("checkbox").first
    assert not box.is_checked()
    person.tap(box)
    person.press("Speichern", "Save")
    person.sees("Erledigt.", "Done.")
    begin(person, "priv.consents")
    assert person.main.get_by_role("checkbox").first.is_checked()


def export_data(person: Person, told: Told) -> None:
    begin(person, "priv.export")
    with person.page.expect_download() as download:
        person.press("Datei herunterladen", "Download the file")
    assert told.line.subject in download.value.path().read_text()
    person.open("/receipts/")
    person.sees("Datenauskunft", "Data export")


def erase(person: Person, told: Told) -> None:
    begin(person, "priv.erase")
    person.tick("Ja, das alles löschen und mich abmelden", "Yes, erase all this and sign me out")
    person.press("Löschen", "Erase")
    person.sees_heading("Gelöscht", "Erased")
    person.open("/account")
    person.sees_heading("Anmelden", "Sign in")


STEPS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "acc.register": register,
        "acc.password": change_password,
        "acc.2fa": set_up_app,
        "acc.contact": change_email,
        "acc.address": change_address,
        "acc.lang": change_display,
        "bill.view": view_bill,
        "bill.explain": have_bill_explained,
        "bill.itemised": view_itemised_record,
        "bill.paperless": go_paperless,
        "bill.iban": change_bank_account,
        "bill.object": object_to_bill,
        "bill.thirdparty": block_third_parties,
        "use.view": view_usage,
        "use.autotopup": turn_top_up_off,
        "con.view": view_contract,
        "con.change": change_tariff,
        "con.option": add_option,
        "con.cancel": cancel,
        "con.withdraw": withdraw,
        "sim.activate": activate_sim,
        "sim.block": block_sim,
        "sim.unblock": unblock_sim,
        "sim.replace": order_replacement_sim,
        "sim.puk": show_puk,
        "call.forward": forward_calls,
        "call.voicemail": set_voicemail,
        "call.block": bar_number,
        "roam.info": see_roaming_prices,
        "roam.switch": switch_roaming_off,
        "net.status": look_for_fault,
        "net.report": report_fault,
        "net.diagnose": walk_through_diagnosis,
        "help.article": find_article_helpful,
        "help.message": write_message,
        "help.complaint": complain,
        "priv.consents": consent,
        "priv.export": export_data,
        "priv.erase": erase,
    }
)
