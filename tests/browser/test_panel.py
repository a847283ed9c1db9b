"""The panel in a real browser: by itself and in a frame of an app's page, where the operator allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.db import connections
from playwright.sync_api import Browser, Frame, expect
from pytest_django import DjangoDbBlocker

from selbsthelfer.identity.clients import add_client
from selbsthelfer.identity.core.line_tokens import PanelLink
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import write_panel_link
from selbsthelfer.kit.wording import Language
from tests.browser.conftest import new_person
from tests.browser.lines import Told, missed_by_a_call, plain, waiting_for_activity
from tests.browser.person import AXE, EVERY_RULE, Person, Way
from tests.browser.serving import free_port, serving
from tests.browser.ways import LANGUAGES, WIDTHS
from tests.example_app import running_app
from tests.portal.life import prepare

pytestmark = pytest.mark.django_db(transaction=True)

RETURN_URL = "https://app.example/"
_numbers = count(1)


@pytest.fixture(scope="module")
def places(
    browser: Browser, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[tuple[str, int]]:
    """Give the address of the portal, and the port on which an app may hold its panel in a frame."""
    port = free_port()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        for name in ("SELBSTHELFER_PANEL_FRAME_ANCESTORS", "SELBSTHELFER_APP_ORIGINS"):
            patch.setenv(name, f"http://127.0.0.1:{port}")
        with serving() as portal:
            yield portal, port
            # Beside Playwright's loop Django has a connection of its own, which nobody else would close.
            connections.close_all()


@pytest.fixture
def visit(
    browser: Browser, places: tuple[str, int], transactional_db: None
) -> Iterator[Callable[[Way], Person]]:
    prepare()
    people: list[Person] = []

    def make(way: Way) -> Person:
        people.append(new_person(browser, places[0], way))
        return people[-1]

    yield make
    for person in people:
        person.context.close()


def new_client() -> tuple[str, str]:
    """Add a client of a name that no server has heard of yet; give its name and key."""
    name = f"app-{next(_numbers)}"
    return name, add_client(name=name, scopes=[Scope.TOKENS_WRITE], now=datetime.now(UTC))


def link_to(told: Told, language: str) -> PanelLink:
    until = datetime.now(UTC) + timedelta(minutes=5)
    return PanelLink(
        new_client()[0], told.line.subscriber_id, until, Language(language), return_url=RETURN_URL
    )


def address(link: PanelLink) -> str:
    return f"/panel/{write_panel_link(link)}"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_read_it(visit: Callable[[Way], Person], language: str, width: int) -> None:
    person = visit(Way(language, width))
    link = link_to(waiting_for_activity(), language)
    links = [link, replace(link, appearance="dark"), replace(link, valid_until=datetime.now(UTC))]
    links += [link_to(told, language) for told in (missed_by_a_call(), plain())]
    problems = []
    for shown in links:
        person.open(address(shown))
        problems += person.access_problems(also_in_the_dark=shown == link and language == "de")
    person.open("/panel/damaged")
    problems += person.access_problems(also_in_the_dark=False)
    assert problems == []
    person.check_manners()
    assert person.context.cookies() == []


@pytest.mark.parametrize("has_scripts", [True, False])
def test_what_is_to_do_leads_to_the_portal(visit: Callable[[Way], Person], has_scripts: bool) -> None:
    person = visit(Way("de", 320, has_scripts))
    person.open(address(link_to(waiting_for_activity(), "de")))
    person.sees("100 MB liegen bereit", "")
    person.follow("Etwas erledigen", "Get something done")
    assert person.path == "/tasks/"
    assert person.page.evaluate("document.referrer") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_app_that_may_holds_it_in_a_frame(
    visit: Callable[[Way], Person], places: tuple[str, int], language: str
) -> None:
    portal, port = places
    told = waiting_for_activity()
    person = visit(Way(language, 320))
    with running_app(
        portal=portal, key=new_client()[1], customers={"Ada": told.line.subject}, port=port
    ) as app:
        frame = _panel_in(person, app)
        expect(frame.get_by_role("heading", level=2).first).to_have_text("Datenvolumen")
        expect(frame.get_by_text("100 MB liegen bereit")).to_be_visible()
        assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        frame.evaluate(AXE)
        run = "options => axe.run(document, options).then(result => result.violations)"
        assert frame.evaluate(run, EVERY_RULE) == []
        # The page's own script reads the API with a token, from its own origin.
        expect(person.page.locator("#rewards")).to_contain_text('"programme": "o2-2017"')
        assert [cookie["name"] for cookie in person.context.cookies()] == ["app_session"]
        frame.get_by_role("link", name="Etwas erledigen").click()
        person.page.wait_for_url(f"{portal}/tasks/")
    assert person.complaints == []


def test_an_app_that_may_not_shows_nothing(visit: Callable[[Way], Person], places: tuple[str, int]) -> None:
    told = waiting_for_activity()
    person = visit(Way("de", 320))
    with running_app(portal=places[0], key=new_client()[1], customers={"Ada": told.line.subject}) as app:
        frame = _panel_in(person, app)
        expect(person.page.locator("#rewards")).to_contain_text("SELBSTHELFER_APP_ORIGINS")
        assert frame.url.startswith("chrome-error:")
    assert any("frame-ancestors" in complaint for complaint in person.complaints)
    assert any("CORS" in complaint for complaint in person.complaints)


def _panel_in(person: Person, app: str) -> Frame:
    """Sign in to the app, and give the frame in its page."""
    person.page.goto(app)
    person.page.get_by_role("button", name="Anmelden").click()
    person.page.wait_for_load_state()
    frame = person.page.locator("iframe").element_handle().content_frame()  # type: ignore[union-attr]
    assert frame is not None
    return frame
