"""Reading pages as a browser would: the tags in order, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

from django.test import Client

MAX_PAGE_BYTES = 60_000
MAX_QUERIES = 8
LANGUAGES = ("de", "en")
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

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for attributes in self.named("a")]

    def hidden(self, name: str) -> str:
        """Read a hidden field that stands once."""
        (value,) = {
            a["value"] for a in self.named("input") if a.get("type") == "hidden" and a["name"] == name
        }
        return value


def read_page(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open_tags == []
    return page


def open_page(client: Client, path: str, language: str = "de", status: int = 200) -> Page:
    """Open a page as a browser in that language does, and check what it owes to everybody."""
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == status, (path, response.status_code, response.headers.get("Location"))
    assert response["Content-Language"] == language
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "no-store"
    return sound_page(response.content, language)


def sound_page(content: bytes, language: str = "de") -> Page:
    """Read a page that was answered, and check what it owes to everybody."""
    assert len(content) <= MAX_PAGE_BYTES
    html = content.decode()
    assert "MISSING" not in html, html[max(0, html.index("MISSING") - 200) : html.index("MISSING") + 80]
    page = read_page(html)
    assert_sound(page)
    assert page.named("html")[0]["lang"] == language
    return page


def assert_sound(page: Page) -> None:
    """Check structure, names, nothing inline, nothing from elsewhere."""
    headings = [int(tag.name[1]) for tag in page.tags if tag.name in {"h1", "h2", "h3", "h4", "h5", "h6"}]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings)), headings
    ids = [tag.attributes["id"] for tag in page.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids)), sorted(ids)
    for tag in page.tags:
        references = " ".join(
            tag.attributes.get(name, "") for name in ("aria-labelledby", "aria-describedby", "for")
        )
        assert set(references.split()) <= set(ids), tag
        assert not any(name.startswith("on") or name == "style" for name in tag.attributes), tag
        assert tag.name not in {"style", "iframe"}, tag
        assert tag.name != "script" or "src" in tag.attributes, tag
        assert tag.name != "img" or "alt" in tag.attributes, tag
        for name in ("href", "src", "action"):
            assert "//" not in tag.attributes.get(name, ""), tag
    assert len(page.named("caption")) == len(page.named("table"))
    assert all("scope" in attributes for attributes in page.named("th"))
    assert_fields_are_named(page)
    for landmark in ("header", "main", "footer", "title"):
        assert len(page.named(landmark)) == 1, landmark
    names = [attributes["aria-label"] for attributes in page.named("nav")]
    assert len(names) == len(set(names)) > 1
    assert {"href": "#content", "class": "skip"} in page.named("a")


def assert_fields_are_named(page: Page) -> None:
    """Check that each field has a label, and that what changes something carries the token for it."""
    labels = {attributes.get("for") for attributes in page.named("label")}
    fields = [a for a in page.named("input") if a.get("type") != "hidden"]
    for attributes in [*fields, *page.named("select"), *page.named("textarea")]:
        assert attributes["id"] in labels, attributes
    forms = [a for a in page.named("form") if a.get("method", "get").lower() == "post"]
    tokens = [a for a in page.named("input") if a.get("name") == "csrfmiddlewaretoken"]
    assert len(tokens) == len(forms)
