"""Keep refused facts with their reason, so that they can be counted, read and sent again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import psycopg

from selbsthelfer.intake.arrivals import Refusal
from selbsthelfer.intake.core.facts import CrisisFact
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.intake")

MAX_KEPT_CHARACTERS = 4_000
"""How much of a refused fact is kept."""


def keep_refusals(cursor: psycopg.Cursor[Any], refusals: Sequence[Refusal], *, now: datetime) -> None:
    """Keep refusals; a repeated refusal of the same text is counted, not added."""
    rows: dict[bytes, list[Any]] = {}
    for refusal in refusals:
        digest = sha256(refusal.rejection.code.encode() + b"\0" + refusal.raw).digest()
        if digest in rows:
            rows[digest][-1] += 1
        else:
            rows[digest] = [*_columns(refusal), 1]
    if rows:
        code, field, reason, source, id_, subject, body, times = (
            list(values) for values in zip(*rows.values(), strict=True)
        )
        cursor.execute(
            _SQL["reject"],
            {
                "digest": list(rows),
                "code": code,
                "field": field,
                "reason": reason,
                "source": source,
                "id": id_,
                "subject": subject,
                "body": body,
                "times": times,
                "rejected_at": now,
            },
        )


def _columns(refusal: Refusal) -> list[str | None]:
    rejection, fact = refusal.rejection, refusal.fact
    return [
        rejection.code,
        rejection.field,
        _storable(rejection.reason),
        None if fact is None else _storable(fact.source),
        None if fact is None else _storable(fact.id),
        None if fact is None or isinstance(fact, CrisisFact) else _storable(fact.subject),
        _storable(refusal.raw[:MAX_KEPT_CHARACTERS].decode(errors="replace")),
    ]


def _storable(text: str) -> str:
    """Leave out what PostgreSQL cannot store in a text."""
    return text.replace("\x00", "�")
