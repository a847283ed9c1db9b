"""Enrol lines on the operator's behalf: judge who may take part, draw the variant, and let the fact enter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.intake.core.facts import Enrolled, ProgrammeEnrolled
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.variant import Obstacle, Variant, draw_variant, reasons_against
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
        _, definition = in_force(open_cursor(), programme)
    counts: Counter[str] = Counter()
    for page in candidate_pages(subjects):
        counts.update(_enrol_page(page, definition, at, now))
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
        obstacles = obstacles_of(candidate, definition, at)
        if obstacles:
            counts[f"not eligible: {obstacles[0]}"] += 1
        else:
            facts.append(enrolment_fact(candidate.subject, definition, at))
    receipt = accept(facts, terms=Terms(now=now, may_backdate=True))
    names = {"accepted": "enrolled", "known": "enrolled already"}
    counts.update(names[result] for result in receipt.results if result in names)
    counts.update(rejection.code for _, rejection in receipt.rejections)
    return counts


def in_force(cursor: psycopg.Cursor[Any], programme: str) -> tuple[int, Definition]:
    """Load the version of a programme that new enrolments join; raises `UnknownProgrammeError`."""
    found = versions_in_force(cursor).get(programme)
    if found is None:
        raise unknown(programme)
    return found


def unknown(programme: str) -> UnknownProgrammeError:
    """Make the error that is the same, word for word, for what does not exist and what a line may not see."""
    return UnknownProgrammeError(f"“{programme}” is not published")


def obstacles_of(candidate: Candidate, definition: Definition, at: datetime) -> tuple[Obstacle, ...]:
    """List why a line may not enrol at an instant, as it stands now."""
    return reasons_against(
        definition,
        tariff=candidate.tariff,
        tenure_days=(at - candidate.registered_at).days,
        included_bytes=candidate.included_bytes,
        now=at,
    )


def drawn_variant(subject: str, definition: Definition) -> Variant:
    """Draw the variant that a line has in a programme for ever."""
    return draw_variant(salt=definition.salt, subject=subject, control_share=definition.control_share)


def enrolment_fact(subject: str, definition: Definition, at: datetime) -> ProgrammeEnrolled:
    """Write the fact that enrols a line, with the variant drawn; its key makes repeating it harmless."""
    return ProgrammeEnrolled(
        id=definition.name,
        source=SOURCE,
        subject=subject,
        time=at,
        data=Enrolled(programme=definition.name, variant=drawn_variant(subject, definition).value),
    )


def candidate_pages(subjects: Sequence[str] | None) -> Iterator[list[Candidate]]:
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
