"""Tell the operator's systems of grants and stages, each once; of lines in `control` nothing.

A stage can still change until it settles, so it is told then, by `tell_settled`. Two stages are told at once,
by what touches their line: one that is passed for good because it released a tranche before it settled, and
one that was told missed and is passed after all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import plan_by_key, plan_by_set, statements
from selbsthelfer.outbox.core.events import EventKind, write_instant
from selbsthelfer.outbox.events import EventRow, wanted_kinds
from selbsthelfer.subscribers.telling import put_line_events

_SQL = statements("selbsthelfer.programmes")

TOLD_WITHIN: Final = timedelta(days=30)
"""A stage that settled longer ago and was not told never will be."""
_STAGES: Final = (EventKind.STAGE_PASSED, EventKind.STAGE_MISSED)


class _Stage(NamedTuple):
    """A stage to tell, passed or missed, and since when that is so."""

    subscriber_id: UUID
    programme: str
    version: int
    window: int
    level: int
    state: str
    activities: int
    contacts: int
    ends_at: datetime
    happened_at: datetime


def tell_decided(cursor: psycopg.Cursor[Any], wanted: Mapping[str, datetime], *, are_released: bool) -> None:
    """Tell what one round of decisions did, from its temporary tables; `wanted` is what endpoints want."""
    if are_released and EventKind.GRANT_RELEASED in wanted:
        plan_by_key(cursor)
        put_line_events(cursor, [_grant_event(*row) for row in cursor.execute(_SQL["grants_to_tell"])])
    if EventKind.STAGE_PASSED in wanted:
        plan_by_set(cursor)
        _tell_stages(cursor, [_Stage(*row) for row in cursor.execute(_SQL["passed_to_tell"])])


def telling_since(cursor: psycopg.Cursor[Any], *, now: datetime) -> datetime | None:
    """Say since when settled stages are to be told; none while no endpoint wants them."""
    wanted = wanted_kinds(cursor)
    instants = [wanted[kind] for kind in _STAGES if kind in wanted]
    return max(min(instants), now - TOLD_WITHIN) if instants else None


def lines_settling(
    cursor: psycopg.Cursor[Any], *, since: datetime, until: datetime, beyond: UUID, limit: int
) -> Sequence[UUID]:
    """List the lines of which a stage settled in between and was not told, a page by key."""
    parameters = {"since": since, "until": until, "beyond": beyond, "limit": limit}
    return [row[0] for row in cursor.execute(_SQL["lines_settling"], parameters)]


def tell_settled(cursor: psycopg.Cursor[Any], *, since: datetime, until: datetime) -> int:
    """Tell the stages that settled in between, of the lines asked about in this transaction; count them.

    The caller holds the locks of the lines.
    """
    plan_by_set(cursor)
    parameters = {"since": since, "until": until}
    stages = [_Stage(*row) for row in cursor.execute(_SQL["settled_to_tell"], parameters)]
    _tell_stages(cursor, stages)
    return len(stages)


def _tell_stages(cursor: psycopg.Cursor[Any], stages: Sequence[_Stage]) -> None:
    """Write down for good what is told, so that it is told once however long ago that was."""
    if not stages:
        return
    masks: dict[tuple[UUID, str], int] = defaultdict(int)
    for stage in stages:
        masks[stage.subscriber_id, stage.programme] |= _bit(stage)
    parameters = {
        "lines": [line for line, _ in masks],
        "programmes": [programme for _, programme in masks],
        "masks": list(masks.values()),
    }
    plan_by_key(cursor)
    cursor.execute(_SQL["mark_told"], parameters)
    put_line_events(cursor, [_stage_event(stage) for stage in stages])


def _bit(stage: _Stage) -> int:
    return (1 if stage.state == "passed" else 2) << 2 * stage.window


def _stage_event(stage: _Stage) -> EventRow:
    kind = EventKind.STAGE_PASSED if stage.state == "passed" else EventKind.STAGE_MISSED
    return EventRow(
        key=f"{kind}/{stage.subscriber_id}/{stage.programme}/{stage.window}",
        kind=kind,
        subscriber_id=stage.subscriber_id,
        data={
            "programme": stage.programme,
            "version": stage.version,
            "window": stage.window,
            "level": stage.level,
            "activities": stage.activities,
            "contacts": stage.contacts,
            "ended_at": write_instant(stage.ends_at),
        },
        happened_at=stage.happened_at,
    )


def _grant_event(
    line: UUID,
    programme: str,
    version: int,
    index: int,
    window: int,
    level: int,
    bytes_: int,
    granted_at: datetime,
    valid_until: datetime,
    credit_id: UUID,
    source: str | None,
    activity_id: str | None,
) -> EventRow:
    return EventRow(
        key=f"{EventKind.GRANT_RELEASED}/{credit_id}",
        kind=EventKind.GRANT_RELEASED,
        subscriber_id=line,
        data={
            "programme": programme,
            "version": version,
            "index": index,
            "window": window,
            "level": level,
            "bytes": bytes_,
            "bucket": str(credit_id),
            "granted_at": write_instant(granted_at),
            "valid_until": write_instant(valid_until),
            "activity": None if activity_id is None else {"source": source, "id": activity_id},
        },
        happened_at=granted_at,
    )
