"""Invite lines to a programme: by list, and by codes. The variant is drawn before anybody is invited.

A line drawn for `control` is enrolled for measurement instead, by a fact through the one door, and told
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import psycopg
from django.db import transaction

from selbsthelfer.intake.enrolling import (
    Candidate,
    UnknownProgrammeError,
    candidate_pages,
    drawn_variant,
    enrolment_fact,
    in_force,
    obstacles_of,
)
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.core.definition import Definition, Join
from selbsthelfer.programmes.core.history import Variant
from selbsthelfer.programmes.inviting import TooManyCodesError, invite, make_codes
from selbsthelfer.subscribers.core.lines import subscriber_id_of

__all__ = [
    "MAX_INVITED",
    "NotByInvitationError",
    "TooManyCodesError",
    "UnknownProgrammeError",
    "invitation_codes",
    "invite_lines",
]

MAX_INVITED = 1_000_000
"""Lines invited by one list; they are taken page by page."""

_SQL = statements("selbsthelfer.intake")


class NotByInvitationError(ValueError):
    """Everybody may join this programme, so nobody is invited to it."""

    code: ClassVar[str] = "not_by_invitation"


def invite_lines(subjects: Sequence[str], programme: str, *, now: datetime) -> Counter[str]:
    """Invite lines by list; lines drawn for `control` are enrolled for measurement instead, and told nothing.

    Counted are `invited`, `invited already`, `held out`, `enrolled already`, each obstacle of
    `reasons_against` (the first that stands) and `unknown line`. A page of lines is one transaction;
    repeating is harmless. Raises `UnknownProgrammeError`, `NotByInvitationError`.
    """
    with transaction.atomic():
        definition = _by_invitation(open_cursor(), programme)
    counts: Counter[str] = Counter()
    for page in candidate_pages(subjects):
        with transaction.atomic():
            counts.update(_invite_page(open_cursor(), page, definition, now))
    missing = len(set(subjects)) - counts.total()
    counts.update({"unknown line": missing} if missing else {})
    return counts


def invitation_codes(programme: str, *, count: int, uses: int, now: datetime) -> Sequence[str]:
    """Make codes by which lines may join; they can be read only here, because only digests are kept.

    Raises `UnknownProgrammeError`, `NotByInvitationError`, `TooManyCodesError`.
    """
    with transaction.atomic():
        _by_invitation(open_cursor(), programme)
        return make_codes(programme, count=count, uses=uses, now=now)


def _by_invitation(cursor: psycopg.Cursor[Any], programme: str) -> Definition:
    _, definition = in_force(cursor, programme)
    if definition.join is not Join.INVITATION:
        raise NotByInvitationError(f"everybody may join “{programme}”")
    return definition


def _invite_page(
    cursor: psycopg.Cursor[Any], page: Sequence[Candidate], definition: Definition, now: datetime
) -> Counter[str]:
    counts: Counter[str] = Counter()
    lines = {subscriber_id_of(candidate.subject): candidate for candidate in page}
    parameters = {"programme": definition.name, "lines": list(lines)}
    enrolled = {row[0] for row in cursor.execute(_SQL["enrolled_in"], parameters)}
    to_invite, held_out = [], []
    for line, candidate in lines.items():
        obstacles = obstacles_of(candidate, definition, now)
        if line in enrolled:
            counts["enrolled already"] += 1
        elif obstacles:
            counts[f"not eligible: {obstacles[0]}"] += 1
        elif drawn_variant(candidate.subject, definition) is Variant.CONTROL:
            held_out.append(enrolment_fact(candidate.subject, definition, now))
        else:
            to_invite.append(line)
    invited = invite(cursor, definition.name, to_invite, now=now)
    receipt = accept(held_out, terms=Terms(now=now))
    counts += Counter(
        {
            "invited": invited,
            "invited already": len(to_invite) - invited,
            "held out": receipt.counts["accepted"],
            "enrolled already": receipt.counts["known"],
        }
    )
    return counts
