"""Read what is known about the contacts of one line."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.contacts.core.topics import exempt_code
from selbsthelfer.contacts.operations import CodingRow, ContactRow, CrisisRow, ReclassificationRow
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.contacts")

MAX_EXPORTED = 5_000
"""Contacts in one export."""
MAX_CONTACTS = 500
"""Contacts on one page; one more may be read, which tells whether another page follows."""


@dataclass(frozen=True, slots=True)
class LineContacts:
    """A line's contacts, what agents said of them, and the crises that they fell into, each by time.

    Who said it, and the reason that was given in free text, stay in this room: both are None here.
    """

    contacts: tuple[ContactRow, ...]
    codings: tuple[CodingRow, ...]
    reclassifications: tuple[ReclassificationRow, ...]
    crises: tuple[CrisisRow, ...]


def contacts_of_line(cursor: psycopg.Cursor[Any], line: UUID, *, known_until: datetime) -> LineContacts:
    """Load all that had been received about a line's contacts by an instant, inclusive."""
    told: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for kind, *row in cursor.execute(_SQL["told_of_line"], {"line": line, "known_until": known_until}):
        told[kind].append(tuple(row))
    return LineContacts(
        contacts=tuple(
            ContactRow(line, at, id_, source, received_at, *row[:7])
            for at, id_, source, received_at, _, _, *row in told["contact"]
        ),
        codings=tuple(
            CodingRow(line, contact_source, contact_id, at, id_, source, received_at, row[5], None)
            for at, id_, source, received_at, contact_source, contact_id, *row in told["coding"]
        ),
        reclassifications=tuple(
            ReclassificationRow(
                line, contact_source, contact_id, at, id_, source, received_at, row[7], None, None
            )
            for at, id_, source, received_at, contact_source, contact_id, *row in told["reclassification"]
        ),
        crises=tuple(
            CrisisRow(source, id_, at, received_at, *row[8:])
            for at, id_, source, received_at, _, _, *row in told["crisis"]
        ),
    )


class ContactKey(NamedTuple):
    """Where a page of contacts ended; the next one goes on before it."""

    happened_at: datetime
    id: str
    source: str


class LineContact(NamedTuple):
    """A contact as it may be told: `topic`, as last coded, never names what only this room may know."""

    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    channel: str | None
    direction: str | None
    outcome: str | None
    wait_seconds: int | None
    talk_seconds: int | None
    topic: str | None

    @property
    def key(self) -> ContactKey:
        return ContactKey(self.happened_at, self.id, self.source)


_AFTER_ALL: Final = ContactKey(datetime.max.replace(tzinfo=UTC), "", "")


def page_of_contacts(
    cursor: psycopg.Cursor[Any],
    line: UUID,
    *,
    known_until: datetime,
    limit: int,
    before: ContactKey | None = None,
) -> Sequence[LineContact]:
    """Page through a line's contacts received by an instant, newest first. One query.

    At most `MAX_CONTACTS` at once, and one more.
    """
    parameters = {"line": line, "known_until": known_until, "limit": min(limit, MAX_CONTACTS + 1)}
    start = before or _AFTER_ALL
    rows = cursor.execute(_SQL["contact"] + "\n" + _SQL["and_on_page"], {**parameters, **start._asdict()})
    return [_told(LineContact(*row)) for row in rows]


def contact_of_line(
    cursor: psycopg.Cursor[Any], line: UUID, *, source: str, contact_id: str, known_until: datetime
) -> LineContact | None:
    """Find a contact of a line by its key; none where no such contact had been received by an instant."""
    parameters = {"line": line, "source": source, "id": contact_id, "known_until": known_until}
    row = cursor.execute(_SQL["contact"] + "\n" + _SQL["and_of_fact"], parameters).fetchone()
    return None if row is None else _told(LineContact(*row))


def reclassification_of_fact(
    cursor: psycopg.Cursor[Any], line: UUID, *, source: str, fact_id: str
) -> ReclassificationRow | None:
    """Find what one fact of reclassification said, reason and agent included, to compare a repetition."""
    parameters = {"line": line, "source": source, "id": fact_id}
    row = cursor.execute(_SQL["reclassification_of_fact"], parameters).fetchone()
    return None if row is None else ReclassificationRow(*row)


def _told(contact: LineContact) -> LineContact:
    topic = contact.topic
    return contact._replace(topic=None if topic is None else exempt_code(topic) or topic)


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Give the contacts of a line with what agents said of them, the newest `MAX_EXPORTED`."""
    rows = cursor.execute(_SQL["export_of_line"], {"line": line, "limit": MAX_EXPORTED})
    return {"contacts": [json.loads(contact) for (contact,) in rows]}
