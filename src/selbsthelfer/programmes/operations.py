"""Publish programmes, enrol lines, and decide for them.

`publish` is a transaction of its own. The others run inside the transaction of intake, which holds the locks
of the lines they touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.allowances.operations import Credit, credit
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import array_of, open_cursor, plan_by_key, plan_by_set, statements
from selbsthelfer.outbox.events import wanted_kinds
from selbsthelfer.programmes.alterations import (
    alter_lines,
    altered_clock_instants,
    parse_definition,
    settle_altered,
)
from selbsthelfer.programmes.budgeting import grant_from_reserved, reserve
from selbsthelfer.programmes.core.decision import JUST_BEFORE
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.variant import Variant, draw_variant
from selbsthelfer.programmes.core.windows import windows_while_open
from selbsthelfer.programmes.telling import tell_decided
from selbsthelfer.subscribers.queries import LineBilling, line_billings, line_ends

_SQL = statements("selbsthelfer.programmes")

_ASK_TOUCHED = "INSERT INTO programmes_asked " + _SQL["touched"]
_TOUCHES_GIVEN = "WITH programmes_touch AS (" + _SQL["few_touches"] + ") "
_FIND_TOUCHED = "".join((_TOUCHES_GIVEN, "SELECT subscriber_id FROM (", _SQL["touched"], ") asked"))

ROUNDS_BEFORE_TRUNCATING = 20
"""Deleted rows of temporary tables pile up within a transaction; truncating makes every plan anew."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A version in force; `is_new` is false when the same content had been published before."""

    programme: str
    version: int
    is_new: bool


class EnrolmentRow(NamedTuple):
    """A fact `programme.enrolled`; without a variant it is drawn."""

    subscriber_id: UUID
    subject: str
    programme: str
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    variant: str | None


class WithdrawalRow(NamedTuple):
    subscriber_id: UUID
    programme: str
    happened_at: datetime
    id: str
    source: str
    received_at: datetime


class Touch(NamedTuple):
    """An instant at which to decide for a line.

    `news_at` is when the earliest news happened, where activities and contacts are all that was learned;
    `may_release` says whether an activity that succeeded is among them. Most such touches can release nothing
    and are left aside at once.
    """

    subscriber_id: UUID
    decided_at: datetime
    known_until: datetime
    news_at: datetime | None = None
    may_release: bool = True


class Outstanding(NamedTuple):
    """A line that may have undecided instants of the clock and of crises: after < instant ≤ until."""

    subscriber_id: UUID
    after: datetime
    until: datetime


def publish(definition: Definition, *, now: datetime) -> Publication:
    """Publish a definition as the next version of its programme; the same again changes nothing."""
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [definition.name])
        key = {"programme": definition.name, "digest": definition.digest()}
        known = cursor.execute(_SQL["version_by_digest"], key).fetchone()
        if known is not None:
            return Publication(definition.name, known[0], is_new=False)
        row = cursor.execute(
            _SQL["put_version"], {**_settings(definition), **key, "published_at": now}
        ).fetchone()
        assert row is not None  # noqa: S101 - an aggregate always returns a row
        version = {"programme": definition.name, "version": row[0]}
        for tariff, activities in definition.not_online.items():
            for activity in sorted(activities):
                cursor.execute(_SQL["put_not_online"], {**version, "tariff": tariff, "activity": activity})
        if definition.budget_bytes is not None:
            cursor.execute(_SQL["put_budget"], version)
        return Publication(definition.name, row[0], is_new=True)


def _settings(definition: Definition) -> dict[str, Any]:
    """Lay out the settings that the set statements join."""
    return {
        "definition": definition.to_toml(),
        "stage_bytes": [stage.bytes for stage in definition.stages],
        "stage_count": definition.stage_count,
        "periods_per_stage": definition.periods_per_stage,
        "activities_min": definition.activities_min,
        "contacts_max": definition.contacts_max,
        "goodwill_contacts": definition.goodwill_contacts,
        "settle_delay": definition.settle_delay,
        "talk_seconds_min": definition.talk_seconds_min,
        "channels": sorted(definition.channels),
        "exemptions": str(definition.exemptions),
        "on_missed_stage": str(definition.on_missed_stage),
        "release": str(definition.release),
        "cap_bytes": definition.cap_bytes,
        "budget_bytes": definition.budget_bytes,
    }


def versions_in_force(cursor: psycopg.Cursor[Any]) -> Mapping[str, tuple[int, Definition]]:
    """Load the newest version of each programme."""
    rows = cursor.execute(_SQL["newest_versions"]).fetchall()
    return {programme: (version, parse_definition(text)) for programme, version, text in rows}


def affordable(
    cursor: psycopg.Cursor[Any],
    rows: Sequence[EnrolmentRow],
    versions: Mapping[str, tuple[int, Definition]],
) -> list[bool]:
    """Tell which enrolments their programme's budget can keep, and reserve for those."""
    wishes = [(row.subscriber_id, row.programme, _variant(row, versions[row.programme][1])) for row in rows]
    return reserve(cursor, wishes, versions)


def _variant(row: EnrolmentRow, definition: Definition) -> Variant:
    """The variant that the fact tells, else the one drawn."""
    if row.variant is not None:
        return Variant(row.variant)
    return draw_variant(salt=definition.salt, subject=row.subject, control_share=definition.control_share)


def enrol(
    cursor: psycopg.Cursor[Any],
    rows: Sequence[EnrolmentRow],
    versions: Mapping[str, tuple[int, Definition]],
) -> None:
    """Enrol registered lines into the version in force; a line's first enrolment in a programme holds."""
    lines = list({row.subscriber_id for row in rows})
    billings = line_billings(cursor, lines)
    ordered = sorted(rows, key=lambda r: (r.received_at, r.happened_at, r.id, r.source))
    cursor.executemany(
        _SQL["enrol"],
        [_enrolment(row, billings[row.subscriber_id], *versions[row.programme]) for row in ordered],
    )
    left = set(line_ends(cursor, lines)) | {
        row[0] for row in cursor.execute(_SQL["withdrawals_of_lines"], {"lines": lines})
    }
    altered = [line for line in lines if line in left or billings[line].changes]
    if altered:
        alter_lines(cursor, altered)


def _enrolment(
    row: EnrolmentRow, billing: LineBilling, version: int, definition: Definition
) -> dict[str, Any]:
    variant = _variant(row, definition)
    windows = windows_while_open(
        billing.timezone, billing.cycle, (), row.happened_at, definition, row.received_at
    )
    return {
        "subscriber_id": row.subscriber_id,
        "programme": row.programme,
        "version": version,
        "variant": str(variant),
        "enrolled_at": row.happened_at,
        "known_from": max(row.received_at, billing.received_at),
        "closes_at": windows.closes_at,
        "period_bounds": list(windows.bounds),
        "reserved_bytes": definition.cap_bytes if variant is Variant.TREATMENT else 0,
        "cap_bytes": definition.cap_bytes,
        "source": row.source,
        "id": row.id,
    }


def withdraw(cursor: psycopg.Cursor[Any], rows: Sequence[WithdrawalRow]) -> None:
    """Record withdrawals; the earliest holds, and what was granted stays."""
    copy_rows(cursor, "programmes_withdrawal", WithdrawalRow._fields, rows)
    alter_lines(cursor, list({row.subscriber_id for row in rows}))


def may_be_outstanding(cursor: psycopg.Cursor[Any], since: datetime) -> bool:
    """Tell whether any line may have undecided instants of the clock or of crises.

    A crisis that was swept is decided for every line; only facts received before it could still meet it.
    """
    row = cursor.execute(_SQL["may_be_outstanding"], {"since": since}).fetchone()
    return row is not None and bool(row[0])


def outstanding_touches(cursor: psycopg.Cursor[Any], lines: Sequence[Outstanding]) -> list[Touch]:
    """List the instants of the clock and of crises that are still to be decided for lines."""
    if not lines:
        return []
    ids, after, until = zip(*lines, strict=True)
    parameters = {"lines": list(ids), "after": list(after), "until": list(until)}
    touches = [
        Touch(line, received_at, received_at)
        for line, received_at in cursor.execute(_SQL["crisis_touches"], parameters)
    ]
    row = cursor.execute(_SQL["clock_is_a_touch"]).fetchone()
    if row is not None and row[0]:
        instants = {(line, at) for line, at in cursor.execute(_SQL["clock_touches"], parameters)}
        altered = altered_clock_instants(cursor, list(ids))
        for line, after_at, until_at in lines:
            instants |= {(line, at) for at in altered.get(line, ()) if after_at < at <= until_at}
        touches += [Touch(line, at, at - JUST_BEFORE) for line, at in instants]
    return touches


def touched_lines(cursor: psycopg.Cursor[Any], touches: Sequence[Touch]) -> frozenset[UUID]:
    """Find the lines for which one of a few touches may change anything; the others need no decision."""
    if not touches:
        return frozenset()
    columns = map(array_of, zip(*touches, strict=True))
    parameters = dict(zip(Touch._fields, columns, strict=True))
    return frozenset(row[0] for row in cursor.execute(_FIND_TOUCHED, parameters).fetchall())


def decide(cursor: psycopg.Cursor[Any], touches: Sequence[Touch], *, now: datetime) -> int:
    """Decide each touched line at each of its instants in order, and count the tranches released.

    Lines do not wait for each other: a round takes the next instant of every line as one set.
    """
    by_line: dict[UUID, list[Touch]] = {}
    for touch in touches:
        by_line.setdefault(touch.subscriber_id, []).append(touch)
    cursor.execute(_SQL["prepare"], prepare=False)
    released = 0
    for number, round_ in enumerate(zip_longest(*map(_in_order, by_line.values())), start=1):
        cursor.execute(_SQL["clear"], prepare=False)
        if number % ROUNDS_BEFORE_TRUNCATING == 0:
            cursor.execute(_SQL["truncate"], prepare=False)
        released += _decide_round(cursor, [touch for touch in round_ if touch is not None], now)
    return released


def _in_order(touches: list[Touch]) -> Sequence[Touch]:
    """Order a line's touches, one per instant: one that brings other news covers the others."""
    if len(touches) == 1:
        return touches
    kept: dict[tuple[datetime, datetime], Touch] = {}
    for touch in touches:
        known = kept.setdefault(touch[1:3], touch)
        if known.news_at is not None and touch.news_at is None:
            kept[touch[1:3]] = touch
    return [kept[instant] for instant in sorted(kept)]


def _decide_round(cursor: psycopg.Cursor[Any], touches: Sequence[Touch], now: datetime) -> int:
    copy_rows(cursor, "programmes_touch", Touch._fields, touches)
    plan_by_key(cursor)
    if cursor.execute(_ASK_TOUCHED).rowcount == 0:
        return 0
    settle_altered(cursor)
    cursor.execute(_SQL["drop_closed"])
    judge_asked(cursor)
    due = cursor.execute(_SQL["find_due"]).rowcount
    missed = cursor.execute(_SQL["changed_missed_masks"]).fetchall()
    plan_by_key(cursor)
    if missed:
        lines, programmes, masks = (list(column) for column in zip(*missed, strict=True))
        cursor.execute(_SQL["mark_missed"], {"lines": lines, "programmes": programmes, "masks": masks})
    released = _release_due(cursor, now) if due else 0
    wanted = wanted_kinds(cursor)
    if wanted:
        tell_decided(cursor, wanted, are_released=released > 0)
    return released


def _release_due(cursor: psycopg.Cursor[Any], now: datetime) -> int:
    """Release every tranche that is due, and credit its volume."""
    released = cursor.execute(_SQL["release_due"]).fetchall()
    cursor.execute(_SQL["mark_released"])
    grant_from_reserved(cursor)
    credit(
        cursor,
        (
            Credit(line, credit_id, "bonus", bytes_, granted_at, valid_until)
            for line, credit_id, bytes_, granted_at, valid_until in released
            if bytes_ > 0
        ),
        now=now,
    )
    return len(released)


def judge_asked(cursor: psycopg.Cursor[Any]) -> None:
    """Find what counts and decide the stages of the enrolments asked about, into the temporary tables."""
    plan_by_key(cursor)
    cursor.execute(_SQL["find_counting_activities"])
    cursor.execute(_SQL["judge_contacts"])
    plan_by_set(cursor)
    cursor.execute(_SQL["decide_stages"])
