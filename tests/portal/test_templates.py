"""Every template compiles, and what it says stands there in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from django.template import Template, engines
from django.template.backends.django import DjangoTemplates
from django.template.base import TextNode, Variable
from django.template.library import SimpleNode

from selbsthelfer.portal.templatetags.sentences import say
from tests.portal.pages import LANGUAGES

FOLDER = Path(str(files("selbsthelfer.portal").joinpath("templates")))
NAMES = {
    "PDF", "PIN", "PUK", "SIM", "eSIM", "IBAN", "Passkeys",
    "Beispielallee", "Musterstadt", "GmbH", "Erika", "Max", "Mustermann", "service", "musterfunk", "example",
    "Amtsgericht", "HRB", "Blau", "Schlichtungsstelle",
}  # fmt: skip
"""Words that are the same in both languages; the made-up ones stand in the imprint and the design page."""
SAME = {"E-Mail", "Link", "Name", "Text", "Chat", "Code"}
"""Texts that are the same in both languages."""
_NOT_READ = re.compile(r"""<script\b.*?</script>|<!--.*?-->|<[^<>"]*(?:"[^"]*"[^<>"]*)*>|&\w+;""", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{3,}")

PATHS = [pytest.param(path, id=str(path.relative_to(FOLDER))) for path in sorted(FOLDER.rglob("*.html"))]


def compiled(path: Path) -> Template:
    backend = engines["django"]
    assert isinstance(backend, DjangoTemplates)
    return Template(path.read_text(encoding="utf-8"), engine=backend.engine)


def sayings(template: Template) -> Iterator[tuple[str, str, set[str]]]:
    """Give the German and the English text of each tag, with the names of the values that it fills in."""
    for node in template.nodelist.get_nodes_by_type(SimpleNode):
        if node.func is say and not any(isinstance(argument.var, Variable) for argument in node.args):
            german, english = (str(argument.var) for argument in node.args)
            yield german, english, set(node.kwargs)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def words(text: str) -> set[str]:
    return set(_WORD.findall(re.sub(r"\{\w*\}", " ", _NOT_READ.sub(" ", text))))


def test_there_are_templates() -> None:
    assert len(PATHS) > 10
    assert list(sayings(compiled(FOLDER / "portal" / "base.html")))


@pytest.mark.parametrize("path", PATHS)
def test_what_it_says_stands_in_both_languages(path: Path) -> None:
    for german, english, given in sayings(compiled(path)):
        assert german.strip(), english
        assert english.strip(), german
        assert german != english or german in SAME or words(german) <= NAMES, german
        if given:
            assert placeholders(german) == placeholders(english) == given, german
        else:
            assert not re.search(r"[{}]", german + english), german
        for text in (german, english):
            assert not re.search(r"'|\s\s|\.\.\.| - ", re.sub(r"<[^>]*>", "", text)), text


@pytest.mark.parametrize("path", PATHS)
def test_no_words_stand_there_in_one_language_only(path: Path) -> None:
    written = "".join(node.s for node in compiled(path).nodelist.get_nodes_by_type(TextNode))
    assert words(written) <= NAMES


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_is_escaped(language: str) -> None:
    template = engines["django"].from_string(
        '{% load sentences %}{% say "Hallo {name}" "Hello {name}" name=name %}'
    )
    told = template.render({"language": language, "name": "<b>"})
    assert told == {"de": "Hallo &lt;b&gt;", "en": "Hello &lt;b&gt;"}[language]
