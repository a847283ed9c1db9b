"""Order volume from the charging system."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.copying import copy_rows

EMBEDDED = "embedded"
"""The allowances room itself: what it has written is credited, so its orders are born confirmed."""


class OrderRow(NamedTuple):
    subscriber_id: UUID
    credit_id: UUID
    system: str
    state: str
    bytes: int
    valid_from: datetime
    valid_until: datetime
    ordered_at: datetime
    confirmed_at: datetime | None


def order_credits(cursor: psycopg.Cursor[Any], orders: Sequence[OrderRow]) -> None:
    """Write the orders in the transaction that grants the volume, so that both exist or neither."""
    copy_rows(cursor, "charging_creditorder", OrderRow._fields, orders)
