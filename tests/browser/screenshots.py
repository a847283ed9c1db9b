"""Pictures of the main pages, to be looked at by people: `python -m tests.browser.screenshots FOLDER`.

Uses a database of its own on the server that `DATABASE_URL` names, which is gone afterwards.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

SIGNED_OUT: Final = {
    "start": "/",
    "sign-in": "/sign-in",
    "programme": "/programmes/o2-2017",
    "block-sim": "/block-sim",
    "cancel": "/cancel",
    "privacy": "/privacy",
    "design": "/design",
    "accessibility": "/accessibility",
    "roaming": "/roaming",
}
SIGNED_IN: Final = {
    "home": "/",
    "tasks": "/tasks/",
    "address": "/tasks/acc.address",
    "tariff": "/tasks/con.change",
    "voicemail": "/tasks/call.voicemail",
    "barring": "/tasks/call.block",
    "rewards": "/rewards",
    "credits": "/rewards/credits",
    "leave": "/rewards/leave/o2-2017",
    "bills": "/bills",
    "bill-explained": "/bills/explained",
    "itemised": "/bills/itemised",
    "usage": "/usage",
    "contract": "/contract",
    "network": "/network",
    "diagnose": "/diagnose",
    "help": "/help",
    "article": "/help/puk",
    "contact": "/contact",
    "write": "/write",
    "cases": "/cases",
    "receipts": "/receipts/",
    "account": "/account",
    "security": "/account/security",
    "reminders": "/settings/reminders",
    "consents": "/consents",
    "erase": "/erase",
    "export": "/export",
    "inbox": "/demo/inbox",
    "clock": "/demo/clock",
}
WIDTHS: Final = (360, 1280)


def main(folder: Path) -> None:
    """Live a line, run the portal, and take every picture."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "selbsthelfer.project.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    import django

    django.setup()
    from django.test.utils import setup_databases, teardown_databases

    folder.mkdir(parents=True, exist_ok=True)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        _take_all(folder)
    finally:
        teardown_databases(databases, verbosity=0)


def _take_all(folder: Path) -> None:
    from django.db import connections
    from playwright.sync_api import sync_playwright

    from tests.browser.addresses import full_life
    from tests.browser.conftest import launch, new_person
    from tests.browser.person import Way
    from tests.browser.serving import serving
    from tests.portal.life import prepare

    prepare()
    told, pages = full_life()
    more = {
        "receipt": pages["receipt"][0],
        "receipt-failed": pages["receipt"][1],
        "bill": pages["bill"][0],
        "dispute": pages["dispute"][0],
        "case": pages["case"][0],
        "object": pages["object"][1],
    }
    with serving() as home, sync_playwright() as playwright:
        browser = launch(playwright)
        for width in WIDTHS:
            for is_dark in (False, True):
                for is_signed_in, paths in ((False, SIGNED_OUT), (True, SIGNED_IN | more)):
                    person = new_person(browser, home, Way("de", width, is_dark=is_dark))
                    if is_signed_in:
                        person.sign_in_with_session(told)
                    for name, path in paths.items():
                        person.page.goto(f"{home}{path}")
                        shade = "dark" if is_dark else "light"
                        person.page.screenshot(path=folder / f"{name}-{width}-{shade}.png", full_page=True)
                    person.context.close()
        browser.close()
        # Beside Playwright's loop Django has a connection of its own, which nobody else would close.
        connections.close_all()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"))
