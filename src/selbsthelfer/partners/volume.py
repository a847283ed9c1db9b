"""Give volume to a line as TMF654 asks it: a top-up, or an adjustment upwards.

Both enter as courtesy volume, the one fact that gives volume. Its validity is its own: from now until the
end of the billing period. A request for longer is refused rather than kept in part.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import psycopg
from django.db import transaction

from selbsthelfer.allowances.core.buckets import courtesy_bucket_id
from selbsthelfer.intake.arrivals import OWN_SOURCES
from selbsthelfer.intake.core.facts import CourtesyFact, CourtesyGranted, Fact
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.partners.core.amounts import read_bytes
from selbsthelfer.partners.core.keeping import kept, read_instant
from selbsthelfer.partners.core.refusals import ConflictError, RefusedError
from selbsthelfer.partners.core.writing import USAGE_TYPE
from selbsthelfer.partners.filing import Answered, Filing, Request, digest_of, file, repetition
from selbsthelfer.partners.listening import CREATED, tell
from selbsthelfer.partners.queries import find_bucket, read_filed, standing_of_account, subject_of_number
from selbsthelfer.partners.showing import shown
from selbsthelfer.subscribers.core.lines import LineRef

SOURCE: Final = f"{OWN_SOURCES}tmf654"
"""The source of every fact that TMF654 brings."""


def give(request: Request, *, now: datetime) -> Answered:
    """Give the volume of a top-up or an adjustment, once; a repetition answers the same document.

    Raises `RefusedError` and `ConflictError`; nothing has changed then.
    """
    id_ = request.new_id()
    content = kept(request.body, request.kind)
    digest = digest_of(content)
    with transaction.atomic():
        cursor = open_cursor()
        filed = repetition(cursor, request, id_, digest)
        if filed is not None:
            return Answered(shown(filed), is_new=False)
        bytes_ = _read_gift(request)
        line = line_of_body(cursor, request.body, now=now)
        fact_id = f"{request.kind}/{id_}"
        bucket_id = courtesy_bucket_id(line.subscriber_id, SOURCE, fact_id)
        content |= {
            "usageType": USAGE_TYPE,
            "partyAccount": {"id": line.subject},
            "bucket": {"id": line.subscriber_id.hex + bucket_id.hex},
        }
        filing = Filing(
            id_, content, digest, line=line.subscriber_id, bucket_id=bucket_id, fact_source=SOURCE
        )
        if (earlier := file(cursor, request, filing, now=now)) is not None:
            return Answered(shown(earlier), is_new=False)
        enter(
            CourtesyFact(
                id=fact_id,
                source=SOURCE,
                time=now,
                subject=line.subject,
                data=CourtesyGranted(bytes=bytes_, by=request.partner.name),
            ),
            now=now,
        )
        filed = read_filed(cursor, request.kind, id_, is_sandbox=False)
        assert filed is not None  # noqa: S101 - it was just filed
        _check_validity(request.body, filed.valid_until)
        tell(cursor, filed, CREATED[filed.kind], now=now)
    return Answered(shown(filed), is_new=True)


def enter(fact: Fact, *, now: datetime) -> None:
    """Hand a fact to intake inside the running transaction; raises `RefusedError` where it refuses it."""
    receipt = accept([fact], terms=Terms(now=now))
    for _, rejection in receipt.rejections:
        raise RefusedError(rejection.code, rejection.reason)


def line_of_body(cursor: psycopg.Cursor[Any], body: Mapping[str, Any], *, now: datetime) -> LineRef:
    """Find the line that a request is about: by its account, its number or its bucket.

    Raises `RefusedError` where none is named or known, `ConflictError` where it has ended.
    """
    bucket = find_bucket(cursor, _id_of(body.get("bucket")) or "", at=now)
    account = _id_of(body.get("partyAccount"))
    number = _id_of(body.get("logicalResource"))
    if account is None and number is not None:
        account = subject_of_number(cursor, number) or ""
    if account is None and bucket is not None:
        account = bucket.line.subject
    if account is None:
        raise RefusedError(
            "line_needed", "name the line: partyAccount.id, logicalResource.id or a known bucket.id"
        )
    standing = standing_of_account(cursor, account)
    if standing is None:
        raise RefusedError("line_unknown", "no line is registered under this account or number")
    if bucket is not None and bucket.line != standing.line:
        raise RefusedError("bucket_of_other_line", "this bucket is another line's")
    if standing.has_ended(now):
        raise ConflictError("line_ended", "this line has ended")
    return standing.line


def read_usage_type(body: Mapping[str, Any]) -> None:
    """Refuse what is not data; a body that does not say means data."""
    if body.get("usageType") not in (None, USAGE_TYPE):
        raise RefusedError("usage_type_unsupported", "only data volume is kept here: usageType is data")


def _read_gift(request: Request) -> int:
    """Read how much is to be given; raises `RefusedError`."""
    body = request.body
    read_usage_type(body)
    if body.get("isAutoTopup") or body.get("recurringPeriod") or body.get("adjustType") == "recurring":
        raise RefusedError("recurring_unsupported", "volume is given once; ask again for the next time")
    if body.get("voucher"):
        raise RefusedError("voucher_unsupported", "vouchers are not redeemed here")
    bytes_ = read_bytes(body.get("amount"))
    if bytes_ < 0:
        raise RefusedError(
            "would_take_back", "nothing given is ever taken back; what was used is told as usage"
        )
    if bytes_ == 0:
        raise RefusedError("amount_invalid", "amount is more than nothing")
    return bytes_


def _check_validity(body: Mapping[str, Any], valid_until: datetime | None) -> None:
    """Refuse to give for a shorter time than was asked; longer is nobody's harm."""
    asked = body.get("validFor")
    if not isinstance(asked, Mapping) or asked.get("endDateTime") is None:
        return
    ends_at = read_instant(asked["endDateTime"])
    if ends_at is None:
        raise RefusedError("validity_invalid", "validFor.endDateTime is an instant of RFC 3339")
    if valid_until is None or ends_at > valid_until:
        raise RefusedError(
            "validity_too_long",
            "volume given here ends with the billing period; leave validFor out or end earlier",
        )


def _id_of(reference: object) -> str | None:
    """Read the id of a reference, or of the first of several."""
    if isinstance(reference, list):
        reference = reference[0] if reference else None
    if not isinstance(reference, Mapping):
        return None
    id_ = reference.get("id")
    if isinstance(id_, int) and not isinstance(id_, bool):
        id_ = str(id_)
    return id_ if isinstance(id_, str) and 0 < len(id_) <= 200 and "\0" not in id_ else None
