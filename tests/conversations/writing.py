"""Cases as people open them, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from selbsthelfer.conversations import queries
from selbsthelfer.conversations.core.cases import Case, CaseKind
from selbsthelfer.conversations.operations import open_case
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.queries import InboxMessage, inbox_of
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.portal.life import Life

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LINE = subscriber_id_of("tel-1")
OTHER = subscriber_id_of("tel-2")


def register(subject: str = "tel-1", **more: Any) -> None:
    Life(subject, msisdn="+4915112345678", **more).send()


def write(
    text: str = "Warum ist meine Rechnung höher?",
    *,
    kind: CaseKind = CaseKind.MESSAGE,
    key: UUID | None = None,
    now: datetime = NOW,
    **more: Any,
) -> Case:
    """Open a case of `LINE` unless said."""
    return open_case(kind=kind, text=text, key=key or uuid4(), now=now, **({"line": LINE} | more))


def read(number: str) -> Case:
    with transaction.atomic():
        found = queries.case_by_number(open_cursor(), number)
    assert found is not None
    return found


def texts(case: Case) -> list[tuple[str, str | None, str]]:
    with transaction.atomic():
        found = queries.messages_of_case(open_cursor(), case.case_id)
    return [(m.author.value, m.by, m.text) for m in found]


def told(**whose: Any) -> list[InboxMessage]:
    """Read the messages that went to somebody, the oldest first."""
    with transaction.atomic():
        return inbox_of(open_cursor(), **whose)[::-1]
