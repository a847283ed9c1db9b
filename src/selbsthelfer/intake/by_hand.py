"""Enter what staff decide about a line: courtesy volume, and whether a contact counts.

Whoever asks names the key of the fact, so that a decision told twice is one decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.allowances.courtesies import CourtesyGiven, courtesy_of_fact
from selbsthelfer.contacts.queries import reclassification_of_fact
from selbsthelfer.intake.core.facts import (
    ContactReclassified,
    ContactReclassifiedFact,
    CourtesyFact,
    CourtesyGranted,
    Fact,
    FactKey,
)
from selbsthelfer.intake.core.validation import Rejection
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.explaining import UnknownLineError
from selbsthelfer.subscribers.core.lines import LineRef
from selbsthelfer.subscribers.queries import LineStanding, line_standings

__all__ = [
    "Courtesy",
    "DecisionRefusedError",
    "FactReusedError",
    "LineEndedError",
    "UnknownLineError",
    "give_courtesy",
    "reclassify",
]

_SQL = statements("selbsthelfer.intake")


class LineEndedError(ValueError):
    """The line has ended: volume would be of no use to anybody."""

    code: ClassVar[str] = "line_ended"


class FactReusedError(ValueError):
    """The key of the fact stands for another decision already, which stays as it is."""

    code: ClassVar[str] = "fact_reused"


class DecisionRefusedError(ValueError):
    """Intake refused the fact; nothing was changed. `rejection` says which member is wrong, and why."""

    def __init__(self, rejection: Rejection) -> None:
        self.rejection = rejection
        super().__init__(rejection.reason)

    @property
    def code(self) -> str:
        return self.rejection.code


@dataclass(frozen=True, slots=True)
class Courtesy:
    """Courtesy volume that was given; `is_new` is false where it had been given under this key before."""

    given: CourtesyGiven
    is_new: bool


def give_courtesy(
    line: LineRef, *, bytes_: int, reason: str | None, by: str | None, key: FactKey, now: datetime
) -> Courtesy:
    """Give courtesy volume to a line, usable at once until its billing period ends; once per `key`.

    Raises `UnknownLineError`, `LineEndedError`, `FactReusedError`, `DecisionRefusedError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        standing = _locked(cursor, line)
        known = _courtesy(cursor, line.subscriber_id, key)
        if known is not None:
            if (known.bytes, known.reason, known.by) != (bytes_, reason, by):
                raise FactReusedError("this key stands for other courtesy volume")
            return Courtesy(known, is_new=False)
        if standing.has_ended(now):
            raise LineEndedError("the line has ended")
        _enter(
            CourtesyFact(
                id=key.id,
                source=key.source,
                subject=line.subject,
                time=now,
                data=CourtesyGranted(bytes=bytes_, reason=reason, by=by),
            ),
            now,
        )
        given = _courtesy(cursor, line.subscriber_id, key)
        assert given is not None  # noqa: S101 - it has just been taken
        return Courtesy(given, is_new=True)


def reclassify(
    line: LineRef,
    *,
    contact: FactKey,
    counts: bool,
    reason: str | None,
    by: str | None,
    key: FactKey,
    now: datetime,
) -> bool:
    """Say whether a contact of a line counts, once per `key`; return false where it was said before.

    A contact that is not known yet may be decided about: it holds when the contact arrives.
    Raises `UnknownLineError`, `FactReusedError`, `DecisionRefusedError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        _locked(cursor, line)
        known = reclassification_of_fact(cursor, line.subscriber_id, source=key.source, fact_id=key.id)
        if known is not None:
            said = (known.contact_source, known.contact_id, known.counts, known.reason, known.by)
            if said != (contact.source, contact.id, counts, reason, by):
                raise FactReusedError("this key stands for another reclassification")
            return False
        _enter(
            ContactReclassifiedFact(
                id=key.id,
                source=key.source,
                subject=line.subject,
                time=now,
                data=ContactReclassified(contact=contact, counts=counts, reason=reason, by=by),
            ),
            now,
        )
        return True


def _locked(cursor: psycopg.Cursor[Any], line: LineRef) -> LineStanding:
    """Lock a line as intake does and load how it stands."""
    cursor.execute(_SQL["lock_line"], {"line": line.subscriber_id})
    standing = line_standings(cursor, [line.subscriber_id]).get(line.subscriber_id)
    if standing is None:
        raise UnknownLineError(f"no line is registered as {line.subscriber_id}")
    return standing


def _courtesy(cursor: psycopg.Cursor[Any], line: UUID, key: FactKey) -> CourtesyGiven | None:
    return courtesy_of_fact(cursor, line, source=key.source, fact_id=key.id)


def _enter(fact: Fact, now: datetime) -> None:
    receipt = accept([fact], terms=Terms(now=now))
    if receipt.rejections:
        raise DecisionRefusedError(receipt.rejections[0][1])
    if receipt.results != ["accepted"]:
        raise FactReusedError("this key stands for a fact of another kind")
