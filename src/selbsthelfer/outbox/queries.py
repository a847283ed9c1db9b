"""Read what is waiting to go out, and what the demo inbox shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import statements
from selbsthelfer.kit.wording import Language
from selbsthelfer.outbox.core.messages import Channel
from selbsthelfer.outbox.core.wording import UntoldError
from selbsthelfer.outbox.core.wordings import word_message
from selbsthelfer.outbox.notifying import DEFAULT_BASE_URL

_SQL = statements("selbsthelfer.outbox")

MAX_LISTED = 200
"""Messages shown in an inbox at once."""
MAX_EXPORTED = 10_000
"""Messages of a line in its export, the newest."""


class Waiting(NamedTuple):
    """How many messages wait, and since when the oldest does."""

    messages: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message as its reader sees it; `sent_at` is None while it waits.

    `path` is where its link leads in this house, `text` is the short message and `letter` the whole e-mail.
    """

    message_id: int
    kind: str
    channel: Channel
    to: str | None
    subject: str
    text: str
    letter: str
    path: str | None
    created_at: datetime
    sent_at: datetime | None


def waiting(cursor: psycopg.Cursor[Any]) -> Waiting:
    """Count the messages that wait."""
    row = cursor.execute(_SQL["waiting"]).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return Waiting(*row)


def failures(cursor: psycopg.Cursor[Any]) -> Mapping[str, int]:
    """Count the messages that failed for good, by code."""
    return dict(cursor.execute(_SQL["failures"]).fetchall())


def inbox_of(
    cursor: psycopg.Cursor[Any],
    *,
    subscriber_id: UUID | None = None,
    to: str | None = None,
    limit: int = MAX_LISTED,
    language: Language | None = None,
    base_url: str = DEFAULT_BASE_URL,
) -> list[InboxMessage]:
    """Read the messages of a line or of an address, or of everybody, newest first, at most `MAX_LISTED`.

    For the demo inbox only, since codes are among them: messages are there as soon as they are written. What
    has been emptied, and kinds that have no words, are left out. `language` overrides that of each message.
    """
    most = min(limit, MAX_LISTED)
    if subscriber_id is not None:
        rows = cursor.execute(_SQL["newest_of_line"], {"line": subscriber_id, "limit": most})
    elif to is not None:
        rows = cursor.execute(_SQL["newest_of_address"], {"to": to, "limit": most})
    else:
        rows = cursor.execute(_SQL["newest"], {"limit": most})
    shown = (_shown(row, language, base_url) for row in rows.fetchall())
    return [message for message in shown if message is not None]


def _shown(row: Iterable[Any], language: Language | None, base_url: str) -> InboxMessage | None:
    message_id, kind, channel, address, content, created_at, sent_at = row
    try:
        worded = word_message(kind, json.loads(content), base_url=base_url, language=language)
    except UntoldError:
        return None
    return InboxMessage(
        message_id=message_id,
        kind=kind,
        channel=Channel(channel),
        to=address,
        subject=worded.subject,
        text=worded.text,
        letter=worded.letter,
        path=None if worded.link is None else worded.link.removeprefix(base_url.rstrip("/")),
        created_at=created_at,
        sent_at=sent_at,
    )


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Tell what is kept about the messages to a line, the newest `MAX_EXPORTED`; codes are left out.

    With them, as many events about it that were told to the operator's systems.
    """
    rows = cursor.execute(_SQL["export_of_line"], {"line": line, "limit": MAX_EXPORTED}).fetchall()
    events = cursor.execute(_SQL["export_events_of_line"], {"line": line, "limit": MAX_EXPORTED}).fetchall()
    return {
        "events": [
            {"kind": kind, "data": json.loads(data), "happened_at": happened_at.isoformat()}
            for kind, data, happened_at in events
        ],
        "messages": [
            {
                "kind": kind,
                "channel": channel,
                "to": address,
                "content": {} if is_secret else json.loads(content),
                "written_at": created_at.isoformat(),
                "sent_at": None if sent_at is None else sent_at.isoformat(),
            }
            for kind, channel, address, content, is_secret, created_at, sent_at in rows
        ],
    }
