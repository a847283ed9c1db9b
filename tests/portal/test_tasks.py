"""Tasks that the back end carries out, from the form to the receipt to the new state, and what goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve, reverse

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.portal.pages.tasks import FORMS
from selbsthelfer.portal.pages.tasks_registry import GROUPS, PAGES
from selbsthelfer.selfservice.core.checking import MAX_BARRED, luhn_digit
from selbsthelfer.selfservice.core.orders import BarNumber, BlockSim
from selbsthelfer.selfservice.embedded.models import EmbeddedLine, EmbeddedSim
from selbsthelfer.selfservice.embedded.operations import begin_outage
from selbsthelfer.selfservice.models import Task
from selbsthelfer.selfservice.operations import carry_out
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.pages import MAX_QUERIES
from tests.portal.task_pages import (
    ShownForm,
    form_with,
    forms_of,
    open_page,
    page_of,
    send,
    sign_in_as,
    words_of,
)
from tests.selfservice.world import IBAN, facts_of, new_key, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]

ONLINE = [row.id for row in CATALOGUE.values() if row.online]


@pytest.fixture
def line() -> LineRef:
    return registered()


@pytest.fixture
def browser(line: LineRef) -> Client:
    client = Client()
    sign_in_as(client, line)
    return client


def now() -> datetime:
    return datetime.now(UTC)


def page(activity: str) -> str:
    return reverse("task", args=[activity])


def on_page(browser: Client, activity: str) -> str:
    return words_of(open_page(browser, page(activity)))


def receipt_after(browser: Client, response: HttpResponse) -> str:
    """Follow the way to the receipt and read it."""
    assert response.status_code == 302, words_of(response)
    assert resolve(response["Location"]).url_name == "receipt"
    return words_of(open_page(browser, response["Location"]))


def do(browser: Client, activity: str, button: str, **typed: str) -> str:
    """Do a task by the form with this button and return its receipt."""
    path = page(activity)
    form = form_with(open_page(browser, path), button)
    told = receipt_after(browser, send(browser, path, form, **typed))
    assert "Erledigt." in told
    return told


ADDRESS = {
    "street": "Lindenallee",
    "house_number": "12a",
    "addition": "bei Çelik",
    "postcode": "50667",
    "city": "Köln",
}


def test_an_address_is_changed(browser: Client, line: LineRef) -> None:
    told = do(browser, "acc.address", "Anschrift ändern", **ADDRESS)
    assert "Lindenallee 12a" in told
    assert "50667 Köln" in told
    assert "Lindenallee 12a, bei Çelik, 50667 Köln" in on_page(browser, "acc.address")
    assert facts_of(line) == [("acc.address", True)]


def test_a_bank_account_is_changed_and_never_shown_whole(browser: Client) -> None:
    typed = {"account_holder": "Ayşe Öztürk", "iban": "DE89 3704 0044 0532 0130 00"}
    told = do(browser, "bill.iban", "Bankverbindung ändern", **typed)
    after = on_page(browser, "bill.iban")
    for text in (told, after):
        assert "DE89 •••• 3000" in text
        assert IBAN not in text.replace(" ", "")
    assert "Ayşe Öztürk" in after


def test_bills_go_paperless_once(browser: Client, line: LineRef) -> None:
    on_page(browser, "bill.paperless")
    EmbeddedLine.objects.filter(subscriber_id=line.subscriber_id).update(is_paperless=False)
    do(browser, "bill.paperless", "Auf papierlos umstellen")
    after = open_page(browser, page("bill.paperless"))
    assert "schon ohne Papier" in words_of(after)
    assert forms_of(after) == []


@pytest.mark.parametrize(
    ("activity", "first", "then"),
    [
        ("bill.thirdparty", ("Drittanbieter sperren", "gesperrt"), ("Sperre aufheben", "nicht gesperrt")),
        ("roam.switch", ("ausschalten", "ausgeschaltet"), ("einschalten", "eingeschaltet")),
    ],
)
def test_a_switch_has_one_button_for_the_other_state(
    browser: Client, activity: str, first: tuple[str, str], then: tuple[str, str]
) -> None:
    shown = open_page(browser, page(activity))
    assert len(forms_of(shown)) == 1
    steps = [first, then] if first[0] in forms_of(shown)[0].button else [then, first]
    for button, state in steps:
        do(browser, activity, button)
        after = open_page(browser, page(activity))
        assert state in words_of(after)
        assert button not in [form.button for form in forms_of(after)]


def test_automatic_top_up_is_turned_off_and_not_on_again(browser: Client) -> None:
    do(browser, "use.autotopup", "Datenautomatik ausschalten")
    after = open_page(browser, page("use.autotopup"))
    assert "schon ausgeschaltet" in words_of(after)
    assert forms_of(after) == []


def test_calls_are_forwarded_and_no_longer(browser: Client) -> None:
    do(browser, "call.forward", "Umleitung einschalten", when="busy", to="0221 4710123")
    assert "an +49 221 4710123" in on_page(browser, "call.forward")
    do(browser, "call.forward", "Umleitung ausschalten: wenn besetzt ist")
    assert "+49 221 4710123" not in on_page(browser, "call.forward")


def test_the_voicemail_is_set(browser: Client) -> None:
    do(browser, "call.voicemail", "Mailbox einstellen", on="yes", seconds="30", tells_by_text="on")
    after = on_page(browser, "call.voicemail")
    assert "nach 30 Sekunden" in after
    do(browser, "call.voicemail", "Mailbox einstellen", on="no")
    assert "Mailbox ausgeschaltet" in on_page(browser, "call.voicemail")


def test_a_number_is_barred_and_let_through(browser: Client) -> None:
    do(browser, "call.block", "Nummer sperren", number="+49 221 4710123")
    assert "1 von 50" in on_page(browser, "call.block")
    do(browser, "call.block", "+49 221 4710123 wieder zulassen")
    assert "Gesperrte Nummern keine" in on_page(browser, "call.block")


def test_the_page_stays_small_with_as_many_barred_numbers_as_there_may_be(
    browser: Client, line: LineRef
) -> None:
    for number in range(MAX_BARRED):
        order = BarNumber(number=f"+49221471{number:04d}", barred=True)
        carry_out(line, order, key=new_key(), now=now())
    assert f"{MAX_BARRED} von {MAX_BARRED}" in on_page(browser, "call.block")
    path = page("call.block")
    response = send(
        browser, path, form_with(open_page(browser, path), "Nummer sperren"), number="0221 4719999"
    )
    assert response.status_code == 422
    assert "Bitte geben Sie zuerst eine frei" in words_of(response)


def test_a_tariff_is_ordered_only_after_a_second_look(browser: Client, line: LineRef) -> None:
    path = page("con.change")
    shown = send(browser, path, form_with(open_page(browser, path), "Musterfunk L ansehen"))
    told = words_of(shown)
    for fact in (
        "Noch ist nichts bestellt",
        "17,99 €",
        "inklusive MwSt.",
        "6 GB",
        "widerrufen",
        "Frist 30 Tage",
    ):
        assert fact in told
    assert not Task.objects.exists()
    told = receipt_after(browser, send(browser, path, form_with(shown, "Zahlungspflichtig bestellen")))
    assert "Erledigt." in told
    assert "Gilt ab 1." in told
    assert "Musterfunk L ab 1." in on_page(browser, "con.change")


def test_an_option_is_ordered_and_removed(browser: Client) -> None:
    path = page("con.option")
    for button, again, state in (
        ("Schweiz-Paket ansehen", "Zahlungspflichtig bestellen", "Schweiz-Paket 5,99 € im Monat"),
        ("Schweiz-Paket abbestellen", "Option abbestellen", "Gebuchte Optionen keine"),
    ):
        shown = send(browser, path, form_with(open_page(browser, path), button))
        told = receipt_after(browser, send(browser, path, form_with(shown, again)))
        assert "Schweiz-Paket" in told
        assert state in on_page(browser, "con.option")


def test_a_sim_is_ordered_activated_and_unblocked(browser: Client, line: LineRef) -> None:
    do(browser, "sim.replace", "Ersatz-SIM bestellen", kind="esim")
    sent = EmbeddedSim.objects.get(subscriber_id=line.subscriber_id, state="ordered")
    assert "bestellt, noch nicht aktiviert" in on_page(browser, "sim.activate")
    do(browser, "sim.activate", "SIM aktivieren", iccid=sent.iccid, code=sent.code)
    assert f"eSIM … {sent.iccid[-4:]} aktiv" in on_page(browser, "sim.activate")
    assert "nicht gesperrt" in on_page(browser, "sim.unblock")
    carry_out(line, BlockSim(), key=new_key(), now=now())
    do(browser, "sim.unblock", "SIM entsperren")
    assert "nicht gesperrt" in on_page(browser, "sim.unblock")


@pytest.mark.parametrize(
    ("activity", "button", "typed", "wrong", "message"),
    [
        ("acc.address", "Anschrift", {**ADDRESS, "postcode": "123"}, {"postcode"}, "fünf Ziffern"),
        (
            "acc.address",
            "Anschrift",
            {**ADDRESS, "street": "", "house_number": "zwölf", "city": "0"},
            {"street", "house_number", "city"},
            "Hausnummer an, zum Beispiel 12",
        ),
        ("acc.address", "Anschrift", {**ADDRESS, "city": "x" * 101}, {"city"}, "höchstens 100 Zeichen"),
        ("bill.iban", "Bank", {"iban": "DE89 3704 0044 0532 0130 01"}, {"iban"}, "Diese IBAN stimmt nicht"),
        ("bill.iban", "Bank", {"iban": IBAN, "account_holder": "7"}, {"account_holder"}, "Namen"),
        ("call.forward", "einschalten", {"when": "busy", "to": ""}, {"to"}, "geben Sie die Zielnummer an"),
        ("call.forward", "einschalten", {"to": "0221 4710123"}, {"when"}, "wählen Sie, wann"),
        ("call.block", "sperren", {"number": "zwölf"}, {"number"}, "keine Rufnummer"),
        ("sim.activate", "aktivieren", {"iccid": "89", "code": "1234"}, {"iccid"}, "beginnt mit 89"),
        ("sim.replace", "bestellen", {}, {"kind"}, "SIM-Karte oder eSIM"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    browser: Client, activity: str, button: str, typed: dict[str, str], wrong: set[str], message: str
) -> None:
    path = page(activity)
    response = send(browser, path, form_with(open_page(browser, path), button), **typed)
    assert response.status_code == 422
    assert message in words_of(response)
    found = page_of(response)
    marked = {tag.attributes["name"] for tag in found.tags if tag.attributes.get("aria-invalid") == "true"}
    assert marked == wrong
    ids = {tag.attributes.get("id") for tag in found.tags}
    links = [link["href"] for link in found.named("a") if link["href"].startswith("#id_")]
    fields = [link.removeprefix("#id_").removesuffix("_0") for link in links]
    assert fields == [name for name in FORMS[activity].base_fields if name in wrong]
    assert {link[1:] for link in links} <= ids
    again = form_with(response, button)
    assert {name: again.sent.get(name, "") for name in typed} == typed
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("activity", "button", "typed", "field"),
    [
        ("call.forward", "einschalten", {"when": "always", "to": "0900 5123456"}, "to"),
        ("sim.activate", "aktivieren", {"iccid": "894999000000000007", "code": "1234"}, "iccid"),
    ],
)
def test_what_the_back_end_refuses_stands_beside_its_field(
    browser: Client, line: LineRef, activity: str, button: str, typed: dict[str, str], field: str
) -> None:
    path = page(activity)
    form = form_with(open_page(browser, path), button)
    if activity == "sim.activate":
        typed["iccid"] = f"{typed['iccid'][:-1]}{luhn_digit(typed['iccid'][:-1])}"
    response = send(browser, path, form, **typed)
    assert response.status_code == 422
    found = page_of(response)
    assert {t.attributes["name"] for t in found.tags if t.attributes.get("aria-invalid")} == {field}
    again = form_with(response, button)
    assert {name: again.sent[name] for name in typed} == typed
    assert again.sent["key"] != form.sent["key"]
    assert facts_of(line) == []


def test_sending_twice_does_it_once_and_another_order_from_the_same_page_is_done_too(browser: Client) -> None:
    path = page("acc.address")
    form = form_with(open_page(browser, path), "Anschrift")
    first, second = (send(browser, path, form, **ADDRESS) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Task.objects.count() == 1
    third = send(browser, path, form, **{**ADDRESS, "city": "Bonn"})
    assert third["Location"] != first["Location"]
    assert "50667 Bonn" in on_page(browser, "acc.address")


@pytest.mark.parametrize("key", ["", "no key"])
def test_a_form_without_its_key_does_nothing(browser: Client, key: str) -> None:
    path = page("acc.address")
    form = form_with(open_page(browser, path), "Anschrift")
    response = send(browser, path, form, **{**ADDRESS, "key": key})
    assert response.status_code == 422
    assert "laden Sie die Seite neu" in words_of(response)
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("activity", "sent"),
    [
        ("roam.switch", {"on": "perhaps"}),
        ("con.change", {"tariff": "free-for-ever", "confirmed": "yes"}),
        ("con.option", {"option": "handyschutz", "booked": "maybe", "confirmed": "yes"}),
        ("call.forward", {"when": "sometimes", "to": "0221 4710123"}),
    ],
)
def test_a_choice_that_was_never_offered_does_nothing(
    browser: Client, activity: str, sent: dict[str, str]
) -> None:
    path = page(activity)
    key = forms_of(open_page(browser, path))[0].sent["key"]
    response = send(browser, path, ShownForm(path, {"key": key}), **sent)
    assert response.status_code == 422
    assert "Bitte sehen Sie noch einmal hin" in words_of(response)
    assert not Task.objects.exists()


@pytest.mark.parametrize("activity", sorted(FORMS))
@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_of_every_order_is_sound_and_cheap(
    browser: Client, activity: str, language: str, queries: list[str]
) -> None:
    open_page(browser, page(activity), language=language)
    queries.clear()
    open_page(browser, page(activity), language=language)
    assert 0 < len(queries) <= MAX_QUERIES, "\n\n".join(queries)


@pytest.mark.parametrize("activity", sorted(FORMS))
def test_a_page_asks_for_the_level_of_the_catalogue(line: LineRef, activity: str) -> None:
    client = Client()
    assert client.get(page(activity))["Location"].split("?")[0] == reverse("sign_in")
    sign_in_as(client, line, level=1)
    response = client.get(page(activity))
    if CATALOGUE[activity].login == 1:
        assert response.status_code == 200
    else:
        assert response["Location"].split("?")[0] == reverse("confirm")
        assert client.post(page(activity), {"key": str(new_key())}).status_code == 302
        assert not Task.objects.exists()


def test_when_the_back_end_is_away_the_page_says_so_and_keeps_the_attempt(
    browser: Client, line: LineRef
) -> None:
    begin_outage(None, now=now() - timedelta(hours=1), until=now() + timedelta(hours=1))
    for _ in range(2):
        told = words_of(open_page(browser, page("acc.address"), status=503))
        assert "Der Fehler liegt bei uns, nicht bei Ihnen" in told
        assert "Mit einem Menschen sprechen" in told
    assert facts_of(line) == [("acc.address", False)]


def test_a_task_that_a_browser_only_fetched_ahead_is_no_failed_attempt(
    browser: Client, line: LineRef
) -> None:
    begin_outage(None, now=now() - timedelta(hours=1), until=now() + timedelta(hours=1))
    ahead = browser.get(page("acc.address"), headers={"sec-purpose": "prefetch;prerender"})
    assert (ahead.status_code, browser.head(page("acc.address")).status_code) == (503, 503)
    assert "Beleg:" not in words_of(ahead)
    assert facts_of(line) == []
    assert "Beleg:" in words_of(open_page(browser, page("acc.address"), status=503))
    assert facts_of(line) == [("acc.address", False)]


def test_when_the_back_end_fails_the_order_the_receipt_says_so(browser: Client, line: LineRef) -> None:
    path = page("acc.address")
    form = form_with(open_page(browser, path), "Anschrift")
    begin_outage("acc.address", now=now() - timedelta(hours=1), until=now() + timedelta(hours=1))
    told = receipt_after(browser, send(browser, path, form, **ADDRESS))
    assert "Das hat gerade nicht geklappt" in told
    assert "Mit einem Menschen sprechen" in told
    assert facts_of(line) == [("acc.address", False)]


def test_language_and_display_are_kept(browser: Client, line: LineRef) -> None:
    path = reverse("appearance")
    form = form_with(open_page(browser, path), "Speichern")
    response = send(browser, path, form, language="en", appearance="dark")
    shown = browser.get(response["Location"])
    assert 'data-appearance="dark"' in shown.content.decode()
    assert "Your receipt" in words_of(shown)
    assert facts_of(line) == [("acc.lang", True)]
    assert send(browser, path, form, language="fr", appearance="dark").status_code == 422


@pytest.mark.parametrize("activity", ONLINE)
def test_every_task_that_the_portal_does_has_its_one_address(browser: Client, activity: str) -> None:
    assert (activity in PAGES) != (activity in FORMS)
    response = browser.get(page(activity))
    if activity in FORMS:
        assert response.status_code == 200
    else:
        assert response.status_code == 302
        assert response["Location"] == reverse(PAGES[activity])


@pytest.mark.parametrize("activity", ["use.topup", "con.port", "nothing.such", "acc"])
def test_what_the_portal_does_not_do_is_not_found(browser: Client, activity: str) -> None:
    assert browser.get(page(activity)).status_code == 404


def test_the_list_names_every_task_once(client: Client) -> None:
    listed = [activity for group in GROUPS for activity in group.activities]
    assert sorted(listed) == sorted(ONLINE)
    shown = open_page(client, reverse("tasks"))
    links = [link["href"] for link in page_of(shown).named("a")]
    assert all(links.count(page(activity)) == 1 for activity in ONLINE)


@pytest.mark.parametrize(
    ("searched", "activity"),
    [
        ("PUK", "sim.puk"),
        ("umziehen", "acc.address"),
        ("invoice", "bill.view"),
        ("Störung", "net.status"),
        ("STOERUNG melden", "net.report"),
        ("moving house", "acc.address"),
        ("handy verloren", "sim.block"),
    ],
)
def test_a_task_is_found_by_everyday_words(client: Client, searched: str, activity: str) -> None:
    response = client.get(reverse("tasks"), {"q": searched})
    links = [link["href"] for link in page_of(response).named("a")]
    assert page(activity) in links
    assert sum(page(other) in links for other in ONLINE) < len(ONLINE) / 3


def test_whatever_finds_nothing_leads_to_a_person(client: Client) -> None:
    response = client.get(reverse("tasks"), {"q": "<b>xyzzy</b>" * 100})
    assert "keine Aufgabe gefunden" in words_of(response)
