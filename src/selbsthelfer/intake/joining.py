"""Join and leave a programme, as the subscriber does: by facts through the one door.

A line whose drawn variant is `control` is treated as if the programme did not exist. It is enrolled only for
measurement, by the operator, and never learns of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from django.db import transaction

from selbsthelfer.intake.core.facts import ProgrammeWithdrawn, Withdrawn
from selbsthelfer.intake.enrolling import (
    Candidate,
    UnknownProgrammeError,
    drawn_variant,
    enrolment_fact,
    in_force,
    obstacles_of,
    unknown,
)
from selbsthelfer.intake.join_refusals import (
    BudgetExhaustedError,
    InvitationNeededError,
    InvitationUnknownError,
    InvitationUsedError,
    JoinRefusedError,
    NotEligibleError,
    NotEnrolledError,
    NotOpenError,
    WithdrawnBeforeError,
)
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.core.definition import Definition, Join
from selbsthelfer.programmes.core.history import Variant
from selbsthelfer.programmes.core.invitation_codes import normalise
from selbsthelfer.programmes.core.variant import Obstacle
from selbsthelfer.programmes.core.wording_joining import JoinRefusal
from selbsthelfer.programmes.explaining import UnknownLineError
from selbsthelfer.programmes.inviting import lock_code, redeem_code
from selbsthelfer.programmes.operations import versions_in_force
from selbsthelfer.subscribers.core.lines import subscriber_id_of

__all__ = [
    "BudgetExhaustedError",
    "InvitationNeededError",
    "InvitationUnknownError",
    "InvitationUsedError",
    "JoinRefusedError",
    "Joined",
    "Left",
    "NotEligibleError",
    "NotEnrolledError",
    "NotOpenError",
    "Offer",
    "Standing",
    "UnknownLineError",
    "UnknownProgrammeError",
    "WithdrawnBeforeError",
    "join",
    "leave",
    "may_join",
    "standing_of",
]

LEAVING = "/selbsthelfer/withdrawal"

_SQL = statements("selbsthelfer.intake")


@dataclass(frozen=True, slots=True)
class Joined:
    """A line takes part; `is_new` is false where it did before."""

    subject: str
    programme: str
    version: int
    enrolled_at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A line has left from `left_at` on; `is_new` is false where it had before."""

    subject: str
    programme: str
    left_at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A programme that a line may join now; with `needs_code` only by a code of invitation."""

    programme: str
    version: int
    definition: Definition
    needs_code: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a line stands to a programme: it takes part or did, or has an offer, or an obstacle."""

    enrolled_at: datetime | None
    stopped_at: datetime | None
    offer: Offer | None
    obstacle: Obstacle | None


class _Enrolled(msgspec.Struct, frozen=True):
    """An enrolment as it stands; its end is that of the enrolment or of the line."""

    version: int
    variant: str
    enrolled_at: datetime
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Line:
    """What joining asks of a line."""

    candidate: Candidate
    ended_at: datetime | None
    enrolments: Mapping[str, _Enrolled]
    invited_to: frozenset[str]

    def is_in_control(self, definition: Definition) -> bool:
        """Tell whether the line is held out of a programme: as enrolled, else as drawn."""
        enrolled = self.enrolments.get(definition.name)
        variant = drawn_variant(self.candidate.subject, definition) if enrolled is None else enrolled.variant
        return variant == Variant.CONTROL


_decode_enrolments = msgspec.json.Decoder(dict[str, _Enrolled]).decode


def join(subject: str, programme: str, *, code: str | None, now: datetime) -> Joined:
    """Let a line join a programme from now on; joining twice is joining once.

    `code` is what was typed as a code of invitation; a line on the list needs none. Raises a
    `JoinRefusedError`, `UnknownLineError`, and `UnknownProgrammeError` also for a line in `control`.
    """
    with transaction.atomic():
        outcome = _join(open_cursor(), subject, programme, code, now)
    # Refused only now, so that what intake keeps about a refused fact is kept.
    if isinstance(outcome, JoinRefusedError):
        raise outcome
    return outcome


def _join(
    cursor: psycopg.Cursor[Any], subject: str, programme: str, code: str | None, now: datetime
) -> Joined | JoinRefusedError:
    version, definition = in_force(cursor, programme)
    line = _locked_line(cursor, subject)
    if line.is_in_control(definition):
        raise unknown(programme)
    enrolled = line.enrolments.get(programme)
    if enrolled is not None:
        if enrolled.stopped_at is not None:
            return WithdrawnBeforeError()
        return Joined(subject, programme, enrolled.version, enrolled.enrolled_at, is_new=False)
    signs = None
    refusal = _refused(line.candidate, definition, now)
    if refusal is None and definition.join is Join.INVITATION and programme not in line.invited_to:
        signs, refusal = _held_code(cursor, programme, code)
    if refusal is not None:
        return refusal
    receipt = accept([enrolment_fact(subject, definition, now)], terms=Terms(now=now))
    if receipt.rejections:
        return _of_rejection(receipt.rejections[0][1].code)
    if signs is not None:
        redeem_code(cursor, programme, signs)
    return Joined(subject, programme, version, now, is_new=True)


def _refused(candidate: Candidate, definition: Definition, now: datetime) -> JoinRefusedError | None:
    obstacles = obstacles_of(candidate, definition, now)
    if not obstacles:
        return None
    first = obstacles[0]
    if first in (Obstacle.NOT_YET_OPEN, Obstacle.CLOSED):
        return NotOpenError(first)
    return NotEligibleError(first)


def _held_code(
    cursor: psycopg.Cursor[Any], programme: str, code: str | None
) -> tuple[str | None, JoinRefusedError | None]:
    """Hold the code that was typed; tell why it does not let a line in."""
    if code is None or not code.strip():
        return None, InvitationNeededError()
    signs = normalise(code)
    uses_left = None if signs is None else lock_code(cursor, programme, signs)
    if uses_left is None:
        return None, InvitationUnknownError()
    return (signs, None) if uses_left else (None, InvitationUsedError())


def _of_rejection(code: str) -> JoinRefusedError:
    if code == JoinRefusal.BUDGET_EXHAUSTED:
        return BudgetExhaustedError()
    raise AssertionError(f"a sound fact of enrolment was refused: {code}")


def leave(subject: str, programme: str, *, key: str, now: datetime) -> Left:
    """Let a line leave a programme from now on, under the key of this wish; leaving twice is leaving once.

    What was granted stays. Raises `NotEnrolledError`, `UnknownLineError`, and `UnknownProgrammeError` also
    for a line in `control`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        _, definition = in_force(cursor, programme)
        line = _locked_line(cursor, subject)
        if line.is_in_control(definition):
            raise unknown(programme)
        enrolled = line.enrolments.get(programme)
        if enrolled is None:
            raise NotEnrolledError
        if enrolled.stopped_at is not None:
            return Left(subject, programme, enrolled.stopped_at, is_new=False)
        fact = ProgrammeWithdrawn(
            id=f"{programme}/{key}",
            source=LEAVING,
            subject=subject,
            time=now,
            data=Withdrawn(programme=programme),
        )
        receipt = accept([fact], terms=Terms(now=now))
        if receipt.results != ["accepted"]:
            raise AssertionError(f"a sound fact of withdrawal was not taken: {receipt.results}")
        return Left(subject, programme, now, is_new=True)


def may_join(
    cursor: psycopg.Cursor[Any], line: UUID, *, now: datetime, with_code: bool = False
) -> Sequence[Offer]:
    """List the programmes that a line may join now: open to all it is eligible for, or it is on the list.

    With `with_code` also those that it could join by a code, for a page that asks for one. Never listed is
    what the line is or was enrolled in, and what it is in `control` of. Two queries.
    Raises `UnknownLineError`.
    """
    known = _line(cursor, line)
    offers = []
    for name, (version, definition) in sorted(versions_in_force(cursor).items()):
        if name in known.enrolments or known.is_in_control(definition):
            continue
        if obstacles_of(known.candidate, definition, now):
            continue
        needs_code = definition.join is Join.INVITATION and name not in known.invited_to
        if with_code or not needs_code:
            offers.append(Offer(name, version, definition, needs_code))
    return offers


def standing_of(cursor: psycopg.Cursor[Any], line: UUID, programme: str, *, now: datetime) -> Standing:
    """Tell how a line stands to a programme. Two queries.

    Raises `UnknownLineError`, and `UnknownProgrammeError` also for a line in `control`.
    """
    version, definition = in_force(cursor, programme)
    known = _line(cursor, line)
    if known.is_in_control(definition):
        raise unknown(programme)
    enrolled = known.enrolments.get(programme)
    if enrolled is not None:
        return Standing(enrolled.enrolled_at, enrolled.stopped_at, None, None)
    obstacles = obstacles_of(known.candidate, definition, now)
    if obstacles:
        return Standing(None, None, None, obstacles[0])
    needs_code = definition.join is Join.INVITATION and programme not in known.invited_to
    return Standing(None, None, Offer(programme, version, definition, needs_code), None)


def _locked_line(cursor: psycopg.Cursor[Any], subject: str) -> _Line:
    """Lock a line as intake does and load it; raises `UnknownLineError` also for one that has ended."""
    line = subscriber_id_of(subject)
    cursor.execute(_SQL["lock_line"], {"line": line})
    known = _line(cursor, line)
    if known.ended_at is not None:
        raise UnknownLineError(f"the line {line} has ended")
    return known


def _line(cursor: psycopg.Cursor[Any], line: UUID) -> _Line:
    row = cursor.execute(_SQL["joining_line"], {"line": line}).fetchone()
    if row is None:
        raise UnknownLineError(f"no line is registered as {line}")
    *candidate, ended_at, enrolments, invited_to = row
    return _Line(Candidate(*candidate), ended_at, _decode_enrolments(enrolments), frozenset(invited_to))
