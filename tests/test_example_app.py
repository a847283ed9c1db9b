"""The example of an operator's app works as its README says, against the real portal and API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from itertools import count

import httpx
import pytest
from pytest_django import DjangoDbBlocker

from selbsthelfer.identity.clients import add_client
from selbsthelfer.identity.core.scopes import Scope
from tests.browser.serving import free_port, serving
from tests.example_app import FOLDER, running_app
from tests.portal.life import prepare, recent_life

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMERS = {"Ada": "line", "Emil": "other"}
_numbers = count(1)


@pytest.fixture(scope="module")
def places(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[str, int]]:
    """Give the address of the portal, and the port on which it allows the app to be."""
    port = free_port()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        for name in ("SELBSTHELFER_PANEL_FRAME_ANCESTORS", "SELBSTHELFER_APP_ORIGINS"):
            patch.setenv(name, f"http://127.0.0.1:{port}")
        with serving() as portal:
            yield portal, port


@pytest.fixture
def key(transactional_db: None) -> str:
    prepare()
    for line in CUSTOMERS.values():
        recent_life(line).send()
    name = f"example-app-{next(_numbers)}"
    return add_client(name=name, scopes=[Scope.TOKENS_WRITE], now=datetime.now(UTC))


@pytest.fixture
def app(places: tuple[str, int], key: str) -> Iterator[httpx.Client]:
    """Somebody's browser, in front of the app."""
    portal, port = places
    with (
        running_app(portal=portal, key=key, customers=CUSTOMERS, port=port) as address,
        httpx.Client(base_url=address, follow_redirects=True) as browser,
    ):
        yield browser


def sign_in(app: httpx.Client, name: str) -> str:
    page = app.post("/sign-in", data={"customer": name})
    assert page.status_code == 200
    return page.text


def panel_in(page: str) -> str:
    (address,) = re.findall(r'<iframe src="([^"]+)"', page)
    return unescape(address)


def test_the_app_shows_the_panel_of_whoever_is_signed_in(app: httpx.Client) -> None:
    assert "<iframe" not in app.get("/").text
    assert "<iframe" not in app.post("/sign-in", data={"customer": "Mallory"}).text
    page = sign_in(app, "Ada")
    assert "Hallo Ada!" in page
    panel = httpx.get(panel_in(page))
    assert panel.status_code == 200
    assert "von höchstens 1,8 GB" in panel.text
    assert str(app.base_url).rstrip("/") in panel.headers["Content-Security-Policy"]
    assert f'href="{str(app.base_url).rstrip("/")}/" target="_top"' in panel.text
    assert "<iframe" not in app.post("/sign-out").text


def test_its_page_reads_the_api_by_a_token_for_that_line(app: httpx.Client) -> None:
    assert app.post("/token").status_code == 403
    page = sign_in(app, "Emil")
    (address,) = re.findall(r'data-address="([^"]+)"', page)
    token = app.post("/token").json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Origin": str(app.base_url).rstrip("/")}
    rewards = httpx.get(address, headers=headers)
    assert rewards.json()["subject"] == "other"
    assert rewards.headers["Access-Control-Allow-Origin"] == headers["Origin"]
    assert httpx.get(address.replace("other", "line"), headers=headers).status_code == 404


def test_the_key_stays_on_the_server(app: httpx.Client, key: str) -> None:
    told = [sign_in(app, "Ada"), *(app.get(path).text for path in ("/", "/app.js", "/app.css", "/nothing"))]
    told.append(app.post("/token").text)
    assert [text for text in told if key in text or key.partition("_")[2] in text] == []
    for path in FOLDER.iterdir():
        if path.is_file():
            assert "shk_" not in path.read_text(encoding="utf-8"), path


def test_without_us_the_app_still_stands(capfd: pytest.CaptureFixture[str]) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with (
        running_app(portal=away, key="made-up", customers=CUSTOMERS) as address,
        httpx.Client(base_url=address, follow_redirects=True) as browser,
    ):
        page = browser.post("/sign-in", data={"customer": "Ada"})
    assert page.status_code == 502
    assert "gleich noch einmal" in page.text
    assert capfd.readouterr().err == "Selbsthelfer did not answer as asked: ConnectError\n"
