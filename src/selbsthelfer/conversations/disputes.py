"""Dispute that a contact counts, and decide that as staff: in one transaction with all that follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from django.db import transaction

from selbsthelfer.contacts.queries import contacts_of_line
from selbsthelfer.conversations.core.cases import (
    MAX_REASON_CHARACTERS,
    AboutContact,
    Author,
    Case,
    CaseKind,
    Decision,
    checked_staff,
    checked_text,
)
from selbsthelfer.conversations.queries import case_from
from selbsthelfer.conversations.recording import (
    NewCase,
    lock_case,
    put_message,
    record_case,
    tell_answered,
)
from selbsthelfer.intake.core.facts import ContactReclassified, ContactReclassifiedFact, FactKey
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.kit.wording import Language, Words

_SQL = statements("selbsthelfer.conversations")

SOURCE: Final = "/conversations"
"""Under which the facts of decisions enter."""

_REINSTATED: Final = Words(
    "Sie haben recht: Dieser Kontakt zählt nicht mehr gegen Sie.",
    "You are right: this contact no longer counts against you.",
)


class UnknownContactError(LookupError):
    """The line had no such contact."""

    code = "unknown_contact"


class NotADisputeError(RuntimeError):
    """The case disputes no contact, so there is nothing to decide."""

    code = "not_a_dispute"


class AlreadyReinstatedError(RuntimeError):
    """The dispute was decided in the customer's favour, which is not taken back."""

    code = "already_reinstated"


class ReinstatementFailedError(RuntimeError):
    """Intake did not take the decision, with the reason given; nothing was changed."""

    code = "reinstatement_failed"


@dataclass(frozen=True, slots=True)
class Reinstatement:
    """A dispute decided in the customer's favour, and how many tranches that released at once."""

    case: Case
    released: int


def dispute(
    *,
    line: UUID,
    contact_source: str,
    contact_id: str,
    text: str,
    key: UUID,
    now: datetime,
    programme: str | None = None,
    language: Language = Language.GERMAN,
) -> Case:
    """Open a dispute about one contact of a line; the text may be empty.

    While the dispute is not closed, another attempt gives the same case and adds what is new of the text.
    Raises `UnknownContactError`, `CaseClosedError`, `TooManyOpenError` and other `CaseRefusedError`,
    `KeyTakenError`.
    """
    kept = checked_text(text, may_be_empty=True)
    about = AboutContact(contact_source, contact_id)
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["dispute_alone"], {"contact": f"{line}/{contact_source}/{contact_id}"})
        there = _unclosed(cursor, line, about)
        if there is not None:
            return _add_new_text(cursor, there, kept, key, now)
        _check_contact(cursor, line, about, now)
        details = {} if programme is None else {"programme": programme}
        new = NewCase(
            kind=CaseKind.DISPUTE,
            text=kept,
            key=key,
            opened_at=now,
            line=line,
            topic="programme",
            about=about,
            language=language,
            details=details,
        )
        return record_case(cursor, new)


def reinstate(*, number: str, by: str, reason: str, now: datetime) -> Reinstatement:
    """Decide a dispute in the customer's favour: the contact does not count any more, and the person is told.

    What that releases is granted in the same transaction. Deciding so again changes nothing. Raises
    `UnknownCaseError`, `NotADisputeError`, `CaseClosedError`, `ReinstatementFailedError`, `CaseRefusedError`.
    """
    staff = checked_staff(by)
    kept = checked_text(reason, most=MAX_REASON_CHARACTERS)
    with transaction.atomic():
        cursor = open_cursor()
        case = lock_case(cursor, number)
        if case.decision is Decision.REINSTATED:
            return Reinstatement(case, 0)
        fact = _fact(cursor, case, staff, kept, now)
        text = f"{_REINSTATED.told(case.language)}\n\n{kept}"
        _decide(cursor, case, Decision.REINSTATED, text, staff, uuid4(), now)
        receipt = accept([fact], terms=Terms(now=now))
        if receipt.results[0] not in {"accepted", "known"}:
            reasons = [rejection.reason for _, rejection in receipt.rejections]
            raise ReinstatementFailedError("; ".join(reasons) or receipt.results[0])
        return Reinstatement(lock_case(cursor, number), receipt.released)


def uphold(*, number: str, by: str, text: str, now: datetime, key: UUID | None = None) -> Case:
    """Decide that a disputed contact goes on counting, with the reason, and tell the person; once per `key`.

    Raises `UnknownCaseError`, `NotADisputeError`, `AlreadyReinstatedError`, `CaseClosedError`,
    `CaseRefusedError`.
    """
    staff, kept = checked_staff(by), checked_text(text)
    with transaction.atomic():
        cursor = open_cursor()
        case = lock_case(cursor, number)
        if case.kind is not CaseKind.DISPUTE:
            raise NotADisputeError(f"{case.number} disputes no contact")
        if case.decision is Decision.REINSTATED:
            raise AlreadyReinstatedError(f"{case.number} was decided in the customer's favour")
        _decide(cursor, case, Decision.UPHELD, kept, staff, key or uuid4(), now)
        return lock_case(cursor, number)


def _unclosed(cursor: psycopg.Cursor[Any], line: UUID, about: AboutContact) -> Case | None:
    parameters = {"line": line, "source": about.source, "id": about.id}
    return case_from(
        cursor.execute(_SQL["case"] + "\n" + _SQL["unclosed_dispute_locked"], parameters).fetchone()
    )


def _add_new_text(cursor: psycopg.Cursor[Any], case: Case, text: str, key: UUID, now: datetime) -> Case:
    """Keep what the person says more, unless it is what they said last."""
    last = cursor.execute(_SQL["last_message"], {"case_id": case.case_id}).fetchone()
    if not text or last == (Author.SUBSCRIBER, text):
        return case
    put_message(cursor, case, Author.SUBSCRIBER, text, key=key, now=now)
    return lock_case(cursor, case.number)


def _check_contact(cursor: psycopg.Cursor[Any], line: UUID, about: AboutContact, now: datetime) -> None:
    known = contacts_of_line(cursor, line, known_until=now).contacts
    if not any((contact.source, contact.id) == (about.source, about.id) for contact in known):
        raise UnknownContactError("the line had no such contact")


def _fact(
    cursor: psycopg.Cursor[Any], case: Case, by: str, reason: str, now: datetime
) -> ContactReclassifiedFact:
    """Tell the decision as a fact of the line, under an id made of the number of the case."""
    if case.kind is not CaseKind.DISPUTE or case.about is None:
        raise NotADisputeError(f"{case.number} disputes no contact")
    row = cursor.execute(_SQL["line"], {"line": case.line}).fetchone()
    if row is None:
        raise ReinstatementFailedError("the line is not known any more")
    return ContactReclassifiedFact(
        id=f"{case.number}/{Decision.REINSTATED}",
        source=SOURCE,
        subject=row[0],
        time=now,
        data=ContactReclassified(
            contact=FactKey(source=case.about.source, id=case.about.id),
            counts=False,
            reason=reason,
            by=by,
        ),
    )


def _decide(
    cursor: psycopg.Cursor[Any],
    case: Case,
    decision: Decision,
    text: str,
    by: str,
    key: UUID,
    now: datetime,
) -> None:
    """Note a decision and tell the person, once per key."""
    if put_message(cursor, case, Author.STAFF, text, key=key, now=now, by=by):
        cursor.execute(_SQL["mark_answered"], {"case_id": case.case_id, "now": now, "decision": decision})
        tell_answered(cursor, case, text, key=key, now=now)
