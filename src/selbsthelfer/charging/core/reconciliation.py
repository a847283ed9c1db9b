"""Hold orders against the buckets that a charging system has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from selbsthelfer.charging.core.orders import (
    ABSENT,
    Order,
    OrderState,
    confirmed,
    first_place,
    is_surely_absent,
    is_under_way,
    reopened,
)
from selbsthelfer.charging.core.port import Capabilities, Found

EXPIRY_TOLERANCE: Final = timedelta(seconds=1)
"""Systems keep an end by the second or finer."""


class DriftKind(StrEnum):
    """How a charging system differs from the orders.

    `missing`: confirmed, and not there. `double`: there more than once. `unknown_bucket`: there under an id
    of ours that no order has. `uncertain_found`, `uncertain_absent`: what became of an order that is not
    confirmed.
    """

    MISSING = "missing"
    DOUBLE = "double"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_EXPIRY = "wrong_expiry"
    UNKNOWN_BUCKET = "unknown_bucket"
    UNCERTAIN_FOUND = "uncertain_found"
    UNCERTAIN_ABSENT = "uncertain_absent"


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference; it is over at the latest when the volume ends."""

    kind: DriftKind
    subscriber_id: UUID
    credit_id: UUID
    place: str | None
    ends_at: datetime | None


def by_credit(found: Sequence[Found]) -> Mapping[UUID, tuple[Found, ...]]:
    """Sort buckets by our id, leaving out those that are none of ours."""
    sorted_: dict[UUID, list[Found]] = defaultdict(list)
    for bucket in found:
        if bucket.credit_id is not None:
            sorted_[bucket.credit_id].append(bucket)
    return {
        credit_id: tuple(sorted(buckets, key=lambda b: b.place)) for credit_id, buckets in sorted_.items()
    }


def differences(
    order: Order, found: tuple[Found, ...], *, at: datetime, capabilities: Capabilities
) -> list[Drift]:
    """Hold one order against the buckets under its id; volume that has ended is no longer compared.

    What is on its way is left alone, and so is an order that waits to be sent.
    """
    if order.valid_until <= at or is_under_way(order, at=at, capabilities=capabilities):
        return []
    kinds = [*_of_presence(order, found, at, capabilities), *_of_content(order, found)]
    place = first_place(order, found) if found else order.place
    return [Drift(kind, order.subscriber_id, order.credit_id, place, order.valid_until) for kind in kinds]


def _of_presence(
    order: Order, found: tuple[Found, ...], at: datetime, capabilities: Capabilities
) -> list[DriftKind]:
    if found:
        kinds = [] if order.state is OrderState.CONFIRMED else [DriftKind.UNCERTAIN_FOUND]
        return kinds + [DriftKind.DOUBLE] * (len(found) > 1)
    if order.state is OrderState.UNCERTAIN:
        return [DriftKind.UNCERTAIN_ABSENT]
    if order.state is not OrderState.CONFIRMED or order.confirmed_at is None:
        return []
    is_fresh = at < order.confirmed_at + timedelta(seconds=capabilities.settle_seconds or 0)
    is_missing = is_surely_absent(order, at=at, capabilities=capabilities) and not is_fresh
    return [DriftKind.MISSING] * is_missing


def _of_content(order: Order, found: tuple[Found, ...]) -> list[DriftKind]:
    """Find a wrong amount or end; without the amount credited, only too much that is left tells."""
    kinds = []
    if any((b.bytes or order.bytes) != order.bytes or b.remaining_bytes > order.bytes for b in found):
        kinds.append(DriftKind.WRONG_AMOUNT)
    if any(b.valid_until is None or abs(b.valid_until - order.valid_until) > EXPIRY_TOLERANCE for b in found):
        kinds.append(DriftKind.WRONG_EXPIRY)
    return kinds


def unknown_buckets(
    line: UUID, found: Sequence[Found], known: Collection[UUID], *, at: datetime
) -> list[Drift]:
    """Find buckets under an id of ours that no order has, and that have not ended."""
    return [
        Drift(DriftKind.UNKNOWN_BUCKET, line, bucket.credit_id, bucket.place, bucket.valid_until)
        for bucket in found
        if bucket.credit_id is not None
        and bucket.credit_id not in known
        and (bucket.valid_until is None or bucket.valid_until > at)
    ]


def repaired(
    order: Order, drift: Drift, found: tuple[Found, ...], *, at: datetime, capabilities: Capabilities
) -> Order | None:
    """Mend what is safe to mend: confirm what is there, send again what surely never arrived; else None."""
    if drift.kind is DriftKind.UNCERTAIN_FOUND:
        return confirmed(order, first_place(order, found), at=at)
    is_gone = drift.kind in (DriftKind.MISSING, DriftKind.UNCERTAIN_ABSENT)
    if is_gone and is_surely_absent(order, at=at, capabilities=capabilities):
        return reopened(order, ABSENT, at=at, capabilities=capabilities)
    return None


def superfluous(order: Order, found: tuple[Found, ...]) -> tuple[Found, ...]:
    """Tell which buckets of a double can be taken out: never the order's own, and none that was touched."""
    own = first_place(order, found)
    return tuple(b for b in found if b.place != own and b.remaining_bytes == (b.bytes or order.bytes))
