"""Answers that are kept, so that asking for the same thing twice does it once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg

from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.identity")

ANSWERS_KEPT_HOURS: Final = 48


class KeptAnswer(NamedTuple):
    """What was answered, and the digest of what was asked; no status where nothing was answered yet."""

    asked: str
    status: int | None
    body: bytes


def begin_answer(
    cursor: psycopg.Cursor[Any], *, client: str, key: str, asked: str, now: datetime
) -> KeptAnswer:
    """Find what was answered to a client's key, or take the key for what is asked now.

    Waits for whoever has taken the same key in a transaction that still runs.
    """
    row = cursor.execute(
        _SQL["begin_answer"], {"client": client, "key": key, "asked": asked, "now": now}
    ).fetchone()
    assert row is not None  # noqa: S101 - the statement always gives one
    return KeptAnswer(row[0], row[1], bytes(row[2] or b""))


def keep_answer(cursor: psycopg.Cursor[Any], *, client: str, key: str, status: int, body: bytes) -> None:
    """Keep what is answered, in the transaction of the work."""
    cursor.execute(_SQL["keep_answer"], {"client": client, "key": key, "status": status, "body": body})


def forget_answers(cursor: psycopg.Cursor[Any], *, now: datetime, limit: int) -> int:
    """Forget answers whose time is over, inside the running transaction; return how many."""
    before = now - timedelta(hours=ANSWERS_KEPT_HOURS)
    return cursor.execute(_SQL["forget_answers"], {"before": before, "limit": limit}).rowcount
