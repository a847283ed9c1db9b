"""Keep a programme within its budget: an enrolment is accepted only when all it promises can be kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import plan_by_key, statements
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.variant import Variant

_SQL = statements("selbsthelfer.programmes")


def reserve(
    cursor: psycopg.Cursor[Any],
    wishes: Sequence[tuple[UUID, str, Variant]],
    versions: Mapping[str, tuple[int, Definition]],
) -> list[bool]:
    """Reserve the cap for each wish (line, programme, variant) in turn; tell which can be afforded.

    Only an enrolment into `treatment` promises anything. The budget stays locked until the transaction ends.
    """
    limited = {name for _, name, _ in wishes if versions[name][1].budget_bytes is not None}
    if not limited:
        return [True] * len(wishes)
    left = {
        (programme, version): left_bytes
        for programme, version, left_bytes in cursor.execute(_SQL["budgets"], {"programmes": list(limited)})
    }
    lines = {"lines": [line for line, _, _ in wishes]}
    enrolled = set(cursor.execute(_SQL["already_enrolled"], lines).fetchall())
    reserved: dict[tuple[str, int], int] = defaultdict(int)
    answers = []
    for line, name, variant in wishes:
        version, definition = versions[name]
        key = (name, version)
        promises = name in limited and variant is Variant.TREATMENT and (line, name) not in enrolled
        affordable = not promises or reserved[key] + definition.cap_bytes <= left[key]
        answers.append(affordable)
        if promises and affordable:
            enrolled.add((line, name))
            reserved[key] += definition.cap_bytes
    for (programme, version), bytes_ in reserved.items():
        cursor.execute(_SQL["reserve"], {"programme": programme, "version": version, "bytes": bytes_})
    return answers


def grant_from_reserved(cursor: psycopg.Cursor[Any]) -> None:
    """Move what was released in this round from reserved to granted."""
    if cursor.execute(_SQL["any_budget"]).rowcount:
        _book(cursor, cursor.execute(_SQL["grant_from_reserved"]).fetchall())


def shrink_reservations(cursor: psycopg.Cursor[Any]) -> None:
    """Free what the enrolments asked about can no longer reach; their stages have just been decided."""
    rows = cursor.execute(_SQL["shrink_reservations"]).fetchall()
    _book(cursor, rows)


def reserving_lines(cursor: psycopg.Cursor[Any], beyond: UUID, limit: int) -> list[UUID]:
    """List lines, by key, whose enrolments hold part of a budget."""
    plan_by_key(cursor)
    rows = cursor.execute(_SQL["reserving_lines"], {"beyond": beyond, "limit": limit})
    return [row[0] for row in rows]


def _book(cursor: psycopg.Cursor[Any], rows: Iterable[tuple[str, int, int, int]]) -> None:
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for programme, version, granted, freed in rows:
        sums[programme, version][0] += granted
        sums[programme, version][1] += freed
    for (programme, version), (granted, freed) in sorted(sums.items()):
        cursor.execute(
            _SQL["move_to_granted"],
            {"programme": programme, "version": version, "granted": granted, "freed": freed},
        )
