"""A made-up operator of any size, loaded by COPY and then decided by the real statements.

The heap lies in order of time, as a year of life leaves it, not in order of lines; keys are built afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from django.db import connection, transaction

from selbsthelfer.activities.operations import copy_catalogue
from selbsthelfer.contacts.operations import copy_exempt_topics
from selbsthelfer.kit.copying import copy_rows
from selbsthelfer.kit.sql import open_cursor, plan_by_key, statements
from selbsthelfer.programmes.core.definition import Definition, load_preset
from selbsthelfer.programmes.core.windows import windows_while_open
from selbsthelfer.programmes.operations import Touch, decide, judge_asked, publish
from selbsthelfer.subscribers.core.billing import Monthly
from selbsthelfer.subscribers.core.lines import subscriber_id_of

SQL = statements("selbsthelfer.programmes")
NOW = datetime(2026, 6, 16, 12, tzinfo=UTC)
PROGRAMME = "o2-2017"
ACTIVITIES = ("use.view", "bill.view", "call.block", "con.view", "call.forward", "bill.explain")
KEYED = {
    "intake_key": "subscriber_id, source, id",
    "contacts_contact": "subscriber_id, happened_at, id, source",
    "activities_activity": "subscriber_id, activity, happened_at, id, source",
}
DECIDED_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class World:
    """The operator's lines: those whose next activity releases a tranche, and those where it does not."""

    ids: list[UUID]
    ready: list[str]
    settled: list[str]


def load(size: int, seed: int = 2017) -> World:
    """Fill an empty database with `size` enrolled lines, a year of their facts, and what was decided then."""
    rng = random.Random(seed)
    subjects = [f"line-{n:08d}" for n in range(size)]
    ids = [subscriber_id_of(subject) for subject in subjects]
    with transaction.atomic():
        cursor = open_cursor()
        copy_catalogue(cursor)
        copy_exempt_topics(cursor)
    definition = load_preset(PROGRAMME)
    publish(definition, now=NOW)
    months = [rng.randrange(12) for _ in range(size)]
    keen = [rng.random() < 0.6 for _ in range(size)]
    with transaction.atomic():
        cursor = open_cursor()
        _load_lines(cursor, subjects, ids, months, definition)
    with _without_keys():
        _load_facts(ids, months, keen)
    _analyze()
    _decide_all(ids)
    _analyze()
    ready = judge_all()
    pairs = list(zip(subjects, ids, strict=True))
    rng.shuffle(pairs)
    return World(
        ids,
        [subject for subject, id_ in pairs if id_ in ready],
        [subject for subject, id_ in pairs if id_ not in ready],
    )


def _load_lines(
    cursor: psycopg.Cursor[tuple[object, ...]],
    subjects: list[str],
    ids: list[UUID],
    months: list[int],
    definition: Definition,
) -> None:
    shapes = {(month, day): _shape(month, day, definition) for month in range(12) for day in range(1, 29)}
    registered_at = NOW - timedelta(days=800)
    copy_rows(
        cursor,
        "subscribers_subscriber",
        ("subscriber_id", "subject", "msisdn", "timezone", "billing_day", "tariff", "included_bytes",
         "registered_tariff", "registered_included_bytes", "suspended", "registered_at", "received_at"),
        (
            (id_, subject, f"+49171{n:08d}", "Europe/Berlin", n % 28 + 1, "M", 3_000_000_000, "M",
             3_000_000_000, False, registered_at, registered_at)
            for n, (id_, subject) in enumerate(zip(ids, subjects, strict=True))
        ),
    )  # fmt: skip
    copy_rows(cursor, "intake_line", ("subscriber_id", "frontier_at"), ((id_, registered_at) for id_ in ids))
    copy_rows(
        cursor,
        "programmes_enrolment",
        ("subscriber_id", "programme", "version", "variant", "enrolled_at", "known_from", "closes_at",
         "period_bounds", "altered", "released_mask", "missed_mask", "reserved_bytes", "cap_bytes", "source",
         "id"),
        (
            (id_, PROGRAMME, 1, "treatment", *shapes[months[n], n % 28 + 1], False, 0, 0, 0,
             definition.cap_bytes, "/bench", "enrolled")
            for n, id_ in enumerate(ids)
        ),
    )  # fmt: skip


def _shape(
    month: int, day: int, definition: Definition
) -> tuple[datetime, datetime, datetime, list[datetime]]:
    """Lay out an enrolment that has run for `month` whole months: t0, known from, closing, boundaries."""
    enrolled_at = NOW - timedelta(days=30.5 * month + 5)
    windows = windows_while_open("Europe/Berlin", Monthly(day), (), enrolled_at, definition, NOW)
    return enrolled_at, enrolled_at, windows.closes_at, list(windows.bounds)


def _without_keys() -> _KeysDropped:
    return _KeysDropped()


class _KeysDropped:
    """Drop the keys of the fact tables for loading and build them again afterwards, as they were."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            for table in KEYED:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '1GB'")
            for table, columns in KEYED.items():
                covering = " INCLUDE (received_at, succeeded)" if table == "activities_activity" else ""
                cursor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({columns}){covering}")


def _load_facts(ids: list[UUID], months: list[int], keen: list[bool]) -> None:
    """Write a year, day by day: keen lines do something each month, the others every third; some call."""
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_line"
            " (n integer, subscriber_id uuid, month integer, keen boolean) ON COMMIT DROP"
        )
        copy_rows(
            cursor,
            "bench_line",
            ("n", "subscriber_id", "month", "keen"),
            zip(range(len(ids)), ids, months, keen, strict=True),
        )
        cursor.execute("SELECT setseed(0.2017)")
        cursor.execute(_HISTORY, {"now": NOW, "activities": list(ACTIVITIES)})
        cursor.execute(_CALLS, {"now": NOW})
        cursor.execute(
            "INSERT INTO intake_key SELECT subscriber_id, source, id, received_at FROM activities_activity"
            " UNION ALL SELECT subscriber_id, source, id, received_at FROM contacts_contact"
        )


_HISTORY = """
INSERT INTO activities_activity (subscriber_id, activity, happened_at, id, source, received_at, succeeded)
SELECT subscriber_id, activity, at, 'h' || m || '-' || n, '/app', at, fate < 0.95
FROM (
    SELECT
        l.subscriber_id, l.n, m, random() AS fate,
        (%(activities)s::text[])[1 + floor(random() * 6)::int] AS activity,
        %(now)s::timestamptz - make_interval(days => m * 30, secs => 600000 + floor(random() * 1500000)) AS at
    FROM generate_series(12, 0, -1) AS m
    CROSS JOIN bench_line l
    WHERE l.keen OR (l.n + m) %% 3 = 0
) fact
ORDER BY at
"""
_CALLS = """
INSERT INTO contacts_contact (
    subscriber_id, happened_at, id, source, received_at, channel, direction, outcome,
    wait_seconds, talk_seconds, topic
)
SELECT
    subscriber_id, at, 'c' || m || '-' || n, '/cc', at, 'hotline', 'inbound',
    CASE WHEN fate < 0.85 THEN 'answered' ELSE 'abandoned' END, 60, 200,
    (ARRAY['bill.view', 'use.view', 'fault', 'con.view', 'cancellation', 'call.block'])[
        1 + floor(random() * 6)::int
    ]
FROM (
    SELECT
        l.subscriber_id, l.n, m, random() AS fate,
        %(now)s::timestamptz - make_interval(days => m * 30, secs => floor(random() * 2500000)) AS at
    FROM generate_series(12, 1, -1) AS m
    CROSS JOIN bench_line l
    WHERE random() < 0.12
) fact
ORDER BY at
"""


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _decide_all(ids: list[UUID]) -> None:
    """Decide every line as at the end of its history, in bounded batches; what is due is granted."""
    decided_at = NOW - timedelta(days=5)
    for start in range(0, len(ids), DECIDED_AT_ONCE):
        with transaction.atomic():
            decide(
                open_cursor(),
                [Touch(id_, decided_at, decided_at) for id_ in ids[start : start + DECIDED_AT_ONCE]],
                now=NOW,
            )


def judge_all() -> set[UUID]:
    """Decide the stages of every enrolment as of now, by key; return the lines an activity releases for."""
    ready: set[UUID] = set()
    beyond: object = UUID(int=0)
    while True:
        with transaction.atomic():
            cursor = open_cursor()
            cursor.execute(SQL["prepare"], prepare=False)
            cursor.execute(SQL["clear"], prepare=False)
            page = {"beyond": beyond, "now": NOW, "limit": DECIDED_AT_ONCE}
            if cursor.execute(_NEXT_PAGE, page).rowcount == 0:
                return ready
            plan_by_key(cursor)
            cursor.execute(SQL["ask_all"])
            judge_asked(cursor)
            ready.update(row[0] for row in cursor.execute(_READY).fetchall())
            beyond = cursor.execute(_LAST).fetchone()[0]  # type: ignore[index]


_NEXT_PAGE = """
INSERT INTO programmes_touch (subscriber_id, decided_at, known_until, may_release)
SELECT subscriber_id, %(now)s, %(now)s, false
FROM programmes_enrolment
WHERE subscriber_id > %(beyond)s
ORDER BY subscriber_id
LIMIT %(limit)s
"""
_LAST = "SELECT subscriber_id FROM programmes_touch ORDER BY subscriber_id DESC LIMIT 1"
_READY = """
SELECT q.subscriber_id
FROM programmes_asked q
JOIN programmes_staged s ON s.place = q.place AND s.state = 'passed'
WHERE s."window" = (width_bucket(q.decided_at, q.period_bounds) - 1) / 3
AND q.released_mask & (1::bigint << width_bucket(q.decided_at, q.period_bounds)) = 0
"""


def batches(world: World, count: int, size: int, name: str) -> Iterator[list[bytes]]:
    """Make batches in the mix of the plan, using up ready lines.

    85 % activities, of which a tenth release, 10 % contacts, 3 % repeats, 2 % rejects.
    """
    rng = random.Random(name)
    for number in range(count):
        yield _batch(rng, world, size, f"{name}-{number}")


def _batch(rng: random.Random, world: World, size: int, name: str) -> list[bytes]:
    at = (NOW - timedelta(minutes=3)).isoformat()
    releasing = int(size * 0.085)
    facts = []
    for n in range(int(size * 0.85)):
        subject = world.ready.pop() if n < releasing else rng.choice(world.settled)
        activity = "call.block" if n < releasing else rng.choice(ACTIVITIES)
        facts.append(
            f'{{"specversion":"1.0","id":"{name}-{n}","source":"/app","type":"selfservice.finished",'
            f'"subject":"{subject}","time":"{at}","data":{{"activity":"{activity}","outcome":"succeeded"}}}}'
        )
    facts += [
        f'{{"specversion":"1.0","id":"{name}-c{n}","source":"/cc","type":"contact.ended",'
        f'"subject":"{rng.choice(world.settled)}","time":"{at}","data":{{"channel":"hotline",'
        '"direction":"inbound","outcome":"answered","wait_seconds":60,"talk_seconds":200,'
        '"topic":"bill.view"}}'
        for n in range(int(size * 0.10))
    ]
    facts += rng.sample(facts, int(size * 0.03))
    facts += [
        f'{{"specversion":"1.0","id":"{name}-r{n}","source":"/app","type":"selfservice.finished",'
        f'"subject":"{rng.choice(world.settled)}","time":"{at}","data":{{"activity":"no.such","outcome":"succeeded"}}}}'
        for n in range(int(size * 0.02))
    ]
    rng.shuffle(facts)
    return [fact.encode() for fact in facts]
