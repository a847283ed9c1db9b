"""What every operation on a case does: lock it, write into it, and tell the person."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, exempt_code
from selbsthelfer.conversations.core.cases import (
    STATUTORY_KINDS,
    AboutContact,
    Author,
    Case,
    CaseKind,
    CaseRefusedError,
    CaseState,
)
from selbsthelfer.conversations.core.declarations import (
    CancellationDetails,
    WithdrawalDetails,
    declared,
    details_from,
)
from selbsthelfer.conversations.core.numbers import CASE_NUMBER
from selbsthelfer.conversations.core.promising import promised_at
from selbsthelfer.conversations.queries import MAX_MESSAGES, case_from
from selbsthelfer.kit.numbers import BrokenNumberError
from selbsthelfer.kit.sql import statements
from selbsthelfer.kit.wording import Language, Words
from selbsthelfer.outbox.core.events import EventKind, write_instant
from selbsthelfer.outbox.events import EventRow
from selbsthelfer.outbox.operations import MessageRow, put_messages
from selbsthelfer.subscribers.telling import put_line_events

_SQL = statements("selbsthelfer.conversations")

MAX_NUMBERS_DRAWN: Final = 5
"""How often a number is drawn anew because a case has it already."""
MAX_OPEN_OF_LINE: Final = 50
"""Open cases of one line; declarations with legal effect are taken all the same."""


class UnknownCaseError(LookupError):
    """There is no case with this number, or it belongs to somebody else."""

    code = "unknown_case"


class CaseClosedError(RuntimeError):
    """The case is closed, so nothing can be written into it; a new one can be opened."""

    code = "case_closed"


class KeyTakenError(RuntimeError):
    """The key of a form belongs to a case of somebody else."""

    code = "key_taken"


class TopicUnknownError(CaseRefusedError):
    """The topic is neither in the catalogue nor exempt."""

    code = "topic_unknown"
    field = "topic"


class TooManyOpenError(CaseRefusedError):
    """The line has `MAX_OPEN_OF_LINE` open cases, which are to be answered first."""

    code = "too_many_open"


class TooManyMessagesError(CaseRefusedError):
    """The case has `MAX_MESSAGES` messages of its subscriber; a new one can be opened."""

    code = "too_many_messages"


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to open, with everything checked."""

    kind: CaseKind
    text: str
    key: UUID
    opened_at: datetime
    line: UUID | None = None
    topic: str | None = None
    about: AboutContact | None = None
    to: str | None = None
    name: str | None = None
    language: Language = Language.GERMAN
    details: Mapping[str, Any] = field(default_factory=dict)


def record_case(cursor: psycopg.Cursor[Any], new: NewCase) -> Case:
    """Open a case with its first message and tell the person; a key that is known gives the case it made.

    Raises `KeyTakenError`, `TooManyOpenError`.
    """
    known = _case_of_key(cursor, new)
    if known is not None:
        return known
    _check_open(cursor, new)
    for _ in range(MAX_NUMBERS_DRAWN):
        if cursor.execute(_SQL["open_case"], _row(new)).rowcount:
            break
        known = _case_of_key(cursor, new)
        if known is not None:
            return known
    made = _case_of_key(cursor, new)
    if made is None:
        raise RuntimeError(f"no number was free in {MAX_NUMBERS_DRAWN} draws")
    if new.text:
        put_message(cursor, made, Author.SUBSCRIBER, new.text, key=new.key, now=new.opened_at)
    _tell_received(cursor, made)
    return made


def lock_case(cursor: psycopg.Cursor[Any], number: str) -> Case:
    """Lock a case until the end of the transaction; raises `UnknownCaseError`."""
    try:
        parameters = {"number": CASE_NUMBER.read(number)}
    except BrokenNumberError as error:
        raise UnknownCaseError("there is no case with this number") from error
    row = cursor.execute(_SQL["case"] + "\n" + _SQL["of_number_locked"], parameters).fetchone()
    found = case_from(row)
    if found is None:
        raise UnknownCaseError("there is no case with this number")
    return found


def put_message(
    cursor: psycopg.Cursor[Any],
    case: Case,
    author: Author,
    text: str,
    *,
    key: UUID,
    now: datetime,
    by: str | None = None,
) -> bool:
    """Write into a locked case; tell whether the key was new.

    An answered case opens again when the subscriber writes, with a new promise. Raises `CaseClosedError`, and
    `TooManyMessagesError` to the subscriber: staff can always answer and decide.
    """
    if case.state is CaseState.CLOSED:
        raise CaseClosedError("this case is closed")
    counted = cursor.execute(_SQL["count_messages"], {"case_id": case.case_id, "key": key}).fetchone()
    assert counted is not None  # noqa: S101 - a count is always one row
    count, is_known = counted
    if is_known:
        return False
    if author is Author.SUBSCRIBER and count >= MAX_MESSAGES:
        raise TooManyMessagesError(f"a subscriber writes at most {MAX_MESSAGES} messages into a case")
    row = {
        "case_id": case.case_id,
        "key": key,
        "author": author,
        "by": by,
        "text": text,
        "written_at": now,
    }
    is_new = cursor.execute(_SQL["put_message"], row).rowcount > 0
    if is_new and author is Author.SUBSCRIBER:
        cursor.execute(_SQL["reopen"], {"case_id": case.case_id, "promised_at": promised_at(now)})
    return is_new


def tell_answered(cursor: psycopg.Cursor[Any], case: Case, text: str, *, key: UUID, now: datetime) -> None:
    """Tell the person that there is an answer; who did not sign in gets the answer itself."""
    kind = "case_answered" if case.line is not None else "case_answered_in_full"
    content = {"number": case.number, "language": case.language}
    if case.line is None:
        content["answer"] = text
    message_key = f"case_answered/{case.number}/{key}"
    put_messages(cursor, [MessageRow(message_key, kind, case.line, content, now, reached_at(cursor, case))])
    put_line_events(cursor, [_answered_event(case, key, now)])


def _answered_event(case: Case, key: UUID, now: datetime) -> EventRow:
    """Tell the operator's systems that a case was answered: which one, and nothing of what was written."""
    return EventRow(
        key=f"{EventKind.CONVERSATION_ANSWERED}/{case.number}/{key}",
        kind=EventKind.CONVERSATION_ANSWERED,
        subscriber_id=case.line,
        data={"case": case.number, "kind": case.kind, "answered_at": write_instant(now)},
        happened_at=now,
    )


def reached_at(cursor: psycopg.Cursor[Any], case: Case) -> str | None:
    """Tell where the person is reached: where they said, else at the number of the line."""
    if case.to is not None or case.line is None:
        return case.to
    row = cursor.execute(_SQL["line"], {"line": case.line}).fetchone()
    return None if row is None else row[1]


def kept_topic(topic: str | None) -> str | None:
    """Tell as what a topic is kept: a sensitive one as its neutral code. Raises `TopicUnknownError`."""
    if topic is None or topic in CATALOGUE:
        return topic
    if topic not in EXEMPT_TOPICS:
        raise TopicUnknownError("there is no such topic")
    return exempt_code(topic)


def _case_of_key(cursor: psycopg.Cursor[Any], new: NewCase) -> Case | None:
    found = case_from(cursor.execute(_SQL["case"] + "\n" + _SQL["of_key"], {"key": new.key}).fetchone())
    if found is not None and (found.line != new.line or found.kind is not new.kind):
        raise KeyTakenError("this key belongs to another case")
    return found


def _check_open(cursor: psycopg.Cursor[Any], new: NewCase) -> None:
    if new.line is None or new.kind in STATUTORY_KINDS:
        return
    count = cursor.execute(_SQL["count_open"], {"line": new.line}).fetchone()
    if count is not None and count[0] >= MAX_OPEN_OF_LINE:
        raise TooManyOpenError(f"a line has at most {MAX_OPEN_OF_LINE} open cases")


def _row(new: NewCase) -> dict[str, Any]:
    return {
        "case_id": uuid4(),
        "key": new.key,
        "number": CASE_NUMBER.written(secrets.randbits(CASE_NUMBER.bits)),
        "kind": new.kind,
        "line": new.line,
        "topic": new.topic,
        "about_source": None if new.about is None else new.about.source,
        "about_id": None if new.about is None else new.about.id,
        "to": new.to,
        "name": new.name,
        "language": new.language,
        "details": json.dumps(new.details),
        "opened_at": new.opened_at,
        "promised_at": promised_at(new.opened_at),
    }


def _tell_received(cursor: psycopg.Cursor[Any], case: Case) -> None:
    """Send the receipt; that of a declaration repeats all that was declared, with the instant it came in."""
    content: dict[str, Any] = {"number": case.number, "language": case.language}
    details = details_from(case.kind, case.details)
    if isinstance(details, CancellationDetails | WithdrawalDetails):
        kind = f"{case.kind}_received"
        content["received_at"] = case.opened_at.isoformat()
        content["declared"] = [[_pair(label), _pair(value)] for label, value in declared(details)]
    else:
        kind = "case_received"
        content["promised_at"] = case.promised_at.isoformat()
        if case.line is None:
            content["path"] = None
    key = f"{kind}/{case.number}"
    put_messages(
        cursor, [MessageRow(key, kind, case.line, content, case.opened_at, reached_at(cursor, case))]
    )


def _pair(words: Words) -> dict[str, str]:
    return {"de": words.de, "en": words.en}
