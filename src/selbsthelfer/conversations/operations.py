"""Open written cases, write into them, answer, close and erase them; each function is one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from django.db import transaction

from selbsthelfer.conversations.core.cases import (
    STATUTORY_KINDS,
    Author,
    Case,
    CaseKind,
    CaseRefusedError,
    checked_name,
    checked_staff,
    checked_text,
)
from selbsthelfer.conversations.core.declarations import (
    DETAILS_OF_KIND,
    DeclarationError,
    Details,
    confirmed_to,
    to_members,
)
from selbsthelfer.conversations.core.promising import proof_kept_until
from selbsthelfer.conversations.disputes import (
    AlreadyReinstatedError,
    NotADisputeError,
    Reinstatement,
    ReinstatementFailedError,
    UnknownContactError,
    dispute,
    reinstate,
    uphold,
)
from selbsthelfer.conversations.recording import (
    CaseClosedError,
    KeyTakenError,
    NewCase,
    TooManyMessagesError,
    TooManyOpenError,
    TopicUnknownError,
    UnknownCaseError,
    kept_topic,
    lock_case,
    put_message,
    record_case,
    tell_answered,
)
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.kit.wording import Language
from selbsthelfer.outbox.core.messages import UnusableAddressError, channel_of

__all__ = [
    "AddressUnusableError",
    "AlreadyReinstatedError",
    "CaseClosedError",
    "KeyTakenError",
    "NotADisputeError",
    "Reinstatement",
    "ReinstatementFailedError",
    "TooManyMessagesError",
    "TooManyOpenError",
    "TopicUnknownError",
    "UnknownCaseError",
    "UnknownContactError",
    "add_message",
    "answer",
    "close",
    "dispute",
    "erase_line",
    "erase_overdue",
    "open_case",
    "reinstate",
    "uphold",
]

_SQL = statements("selbsthelfer.conversations")

MAX_ERASED: Final = 1_000
"""Cases erased in one transaction because their proof need not be kept any more."""


class AddressUnusableError(CaseRefusedError):
    """Where answers go is neither an e-mail address nor a telephone number, or is missing without a line."""

    code = "address_unusable"
    field = "to"


def open_case(
    *,
    kind: CaseKind,
    text: str,
    key: UUID,
    now: datetime,
    line: UUID | None = None,
    to: str | None = None,
    name: str | None = None,
    topic: str | None = None,
    language: Language = Language.GERMAN,
    details: Details | None = None,
) -> Case:
    """Open a case and send its receipt; the same `key` again gives the same case.

    Without a line somebody wrote without signing in and needs an address `to`, unless a declaration asks for
    its receipt by post. Disputes are opened by `dispute`. Raises `CaseRefusedError`, `KeyTakenError`.
    """
    if kind is CaseKind.DISPUTE:
        raise ValueError("a dispute is about a contact: use dispute")
    _check_details(kind, details)
    is_declaration = kind in STATUTORY_KINDS
    reached = _checked_address(confirmed_to(details) if is_declaration and details is not None else to)
    if reached is None and line is None and not is_declaration:
        raise AddressUnusableError("without a line an address is needed")
    new = NewCase(
        kind=kind,
        text=checked_text(text, may_be_empty=details is not None),
        key=key,
        opened_at=now,
        line=line,
        topic=kept_topic(topic),
        to=reached,
        name=checked_name(getattr(details, "name", None) or name),
        language=language,
        details={} if details is None else to_members(details),
    )
    with transaction.atomic():
        return record_case(open_cursor(), new)


def add_message(*, line: UUID, number: str, text: str, key: UUID, now: datetime) -> Case:
    """Write into a case as its subscriber, once per `key`; an answered case opens again, with a new promise.

    Raises `UnknownCaseError` also for a case of another line, `CaseClosedError`, `CaseRefusedError`.
    """
    kept = checked_text(text)
    with transaction.atomic():
        cursor = open_cursor()
        case = lock_case(cursor, number)
        if case.line != line:
            raise UnknownCaseError("there is no case with this number")
        put_message(cursor, case, Author.SUBSCRIBER, kept, key=key, now=now)
        return lock_case(cursor, number)


def answer(*, number: str, text: str, by: str, now: datetime, key: UUID | None = None) -> Case:
    """Answer a case as staff, once per `key`, and tell the person.

    Raises `UnknownCaseError`, `CaseClosedError`, `CaseRefusedError`.
    """
    kept, staff, message_key = checked_text(text), checked_staff(by), key or uuid4()
    with transaction.atomic():
        cursor = open_cursor()
        case = lock_case(cursor, number)
        if put_message(cursor, case, Author.STAFF, kept, key=message_key, now=now, by=staff):
            cursor.execute(_SQL["mark_answered"], {"case_id": case.case_id, "now": now, "decision": None})
            tell_answered(cursor, case, kept, key=message_key, now=now)
        return lock_case(cursor, number)


def close(*, number: str, now: datetime) -> Case:
    """Close a case; closing it again changes nothing. Raises `UnknownCaseError`."""
    with transaction.atomic():
        cursor = open_cursor()
        case = lock_case(cursor, number)
        cursor.execute(_SQL["mark_closed"], {"case_id": case.case_id, "now": now})
        return lock_case(cursor, number)


def erase_line(cursor: psycopg.Cursor[Any], line: UUID, *, now: datetime) -> int:
    """Erase the cases of a line inside the running transaction; return how many are erased now.

    Number, kind and instants stay. Of cancellations and withdrawals everything stays as long as it may have
    to be proved; `erase_overdue` erases them then.
    """
    parameters = {"line": line, "now": now, "statutory": list(STATUTORY_KINDS)}
    for case_id, opened_at in cursor.execute(_SQL["declarations_of_line"], parameters).fetchall():
        cursor.execute(_SQL["keep_proof"], {"case_id": case_id, "erase_at": proof_kept_until(opened_at)})
    rows = cursor.execute(_SQL["erasable_of_line"], parameters).fetchall()
    _erase(cursor, [case_id for (case_id,) in rows], now)
    return len(rows)


def erase_overdue(*, now: datetime) -> int:
    """Erase declarations whose proof need not be kept any more, at most `MAX_ERASED`; return how many."""
    with transaction.atomic():
        cursor = open_cursor()
        rows = cursor.execute(_SQL["due_for_erasure"], {"now": now, "limit": MAX_ERASED}).fetchall()
        _erase(cursor, [case_id for (case_id,) in rows], now)
    return len(rows)


def _erase(cursor: psycopg.Cursor[Any], cases: list[UUID], now: datetime) -> None:
    cursor.execute(_SQL["erase_messages"], {"cases": cases})
    cursor.execute(_SQL["erase_cases"], {"cases": cases, "now": now})


def _check_details(kind: CaseKind, details: Details | None) -> None:
    demanded = DETAILS_OF_KIND.get(kind)
    if demanded is None and details is not None:
        raise ValueError(f"a {kind} has no details")
    if demanded is not None and not isinstance(details, demanded):
        raise DeclarationError({"details": "missing"})


def _checked_address(to: str | None) -> str | None:
    kept = (to or "").strip() or None
    try:
        channel_of(kept)
    except UnusableAddressError as error:
        raise AddressUnusableError("this is neither an e-mail address nor a telephone number") from error
    return kept
