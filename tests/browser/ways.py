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
FOUR_WAYS = [
    Way("de", 320, True),
    Way("de", 1280, False),
    Way("en", 320, False),
    Way("en", 1280, True),
]
"""Each pair of language, width and scripts once: enough for walks that differ from others by their words."""


def in_ways(ways: list[Way]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways, ids=lambda way: way.name)
