"""Read what intake keeps, and find the lines that files speak of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from selbsthelfer.kit.sql import statements
from selbsthelfer.subscribers.core.lines import subscriber_id_of

_SQL = statements("selbsthelfer.intake")

MAX_REJECTS = 1_000
"""Refusals listed at once."""


class RejectCount(NamedTuple):
    """How many different facts were refused with a code, and how often in all."""

    code: str
    facts: int
    times: int


class RejectRow(NamedTuple):
    """A fact that was refused; `body` is how it was sent, cut if it is long."""

    code: str
    field: str | None
    reason: str
    source: str | None
    id: str | None
    subject: str | None
    body: str
    first_rejected_at: datetime
    times: int


class Caller(NamedTuple):
    """Somebody who called at an instant, with every way to write the number."""

    spellings: tuple[str, ...]
    called_at: datetime


def reject_counts(cursor: psycopg.Cursor[Any]) -> list[RejectCount]:
    """Count the refused facts by code."""
    return [RejectCount(*row) for row in cursor.execute(_SQL["reject_counts"])]


def newest_rejects(cursor: psycopg.Cursor[Any], *, code: str | None, limit: int) -> list[RejectRow]:
    """List the newest refusals, of one code or all; at most `MAX_REJECTS`."""
    if not 0 < limit <= MAX_REJECTS:
        raise ValueError(f"between 1 and {MAX_REJECTS} refusals are listed at once")
    return [RejectRow(*row) for row in cursor.execute(_SQL["rejects"], {"code": code, "limit": limit})]


def lines_of_callers(cursor: psycopg.Cursor[Any], callers: Sequence[Caller]) -> Mapping[int, str]:
    """Find who had the number of each caller at that time: the operator's id, by position in the list."""
    asked = [
        (ordinal, spelling, caller.called_at)
        for ordinal, caller in enumerate(callers)
        for spelling in caller.spellings
    ]
    if not asked:
        return {}
    ordinals, msisdns, instants = zip(*asked, strict=True)
    parameters = {"ordinals": list(ordinals), "msisdns": list(msisdns), "instants": list(instants)}
    return dict(cursor.execute(_SQL["lines_of_numbers"], parameters).fetchall())


def registered(cursor: psycopg.Cursor[Any], subjects: Collection[str]) -> frozenset[str]:
    """Tell which of the operator's ids are those of registered lines."""
    lines = [subscriber_id_of(subject) for subject in subjects]
    return frozenset(row[0] for row in cursor.execute(_SQL["lines_of_subjects"], {"lines": lines}))
