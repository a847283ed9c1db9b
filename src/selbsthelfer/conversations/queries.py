"""Read cases: for staff by number, for a subscriber only those of their own line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg

from selbsthelfer.conversations.core.cases import (
    AboutContact,
    Author,
    Case,
    CaseKind,
    CaseMessage,
    CaseState,
    Decision,
)
from selbsthelfer.conversations.core.numbers import CASE_NUMBER
from selbsthelfer.kit.numbers import BrokenNumberError
from selbsthelfer.kit.sql import statements
from selbsthelfer.kit.wording import Language

_SQL = statements("selbsthelfer.conversations")

MAX_LISTED: Final = 200
"""Cases listed at once."""
MAX_MESSAGES: Final = 200
"""Messages of the subscriber in one case; staff can always answer."""
MAX_READ: Final = 1_000
"""Messages of one case read at once, the newest."""
MAX_EXPORTED: Final = 1_000
"""Cases of a line in its export, and disputes of it; the newest first."""


def case_by_number(cursor: psycopg.Cursor[Any], number: str) -> Case | None:
    """Find a case for staff, by its number as typed; None where there is none."""
    try:
        parameters = {"number": CASE_NUMBER.read(number)}
    except BrokenNumberError:
        return None
    return case_from(cursor.execute(_SQL["case"] + "\n" + _SQL["of_number"], parameters).fetchone())


def case_of_line(cursor: psycopg.Cursor[Any], number: str, line: UUID) -> Case | None:
    """Find a case for the subscriber of a line; a case of anybody else is as if it were not there."""
    found = case_by_number(cursor, number)
    return found if found is not None and found.line == line else None


def cases_of_line(cursor: psycopg.Cursor[Any], line: UUID, limit: int = MAX_LISTED) -> list[Case]:
    """List the cases of a line, the newest first."""
    return _listed(cursor, "of_line", {"line": line, "limit": min(limit, MAX_LISTED)})


def disputes_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[AboutContact, Case]:
    """Find the newest dispute about each contact of a line."""
    found = _listed(cursor, "disputes_of_line", {"line": line, "limit": MAX_EXPORTED})
    return {case.about: case for case in reversed(found) if case.about is not None}


def waiting_cases(cursor: psycopg.Cursor[Any], limit: int = MAX_LISTED) -> list[Case]:
    """List the open cases for staff, the one whose answer is promised first at the top."""
    return _listed(cursor, "waiting", {"limit": min(limit, MAX_LISTED)})


def messages_of_case(cursor: psycopg.Cursor[Any], case_id: UUID) -> list[CaseMessage]:
    """Read what was written in a case, in order; of very many the newest `MAX_READ`."""
    rows = cursor.execute(_SQL["messages"], {"case_id": case_id, "limit": MAX_READ}).fetchall()
    return [CaseMessage(Author(author), by, text, written_at) for author, by, text, written_at in rows]


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Tell all that is kept about the cases of a line; the names of staff are left out."""
    found = _listed(cursor, "of_line", {"line": line, "limit": MAX_EXPORTED})
    return {"cases": [_exported(case, messages_of_case(cursor, case.case_id)) for case in found]}


def case_from(row: Sequence[Any] | None) -> Case | None:
    """Make a case of a row of the statement `case`."""
    if row is None:
        return None
    case_id, number, kind, state, line, topic, about_source, about_id, to, name, language, details, *rest = (
        row
    )
    decision, *instants = rest
    opened_at, promised_at, answered_at, closed_at, erased_at = instants
    return Case(
        case_id=case_id,
        number=number,
        kind=CaseKind(kind),
        state=CaseState(state),
        line=line,
        topic=topic,
        about=None if about_id is None else AboutContact(about_source, about_id),
        to=to,
        name=name,
        language=Language(language),
        details=json.loads(details),
        decision=None if decision is None else Decision(decision),
        opened_at=opened_at,
        promised_at=promised_at,
        answered_at=answered_at,
        closed_at=closed_at,
        erased_at=erased_at,
    )


def _listed(cursor: psycopg.Cursor[Any], which: str, parameters: Mapping[str, Any]) -> list[Case]:
    rows = cursor.execute(_SQL["case"] + "\n" + _SQL[which], parameters).fetchall()
    return [case for case in map(case_from, rows) if case is not None]


def _exported(case: Case, messages: Sequence[CaseMessage]) -> dict[str, object]:
    return {
        "number": case.number,
        "kind": case.kind.value,
        "state": case.state.value,
        "topic": case.topic,
        "contact": None if case.about is None else {"source": case.about.source, "id": case.about.id},
        "to": case.to,
        "name": case.name,
        "language": case.language.value,
        "details": dict(case.details),
        "decision": None if case.decision is None else case.decision.value,
        **{
            name: None if at is None else at.isoformat()
            for name, at in (
                ("opened_at", case.opened_at),
                ("promised_at", case.promised_at),
                ("answered_at", case.answered_at),
                ("closed_at", case.closed_at),
            )
        },
        "messages": [
            {"author": m.author.value, "text": m.text, "written_at": m.written_at.isoformat()}
            for m in messages
        ],
    }
