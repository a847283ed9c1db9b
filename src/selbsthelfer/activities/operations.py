"""Record finished activities, and copy the catalogue for the statements that join it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import array_of, statements

_SQL = statements("selbsthelfer.activities")


class ActivityRow(NamedTuple):
    subscriber_id: UUID
    activity: str
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    succeeded: bool


def record(cursor: psycopg.Cursor[Any], activities: Iterable[ActivityRow]) -> None:
    """Append activities inside the transaction of intake, which has seen to it that each is new."""
    copy_rows(cursor, "activities_activity", ActivityRow._fields, activities)


def record_few(cursor: psycopg.Cursor[Any], activities: Sequence[ActivityRow]) -> None:
    """Append a few activities by one statement, which is quicker than COPY up to some hundreds."""
    if activities:
        columns = map(array_of, zip(*activities, strict=True))
        cursor.execute(_SQL["record_few"], dict(zip(ActivityRow._fields, columns, strict=True)))


def copy_catalogue(cursor: psycopg.Cursor[Any]) -> None:
    """Bring the reference table in line with the catalogue; rows that left the catalogue stay."""
    cursor.executemany(
        _SQL["put_kind"],
        [
            {"activity": row.id, "counting_class": row.counting_class.value, "online": row.online}
            for row in CATALOGUE.values()
        ],
    )
