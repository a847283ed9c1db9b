"""Decide what no fact touches: the clock, newly declared crises, and facts that waited too long."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.contacts import operations as contacts
from selbsthelfer.intake.arrivals import PARKED_FOR, Refusal
from selbsthelfer.intake.core.validation import Rejection, read_fact
from selbsthelfer.intake.operations import later_instants
from selbsthelfer.intake.refusals import keep_refusals
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes import operations as programmes
from selbsthelfer.programmes.budgeting import reserving_lines, shrink_reservations
from selbsthelfer.programmes.operations import Outstanding, Touch
from selbsthelfer.programmes.queries import ask_standings
from selbsthelfer.programmes.telling import lines_settling, tell_settled, telling_since

_SQL = statements("selbsthelfer.intake")
_BEFORE_ALL = UUID(int=0)
_NEVER_REGISTERED = Rejection("parked_too_long", "subject", "the line was not registered within 30 days")

MAX_SWEPT = 5_000
"""Lines, or parked facts, in one transaction of a sweep."""


def sweep(*, now: datetime) -> int:
    """Decide what the clock and newly declared crises have made due, and refuse facts parked too long.

    Runs in batches of `MAX_SWEPT`, each a transaction of its own, so that it may be interrupted and started
    again. Returns the number of tranches released.
    """
    released = 0
    with transaction.atomic():
        crises = open_cursor().execute(_SQL["unswept_crises"]).fetchall()
    for source, id_, received_at in crises:
        released += _sweep_batches(
            _SQL["lines_in_crisis"], {"source": source, "id": id_}, crisis_at=received_at, now=now
        )
        with transaction.atomic():
            contacts.mark_swept(open_cursor(), source, id_, now=now)
    released += _sweep_batches(_SQL["lines_behind_clock"], {"until": now}, crisis_at=None, now=now)
    _tell_settled_stages(now)
    _shrink_reservations(now)
    while _refuse_stale(now) == MAX_SWEPT:
        pass
    return released


def _tell_settled_stages(now: datetime) -> None:
    """Tell the operator's systems, where they want that, which stages settled since they were last asked."""
    beyond = _BEFORE_ALL
    while True:
        with transaction.atomic():
            cursor = open_cursor()
            since = telling_since(cursor, now=now)
            if since is None:
                return
            lines = lines_settling(cursor, since=since, until=now, beyond=beyond, limit=MAX_SWEPT)
            if not lines:
                return
            cursor.execute(_SQL["lock_swept_lines"], {"lines": lines})
            ask_standings(cursor, lines, now=now)
            tell_settled(cursor, since=since, until=now)
            beyond = lines[-1]


def _shrink_reservations(now: datetime) -> None:
    """Free the parts of budgets that enrolments can no longer reach."""
    beyond = _BEFORE_ALL
    while True:
        with transaction.atomic():
            cursor = open_cursor()
            lines = reserving_lines(cursor, beyond, MAX_SWEPT)
            if not lines:
                return
            cursor.execute(_SQL["lock_swept_lines"], {"lines": lines})
            ask_standings(cursor, lines, now=now)
            shrink_reservations(cursor)
            beyond = lines[-1]


def _sweep_batches(
    statement: LiteralString, parameters: dict[str, Any], *, crisis_at: datetime | None, now: datetime
) -> int:
    released, beyond = 0, _BEFORE_ALL
    while True:
        with transaction.atomic():
            cursor = open_cursor()
            found = cursor.execute(statement, {**parameters, "beyond": beyond, "limit": MAX_SWEPT}).fetchall()
            if not found:
                return released
            lines: list[UUID] = [row[0] for row in found]
            released += _sweep_lines(cursor, lines, crisis_at, now)
            beyond = lines[-1]


def _sweep_lines(
    cursor: psycopg.Cursor[Any], lines: list[UUID], crisis_at: datetime | None, now: datetime
) -> int:
    """Decide one batch: a crisis at its own instant and all later ones, the clock up to now."""
    frontiers: dict[UUID, datetime] = dict(
        cursor.execute(_SQL["lock_swept_lines"], {"lines": lines}).fetchall()
    )
    until = crisis_at or now
    spans = [Outstanding(line, min(at, until), max(at, until)) for line, at in frontiers.items()]
    touches = programmes.outstanding_touches(cursor, spans)
    if crisis_at is not None:
        touches += [Touch(line, crisis_at, crisis_at) for line in frontiers]
        touches += later_instants(cursor, dict.fromkeys(frontiers, crisis_at))
    cursor.execute(_SQL["advance_swept_lines"], {"lines": lines, "until": until})
    return programmes.decide(cursor, touches, now=now)


def _refuse_stale(now: datetime) -> int:
    """Refuse parked facts whose line was never registered, and count them."""
    with transaction.atomic():
        cursor = open_cursor()
        parameters = {"before": now - PARKED_FOR, "limit": MAX_SWEPT}
        bodies = [bytes(row[0]) for row in cursor.execute(_SQL["drop_stale_parked"], parameters)]
        refusals = []
        for body in bodies:
            fact = read_fact(body)
            refusals.append(Refusal(_NEVER_REGISTERED, body, None if isinstance(fact, Rejection) else fact))
        keep_refusals(cursor, refusals, now=now)
        return len(bodies)
