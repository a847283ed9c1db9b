"""A line's cases can be exported whole, and erased but for what proves a declaration."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from selbsthelfer.conversations.core.cases import CaseKind, CaseState
from selbsthelfer.conversations.core.promising import proof_kept_until
from selbsthelfer.conversations.operations import answer, erase_line, erase_overdue
from selbsthelfer.conversations.queries import export_of_line
from selbsthelfer.kit.sql import open_cursor
from tests.conversations.test_declarations import CANCELLATION
from tests.conversations.writing import LINE, NOW, OTHER, read, texts, write

pytestmark = pytest.mark.django_db


def erase(now_later: timedelta = timedelta()) -> int:
    with transaction.atomic():
        return erase_line(open_cursor(), LINE, now=NOW + now_later)


def test_the_export_tells_everything_but_the_names_of_staff() -> None:
    case = write(to="erika@example.org", name="Erika Muster", topic="bill.view")
    answer(number=case.number, text="Wegen der Gebühr.", by="Frau Kern", now=NOW, key=uuid4())
    write(line=OTHER)
    with transaction.atomic():
        exported = export_of_line(open_cursor(), LINE)
    assert exported == {
        "cases": [
            {
                "number": case.number,
                "kind": "message",
                "state": "answered",
                "topic": "bill.view",
                "contact": None,
                "to": "erika@example.org",
                "name": "Erika Muster",
                "language": "de",
                "details": {},
                "decision": None,
                "opened_at": NOW.isoformat(),
                "promised_at": case.promised_at.isoformat(),
                "answered_at": NOW.isoformat(),
                "closed_at": None,
                "messages": [
                    {
                        "author": "subscriber",
                        "text": "Warum ist meine Rechnung höher?",
                        "written_at": NOW.isoformat(),
                    },
                    {"author": "staff", "text": "Wegen der Gebühr.", "written_at": NOW.isoformat()},
                ],
            }
        ]
    }


def test_erasure_leaves_number_kind_and_instants() -> None:
    case = write(to="erika@example.org", name="Erika Muster", topic="bill.view")
    other = write(line=OTHER)
    assert (erase(timedelta(days=1)), erase(timedelta(days=2))) == (1, 0)
    erased = read(case.number)
    assert (erased.kind, erased.opened_at, erased.promised_at) == (
        case.kind,
        case.opened_at,
        case.promised_at,
    )
    assert (erased.line, erased.to, erased.name, erased.topic, erased.details) == (None, None, None, None, {})
    assert (erased.state, erased.erased_at) == (CaseState.CLOSED, NOW + timedelta(days=1))
    assert texts(case) == []
    assert (read(other.number), len(texts(other))) == (other, 1)


def test_a_declaration_stays_whole_until_it_need_not_be_proved() -> None:
    case = write("Bitte bald.", kind=CaseKind.CANCELLATION, details=CANCELLATION)
    assert erase() == 0
    assert (read(case.number), len(texts(case))) == (case, 1)
    until = proof_kept_until(NOW)
    assert erase_overdue(now=until - timedelta(seconds=1)) == 0
    assert (erase_overdue(now=until), erase_overdue(now=until)) == (1, 0)
    assert (read(case.number).details, read(case.number).name, texts(case)) == ({}, None, [])


def test_an_old_declaration_is_erased_with_the_rest() -> None:
    case = write("", kind=CaseKind.CANCELLATION, details=CANCELLATION)
    assert erase(timedelta(days=5 * 366)) == 1
    assert read(case.number).details == {}


def test_nobody_erases_a_declaration_that_nobody_asked_to_erase() -> None:
    write("", kind=CaseKind.CANCELLATION, details=CANCELLATION)
    assert erase_overdue(now=NOW + timedelta(days=5 * 366)) == 0
