"""A real browser, the portal in a process of its own, and a person for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.db import connections
from playwright.sync_api import Browser, Playwright, sync_playwright
from pytest_django import DjangoDbBlocker

from tests.browser.person import Person, Way
from tests.browser.serving import serving
from tests.portal.life import prepare

ARGUMENTS = ("--no-sandbox", "--disable-quic", "--disable-background-networking")
HEIGHT = 800
NewPerson = Callable[[Way], Person]


def chromium() -> str | None:
    """Find the browser of the system."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return found or ("/usr/bin/chromium" if os.access("/usr/bin/chromium", os.X_OK) else None)


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))


def new_person(browser: Browser, home: str, way: Way, *, height: int = HEIGHT) -> Person:
    """Open a browser of their own for somebody."""
    context = browser.new_context(
        locale={"de": "de-DE", "en": "en-GB"}[way.language],
        viewport={"width": way.width, "height": height},
        java_script_enabled=way.has_scripts,
        color_scheme="dark" if way.is_dark else "light",
        has_touch=way.width < 800,
        reduced_motion="reduce",
    )
    return Person(context, context.new_page(), home, way)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip("no Chromium here; on Debian: apt install chromium")
    # Playwright keeps an event loop in this thread, which nothing but Playwright runs.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def portal(browser: Browser, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Give the address of the portal."""
    with django_db_blocker.unblock(), serving() as address:
        yield address
        # Beside Playwright's loop Django has a connection of its own, which nobody else would close.
        connections.close_all()


@pytest.fixture
def somebody(browser: Browser, portal: str, transactional_db: None) -> Iterator[NewPerson]:
    """Make persons; what their browsers complained of fails the test."""
    prepare()
    with ExitStack() as stack:
        people = []

        def make(way: Way) -> Person:
            person = new_person(browser, portal, way)
            stack.callback(person.context.close)
            people.append(person)
            return person

        yield make
        for person in people:
            person.check_manners()
