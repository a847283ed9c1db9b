"""Lay out what a programme offers, for those who do not take part: its key facts and its terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from selbsthelfer.kit.wording import Language, Words, day, volume
from selbsthelfer.portal.presenting_terms import clauses, stage_rows
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.key_facts import key_facts
from selbsthelfer.programmes.core.versions import PublishedVersion

MAX_BRIEF: Final = 3
"""Key facts shown where all of them would be too many."""


@dataclass(frozen=True, slots=True)
class OfferBlock:
    """A programme in short: all key facts, and `brief`, the first few of them."""

    name: str
    title: str
    facts: Sequence[str]

    @property
    def brief(self) -> Sequence[str]:
        return self.facts[:MAX_BRIEF]


@dataclass(frozen=True, slots=True)
class ClauseBlock:
    """A part of the terms."""

    title: str
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage in the table of the terms."""

    number: int
    observed: str
    paid: str
    each: str
    total: str


@dataclass(frozen=True, slots=True)
class TermsBlock:
    """The terms of one version; `digest` proves that they are what was published."""

    version: int
    published: str
    digest: str
    cap: str
    clauses: Sequence[ClauseBlock]
    stages: Sequence[StageLine]


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in the list of all."""

    version: int
    published: str
    is_shown: bool


def present_offer(definition: Definition, language: Language) -> OfferBlock:
    """Put a programme into a few facts."""
    return OfferBlock(
        name=definition.name,
        title=Words(definition.title.de, definition.title.en).told(language),
        facts=[fact.told(language) for fact in key_facts(definition)],
    )


def present_terms(version: PublishedVersion, zone: str, language: Language) -> TermsBlock:
    """Write the terms of a version in one language; dates in a zone."""
    definition = version.definition
    rows = stage_rows(definition)
    return TermsBlock(
        version=version.version,
        published=day(version.published_at, zone).told(language),
        digest=version.digest,
        cap=volume(definition.cap_bytes).told(language),
        clauses=[
            ClauseBlock(clause.title.told(language), [s.told(language) for s in clause.sentences])
            for clause in clauses(definition, zone)
        ],
        stages=[
            StageLine(
                number=row.number,
                observed=row.observed,
                paid=row.paid,
                each=row.each.told(language),
                total=row.total.told(language),
            )
            for row in rows
        ],
    )


def present_versions(
    versions: Sequence[PublishedVersion], shown: PublishedVersion | None, zone: str, language: Language
) -> Sequence[VersionLine]:
    """List versions in the order given, and mark the one whose terms are shown."""
    return [
        VersionLine(
            version=version.version,
            published=day(version.published_at, zone).told(language),
            is_shown=shown is not None and version.version == shown.version,
        )
        for version in versions
    ]
