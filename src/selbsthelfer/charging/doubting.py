"""Doubt what a database says that was restored from an older backup."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from selbsthelfer.charging.core.orders import Action, OrderState, doubted
from selbsthelfer.charging.core.port import ChargingSystem
from selbsthelfer.charging.operations import MAX_NAME_CHARACTERS
from selbsthelfer.charging.recipients import recipient_kind
from selbsthelfer.charging.writing import AttemptRow, Key, change_orders, locked_orders, put_attempts
from selbsthelfer.kit.logs import ACTS
from selbsthelfer.kit.sql import open_cursor

MAX_DOUBTED: Final = 1_000
"""Orders doubted in one transaction."""
_FIRST: Final[Key] = (UUID(int=0), UUID(int=0))


def doubt_orders(*, system: ChargingSystem, by: str, now: datetime) -> int:
    """Take every open order as one that may have been delivered, so that it is read back before it is sent.

    To be done after a restore and before anything is delivered: what was credited after the backup is open
    in it, or not known at all until the same facts grant it again. Returns how many orders are doubted now.
    """
    orders = 0
    beyond: Key | None = _FIRST
    while beyond is not None:
        some, beyond = _doubt_some(system, by, now, beyond)
        orders += some
    ACTS.info("%d open credit orders doubted", orders)
    return orders


def _doubt_some(system: ChargingSystem, by: str, now: datetime, beyond: Key) -> tuple[int, Key | None]:
    """Doubt the orders of one transaction; return how many, and the last that was looked at if more may be.

    A line without a name for the system can neither be read back nor be sent anything.
    """
    kind = recipient_kind()
    with transaction.atomic():
        cursor = open_cursor()
        place = {"line": beyond[0], "credit": beyond[1]}
        found = locked_orders(
            cursor,
            "that_are_open",
            {"now": now, "system": system.name, "limit": MAX_DOUBTED, **place},
        )
        changes = [
            (each.order, doubted(each.order, recipient, at=now, capabilities=system.capabilities))
            for each in found
            if (recipient := each.order.recipient or kind.of(each.subject, each.msisdn, each.account))
        ]
        put_attempts(
            cursor,
            [
                AttemptRow(
                    *after.key,
                    after.attempts,
                    Action.RESOLVE.value,
                    now,
                    now,
                    OrderState.UNCERTAIN.value,
                    by.strip()[:MAX_NAME_CHARACTERS],
                )
                for _, after in changes
            ],
        )
        change_orders(cursor, changes)
    return len(changes), found[-1].order.key if len(found) == MAX_DOUBTED else None
