"""Read how the credit orders of a line stand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.kit.sql import statements

_SQL = statements("selbsthelfer.charging")

MAX_ORDERS = 500
"""Orders of one line read at once: more than every programme, top-up and apology of five years makes."""


class LineOrder(NamedTuple):
    """A credit order of a line; `confirmed_at` is told once it is confirmed."""

    credit_id: UUID
    system: str
    state: OrderState
    bytes: int
    ordered_at: datetime
    confirmed_at: datetime | None


def orders_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[UUID, LineOrder]:
    """Load the newest credit orders of a line by the id of what they credit, at most `MAX_ORDERS`.

    Volume without an order needed none: it had ended when it was granted, or it is the tariff's own.
    """
    rows = cursor.execute(_SQL["orders_of_line"], {"line": line, "limit": MAX_ORDERS})
    return {row[0]: LineOrder(row[0], row[1], OrderState(row[2]), *row[3:]) for row in rows}
