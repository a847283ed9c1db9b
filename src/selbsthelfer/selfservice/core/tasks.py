"""What identifies a task, and how long an unanswered one is asked for again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID, uuid5

SOURCE: Final = "/selbsthelfer/portal"
"""The source of every fact that this room reports."""
ASK_AGAIN_AFTER: Final = timedelta(seconds=60)
"""A task without an answer for so long is asked for again, then after twice as long, and so on."""
LONGEST_WAIT: Final = timedelta(hours=1)
MAX_ATTEMPTS: Final = 30
"""How often a task is asked for in all: somewhat more than a day."""


def task_id_of(subscriber_id: UUID, activity: str, key: str) -> UUID:
    """Derive the id of a task: the same key of another line or activity is another task."""
    return uuid5(subscriber_id, f"{activity}/{key}")


def key_of_view(on: date) -> str:
    """Give the key under which opening something counts once in a local day."""
    return f"view/{on.isoformat()}"
