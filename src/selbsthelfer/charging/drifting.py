"""Keep where the charging system differs from the orders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.charging.core.reconciliation import Drift
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.charging")


def put_drifts(
    cursor: psycopg.Cursor[Any], drifts: Sequence[tuple[Drift, bool]], system: str, *, now: datetime
) -> None:
    """Keep drifts, each with whether it was repaired at once; one that is known is seen again."""
    each_once = {(d.subscriber_id, d.credit_id, d.kind): (d, is_repaired) for d, is_repaired in drifts}
    if not each_once:
        return
    kept = list(each_once.values())
    cursor.execute(
        _SQL["put_drifts"],
        {
            "lines": [drift.subscriber_id for drift, _ in kept],
            "credits": [drift.credit_id for drift, _ in kept],
            "kinds": [drift.kind.value for drift, _ in kept],
            "places": [drift.place for drift, _ in kept],
            "ends_at": [drift.ends_at for drift, _ in kept],
            "resolved_at": [now if is_repaired else None for _, is_repaired in kept],
            "system": system,
            "now": now,
        },
    )


def resolve_examined(
    cursor: psycopg.Cursor[Any],
    lines: Collection[UUID],
    credits_: Collection[UUID],
    seen: Sequence[Drift],
    *,
    now: datetime,
) -> None:
    """Note that what was just looked at no longer differs, except where it was seen to."""
    if credits_:
        parameters = {
            "lines": list(lines),
            "credits": list(credits_),
            "seen_credits": [drift.credit_id for drift in seen],
            "seen_kinds": [drift.kind.value for drift in seen],
            "now": now,
        }
        cursor.execute(_SQL["resolve_examined"], parameters)


def resolve_unseen(cursor: psycopg.Cursor[Any], system: str, *, started_at: datetime, now: datetime) -> None:
    """Note, after all was looked at, that what was not seen no longer differs."""
    cursor.execute(_SQL["resolve_unseen"], {"system": system, "started_at": started_at, "now": now})


def resolve_double(cursor: psycopg.Cursor[Any], drift: Drift, *, now: datetime) -> None:
    """Note that a double is gone."""
    parameters = {"line": drift.subscriber_id, "credit_id": drift.credit_id, "now": now}
    cursor.execute(_SQL["resolve_double"], parameters)
