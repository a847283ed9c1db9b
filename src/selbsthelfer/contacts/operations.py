"""Record contacts, what agents said of them, and crises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, exempt_code
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.contacts")


class ContactRow(NamedTuple):
    subscriber_id: UUID
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
    queue: str | None


class CodingRow(NamedTuple):
    subscriber_id: UUID
    contact_source: str
    contact_id: str
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    topic: str
    by: str | None


class ReclassificationRow(NamedTuple):
    subscriber_id: UUID
    contact_source: str
    contact_id: str
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    counts: bool
    reason: str | None
    by: str | None


class CrisisRow(NamedTuple):
    source: str
    id: str
    declared_at: datetime
    received_at: datetime
    from_at: datetime
    until_at: datetime
    topics: list[str] | None


def record_contacts(cursor: psycopg.Cursor[Any], contacts: Iterable[ContactRow]) -> None:
    copy_rows(cursor, "contacts_contact", ContactRow._fields, contacts)


def record_codings(cursor: psycopg.Cursor[Any], codings: Iterable[CodingRow]) -> None:
    copy_rows(cursor, "contacts_coding", CodingRow._fields, codings)


def record_reclassifications(
    cursor: psycopg.Cursor[Any], reclassifications: Iterable[ReclassificationRow]
) -> None:
    copy_rows(cursor, "contacts_reclassification", ReclassificationRow._fields, reclassifications)


def declare_crises(cursor: psycopg.Cursor[Any], crises: Sequence[CrisisRow]) -> set[tuple[str, str]]:
    """Record crises that are not known yet and return the keys of those."""
    new = set()
    for crisis in crises:
        row = cursor.execute(_SQL["declare_crisis"], crisis._asdict()).fetchone()
        if row is not None:
            new.add((crisis.source, crisis.id))
    return new


def mark_swept(cursor: psycopg.Cursor[Any], source: str, id_: str, *, now: datetime) -> None:
    """Note that a crisis is decided for every line it touches."""
    cursor.execute(_SQL["mark_swept"], {"source": source, "id": id_, "now": now})


def copy_exempt_topics(cursor: psycopg.Cursor[Any]) -> None:
    """Bring the reference table in line with the topics that never count."""
    cursor.executemany(
        _SQL["put_exempt_topic"],
        [{"topic": topic, "code": exempt_code(topic)} for topic in EXEMPT_TOPICS],
    )
