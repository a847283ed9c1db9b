"""The ways of looking at the portal that walks are taken in."""

from __future__ import annotations

import pytest

from tests.browser.person import Way

WIDTHS = (320, 1280)
LANGUAGES = ("de", "en")

ALL_WAYS = [
    Way(language, width, has_scripts)
    for language in LANGUAGES
    for width in WIDTHS
    for has_scripts in (True, False)
]
TWO_WAYS = [Way("de", 320, True), Way("en", 1280, False)]
"""Each language, each width, with scripts and without: once each."""


def in_ways(ways: list[Way]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways, ids=lambda way: way.name)
