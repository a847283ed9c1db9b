"""Volume and requests as documents of TM Forum's APIs; addresses are added where they are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from selbsthelfer.partners.core.amounts import octets
from selbsthelfer.partners.core.keeping import written
from selbsthelfer.subscribers.core.lines import LineRef

USAGE_TYPE: Final = "data"
"""The only kind of balance that is kept here."""


@dataclass(frozen=True, slots=True)
class BucketStanding:
    """A bucket at an instant: what is left of it, and how much of that is reserved.

    `status` is that of TMF654: `active` may be used, `suspended` rests, has not begun or is not confirmed.
    """

    line: LineRef
    bucket_id: UUID
    kind: str
    size_bytes: int
    left_bytes: int
    held_bytes: int
    valid_from: datetime
    valid_until: datetime
    status: str

    @property
    def id(self) -> str:
        """The id that is shown: the line and the bucket, so that no look-up by bucket is needed."""
        return self.line.subscriber_id.hex + self.bucket_id.hex

    @property
    def reserved_bytes(self) -> int:
        """What is reserved and still there: a reservation does not stop usage that was metered elsewhere."""
        return min(self.held_bytes, self.left_bytes)

    @property
    def free_bytes(self) -> int:
        return self.left_bytes - self.reserved_bytes


def bucket_document(bucket: BucketStanding) -> Mapping[str, Any]:
    """Write a bucket; what is reserved is not remaining."""
    return {
        "id": bucket.id,
        "name": bucket.kind,
        "status": bucket.status,
        "usageType": USAGE_TYPE,
        "isShared": False,
        "remainingValue": octets(bucket.free_bytes),
        "reservedValue": octets(bucket.reserved_bytes),
        "validFor": period(bucket.valid_from, bucket.valid_until),
        "confirmationDate": written(bucket.valid_from),
        "partyAccount": {"id": bucket.line.subject},
        "@type": "Bucket",
    }


def accumulated_document(
    line: LineRef, buckets: Iterable[BucketStanding], *, is_unlimited: bool
) -> Mapping[str, Any]:
    """Write what a line may use now, all in all; a sum without amount is unlimited."""
    usable = [bucket for bucket in buckets if bucket.status == "active"]
    total = octets(sum(bucket.free_bytes for bucket in usable))
    if is_unlimited:
        del total["amount"]
    return {
        "id": line.subscriber_id.hex,
        "name": "unlimited" if is_unlimited else USAGE_TYPE,
        "totalBalance": total,
        "bucket": [{"id": bucket.id, "name": bucket.kind} for bucket in usable],
        "partyAccount": {"id": line.subject},
        "@type": "AccumulatedBalance",
    }


def period(starts_at: datetime, ends_at: datetime) -> dict[str, str]:
    """Write a stretch of time."""
    return {"startDateTime": written(starts_at), "endDateTime": written(ends_at)}
