"""What the kinds of buckets mean: the order in which they burn, their ids and their limits."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

BURN_ORDER = ("bonus", "courtesy", "included", "topup")
"""Among buckets that end at the same instant: what was given first, what costs money last."""

NOTICE_PERCENTS = (80, 100)
"""How much of an included bucket is used when the subscriber is told (80 % is statutory)."""

COURTESY_MAX_BYTES = 50_000_000_000
"""The most that one fact of courtesy volume may give: 50 GB, far more than any apology needs."""


def included_bucket_id(line: UUID, starts_at: datetime) -> UUID:
    """Derive the id of the included bucket that starts at an instant: making it twice makes one."""
    return uuid5(line, f"included {starts_at.astimezone(UTC).isoformat()}")


def courtesy_bucket_id(line: UUID, source: str, id_: str) -> UUID:
    """Derive the id of the bucket that a fact of courtesy volume makes."""
    return uuid5(line, f"courtesy {len(source)} {source} {id_}")
