"""What the programme gave, what it cost and what is worth looking at, read from the demo's database."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.demo.core.diary import PROGRAMME
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.queries import (
    EnrolmentState,
    StageRow,
    Standings,
    enrolled_lines,
    standings,
    tranches_waiting,
)
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from selbsthelfer.subscribers.queries import line_standings

_SQL = statements("selbsthelfer.demo")

CENTS_PER_GIGABYTE: Final = 20
"""Marginal cost of volume to an operator; assumed, the range is 2 to 100."""
_GIGABYTE = 1_000_000_000
_CHOICES: Final[Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "new": ("newest", {}),
    "bonus_half_used": ("bonus_left", {"least": 0.3, "most": 0.7, "wished": 0.5}),
    "bonus_used_up": ("bonus_left", {"least": 0.0, "most": 0.0, "wished": 0.0}),
    "failed_yesterday": ("failed_last", {}),
    "all_earned": ("all_earned", {}),
}
"""How a line is found for each thing to see: by which statement, and with which shares of a bonus left."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is of everything; `treatment` and `control` count enrolments."""

    lines: int
    ended: int
    treatment: int
    control: int
    facts: int
    contacts: int
    activities: int
    failed_activities: int


@dataclass(frozen=True, slots=True)
class Given:
    """What the programme gave: `lines` got something, `lines_full` all that there is; cost in euro cents."""

    grants: int
    bytes: int
    lines: int
    lines_full: int
    used_bytes: int
    cost_cents: int


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The figures of a loaded demo at an instant.

    `stages` counts the windows of the lines in treatment by state. `codes` counts the contacts inside the
    windows of both variants that do not count, by why; `counting` counts those that do. `worth_a_look` names
    a line for each thing to see; what no line shows at present is missing. `numbers` are the numbers of those
    lines, by which their people sign in.
    """

    now: datetime
    totals: Totals
    given: Given
    stages: Mapping[str, int]
    counting: int
    codes: Mapping[str, int]
    contacts_by_channel: Mapping[str, int]
    orders: Mapping[str, int]
    worth_a_look: Mapping[str, str]
    numbers: Mapping[str, str]


def read_summary(*, now: datetime, cents_per_gigabyte: int = CENTS_PER_GIGABYTE) -> DemoSummary:
    """Read the figures by sets; a loaded demo of 2,000 lines takes about a second."""
    with transaction.atomic():
        cursor: psycopg.Cursor[Any] = open_cursor()
        parameters = {"programme": PROGRAMME, "now": now}
        stages, codes, second_stage = _judge_everybody(cursor, now)
        worth_a_look = {} if second_stage is None else {"second_stage_after_a_missed_one": second_stage}
        waiting = _volume_waits(cursor, now)
        if waiting is not None:
            worth_a_look["volume_waits"] = waiting
        for name, (statement, shares) in _CHOICES.items():
            for (subject,) in cursor.execute(_SQL[statement], {**parameters, **shares}):
                worth_a_look[name] = subject
        shown = [subscriber_id_of(subject) for subject in worth_a_look.values()]
        reached = line_standings(cursor, shown).values()
        return DemoSummary(
            now=now,
            totals=Totals(*_row(cursor, "totals", parameters)),
            given=_read_given(cursor, parameters, cents_per_gigabyte),
            stages=stages,
            counting=codes.pop(None, 0),
            codes={code: number for code, number in codes.most_common() if code is not None},
            contacts_by_channel=dict(cursor.execute(_SQL["contacts_by_channel"]).fetchall()),
            orders=dict(cursor.execute(_SQL["orders_by_state"]).fetchall()),
            worth_a_look=worth_a_look,
            numbers={s.line.subject: s.msisdn for s in reached if s.msisdn is not None},
        )


def cost_cents(given_bytes: int, cents_per_gigabyte: int) -> int:
    """Compute what volume costs, rounded to whole cents, half upwards."""
    return (given_bytes * cents_per_gigabyte + _GIGABYTE // 2) // _GIGABYTE


def _read_given(
    cursor: psycopg.Cursor[Any], parameters: Mapping[str, object], cents_per_gigabyte: int
) -> Given:
    grants, bytes_, lines, lines_full = _row(cursor, "given", parameters)
    (used_bytes,) = _row(cursor, "used", parameters)
    return Given(grants, bytes_, lines, lines_full, used_bytes, cost_cents(bytes_, cents_per_gigabyte))


def _row(cursor: psycopg.Cursor[Any], name: str, parameters: Mapping[str, object]) -> Sequence[Any]:
    row = cursor.execute(_SQL[name], parameters).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return tuple(row)


def _judge_everybody(
    cursor: psycopg.Cursor[Any], now: datetime
) -> tuple[dict[str, int], Counter[str | None], str | None]:
    """Count stages by state and contacts by code, and find a line in its second stage after a missed one."""
    stages: Counter[str] = Counter({"passed": 0, "missed": 0, "open": 0})
    codes: Counter[str | None] = Counter()
    second_stage: str | None = None
    for page in enrolled_lines(cursor):
        subjects = {line: subject for subject, line in page}
        found = standings(cursor, list(subjects), now=now)
        treated = {e.subscriber_id for e in found.enrolments if e.variant == "treatment"}
        stages.update(stage.state for stage in found.stages if stage.subscriber_id in treated)
        codes.update(contact.code for contact in found.contacts)
        if second_stage is None:
            second_stage = _second_stage(found, treated, subjects, now)
    return dict(stages), codes, second_stage


def _volume_waits(cursor: psycopg.Cursor[Any], now: datetime) -> str | None:
    """Find the first line for which volume waits that only a task is missing to."""
    beyond: UUID | None = None
    found: list[UUID] = []
    while True:
        page = tranches_waiting(cursor, at=now, beyond=beyond)
        found += [tranche.subscriber_id for tranche in page.tranches]
        if page.next_beyond is None:
            break
        beyond = page.next_beyond
    return min((s.line.subject for s in line_standings(cursor, found).values()), default=None)


def _second_stage(
    found: Standings, treated: set[UUID], subjects: Mapping[UUID, str], now: datetime
) -> str | None:
    """Find the first line that stands in its second window and has missed the first."""
    first_missed = {s.subscriber_id for s in found.stages if _is_missed_first(s)}
    standing = [
        subjects[e.subscriber_id]
        for e in found.enrolments
        if e.subscriber_id in treated & first_missed and e.stopped_at is None and _is_in_second(e, now)
    ]
    return min(standing, default=None)


def _is_missed_first(stage: StageRow) -> bool:
    return stage.window == 1 and stage.state == "missed"


def _is_in_second(enrolment: EnrolmentState, now: datetime) -> bool:
    return 4 <= bisect_right(enrolment.period_bounds, now) <= 6
