"""Hold volume of a bucket for somebody, as TMF654 asks it, and let go of it again.

A reservation lowers what the façade shows as remaining, and what it lets others reserve. It is no lock on the
network: what is used is metered elsewhere, and burns what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.partners.core.amounts import read_bytes
from selbsthelfer.partners.core.keeping import kept, read_instant
from selbsthelfer.partners.core.refusals import ConflictError, RefusedError
from selbsthelfer.partners.core.writing import USAGE_TYPE, BucketStanding, period
from selbsthelfer.partners.filing import (
    Answered,
    Filing,
    Partner,
    Request,
    change,
    digest_of,
    file,
    own_document,
    repetition,
)
from selbsthelfer.partners.listening import PartnerEvent, tell
from selbsthelfer.partners.queries import find_bucket, read_filed
from selbsthelfer.partners.showing import shown
from selbsthelfer.partners.volume import line_of_body, read_usage_type

_SQL = statements("selbsthelfer.partners")
KIND = "reserveBalance"


def reserve(request: Request, *, now: datetime) -> Answered:
    """Hold volume of a bucket, once; a repetition answers the same document.

    Raises `RefusedError`, and `ConflictError` where the bucket has not that much left.
    """
    id_ = request.new_id()
    content = kept(request.body, KIND)
    digest = digest_of(content)
    with transaction.atomic():
        cursor = open_cursor()
        filed = repetition(cursor, request, id_, digest)
        if filed is not None:
            return Answered(shown(filed), is_new=False)
        read_usage_type(request.body)
        bytes_ = read_bytes(request.body.get("amount"))
        if bytes_ <= 0:
            raise RefusedError("amount_invalid", "amount is more than nothing")
        line = line_of_body(cursor, request.body, now=now)
        bucket = find_bucket(cursor, _bucket_id(request.body), at=now)
        if bucket is None:
            raise RefusedError("bucket_unknown", "there is no bucket with this id")
        cursor.execute(_SQL["lock_reservations"], {"bucket_id": bucket.bucket_id})
        # Only now is it certain what others hold.
        bucket = find_bucket(cursor, bucket.id, at=now)
        assert bucket is not None  # noqa: S101 - buckets never go
        ends_at = _end_of(request.body, bucket, bytes_, now=now)
        content = _held(content, bucket, now, ends_at)
        filing = Filing(
            id_,
            content,
            digest,
            status="completed",
            line=line.subscriber_id,
            bucket_id=bucket.bucket_id,
            held_bytes=bytes_,
            ends_at=ends_at,
        )
        earlier = file(cursor, request, filing, now=now)
        filed = earlier or read_filed(cursor, KIND, id_, is_sandbox=False)
        assert filed is not None  # noqa: S101 - it was just filed
        if earlier is None:
            tell(cursor, filed, PartnerEvent.RESERVATION_CREATED, now=now)
    return Answered(shown(filed), is_new=earlier is None)


def release(partner: Partner, id_: str, *, now: datetime) -> Mapping[str, Any]:
    """Let go of what a reservation of this partner's holds; doing it twice is doing it once.

    Raises `UnknownError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        filed = own_document(cursor, partner, KIND, id_)
        if filed.status != "cancelled":
            change(
                cursor,
                filed,
                is_sandbox=partner.is_sandbox,
                status="cancelled",
                content=filed.content,
                now=now,
            )
            filed = filed._replace(status="cancelled", changed_at=now, changes=filed.changes + 1)
            if not partner.is_sandbox:
                tell(cursor, filed, PartnerEvent.RESERVATION_CANCELLED, now=now)
    return shown(filed)


def alter_reservation(
    partner: Partner, id_: str, body: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any]:
    """Cancel a reservation, the one thing there is to alter; raises `RefusedError` and `UnknownError`."""
    if body.get("status") != "cancelled":
        raise RefusedError("status_unsupported", "a reservation can be cancelled: status is cancelled")
    return release(partner, id_, now=now)


def _held(
    content: Mapping[str, Any], bucket: BucketStanding, starts_at: datetime, ends_at: datetime
) -> dict[str, Any]:
    """Write down what is held of which bucket, for whom and until when."""
    party = {"id": bucket.line.subject, "role": "customer", "@referredType": "Individual"}
    return {
        "relatedParty": [party],
        **content,
        "usageType": USAGE_TYPE,
        "bucket": {"id": bucket.id, "name": bucket.kind},
        "partyAccount": {"id": bucket.line.subject},
        "validFor": period(starts_at, ends_at),
    }


def _bucket_id(body: Mapping[str, Any]) -> str:
    bucket = body.get("bucket")
    id_ = bucket.get("id") if isinstance(bucket, Mapping) else None
    if not isinstance(id_, str):
        raise RefusedError("bucket_needed", "name the bucket to hold from: bucket.id")
    return id_


def _end_of(body: Mapping[str, Any], bucket: BucketStanding, bytes_: int, *, now: datetime) -> datetime:
    """Tell until when the volume is held: as asked, but no longer than the bucket is valid."""
    if bucket.status != "active":
        raise ConflictError("bucket_not_usable", f"this bucket is {bucket.status}")
    if bytes_ > bucket.free_bytes:
        raise ConflictError("not_enough_volume", f"{bucket.free_bytes} octets are free in this bucket")
    asked = body.get("validFor")
    if not isinstance(asked, Mapping) or asked.get("endDateTime") is None:
        return bucket.valid_until
    ends_at = read_instant(asked["endDateTime"])
    if ends_at is None or ends_at <= now:
        raise RefusedError("validity_invalid", "validFor.endDateTime is an instant to come, of RFC 3339")
    return min(ends_at, bucket.valid_until)
