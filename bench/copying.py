"""The baseline of intake: a bare COPY that fills the same tables, with the same indexes and guards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction

from bench.world import NOW, PROGRAMME, World
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import subscriber_id_of

COLUMNS = {
    "intake_key": "subscriber_id, source, id, received_at",
    "activities_activity": "subscriber_id, activity, happened_at, id, source, received_at, succeeded",
    "contacts_contact": (
        "subscriber_id, happened_at, id, source, received_at, channel, direction, outcome, wait_seconds,"
        " talk_seconds, topic, queue"
    ),
    "programmes_release": (
        'subscriber_id, programme, index, "window", level, bytes, granted_at, valid_until, activity_source,'
        " activity_id, credit_id, ordinal, total_bytes, cap_bytes"
    ),
    "allowances_bucket": "subscriber_id, bucket_id, kind, size_bytes, valid_from, valid_until",
    "allowances_entry": (
        "subscriber_id, bucket_id, ordinal, amount_bytes, balance_bytes, happened_at, received_at"
    ),
    "charging_creditorder": (
        "subscriber_id, credit_id, system, state, bytes, valid_from, valid_until, ordered_at, confirmed_at"
    ),
}


@dataclass(frozen=True, slots=True)
class CopyBatch:
    """What one batch of facts writes, as COPY text ready to be sent."""

    texts: dict[str, bytes]


def prepare(world: World, size: int, name: str) -> CopyBatch:
    """Make the rows that a batch of `size` facts writes: keys, activities, contacts, a tenth of releases."""
    at, until = NOW.isoformat(), (NOW + timedelta(days=14)).isoformat()
    activities = int(size * 0.85)
    contacts = int(size * 0.10)
    releasing = [subscriber_id_of(world.ready.pop()) for _ in range(int(size * 0.085))]
    settled = [
        subscriber_id_of(subject) for subject in world.settled[: activities + contacts - len(releasing)]
    ]
    lines: dict[str, list[str]] = {table: [] for table in COLUMNS}
    for n, line in enumerate([*releasing, *settled]):
        if n < activities:
            lines["activities_activity"].append(f"{line}\tcall.block\t{at}\t{name}-{n}\t/copy\t{at}\tt")
        else:
            lines["contacts_contact"].append(
                f"{line}\t{at}\t{name}-{n}\t/copy\t{at}\thotline\tinbound\tanswered\t60\t200\tbill.view\t\\N"
            )
        lines["intake_key"].append(f"{line}\t/copy\t{name}-{n}\t{at}")
    for line, index, ordinal, total in _next_releases(releasing):
        credit = uuid4()
        lines["programmes_release"].append(
            f"{line}\t{PROGRAMME}\t{index}\t{(index - 1) // 3}\t1\t100000000\t{at}\t{until}\t/copy\t{name}"
            f"\t{credit}\t{ordinal}\t{total}\t1800000000"
        )
        lines["allowances_bucket"].append(f"{line}\t{credit}\tbonus\t100000000\t{at}\t{until}")
        lines["allowances_entry"].append(f"{line}\t{credit}\t1\t100000000\t100000000\t{at}\t{at}")
        lines["charging_creditorder"].append(
            f"{line}\t{credit}\tembedded\tconfirmed\t100000000\t{at}\t{until}\t{at}\t{at}"
        )
    return CopyBatch({table: ("\n".join(rows) + "\n").encode() for table, rows in lines.items()})


def _next_releases(lines: Sequence[UUID]) -> list[tuple[UUID, int, int, int]]:
    """Tell for each line the index of the running period and the next place in its chain of releases."""
    with transaction.atomic():
        rows = open_cursor().execute(
            """
            SELECT e.subscriber_id, width_bucket(%(now)s::timestamptz, e.period_bounds),
                coalesce(max(r.ordinal), 0) + 1, coalesce(max(r.total_bytes), 0) + 100000000
            FROM programmes_enrolment e
            LEFT JOIN programmes_release r ON r.subscriber_id = e.subscriber_id
            WHERE e.subscriber_id = ANY (%(lines)s)
            GROUP BY 1, 2
            """,
            {"now": NOW, "lines": list(lines)},
        )
        return rows.fetchall()  # type: ignore[return-value]


def copy(batch: CopyBatch) -> None:
    """Fill the tables in one durable transaction."""
    with transaction.atomic():
        cursor = open_cursor()
        for table, text in batch.texts.items():
            with cursor.copy(f"COPY {table} ({COLUMNS[table]}) FROM STDIN") as stream:  # type: ignore[arg-type]
                stream.write(text)


def index_list() -> list[str]:
    """List the indexes of the tables that both fill."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = ANY (%s) ORDER BY tablename, indexname",
            [list(COLUMNS)],
        )
        return [row[0].split(" ON public.")[1] for row in cursor.fetchall()]
