"""Every template compiles, and what it says stands there in both languages."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from django.template import Template, engines
from django.template.backends.django import DjangoTemplates

from tests.portal.pages import LANGUAGES

FOLDERS = [Path(str(files("selbsthelfer.portal").joinpath("templates")))]
SAYING = re.compile(r'\{%\s*say\s+"(?P<de>[^"]*)"\s+"(?P<en>[^"]*)"(?P<values>[^%]*)%\}')
ANY_SAYING = re.compile(r"\{%\s*say\b")
EQUAL = {"E-Mail", "Link", "Name", "PDF", "PIN", "PUK", "SIM", "eSIM", "Text", "IBAN", "Chat", "{number}"}
"""Texts that are the same in both languages."""
MARKUP = re.compile(r"<!--.*?-->|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.DOTALL)
WORD = re.compile(r"[A-Za-zÄÖÜäöüß]{3,}")


def templates() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in folder.rglob("*.html"))


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDERS[0]))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", templates(), ids=name_of)
def test_it_compiles(path: Path) -> None:
    backend = engines["django"]
    assert isinstance(backend, DjangoTemplates)
    assert Template(path.read_text(encoding="utf-8"), engine=backend.engine).nodelist is not None


@pytest.mark.parametrize("path", templates(), ids=name_of)
def test_what_it_says_stands_in_both_languages(path: Path) -> None:
    html = path.read_text(encoding="utf-8")
    said = list(SAYING.finditer(html))
    assert len(said) == len(ANY_SAYING.findall(html))
    for one in said:
        german, english = one["de"].strip(), one["en"].strip()
        assert german, one.group()
        assert english, one.group()
        assert german != english or german in EQUAL, one.group()
        given = set(re.findall(r"(\w+)=", re.sub(r'"[^"]*"', "", one["values"])))
        assert placeholders(german) == placeholders(english) == given, one.group()
        assert "'" not in german + english, one.group()
        assert not re.search(r"\s\s|\.\.\.| - ", german + english), one.group()


@pytest.mark.parametrize("path", templates(), ids=name_of)
def test_no_text_stands_there_in_one_language_only(path: Path) -> None:
    """Words outside of tags that say something are names, which are the same in both languages."""
    html = path.read_text(encoding="utf-8")
    text = MARKUP.sub(" ", SAYING.sub(" ", html))
    assert set(WORD.findall(text)) <= NAMES, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_with_values_are_filled_in_and_escaped(language: str) -> None:
    template = engines["django"].from_string(
        '{% load sentences %}{% say "Hallo {name}" "Hello {name}" name=name %}'
    )
    told = template.render({"language": language, "name": "<b>"})
    assert told == {"de": "Hallo &lt;b&gt;", "en": "Hello &lt;b&gt;"}[language]


NAMES = {
    "Beispielallee", "Musterstadt", "GmbH", "Erika", "Max", "Mustermann", "service", "musterfunk", "example",
    "Amtsgericht", "HRB", "Blau",
}  # fmt: skip
"""Made-up names and numbers, mostly of the imprint and the design page."""
