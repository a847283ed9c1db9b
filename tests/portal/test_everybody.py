"""Pages that need no sign-in: who we are, how accessible we are, all parts of the design."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from django.test import Client
from pytest_django import Settings

from selbsthelfer.portal.pages.everybody_design import COLOURS, SIZES, SPACES
from selbsthelfer.programmes.core.wording_status import TRANCHE_STATUSES
from tests.portal.life import prepare, recent_life, sign_in
from tests.portal.pages import LANGUAGES, open_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]

PATHS = ("/imprint", "/accessibility", "/design")
CSS = files("selbsthelfer.portal").joinpath("assets/portal.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
def test_strangers_and_subscribers_read_them(client: Client, path: str, language: str) -> None:
    open_page(client, path, language)
    prepare()
    recent_life().send()
    sign_in(client, "line")
    open_page(client, path, language)
    assert client.post(path).status_code == 405


def test_the_imprint_is_the_operator_s(client: Client, settings: Settings) -> None:
    settings.IMPRINT = "Funk AG\nWeg 1 <b>\n12345 Ort"
    settings.DEMO = False
    page = open_page(client, "/imprint")
    assert "Funk AG" in page.text
    assert "Weg 1 <b>" in page.text
    settings.IMPRINT = ""
    assert "noch nicht hinterlegt" in open_page(client, "/imprint").text
    settings.DEMO = True
    assert "erfunden" in open_page(client, "/imprint").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_accessibility_statement_says_what_it_must(client: Client, language: str) -> None:
    text = open_page(client, "/accessibility", language).text
    for expected in ("BFSG", "EN 301 549", "WCAG 2.2", "Magdeburg"):
        assert expected in text
    assert {"de": "Was noch nicht gilt", "en": "What does not hold yet"}[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_design_page_shows_every_part_in_both_schemes(client: Client, language: str) -> None:
    page = open_page(client, "/design", language)
    shown = [a["data-appearance"] for a in page.named("div") if "data-appearance" in a]
    assert shown == ["light", "dark"]
    classes = [set(tag.attributes.get("class", "").split()) for tag in page.tags]
    for name, _ in COLOURS:
        assert classes.count({"swatch", name}) == 2
    for status in TRANCHE_STATUSES:
        assert {"badge", status.value} in classes
    for part in ("success", "failure", "next", "notice", "card", "facts", "errorlist", "periods", "amount"):
        assert any(part in one for one in classes), part


def test_the_design_page_shows_every_token() -> None:
    tokens = set(re.findall(r"^  --([\w-]+):", CSS, re.MULTILINE))
    assert tokens == {name for name, _ in COLOURS} | set(SIZES) | set(SPACES) | {"round"}
