"""Write events for the operator's systems with the facts that cause them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import statements
from selbsthelfer.outbox.core.events import EventKind, event_id_of, write_data

_SQL = statements("selbsthelfer.outbox")

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When new events may be taken: before all that are tried again, also while a made-up clock runs ahead."""


class EventRow(NamedTuple):
    """An event to be told once per `key`, which its author derives from what it tells.

    `kind` is an `EventKind`; an event with `is_whole_body`, whose `data` is all that is sent, has a kind of
    its author's. `data` holds ids, bytes and instants as text: no telephone numbers, no words of people.
    """

    key: str
    kind: str
    subscriber_id: UUID | None
    data: Mapping[str, Any]
    happened_at: datetime
    is_whole_body: bool = False

    def checked_kind(self) -> str:
        """Give the kind; raises `ValueError` where it is none, so that no event is lost by a wrong name."""
        return self.kind if self.is_whole_body else EventKind(self.kind).value


def wanted_kinds(cursor: psycopg.Cursor[Any]) -> Mapping[str, datetime]:
    """Tell which kinds of events some endpoint wants, each with the earliest instant since when. One query.

    Asked before an author looks up what an event tells; nothing is to be done for what nobody wants.
    """
    return dict(cursor.execute(_SQL["wanted_kinds"]).fetchall())


def put_events(cursor: psycopg.Cursor[Any], rows: Sequence[EventRow]) -> None:
    """Write events inside the running transaction, for the endpoints that want them. One statement.

    Nothing is written where no endpoint does, nor for an endpoint that was added later than the event
    happened; an event whose key is known changes nothing. Raises `EventTooLargeError`.
    """
    if not rows:
        return
    cursor.execute(
        _SQL["put_events"],
        {
            "ids": [event_id_of(row.key) for row in rows],
            "kinds": [row.checked_kind() for row in rows],
            "lines": [row.subscriber_id for row in rows],
            "data": [write_data(row.data) for row in rows],
            "happened_at": [row.happened_at for row in rows],
            "whole_bodies": [row.is_whole_body for row in rows],
            "at_once": AT_ONCE,
        },
    )
