"""Write messages with the facts that cause them, and send them afterwards."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements

_SQL = statements("selbsthelfer.outbox")
_LOG = logging.getLogger(__name__)

MAX_SENT = 1_000
"""Messages sent in one transaction."""


class MessageRow(NamedTuple):
    """A message to go out once per `key`, which its author derives from what the message tells."""

    key: str
    kind: str
    subscriber_id: UUID | None
    content: Mapping[str, Any]
    created_at: datetime


def put_messages(cursor: psycopg.Cursor[Any], messages: Sequence[MessageRow]) -> None:
    """Write messages inside the running transaction; one whose key is known changes nothing."""
    if not messages:
        return
    keys, kinds, lines, contents, created_at = zip(*messages, strict=True)
    cursor.execute(
        _SQL["put_messages"],
        {
            "keys": list(keys),
            "kinds": list(kinds),
            "lines": list(lines),
            "contents": [json.dumps(content) for content in contents],
            "created_at": list(created_at),
        },
    )


def send_waiting(*, limit: int, now: datetime) -> int:
    """Send up to `limit` waiting messages, oldest first, at most `MAX_SENT`; return how many.

    Sending is logging here: the kind and the id of a message, never its content or a number.
    """
    with transaction.atomic():
        sent = (
            open_cursor()
            .execute(_SQL["take_waiting"], {"now": now, "limit": min(limit, MAX_SENT)})
            .fetchall()
        )
    for message_id, kind in sorted(sent):
        _LOG.info("sent %s, message %s", kind, message_id)
    return len(sent)
