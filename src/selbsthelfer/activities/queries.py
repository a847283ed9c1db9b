"""Read which activities of one line finished."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.activities.operations import ActivityRow
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.activities")


def activities_of_line(
    cursor: psycopg.Cursor[Any], line: UUID, *, known_until: datetime
) -> tuple[ActivityRow, ...]:
    """Load a line's activities that had been received by an instant, inclusive, in order of time."""
    parameters = {"line": line, "known_until": known_until}
    return tuple(ActivityRow(*row) for row in cursor.execute(_SQL["activities_of_line"], parameters))
