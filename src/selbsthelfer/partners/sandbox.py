"""The sandbox: what the conformance kits ask, kept apart from every line.

It speaks as the façade does, keeps documents of its own, and makes no facts. Any id, any units and any
balance will do, because the kits bring their own. It keeps the newest of each kind only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.partners.core.amounts import UNITS, octets, read_number
from selbsthelfer.partners.core.asking import DEFAULT_LIMIT, Asking
from selbsthelfer.partners.core.keeping import kept, read_code
from selbsthelfer.partners.core.refusals import RefusedError, UnknownError
from selbsthelfer.partners.core.writing import USAGE_TYPE
from selbsthelfer.partners.filing import (
    Answered,
    Filing,
    Partner,
    Request,
    change,
    digest_of,
    file,
    repetition,
)
from selbsthelfer.partners.queries import Filed, Found, newest, read_filed
from selbsthelfer.partners.showing import GIFTS, shown

_SQL = statements("selbsthelfer.partners")

MAX_KEPT: Final = DEFAULT_LIMIT
"""Documents of each kind: what one answer holds, so that a kit never meets a part of a list."""
ACCOUNT: Final = "sandbox"
"""The account to which everything here belongs; no line can be reached by it from here."""
_PARTY: Final = {"id": ACCOUNT, "role": "customer", "@referredType": "Individual"}


def play(request: Request, *, now: datetime) -> Answered:
    """File a bucket, or something asked of one; raises `RefusedError` and `ConflictError`."""
    id_ = request.new_id()
    content = kept(request.body, request.kind)
    digest = digest_of(content)
    is_bucket = request.kind == "bucket"
    if not is_bucket and read_number(content.get("amount", {}).get("amount")) is None:
        raise RefusedError("amount_missing", "amount.amount is a number")
    with transaction.atomic():
        cursor = open_cursor()
        filed = repetition(cursor, request, id_, digest)
        if filed is not None:
            return Answered(shown(filed), is_new=False)
        content = {"usageType": USAGE_TYPE, **content, "partyAccount": {"id": ACCOUNT}}
        if is_bucket:
            content = {"remainingValue": octets(0), **content}
        elif request.kind not in GIFTS:
            content = {"relatedParty": [_PARTY], **content}
        filing = Filing(id_, content, digest, status="active" if is_bucket else "completed")
        filed = file(cursor, request, filing, now=now)
        if filed is not None:
            return Answered(shown(filed), is_new=False)
        if not is_bucket:
            _move(cursor, request, content, now=now)
        forget_oldest(cursor, request.kind)
        filed = read_filed(cursor, request.kind, id_, is_sandbox=True)
        assert filed is not None  # noqa: S101 - it was just filed
    return Answered(shown(filed), is_new=True)


def listen(partner: Partner, body: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """File a listener, to which nothing is ever sent: strangers must not direct what we call."""
    content = kept(body, "hub")
    if "callback" not in content:
        raise RefusedError("callback_missing", "callback is the address to which events go")
    request = Request(partner, "hub", {})
    filing = Filing(request.new_id(), content, digest_of(content), status="active")
    with transaction.atomic():
        cursor = open_cursor()
        file(cursor, request, filing, now=now)
        forget_oldest(cursor, "hub")
    return {"id": filing.id, **content}


def stop_listening(id_: str, *, now: datetime) -> None:
    """Strike a listener; raises `UnknownError`."""
    with transaction.atomic():
        cursor = open_cursor()
        filed = read_filed(cursor, "hub", id_, is_sandbox=True, locked=True)
        if filed is None or filed.status != "active":
            raise UnknownError("hub")
        change(cursor, filed, is_sandbox=True, status="cancelled", content=filed.content, now=now)


def forget_oldest(cursor: psycopg.Cursor[Any], kind: str) -> None:
    """Forget all but the newest `MAX_KEPT` of a kind."""
    cursor.execute(_SQL["forget_oldest"], {"kind": kind, "most": MAX_KEPT})


def sums(cursor: psycopg.Cursor[Any], asking: Asking) -> Found:
    """Add up the buckets of the sandbox, by their units."""
    by_units: dict[str, list[Filed]] = {}
    for bucket in newest(cursor, "bucket", is_sandbox=True, line=None, limit=MAX_KEPT):
        by_units.setdefault(_quantity(bucket.content, "remainingValue")[1], []).append(bucket)
    documents = [_sum(units, buckets) for units, buckets in sorted(by_units.items())]
    matching = [document for document in documents if asking.matches(document)]
    return Found(matching[asking.offset : asking.offset + asking.limit], len(matching))


def _move(
    cursor: psycopg.Cursor[Any], request: Request, content: Mapping[str, Any], *, now: datetime
) -> None:
    """Move the bucket that is named, making it where there is none."""
    id_ = read_code(content.get("bucket", {}).get("id"))
    if id_ is None:
        return
    amount, units = _quantity(content, "amount")
    made = {
        "usageType": content["usageType"],
        "remainingValue": {"amount": 0, "units": units},
        "partyAccount": {"id": ACCOUNT},
    }
    making = Request(request.partner, "bucket", {})
    bucket = read_filed(cursor, "bucket", id_, is_sandbox=True, locked=True)
    if bucket is None:
        file(cursor, making, Filing(id_, made, digest_of(made), status="active"), now=now)
        bucket = read_filed(cursor, "bucket", id_, is_sandbox=True, locked=True)
        assert bucket is not None  # noqa: S101 - it was just filed
    left, left_units = _quantity(bucket.content, "remainingValue")
    held, _ = _quantity(bucket.content, "reservedValue")
    if left and left_units != units:
        return
    is_gift = request.kind in GIFTS
    moved = {
        **bucket.content,
        "remainingValue": _written(left + amount if is_gift else left - amount, units),
        "reservedValue": _written(held if is_gift else held + amount, units),
    }
    change(cursor, bucket, is_sandbox=True, status=bucket.status, content=moved, now=now)


def _sum(units: str, buckets: list[Filed]) -> Mapping[str, Any]:
    total = sum((_quantity(bucket.content, "remainingValue")[0] for bucket in buckets), Decimal())
    return {
        "id": f"{ACCOUNT}-{units}",
        "name": ACCOUNT,
        "totalBalance": _written(total, units),
        "bucket": [{"id": bucket.id} for bucket in buckets],
        "partyAccount": {"id": ACCOUNT},
        "@type": "AccumulatedBalance",
    }


def _quantity(content: Mapping[str, Any], name: str) -> tuple[Decimal, str]:
    quantity = content.get(name) or {}
    return read_number(quantity.get("amount")) or Decimal(), quantity.get("units") or UNITS


def _written(amount: Decimal, units: str) -> dict[str, Any]:
    return {"amount": int(amount) if amount == int(amount) else float(amount), "units": units}
