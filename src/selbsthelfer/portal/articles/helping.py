"""Help articles: short, in both languages, each with the task that settles the matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from selbsthelfer.kit.wording import Language, Words
from selbsthelfer.portal.articles.loading import read_folder, words_of

MAX_SEARCH_CHARACTERS: Final = 80
"""The longest search; what is longer is cut off."""
MAX_SEARCH_WORDS: Final = 8
"""Words of a search that are looked for."""

_WORD: Final = re.compile(r"[a-z0-9]+")
_LEAST_WORD: Final = 2
_TITLE, _KEYWORD, _TEXT = 4, 3, 1
_FILLER_TEXT: Final = (
    "der die das den dem ein eine ist sind mein meine ich und oder nicht kein mit im in zu wie was geht gehen"
    " handy the an is are my and or not no with to how what it do does of on phone"
)
_FILLERS: Final = frozenset(_FILLER_TEXT.split())


@dataclass(frozen=True, slots=True)
class Article:
    """A help article; `task` is the activity that settles the matter."""

    id: str
    order: int
    task: str
    keywords: str
    title: Words
    summary: Words
    steps: tuple[Words, ...]
    text: tuple[Words, ...]


def _article(article_id: str, row: Mapping[str, Any]) -> Article:
    return Article(
        id=article_id,
        order=row["order"],
        task=row["task"],
        keywords=row["keywords"],
        title=words_of(row["title"]),
        summary=words_of(row["summary"]),
        steps=tuple(words_of(step) for step in row["steps"]),
        text=tuple(words_of(paragraph) for paragraph in row["text"]),
    )


def _read_articles() -> Mapping[str, Article]:
    found = sorted((_article(name, row) for name, row in read_folder("help")), key=lambda a: a.order)
    return MappingProxyType({article.id: article for article in found})


ARTICLES: Final[Mapping[str, Article]] = _read_articles()
"""Every help article by its id, in the order in which they are listed."""


def find_articles(search: str, language: Language) -> Sequence[Article]:
    """Find the articles about something, the best match first; all of them for a search without a word."""
    wanted = _words(search[:MAX_SEARCH_CHARACTERS])
    asked = [word for word in wanted if word not in _FILLERS][:MAX_SEARCH_WORDS] or wanted[:MAX_SEARCH_WORDS]
    if not asked:
        return list(ARTICLES.values())
    rated = [(_rating(article, asked, language), article) for article in ARTICLES.values()]
    rated = [(rating, article) for rating, article in rated if rating]
    return [article for _, article in sorted(rated, key=lambda pair: (-pair[0], pair[1].order))]


def _rating(article: Article, asked: Sequence[str], language: Language) -> int:
    title = _words(article.title.told(language))
    keywords = _words(article.keywords)
    parts = (article.summary, *article.steps, *article.text)
    text = _words(" ".join(part.told(language) for part in parts))
    return sum(
        max(
            _TITLE * any(_meets(word, other) for other in title),
            _KEYWORD * any(_meets(word, other) for other in keywords),
            _TEXT * any(_meets(word, other) for other in text),
        )
        for word in asked
    )


def _meets(asked: str, word: str) -> bool:
    """Tell whether a word is meant: one begins with the other, so that endings make no difference."""
    return word.startswith(asked) or (len(word) > _LEAST_WORD + 1 and asked.startswith(word))


def _words(text: str) -> list[str]:
    """Take a text apart into words without capitals and accents; umlauts may be written either way."""
    folded = text.casefold().translate(_UMLAUTS)
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    return [word for word in _WORD.findall(plain) if len(word) >= _LEAST_WORD]


_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
