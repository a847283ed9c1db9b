"""Credit volume: a bucket, its first entry and the order to the charging system, together or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.charging.operations import EMBEDDED, OrderRow, order_credits
from selbsthelfer.kit.copying import copy_rows

_BUCKET_COLUMNS = ("subscriber_id", "bucket_id", "kind", "size_bytes", "valid_from", "valid_until")
_ENTRY_COLUMNS = (
    "subscriber_id", "bucket_id", "ordinal", "amount_bytes", "balance_bytes", "happened_at", "received_at"
)  # fmt: skip


class Credit(NamedTuple):
    """Volume to credit under a deterministic id; valid from ≤ time < until."""

    subscriber_id: UUID
    credit_id: UUID
    kind: str
    bytes: int
    valid_from: datetime
    valid_until: datetime


def credit(cursor: psycopg.Cursor[Any], credits_: Iterable[Credit], *, now: datetime) -> None:
    """Credit volume inside the transaction that decided it.

    A bucket that has already ended (in an import) exists for the ledger, but orders no delivery.
    """
    rows = list(credits_)
    _put_buckets(cursor, rows)
    order_credits(
        cursor,
        [
            OrderRow(
                c.subscriber_id,
                c.credit_id,
                EMBEDDED,
                "confirmed",
                c.bytes,
                c.valid_from,
                c.valid_until,
                now,
                now,
            )
            for c in rows
            if c.valid_until > now
        ],
    )


def _put_buckets(cursor: psycopg.Cursor[Any], credits_: Sequence[Credit]) -> None:
    copy_rows(cursor, "allowances_bucket", _BUCKET_COLUMNS, credits_)
    copy_rows(
        cursor,
        "allowances_entry",
        _ENTRY_COLUMNS,
        [(c.subscriber_id, c.credit_id, 1, c.bytes, c.bytes, c.valid_from, c.valid_from) for c in credits_],
    )
