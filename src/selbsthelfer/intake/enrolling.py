"""Enrol lines on the operator's behalf: judge who may take part, draw the variant, and let the fact enter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from selbsthelfer.intake.core.facts import Enrolled, ProgrammeEnrolled
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.variant import draw_variant, reasons_against
from selbsthelfer.programmes.operations import versions_in_force
from selbsthelfer.subscribers.core.lines import subscriber_id_of

SOURCE = "/selbsthelfer/enrolment"
PAGE = 5_000
"""Lines enrolled in one transaction."""

_SQL = statements("selbsthelfer.intake")


class UnknownProgrammeError(LookupError):
    """No version of the programme is published."""


class Candidate(NamedTuple):
    subject: str
    tariff: str | None
    included_bytes: int | None
    registered_at: datetime


def enrol_lines(
    subjects: Sequence[str] | None, programme: str, *, at: datetime, now: datetime
) -> Counter[str]:
    """Enrol lines, or all that are registered, from `at` on; count what became of each.

    Counted are `enrolled`, `enrolled already`, each obstacle of `reasons_against` (the first that stands),
    `unknown line` and `budget_exhausted`. Raises `UnknownProgrammeError`.
    """
    with transaction.atomic():
        versions = versions_in_force(open_cursor())
    if programme not in versions:
        raise UnknownProgrammeError(f"“{programme}” is not published")
    counts: Counter[str] = Counter()
    for page in _pages(subjects):
        counts.update(_enrol_page(page, versions[programme][1], at, now))
    if subjects is not None:
        missing = len(set(subjects)) - counts.total()
        counts.update({"unknown line": missing} if missing else {})
    return counts


def _enrol_page(
    candidates: Sequence[Candidate], definition: Definition, at: datetime, now: datetime
) -> Counter[str]:
    counts: Counter[str] = Counter()
    facts: list[ProgrammeEnrolled] = []
    for candidate in candidates:
        obstacles = reasons_against(
            definition,
            tariff=candidate.tariff,
            tenure_days=(at - candidate.registered_at).days,
            included_bytes=candidate.included_bytes,
            now=at,
        )
        if obstacles:
            counts[f"not eligible: {obstacles[0]}"] += 1
        else:
            facts.append(_fact(candidate.subject, definition, at))
    receipt = accept(facts, terms=Terms(now=now, may_backdate=True))
    names = {"accepted": "enrolled", "known": "enrolled already"}
    counts.update(names[result] for result in receipt.results if result in names)
    counts.update(rejection.code for _, rejection in receipt.rejections)
    return counts


def _fact(subject: str, definition: Definition, at: datetime) -> ProgrammeEnrolled:
    variant = draw_variant(salt=definition.salt, subject=subject, control_share=definition.control_share)
    return ProgrammeEnrolled(
        id=definition.name,
        source=SOURCE,
        subject=subject,
        time=at,
        data=Enrolled(programme=definition.name, variant=variant.value),
    )


def _pages(subjects: Sequence[str] | None) -> Iterator[list[Candidate]]:
    """Yield the named lines, or all, that are registered and have not ended, in pages."""
    ids: list[UUID] | None = None if subjects is None else [subscriber_id_of(subject) for subject in subjects]
    beyond = UUID(int=0)
    while True:
        with transaction.atomic():
            rows = (
                open_cursor()
                .execute(_SQL["candidates"], {"lines": ids, "beyond": beyond, "limit": PAGE})
                .fetchall()
            )
        if not rows:
            return
        yield [Candidate(*row[1:]) for row in rows]
        beyond = rows[-1][0]
