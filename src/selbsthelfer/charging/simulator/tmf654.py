"""A system behind TMF654 version 4, played.

Its traps: nothing tells two equal top-ups apart; a second one to the same bucket is summed, with the old
validity kept; a bucket that is used up is gone, and its top-up is still told; lists come in pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from selbsthelfer.charging.simulator.ledger import (
    FAR,
    Effect,
    Ledger,
    SimulatedBucket,
    SimulatedCredit,
)
from selbsthelfer.charging.simulator.profiles import Visit, by_end, is_text, read_instant
from selbsthelfer.charging.simulator.wire import JSON, Reply, Request, as_json

ROOT: Final = ("tmf-api", "prepayBalanceManagement", "v4")
HREF: Final = "/" + "/".join(ROOT)
MAX_PAGE: Final = 1_000
REQUIRED: Final = ("amount", "usageType", "bucket", "partyAccount")
DATA: Final = "data"


class Tmf654:
    """The part of TMF654 that knows buckets, top-ups and adjustments."""

    name = "tmf654"
    keeps_used_up = False

    def visit(self, request: Request) -> Visit:
        is_credit = request.method == "POST" and request.path[-1:] == ("topupBalance",)
        body = request.json if is_credit else None
        key = body.get("description") if isinstance(body, dict) else None
        account = request.query.get("partyAccount.id", "")
        return Visit(str(key or "/".join((*request.path, account))), is_credit)

    def error(self, request: Request) -> Reply:  # noqa: ARG002 - it fails at all alike
        return _error(500, "internalError", "Internal error")

    def account_of(self, recipient: str) -> str:
        return recipient

    def burning_order(self, bucket: SimulatedBucket) -> tuple[datetime, str]:
        return bucket.valid_until or FAR, bucket.place

    def answer(self, request: Request, ledger: Ledger) -> Reply:
        if request.path[:3] != ROOT:
            return Reply(404, b"not found", {"content-type": "text/plain"})
        match (request.method, *request.path[3:]):
            case ("POST", "topupBalance"):
                return _topup(request, ledger)
            case ("POST", "adjustBalance"):
                return _adjust(request, ledger)
            case ("GET", "topupBalance"):
                return _list(request, [_told(credit) for credit in _credits(request, ledger)])
            case ("GET", "topupBalance", id_):
                return _one([_told(credit) for credit in ledger.credits()], id_)
            case ("GET", "bucket"):
                return _list(request, [_shape(bucket) for bucket in _buckets(request, ledger)])
            case ("GET", "bucket", id_):
                bucket = ledger.bucket(id_)
                return _one([] if bucket is None else [_shape(bucket)], id_)
        return _error(405, "methodNotAllowed", "Method not allowed")


def _topup(request: Request, ledger: Ledger) -> Reply:
    body = request.json
    if not isinstance(body, dict) or any(not body.get(name) for name in REQUIRED):
        return _error(400, "missingBodyField", "Missing body field")
    volume = _volume(body)
    account, place = _id_in(body["partyAccount"]), _id_in(body["bucket"])
    told_period = body.get("validFor")
    period = told_period if isinstance(told_period, dict) else {}
    if volume is None or volume <= 0 or account is None or place is None:
        return _error(400, "invalidBodyField", "Invalid body field")
    start, end = read_instant(period.get("startDateTime")), read_instant(period.get("endDateTime"))
    with ledger.lock:
        if not ledger.is_known(account):
            return _error(404, "accountNotFound", "No such account")
        there = ledger.bucket(place)
        if there is not None and there.account != account:
            return _error(409, "bucketOfAnother", "The bucket belongs to another account")
        effect = Effect(
            do="credit",
            account=account,
            place=place,
            key=str(body.get("description") or ""),
            bytes=volume,
            valid_from=start,
            valid_until=end,
        )
        ledger.record(effect)
        credit = ledger.credits_of(account)[-1]
    told = _told(credit)
    return Reply(201, as_json(told), {**JSON, "location": told["href"]})


def _adjust(request: Request, ledger: Ledger) -> Reply:
    body = request.json
    if not isinstance(body, dict) or any(not body.get(name) for name in ("amount", "usageType", "bucket")):
        return _error(400, "missingBodyField", "Missing body field")
    volume, place = _volume(body), _id_in(body["bucket"])
    with ledger.lock:
        bucket = None if place is None else ledger.bucket(place)
        if volume is None or bucket is None:
            return _error(404, "bucketNotFound", "No such bucket")
        id_ = str(ledger.next_id())
        ledger.record(Effect(do="take", account=bucket.account, place=bucket.place, bytes=-volume))
    told = {**body, "id": id_, "href": f"{HREF}/adjustBalance/{id_}", "status": "completed"}
    return Reply(201, as_json(told), JSON)


def _credits(request: Request, ledger: Ledger) -> list[SimulatedCredit]:
    account = request.query.get("partyAccount.id")
    return ledger.credits() if account is None else ledger.credits_of(account)


def _buckets(request: Request, ledger: Ledger) -> list[SimulatedBucket]:
    return by_end(ledger.buckets(request.query.get("partyAccount.id", "")))


def _list(request: Request, found: list[dict[str, Any]]) -> Reply:
    offset, limit = request.query.get("offset", "0"), request.query.get("limit", str(MAX_PAGE))
    if not (offset.isdigit() and limit.isdigit()):
        return _error(400, "invalidQueryStringParameter", "offset and limit are numbers")
    page = found[int(offset) : int(offset) + min(int(limit), MAX_PAGE)]
    headers = {**JSON, "x-total-count": str(len(found)), "x-result-count": str(len(page))}
    return Reply(206 if len(page) < len(found) else 200, as_json(page), headers)


def _one(found: list[dict[str, Any]], id_: str) -> Reply:
    match = next((each for each in found if each["id"] == id_), None)
    return _error(404, "notFound", "No such resource") if match is None else Reply(200, as_json(match), JSON)


def _told(credit: SimulatedCredit) -> dict[str, Any]:
    return {
        "id": credit.id,
        "href": f"{HREF}/topupBalance/{credit.id}",
        "description": credit.key,
        "amount": {"amount": credit.bytes, "units": "octets"},
        "bucket": {"id": credit.place, "href": f"{HREF}/bucket/{credit.place}"},
        "partyAccount": {"id": credit.account},
        "status": "completed",
        "usageType": DATA,
        "validFor": _period(credit.valid_from, credit.valid_until),
    }


def _shape(bucket: SimulatedBucket) -> dict[str, Any]:
    return {
        "id": bucket.place,
        "href": f"{HREF}/bucket/{bucket.place}",
        "partyAccount": {"id": bucket.account},
        "remainingValue": {"amount": bucket.remaining_bytes, "units": "octets"},
        "status": "active",
        "usageType": DATA,
        "validFor": _period(bucket.valid_from, bucket.valid_until),
    }


def _period(start: datetime | None, end: datetime | None) -> dict[str, str]:
    told = {"startDateTime": start, "endDateTime": end}
    return {
        key: instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
        for key, instant in told.items()
        if instant is not None
    }


def _volume(body: Mapping[str, Any]) -> int | None:
    quantity = body["amount"]
    amount = quantity.get("amount") if isinstance(quantity, dict) else None
    if not isinstance(amount, int | float) or isinstance(amount, bool) or quantity.get("units") != "octets":
        return None
    return int(amount)


def _id_in(ref: object) -> str | None:
    id_ = ref.get("id") if isinstance(ref, dict) else None
    return str(id_) if is_text(id_) else None


def _error(status: int, code: str, reason: str) -> Reply:
    return Reply(status, as_json({"code": code, "reason": reason, "status": str(status)}), JSON)
