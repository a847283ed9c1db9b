"""What happens without a network, and when somebody presses twice."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from selbsthelfer.selfservice.models import Task
from tests.browser.activities import enter_address
from tests.browser.conftest import NewPerson
from tests.browser.lines import waiting_for_activity
from tests.browser.person import Way
from tests.browser.ways import in_ways
from tests.selfservice.world import facts_of

pytestmark = pytest.mark.django_db(transaction=True)

WAYS = [Way("de", 320), Way("en", 1280)]


@in_ways(WAYS)
def test_without_a_network_a_page_says_so_and_afterwards_all_goes_on(somebody: NewPerson, way: Way) -> None:
    person = somebody(way)
    person.open("/")
    person.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    person.page.reload()
    person.context.set_offline(True)
    person.may_complain = ("net::ERR_INTERNET_DISCONNECTED",)
    person.open("/contact")
    person.sees_heading("Gerade ohne Netz", "No network just now")
    colour = person.page.evaluate("getComputedStyle(document.body).getPropertyValue('--ground')")
    assert colour, "the page without a network has lost its looks"
    person.context.set_offline(False)
    person.open("/contact")
    person.sees_heading("Hilfe und Kontakt", "Help and contact")


def test_nothing_of_a_line_is_kept_on_the_device(somebody: NewPerson) -> None:
    person = somebody(Way())
    person.sign_in_with_session(waiting_for_activity())
    person.open("/")
    person.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    person.open("/rewards")
    kept = person.page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(name => caches.open(name)"
        ".then(cache => cache.keys()).then(all => all.map(one => new URL(one.url).pathname)))))"
    )
    paths = {path for cache in kept for path in cache}
    assert "/offline" in paths
    assert {path for path in paths if not path.startswith("/assets/")} == {"/offline"}


@in_ways(WAYS)
def test_a_phone_can_install_it(somebody: NewPerson, way: Way) -> None:
    person = somebody(way)
    person.open("/")
    session = person.context.new_cdp_session(person.page)
    told = session.send("Page.getAppManifest")
    assert told["errors"] == []
    manifest = json.loads(told["data"])
    assert manifest["start_url"] == "/"
    assert manifest["lang"] == way.language
    told = session.send("Page.getInstallabilityErrors")
    # The browser of a test is private, which is the one thing that may stand in the way.
    assert {error["errorId"] for error in told["installabilityErrors"]} <= {"in-incognito"}


@in_ways([*WAYS, Way("de", 320, has_scripts=False)])
def test_whoever_presses_twice_has_it_done_once(somebody: NewPerson, way: Way) -> None:
    told = waiting_for_activity()
    person = somebody(way)
    person.sign_in_with_session(told)
    person.open("/tasks/acc.address")
    enter_address(person)
    person.button("Anschrift ändern", "Change address").dblclick()
    expect(person.main.get_by_role("heading", name=person.say("Erledigt.", "Done."))).to_be_visible()
    assert Task.objects.count() == 1
    assert facts_of(told.line) == [("acc.address", True)]
    person.open("/rewards/credits")
    assert person.main.get_by_role("rowheader").count() == 1
