"""Read what is waiting to go out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.outbox")


class Waiting(NamedTuple):
    """How many messages wait, and since when the oldest does."""

    messages: int
    oldest_at: datetime | None


def waiting(cursor: psycopg.Cursor[Any]) -> Waiting:
    """Count the messages that wait."""
    row = cursor.execute(_SQL["waiting"]).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return Waiting(*row)
