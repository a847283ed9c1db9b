"""Read what a line has done for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.activities")

MAX_EXPORTED = 10_000
"""Activities in one export, the newest."""
MAX_FAILED = 10
"""Kinds of activities whose failure is told at once, the newest."""


class FailedActivity(NamedTuple):
    """A kind of activity that failed, with its newest failure, and has not succeeded since."""

    activity: str
    happened_at: datetime


def failed_recently(cursor: psycopg.Cursor[Any], line: UUID, *, since: datetime) -> Sequence[FailedActivity]:
    """List what failed since an instant and has not succeeded afterwards, each kind once, newest first.

    At most `MAX_FAILED`. It is told whoever reported it, this portal or the operator's own app; what the
    catalogue does not know is left out, as it has no name.
    """
    parameters = {"line": line, "since": since, "known": list(CATALOGUE), "limit": MAX_FAILED}
    rows = cursor.execute(_SQL["failed_recently"], parameters)
    return [FailedActivity(*row) for row in rows]


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Give the finished activities of a line, the newest `MAX_EXPORTED`."""
    rows = cursor.execute(_SQL["export_of_line"], {"line": line, "limit": MAX_EXPORTED})
    return {
        "activities": [
            {
                "activity": activity,
                "happened_at": happened_at.isoformat(),
                "received_at": received_at.isoformat(),
                "succeeded": succeeded,
                "source": source,
                "id": id_,
            }
            for activity, happened_at, received_at, succeeded, source, id_ in rows
        ]
    }
