"""Somebody in front of a real browser, who finds things by what they are and what they are called."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.lines import Told, session_of

PATIENCE_MS: Final = 5_000
_SECRET: Final = re.compile(r"\b[0-9]{6}\b")
AXE: Final = Axe().axe_script
EVERY_RULE: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
CONTRAST: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


@dataclass(frozen=True)
class Way:
    """How somebody looks at the portal."""

    language: str = "de"
    width: int = 320
    has_scripts: bool = True
    is_dark: bool = False

    @property
    def name(self) -> str:
        scripts = "" if self.has_scripts else "-plain"
        return f"{self.language}-{self.width}{scripts}{'-dark' if self.is_dark else ''}"


@dataclass
class Person:
    """Somebody with a browser of their own; counts taps, and keeps what no page may do."""

    context: BrowserContext
    page: Page
    home: str
    way: Way
    taps: int = 0
    taps_into_fields: int = 0
    keys: int = 0
    pages: int = 0
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    counts_taps_into_fields: bool = False
    may_complain: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.context.on("request", self._note_request)
        self.context.on("console", self._note_console)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page.on("load", lambda _: self._count_page())
        self.context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)

    def _count_page(self) -> None:
        self.pages += 1

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.home and parts.scheme != "data":
            self.elsewhere.append(request.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        # A browser remarks on every answer of 4xx and 5xx; that these come is part of the walks.
        is_status = "the server responded with a status of" in message.text
        if message.type in ("error", "warning") and not is_status:
            self.complaints.append(message.text)

    def say(self, german: str, english: str) -> str:
        """Choose the words of the language that the person reads."""
        return german if self.way.language == "de" else english

    # Going about.

    def open(self, path: str) -> None:
        self.page.goto(f"{self.home}{path}")
        self.check_width()

    def tap(self, target: Locator) -> None:
        """Tap once, and look at what comes."""
        target.click()
        self.taps += 1
        self.settle()
        self.check_width()

    def settle(self) -> None:
        """Wait until the page that a tap led to stands."""
        self.page.wait_for_load_state()

    def press(self, german: str, english: str, *, nth: int = 0) -> None:
        """Press the button of this name."""
        self.tap(self.button(german, english).nth(nth))

    def follow(self, german: str, english: str, *, nth: int = 0) -> None:
        """Follow the link of this name."""
        self.tap(self.link(german, english).nth(nth))

    def button(self, german: str, english: str) -> Locator:
        return self.main.get_by_role("button", name=self.say(german, english), exact=True)

    def link(self, german: str, english: str) -> Locator:
        return self.main.get_by_role("link", name=self.say(german, english), exact=True)

    def enter(self, german: str, english: str, text: str) -> None:
        """Fill in the field of this name; one that has the focus already needs no tap."""
        field = self.main.get_by_role("textbox", name=self.say(german, english), exact=True)
        has_focus = field.evaluate("field => field === document.activeElement")
        if self.counts_taps_into_fields and not has_focus:
            field.click()
            self.taps += 1
            self.taps_into_fields += 1
        field.fill(text)
        self.keys += len(text)

    def enter_secret(self, german: str, english: str, text: str) -> None:
        """Fill in a field whose text does not show; such a field has no role."""
        self.main.get_by_label(self.say(german, english), exact=True).fill(text)
        self.keys += len(text)

    def choose(self, german: str, english: str) -> None:
        """Choose one of several."""
        self.main.get_by_role("radio", name=self.say(german, english), exact=True).check()
        self.taps += 1

    def tick(self, german: str, english: str) -> None:
        self.main.get_by_role("checkbox", name=self.say(german, english), exact=True).check()
        self.taps += 1

    # Seeing.

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def words(self) -> str:
        """Everything that the page says, with plain spaces."""
        return " ".join(self.main.inner_text().split())

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def sees(self, german: str, english: str) -> None:
        words, sought = self.words, self.say(german, english)
        assert sought in words, f"{sought!r} is not in: {words}"

    def sees_not(self, german: str, english: str) -> None:
        words, sought = self.words, self.say(german, english)
        assert sought not in words, f"{sought!r} is in: {words}"

    def sees_heading(self, german: str, english: str) -> None:
        expect(self.main.get_by_role("heading", level=1)).to_have_text(self.say(german, english))

    def width(self) -> int:
        """Tell how wide the page is, in pixels."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth")
        return wide

    def check_width(self) -> None:
        """Check that nobody has to scroll sideways to read."""
        wide = self.width()
        assert wide <= self.way.width, f"{self.page.url} is {wide} px wide on {self.way.width} px"

    def access_problems(self, *, also_in_the_dark: bool = True) -> list[str]:
        """Tell what axe finds on the page, and which colours are too weak once the device is set to dark."""
        self.page.evaluate(AXE)
        found = self._run_axe(EVERY_RULE)
        if also_in_the_dark:
            self.page.emulate_media(color_scheme="dark")
            found += self._run_axe(CONTRAST)
            self.page.emulate_media(color_scheme="light")
        return found

    def _run_axe(self, options: dict[str, Any]) -> list[str]:
        run = "options => axe.run(document, options).then(result => result.violations)"
        return _told(self.page.evaluate(run, options))

    def check_manners(self) -> None:
        """Check what holds for the whole visit: nothing from elsewhere, and no complaint of the browser."""
        assert self.elsewhere == []
        unexpected = [
            text for text in self.complaints if not any(known in text for known in self.may_complain)
        ]
        assert unexpected == []

    # Signing in.

    def sign_in_with_session(self, told: Told, *, level: int = 2) -> None:
        """Be signed in without having done it."""
        self.context.add_cookies(
            [{"name": "session", "value": session_of(told, level=level), "url": self.home}]
        )

    def newest_code(self) -> str:
        """Look into the inbox of the demonstration, in another tab, for the code that came last."""
        tab = self.context.new_page()
        tab.goto(f"{self.home}/demo/inbox")
        code = _SECRET.search(tab.get_by_role("main").get_by_role("listitem").first.inner_text())
        tab.close()
        assert code is not None
        return code.group()

    def ask_for_code(self, told: Told) -> None:
        self.enter("Ihre Mobilfunknummer", "Your mobile number", told.number)
        self.press("Code schicken", "Send code")

    def sign_in(self, told: Told) -> None:
        """Sign in from the page for it, by number and code."""
        self.open("/sign-in")
        self.ask_for_code(told)
        self.enter("Code", "Code", self.newest_code())
        self.press("Anmelden", "Sign in")

    def sign_out(self) -> None:
        self.tap(self.page.get_by_role("button", name=self.say("Abmelden", "Sign out"), exact=True))

    def confirm(self) -> None:
        """Give a second proof by a code."""
        self.press("Code schicken", "Send code")
        self.enter("Code", "Code", self.newest_code())
        self.press("Bestätigen", "Confirm")


def _told(violations: list[dict[str, Any]]) -> list[str]:
    """Tell what axe found, one entry for each element."""
    return [
        f"{violation['id']}: {violation['help']}\n    {node['html'][:200]}\n    {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
    ]
