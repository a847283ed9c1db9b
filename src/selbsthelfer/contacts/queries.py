"""Read what is known about the contacts of one line."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.contacts.operations import CodingRow, ContactRow, CrisisRow, ReclassificationRow
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.contacts")

MAX_EXPORTED = 5_000
"""Contacts in one export."""


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


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Give the contacts of a line with what agents said of them, the newest `MAX_EXPORTED`."""
    rows = cursor.execute(_SQL["export_of_line"], {"line": line, "limit": MAX_EXPORTED})
    return {"contacts": [json.loads(contact) for (contact,) in rows]}
