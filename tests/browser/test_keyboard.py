"""Everything by keyboard: Tab, Enter, Space and typing; the focus always shows, and goes as one reads."""

from __future__ import annotations

from typing import Any, Final

import pytest
from playwright.sync_api import Page

from selbsthelfer.conversations.models import Case
from tests.browser.conftest import NewPerson
from tests.browser.lines import missed_by_a_call, waiting_for_activity
from tests.browser.person import Person, Way
from tests.browser.ways import in_ways

pytestmark = pytest.mark.django_db(transaction=True)

MAX_TABS: Final = 80
MAX_HIGHER_PX: Final = 24
"""How much higher the next thing in the same row may begin."""
_FOCUSED: Final = """() => {
  const it = document.activeElement, box = it.getBoundingClientRect(), style = getComputedStyle(it);
  const label = it.labels && it.labels.length ? it.labels[0].innerText : "";
  return {
    tag: it.tagName, name: (it.getAttribute("aria-label") || label || it.innerText || "").trim(),
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    top: box.top + window.scrollY, left: box.left, right: box.right,
    seen: box.bottom > 0 && box.top < window.innerHeight && box.width > 0,
  };
}"""

WAYS = [Way("de", 320), Way("en", 1280), Way("de", 1280, has_scripts=False)]


def focused(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(_FOCUSED)
    return found


class Keyboard:
    """Somebody who has no pointer."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page = person.page

    def tab(self) -> dict[str, Any]:
        """Go on by one; what has the focus now shows it."""
        self.page.keyboard.press("Tab")
        found = focused(self.page)
        if found["tag"] != "BODY":
            assert found["outline"] >= 2, found
            assert found["seen"], found
        return found

    def go_to(self, german: str, english: str, *, tag: str = "") -> None:
        """Press Tab until what is called so has the focus."""
        name = self.person.say(german, english)
        for _ in range(MAX_TABS):
            found = self.tab()
            if found["name"] == name and tag in ("", found["tag"]):
                return
        raise AssertionError(f"{name!r} cannot be reached on {self.page.url}")

    def press(self, german: str, english: str, *, key: str = "Enter", tag: str = "") -> None:
        self.go_to(german, english, tag=tag)
        with self.page.expect_event("load"):
            self.page.keyboard.press(key)

    def enter(self, german: str, english: str, text: str) -> None:
        self.go_to(german, english)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)


@in_ways(WAYS)
def test_sign_in_do_a_task_and_dispute_without_a_pointer(somebody: NewPerson, way: Way) -> None:
    told = missed_by_a_call()
    told.register()
    person = somebody(way)
    keyboard = Keyboard(person)
    person.open("/")
    keyboard.press("Anmelden", "Sign in", tag="A")
    keyboard.enter("Ihre Mobilfunknummer", "Your mobile number", told.number)
    keyboard.page.keyboard.press("Enter")
    person.page.wait_for_url("**/sign-in/code")
    keyboard.enter("Code", "Code", person.newest_code())
    keyboard.press("Anmelden", "Sign in", tag="BUTTON", key="Space")
    keyboard.press("Erledigen", "Get it done", tag="A")
    keyboard.press("Mailbox einstellen", "Set voicemail", tag="A")
    keyboard.page.keyboard.press("Tab")
    keyboard.go_to("Einschalten", "On")
    keyboard.page.keyboard.press("ArrowDown")
    assert person.main.get_by_role("radio", name=person.say("Ausschalten", "Off")).is_checked()
    keyboard.press("Mailbox einstellen", "Set voicemail", tag="BUTTON", key="Space")
    person.sees("Erledigt.", "Done.")
    keyboard.press("Bonus", "Rewards", tag="A")
    for _ in range(MAX_TABS):
        if keyboard.tab()["name"].startswith(person.say("Das stimmt nicht", "This is not right")):
            break
    with person.page.expect_event("load"):
        person.page.keyboard.press("Enter")
    keyboard.press("Prüfen lassen", "Have it looked at", tag="BUTTON")
    assert person.path == f"/cases/{Case.objects.get().number}"


@in_ways(WAYS)
@pytest.mark.parametrize("path", ["/", "/tasks/acc.address", "/rewards", "/cancel"])
def test_the_focus_goes_as_one_reads(somebody: NewPerson, way: Way, path: str) -> None:
    person = somebody(way)
    person.sign_in_with_session(waiting_for_activity())
    person.open(path)
    keyboard = Keyboard(person)
    assert keyboard.tab()["name"] == person.say("Zum Inhalt", "Skip to content")
    before = keyboard.tab()
    seen = [before]
    while (now := keyboard.tab())["tag"] != "BODY" and len(seen) < MAX_TABS:
        # In columns one reads down the left one before the right one.
        is_further = now["top"] >= before["top"] - MAX_HIGHER_PX or now["left"] >= before["right"]
        assert is_further, (before, now)
        before = now
        seen.append(now)
    focusable = person.page.locator("a[href], button, input:not([type=hidden]), select, textarea, summary")
    visible = sum(element.is_visible() for element in focusable.all())
    # Of radio buttons of one name Tab goes to one.
    radios = person.page.locator("input[type=radio]:not(:checked)").count()
    assert len(seen) + 1 >= visible - radios


@in_ways(WAYS)
def test_the_skip_link_skips_to_the_content(somebody: NewPerson, way: Way) -> None:
    person = somebody(way)
    person.open("/contact")
    keyboard = Keyboard(person)
    link = keyboard.tab()
    assert link["left"] >= 0
    person.page.keyboard.press("Enter")
    assert person.page.evaluate("document.activeElement.id") == "content"
    keyboard.tab()
    assert person.page.evaluate("document.activeElement.closest('main') !== null")


@in_ways(WAYS)
def test_what_was_wrong_gets_the_focus_and_leads_to_its_field(somebody: NewPerson, way: Way) -> None:
    person = somebody(way)
    person.sign_in_with_session(waiting_for_activity())
    person.open("/tasks/acc.address")
    person.press("Anschrift ändern", "Change address")
    if way.has_scripts:
        assert person.page.evaluate("document.activeElement.matches('.failure')")
    keyboard = Keyboard(person)
    keyboard.go_to("Bitte geben Sie die Straße an.", "Please give the street.")
    person.page.keyboard.press("Enter")
    assert focused(person.page)["name"] == person.say("Straße", "Street")
