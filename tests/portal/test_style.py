"""The colours can be read by everybody, in light and in dark."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("selbsthelfer.portal").joinpath("assets/portal.css").read_text(encoding="utf-8")
TEXT = ("ink", "ink-soft", "accent", "good", "bad", "wait")
GROUNDS = ("ground", "ground-raised", "ground-good")


LIGHT = r"^:root[^{}]* \{(.*?)\}"
DARK_BY_DEVICE = (
    r'@media \(prefers-color-scheme: dark\) \{\s*:root:not\(\[data-appearance="light"\]\) \{(.*?)\}'
)
DARK_BY_CHOICE = r'^(?::root)?\[data-appearance="dark"\] \{(.*?)\}'


def colours_of(block: str) -> dict[str, str]:
    """Read the colours that the first block of this kind sets."""
    found = re.search(block, CSS, re.DOTALL | re.MULTILINE)
    assert found, block
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", found[1]))


def tokens(scheme: str) -> dict[str, str]:
    """Read the colours of a scheme; dark ones stand over light ones."""
    return colours_of(LIGHT) | (colours_of(DARK_BY_CHOICE) if scheme == "dark" else {})


def test_dark_is_dark_whether_the_device_or_the_person_chose_it() -> None:
    assert colours_of(DARK_BY_DEVICE) == colours_of(DARK_BY_CHOICE)
    assert colours_of(DARK_BY_CHOICE).keys() == colours_of(LIGHT).keys()


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_meaningful_edges_have_enough_contrast(scheme: str) -> None:
    colours = tokens(scheme)
    for ground in GROUNDS:
        for text in TEXT:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for edge in ("edge", "accent"):
            assert contrast(colours[edge], colours[ground]) >= 3, (edge, ground)
    assert contrast(colours["accent-ink"], colours["accent"]) >= 4.5


def test_colours_and_sizes_are_tokens() -> None:
    rules = CSS[CSS.index("*, *::before") :]
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rules)
    assert not re.search(r"font-size: (?!var\()", rules)
    assert not re.search(r"\d(px) (?!solid|dotted|dashed)(?!.*outline)", re.sub(r"outline[^;]*;", "", rules))
    used = set(re.findall(r"var\(--([\w-]+)\)", CSS))
    defined = set(re.findall(r"--([\w-]+):", CSS))
    assert used == defined


def test_nothing_comes_from_elsewhere() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    assert "@font-face" not in CSS
