"""One word, one meaning: the public names of every `core/` are made of words that the glossary defines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "selbsthelfer"

PLAIN_WORDS = """
a absent after all always avoidable being broken by call change changed choice collection coming current
data declared earned end ended english envelope error event every example failed fair field file finished
flag for german half header here id in initiated join key kind language large learned left many member
monthly name need never no none nothing of once one online open other past per place recorded report reason
required row rule second setting share start state table text time title too total unknown used view whole
word write wrong yesterday yet contract input long missing new number parties ready ref unusable when
"""
PLAIN = frozenset(PLAIN_WORDS.split())
"""Plain English, words of programming among it, which need no definition."""

STORY = frozenset(["cause", "diary", "newcomer", "ordinary", "parameter", "rhythm", "role"])
"""What the made-up operator is told with; its room's README defines them."""

ENTRY = re.compile(r"^\*\*(?P<term>[^*]+)\*\*(?: \((?P<forms>[^)]+)\))?: ", re.MULTILINE)


class Glossary:
    """The entries of docs/glossary.md, each a term and its other forms."""

    def __init__(self) -> None:
        text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
        found = [(match["term"], match["forms"]) for match in ENTRY.finditer(text)]
        self.entries = [(term, *(forms.split(", ") if forms else ())) for term, forms in found]
        self.paragraphs = len(re.findall(r"^\*\*", text, re.MULTILINE))

    @property
    def words(self) -> set[str]:
        return {word for entry in self.entries for form in entry for word in words_of(form)}


GLOSSARY = Glossary()


def words_of(name: str) -> list[str]:
    """Split a name into words in lower case: at blanks, hyphens, underscores and capitals."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", parted) if word]


def is_known(word: str, known: set[str]) -> bool:
    """Tell whether a word, or its singular, is known; numbers need no definition."""
    return word.isdigit() or bool({word, word.removesuffix("s"), word.removesuffix("es")} & known)


def core_files() -> list[Path]:
    return sorted(SOURCE.glob("*/core/*.py"))


def public_names(path: Path) -> Iterator[str]:
    """Yield the public classes of a module and, of enumerations, their members and values."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
            if any(isinstance(base, ast.Name) and base.id.endswith("Enum") for base in node.bases):
                yield from members_of(node)


def members_of(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id
            if isinstance(statement.value, ast.Constant) and len(str(statement.value.value)) > 2:
                yield str(statement.value.value)


@pytest.mark.parametrize("path", core_files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_public_names_are_made_of_words_that_are_known(path: Path) -> None:
    known = GLOSSARY.words | PLAIN | STORY
    unknown = {
        (name, word) for name in public_names(path) for word in words_of(name) if not is_known(word, known)
    }
    assert not unknown, "define these words in docs/glossary.md, or use others"


def test_every_entry_is_read() -> None:
    assert len(GLOSSARY.entries) == GLOSSARY.paragraphs > 100


def test_every_entry_is_used_somewhere() -> None:
    files = [path for ending in ("py", "sql", "toml", "html") for path in SOURCE.rglob(f"*.{ending}")]
    used = f" {' '.join(words_of(' '.join(path.read_text(encoding='utf-8') for path in files)))} "
    unused = [
        entry
        for entry in GLOSSARY.entries
        if not any(re.search(rf" {' '.join(words_of(form))}(s|es)? ", used) for form in entry)
    ]
    assert not unused, "these words are defined and never used"


def test_no_word_is_defined_twice() -> None:
    forms = [form.lower() for entry in GLOSSARY.entries for form in entry]
    assert sorted({form for form in forms if forms.count(form) > 1}) == []


def test_entries_stand_in_alphabetical_order() -> None:
    terms = [entry[0].lower() for entry in GLOSSARY.entries]
    assert terms == sorted(terms)


def test_what_is_plain_is_not_defined_as_well() -> None:
    """A word is either plain or has a meaning of its own here."""
    assert {word for word in PLAIN | STORY if is_known(word, GLOSSARY.words)} == set()
