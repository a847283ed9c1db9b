"""Tasks that are done by reading: they count once a day, and only when somebody looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.portal.pages.reading import day_bounds
from selbsthelfer.selfservice.embedded.operations import begin_outage, end_outage
from selbsthelfer.selfservice.models import Task
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life, at, prepare
from tests.portal.pages import MAX_QUERIES, open_page, sound_page
from tests.portal.task_pages import sign_in_as
from tests.selfservice.world import MSISDN, facts_of, registered, rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing", "fresh_cache")]

GIGABYTE = 1_000_000_000
PAGES = {"usage": "use.view", "contract": "con.view", "bills": "bill.view", "roaming_prices": "roam.info"}
"""Pages that are done by opening them, each with its activity."""


@pytest.fixture
def line() -> LineRef:
    prepare()
    return registered()


@pytest.fixture
def browser(line: LineRef) -> Client:
    client = Client()
    sign_in_as(client, line)
    return client


def now() -> datetime:
    return datetime.now(UTC)


def billing_day(days: int) -> int:
    """Give a billing day so that the running period began at least so many days ago."""
    return min(28, (now() - timedelta(days=days)).day)


@pytest.mark.parametrize(("name", "activity"), PAGES.items())
def test_opening_counts_once_a_day_and_says_so_once(
    browser: Client, line: LineRef, name: str, activity: str
) -> None:
    first = open_page(browser, reverse(name))
    again = open_page(browser, reverse(name), "en")
    assert facts_of(line) == [(activity, True)]
    for page in (first, again):
        assert "Erledigt." not in page.text
        assert "Done." not in page.text
        assert "success" not in {tag.attributes.get("class") for tag in page.tags}


@pytest.mark.parametrize(("name", "activity"), PAGES.items())
def test_who_takes_part_is_told_calmly_and_once_what_opening_was_good_for(name: str, activity: str) -> None:
    prepare()
    life = Life("line-2", timezone="Europe/Berlin", msisdn=MSISDN, tariff="musterfunk-m")
    life.enrolled(now() - timedelta(days=1))
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-2"))
    first, again = open_page(browser, reverse(name)), open_page(browser, reverse(name))
    assert "Zählt als online erledigt. Zählt für Stufe 1." in first.text
    assert "Erledigt." not in first.text
    assert "Zählt" not in again.text


def test_what_has_counted_in_this_period_is_not_said_to_count() -> None:
    prepare()
    life = Life("line-2", timezone="Europe/Berlin", msisdn=MSISDN, billing_day=billing_day(3))
    life.enrolled(now() - timedelta(days=2))
    life.did(now() - timedelta(days=1), "use.view")
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-2"))
    page = open_page(browser, reverse("usage"))
    assert "„Verbrauch ansehen“ hat in diesem Abrechnungszeitraum schon gezählt" in page.text
    assert "Zählt als online erledigt." not in page.text


@pytest.mark.parametrize(("name", "activity"), PAGES.items())
def test_what_a_browser_only_fetched_ahead_does_not_count(
    browser: Client, line: LineRef, name: str, activity: str
) -> None:
    browser.get(reverse(name), headers={"sec-purpose": "prefetch;prerender"})
    browser.head(reverse(name))
    assert facts_of(line) == []
    open_page(browser, reverse(name))
    assert facts_of(line) == [(activity, True)]


@pytest.mark.parametrize("name", ["usage", "contract", "bills", "bill_explain", "sim_secrets", "object"])
def test_a_stranger_is_asked_to_sign_in(name: str) -> None:
    response = Client().get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("sign_in"))


@pytest.mark.parametrize("name", ["bills", "contract", "roaming_prices"])
def test_when_the_back_end_fails_it_is_told_and_kept(browser: Client, line: LineRef, name: str) -> None:
    begin_outage(None, now=now() - timedelta(minutes=1), until=now() + timedelta(hours=1))
    if name == "roaming_prices":
        # The prices lie in a file of the reference back end, which no outage reaches.
        assert browser.get(reverse(name)).status_code == 200
        return
    told = open_page(browser, reverse(name), status=503)
    open_page(browser, reverse(name), "en", status=503)
    assert "Der Fehler liegt bei uns" in told.text
    assert reverse("contact") in told.links
    assert facts_of(line) == [(PAGES[name], False)]
    end_outage(None)
    open_page(browser, reverse(name))
    assert facts_of(line)[-1] == (PAGES[name], True)


def test_who_takes_part_is_told_that_a_call_after_a_failure_does_not_count() -> None:
    prepare()
    life = Life("line-2", timezone="Europe/Berlin", msisdn=MSISDN, tariff="musterfunk-m")
    life.enrolled(now() - timedelta(days=10))
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-2"))
    begin_outage(None, now=now() - timedelta(minutes=1), until=now() + timedelta(hours=1))
    assert "zählt dieser Anruf nicht" in open_page(browser, reverse("contract"), status=503).text


def test_usage_is_told_by_day_and_how_fresh_it_is() -> None:
    prepare()
    life = Life("line-3", timezone="UTC", msisdn=MSISDN, included_bytes=5 * GIGABYTE)
    morning = now().replace(hour=0, minute=1, second=0, microsecond=0)
    life.add("usage.recorded", morning, {"bytes": 2 * GIGABYTE})
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-3"))
    german, english = open_page(browser, reverse("usage")), open_page(browser, reverse("usage"), "en")
    assert "Bisher verbraucht 2 GB" in german.text
    assert "3 GB von 5 GB" in german.text
    assert "Stand: vor" in german.text
    assert "Used so far 2 GB" in english.text
    assert " ago" in english.text
    assert len([bar for bar in german.named("progress") if "aria-hidden" in bar]) == now().day


def test_without_any_word_from_the_network_no_use_is_claimed(browser: Client) -> None:
    german, english = open_page(browser, reverse("usage")), open_page(browser, reverse("usage"), "en")
    assert "Bisher verbraucht noch keine Meldung" in german.text
    assert "Für diesen Zeitraum hat das Netz noch nichts gemeldet." in german.text
    assert "Used so far no word yet" in english.text
    assert "0 MB" not in german.text


def test_of_days_after_the_newest_record_nobody_says_that_nothing_was_used() -> None:
    prepare()
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=4)
    life = Life("line-3", timezone="UTC", msisdn=MSISDN, billing_day=billing_day(4))
    life.facts[0]["time"] = (start - timedelta(days=100)).isoformat()
    life.add("usage.recorded", start + timedelta(hours=2), {"bytes": GIGABYTE})
    life.add("usage.recorded", start + timedelta(days=2, hours=2), {"bytes": GIGABYTE})
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-3"))
    german, english = open_page(browser, reverse("usage")), open_page(browser, reverse("usage"), "en")
    assert german.text.count("noch keine Meldung") == english.text.count("no word yet") == 2
    assert german.text.count("1 GB") >= 2
    assert "0 MB" in german.text


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-03-01T00:00+01:00", "2026-03-31T12:00+02:00", 31),
        ("2026-10-01T00:00+02:00", "2026-10-31T23:59+01:00", 31),
        ("2026-06-10T00:00+02:00", "2026-06-10T00:00+02:00", 1),
        ("2026-01-01T00:00+01:00", "2026-06-10T00:00+02:00", 62),
    ],
)
def test_days_are_local_days_also_where_the_clock_changes(start: str, end: str, days: int) -> None:
    bounds = day_bounds(at(start), at(end), "Europe/Berlin")
    assert len(bounds) == days + 1
    assert bounds == sorted(set(bounds))
    assert bounds[-2] <= at(end) < bounds[-1]


@pytest.mark.parametrize("name", [*PAGES, "network_status", "object"])
def test_a_page_that_was_opened_a_moment_ago_asks_little(
    browser: Client, queries: list[str], name: str
) -> None:
    used = Life("line-1", timezone="Europe/Berlin", msisdn=MSISDN, tariff="musterfunk-m")
    used.facts.clear()
    used.add("usage.recorded", now(), {"bytes": GIGABYTE})
    used.send()
    open_page(browser, reverse(name))
    queries.clear()
    open_page(browser, reverse(name))
    assert 2 <= len(queries) <= MAX_QUERIES, queries


def test_another_browser_on_the_same_day_does_not_count_again(browser: Client, line: LineRef) -> None:
    open_page(browser, reverse("bills"))
    other = Client()
    sign_in_as(other, line)
    assert "Erledigt." not in open_page(other, reverse("bills")).text
    assert facts_of(line) == [("bill.view", True)]


def test_the_contract_shows_what_was_agreed_and_leads_on(browser: Client) -> None:
    german, english = open_page(browser, reverse("contract")), open_page(browser, reverse("contract"), "en")
    assert "Kundennummer" in german.text
    assert "Kündigungsfrist30 Tage" in german.text
    assert "Period of notice30 days" in english.text
    assert reverse("task", args=["con.change"]) in german.links
    assert reverse("cancel") in german.links


def test_codes_are_shown_on_request_only_and_noted_but_not_kept(browser: Client, line: LineRef) -> None:
    path = reverse("sim_secrets")
    before = open_page(browser, path)
    assert "PUK" in before.text
    assert not [dd for dd in before.named("dd") if "number" in dd.get("class", "")]
    assert facts_of(line) == []
    shown = browser.post(path, headers={"accept-language": "de"})
    page = sound_page(shown.content)
    codes = [dd for dd in page.named("dd") if "number" in dd.get("class", "")]
    assert len(codes) == 2
    assert shown["Cache-Control"] == "no-store"
    assert facts_of(line) == [("sim.puk", True)]
    assert Task.objects.get(activity="sim.puk").details == []


def test_codes_need_a_second_proof(line: LineRef) -> None:
    browser = Client()
    sign_in_as(browser, line, level=1)
    for response in (browser.get(reverse("sim_secrets")), browser.post(reverse("sim_secrets"))):
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("confirm"))
    assert facts_of(line) == []


def test_a_tranche_that_waits_is_released_by_reading_and_the_balance_is_higher_at_once() -> None:
    prepare()
    life = Life("line-4", timezone="UTC", msisdn=MSISDN, included_bytes=5 * GIGABYTE)
    start = now() - timedelta(days=100)
    life.enrolled(start)
    for days in (2, 35, 65):
        life.did(start + timedelta(days=days))
    life.send()
    browser = Client()
    sign_in_as(browser, LineRef.of("line-4"))
    page = open_page(browser, reverse("usage"))
    assert "100 MB gutgeschrieben, nutzbar bis" in page.text
    assert "Noch da 5,1 GB" in page.text
    assert rows("SELECT count(*) FROM programmes_release") == [(1,)]
