"""Messages as their authors write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.adapters.inbox import InboxNotifier
from selbsthelfer.outbox.core.messages import Notifier
from selbsthelfer.outbox.notifying import Notifiers
from selbsthelfer.outbox.operations import MessageRow, Round, put_messages, send_waiting
from selbsthelfer.outbox.queries import InboxMessage, Waiting, inbox_of, waiting

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LINE = UUID(int=7)
BASE_URL = "https://mein.example.de"
CODE = {"code": "482913", "minutes": 10, "language": "de"}
INBOX = Notifiers(InboxNotifier(), InboxNotifier(), BASE_URL, is_inbox=True)


def put(
    *keys: str,
    kind: str = "case_answered",
    content: dict[str, Any] | None = None,
    to: str | None = None,
    line: UUID | None = None,
    at: datetime = NOW,
) -> None:
    """Write messages in a transaction of their own."""
    told = {"number": "F-1234-5678"} if content is None else content
    with transaction.atomic():
        put_messages(open_cursor(), [MessageRow(key, kind, line, told, at, to) for key in keys])


def carried_by(*, sms: Notifier | None = None, email: Notifier | None = None) -> Notifiers:
    return Notifiers(sms or InboxNotifier(), email or InboxNotifier(), BASE_URL, is_inbox=False)


def send(notifiers: Notifiers = INBOX, *, now: datetime = NOW, limit: int = 100) -> Round:
    return send_waiting(limit=limit, now=now, notifiers=notifiers)


def count_waiting() -> Waiting:
    with transaction.atomic():
        return waiting(open_cursor())


def read(**whose: Any) -> list[InboxMessage]:
    with transaction.atomic():
        return inbox_of(open_cursor(), **whose)


def state_of(key: str) -> dict[str, Any]:
    """Read the row of a message."""
    columns = ("sent_at", "failed_at", "failure", "attempts", "address", "content", "due_at", "emptied_at")
    with transaction.atomic():
        row = (
            open_cursor()
            .execute(
                "SELECT sent_at, failed_at, failure, attempts, address, content::text, due_at, emptied_at"
                " FROM outbox_message WHERE key = %s",
                [key],
            )
            .fetchone()
        )
    assert row is not None
    return dict(zip(columns, row, strict=True))
