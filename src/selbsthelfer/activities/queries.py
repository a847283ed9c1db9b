"""Read what a line has done for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.activities")

MAX_EXPORTED = 10_000
"""Activities in one export, the newest."""


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
