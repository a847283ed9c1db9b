"""Reading pages as a browser would: the tags in order, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "input", "br", "img", "hr"}


@dataclass(frozen=True)
class Tag:
    name: str
    attributes: dict[str, str]


@dataclass
class Page(HTMLParser):
    """A page taken apart; raises `AssertionError` where tags do not nest."""

    tags: list[Tag] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags, tag
        assert self.open_tags.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def named(self, name: str) -> list[dict[str, str]]:
        return [tag.attributes for tag in self.tags if tag.name == name]


def read_page(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open_tags == []
    return page


def assert_sound(page: Page) -> None:
    """Check what every page owes to everybody: structure, names, nothing inline, nothing from elsewhere."""
    headings = [int(tag.name[1]) for tag in page.tags if tag.name in {"h1", "h2", "h3", "h4", "h5", "h6"}]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings)), headings
    ids = [tag.attributes["id"] for tag in page.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    for tag in page.tags:
        references = " ".join(
            tag.attributes.get(name, "") for name in ("aria-labelledby", "aria-describedby")
        )
        assert set(references.split()) <= set(ids), tag
        assert not any(name.startswith("on") or name == "style" for name in tag.attributes), tag
        assert tag.name not in {"script", "style", "iframe", "img"}, tag
        for name in ("href", "src", "action"):
            assert "//" not in tag.attributes.get(name, ""), tag
    assert len(page.named("caption")) == len(page.named("table"))
    assert all("scope" in attributes for attributes in page.named("th"))
    labels = {attributes["for"] for attributes in page.named("label")}
    fields = [attributes for attributes in page.named("input") if attributes.get("type") != "hidden"]
    assert all(attributes["id"] in labels for attributes in fields)
    for landmark in ("header", "nav", "main", "footer", "title"):
        assert len(page.named(landmark)) == 1, landmark
    assert {"href": "#content", "class": "skip"} in page.named("a")
