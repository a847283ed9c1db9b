"""SigScale OCS, played.

Its traps: nothing tells two equal top-ups apart; units are needed; a body with `product` is refused; instants
bear no zone, and one with `Z` is refused; amounts are answered as text with a `b`; a bucket that is used up
is deleted; lists come in pages by `Range`, held under an ETag; the soonest end burns first.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from threading import Lock
from typing import Any, Final

from selbsthelfer.charging.simulator.ledger import FAR, Effect, Ledger, SimulatedBucket
from selbsthelfer.charging.simulator.profiles import Visit, by_end, read_instant
from selbsthelfer.charging.simulator.wire import JSON, Reply, Request, as_json

BALANCES: Final = ("balanceManagement", "v1")
MAX_LISTS: Final = 200
"""Lists held for later pages; the oldest is let go first."""
UNITS: Final = frozenset({"octets", "cents", "seconds", "messages"})
_RANGE: Final = re.compile(r"items=(\d{1,9})-(\d{1,9})")


class Sigscale:
    """The part of SigScale OCS that knows services, products and buckets."""

    name = "sigscale"
    keeps_used_up = False

    def __init__(self, *, page_size: int = 1_000) -> None:
        self.page_size = page_size
        self._lock = Lock()
        self._tags = count(1)
        self._lists: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()

    def visit(self, request: Request) -> Visit:
        is_credit = request.method == "POST" and request.path[-1:] == ("balanceTopup",)
        body = request.json if is_credit else None
        key = body.get("name") if isinstance(body, dict) else None
        return Visit(str(key or "/".join(request.path)), is_credit)

    def error(self, request: Request) -> Reply:  # noqa: ARG002 - it fails at all alike
        return _problem(500, "Internal Server Error", "Exception occurred adding Balance Bucket")

    def account_of(self, recipient: str) -> str:
        return recipient

    def burning_order(self, bucket: SimulatedBucket) -> tuple[datetime, str]:
        return bucket.valid_until or FAR, bucket.place

    def answer(self, request: Request, ledger: Ledger) -> Reply:
        match (request.method, *request.path):
            case ("POST", "balanceManagement", "v1", "service", service, "balanceTopup"):
                return _topup(service, request, ledger)
            case ("GET", "serviceInventoryManagement", "v2", "service", service):
                return _service(service, ledger)
            case ("GET", "balanceManagement", "v1", "bucket"):
                return self._list(request, ledger)
            case ("GET", "balanceManagement", "v1", "bucket", place):
                bucket = ledger.bucket(place)
                return _no_such("Balance Bucket found") if bucket is None else _ok(_shape(bucket))
            case ("DELETE", "balanceManagement", "v1", "bucket", place):
                return _delete(place, ledger)
        return _problem(404, "Not Found", "No resource exists at the path provided")

    def _list(self, request: Request, ledger: Ledger) -> Reply:
        """Answer a page of a list; its later pages are asked for by the ETag of the first."""
        asked = _RANGE.fullmatch(request.headers.get("range", ""))
        first = int(asked[1]) if asked else 1
        etag = request.headers.get("if-match")
        with self._lock:
            if etag is None:
                if first != 1:
                    return _problem(416, "Range Not Satisfiable", "")
                product = request.query.get("product.id", "")
                etag = f"list-{next(self._tags)}"
                self._lists[etag] = [
                    _shape(bucket) for bucket in by_end(ledger.buckets(_service_of(product)))
                ]
                if len(self._lists) > MAX_LISTS:
                    self._lists.popitem(last=False)
            found = self._lists.get(etag)
        if found is None:
            return _problem(412, "Precondition Failed", "")
        page = found[first - 1 : first - 1 + self.page_size]
        last = first - 1 + len(page)
        total = str(last) if last == len(found) else "*"
        headers = {**JSON, "etag": etag, "content-range": f"items {first}-{last}/{total}"}
        return Reply(200, as_json(page), headers)


def product_of(service: str) -> str:
    """Name the product that a service belongs to; buckets are of the product."""
    return f"product-{service}"


def _service_of(product: str) -> str:
    return product.removeprefix("product-")


def _topup(service: str, request: Request, ledger: Ledger) -> Reply:
    body = request.json
    asked = _asked(body) if isinstance(body, dict) else None
    if asked is None:
        return _problem(400, "Bad Request", "Exception occurred parsing request body")
    with ledger.lock:
        if not ledger.is_known(service):
            return _no_such("Service inventory item found")
        place = ledger.next_id().hex
        name, amount, start, end = asked
        effect = Effect(
            do="credit",
            account=service,
            place=place,
            key=name,
            bytes=amount,
            valid_from=start,
            valid_until=end,
        )
        ledger.record(effect)
        bucket = ledger.bucket(place)
    assert bucket is not None  # noqa: S101 - it was just recorded
    headers = {**JSON, "location": f"/balanceManagement/v1/bucket/{place}"}
    return Reply(201, as_json(_shape(bucket)), headers)


def _asked(body: Mapping[str, Any]) -> tuple[str, int, datetime | None, datetime | None] | None:
    """Read a top-up; none where this system would not."""
    amount, period, name = body.get("amount"), body.get("validFor", {}), body.get("name", "")
    if "product" in body or not isinstance(amount, dict) or set(amount) != {"units", "amount"}:
        return None
    number = amount["amount"]
    if amount["units"] not in UNITS or not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        return None
    if not isinstance(period, dict) or not isinstance(name, str):
        return None
    told = [period[key] for key in ("startDateTime", "endDateTime") if key in period]
    if any(read_instant(text, with_zone=False) is None for text in told):
        return None
    start = read_instant(period.get("startDateTime"), with_zone=False)
    return name, number, start, read_instant(period.get("endDateTime"), with_zone=False)


def _service(service: str, ledger: Ledger) -> Reply:
    if not ledger.is_known(service):
        return _no_such("Service inventory item")
    href = f"/serviceInventoryManagement/v2/service/{service}"
    return _ok({"id": service, "href": href, "product": product_of(service)})


def _delete(place: str, ledger: Ledger) -> Reply:
    with ledger.lock:
        bucket = ledger.bucket(place)
        if bucket is None:
            return _no_such("Balance Bucket found")
        ledger.record(Effect(do="remove", account=bucket.account, place=place))
    return Reply(204)


def _shape(bucket: SimulatedBucket) -> dict[str, Any]:
    period = {
        "startDateTime": None if bucket.valid_from is None else _written(bucket.valid_from),
        "endDateTime": None if bucket.valid_until is None else _written(bucket.valid_until),
    }
    product = product_of(bucket.account)
    shape = {
        "id": bucket.place,
        "href": f"/balanceManagement/v1/bucket/{bucket.place}",
        "product": {"id": product, "href": f"/productInventoryManagement/v2/product/{product}"},
        "remainedAmount": {"amount": f"{bucket.remaining_bytes}b", "units": "octets"},
        "validFor": {key: text for key, text in period.items() if text is not None},
    }
    return {**shape, "name": bucket.key} if bucket.key else shape


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _ok(shape: object) -> Reply:
    return Reply(200, as_json(shape), JSON)


def _no_such(what: str) -> Reply:
    return _problem(404, "Not Found", f"No such {what}")


def _problem(status: int, title: str, detail: str) -> Reply:
    body = {"type": "about:blank", "title": title, "detail": detail, "code": "", "status": status}
    return Reply(status, as_json(body), {"content-type": "application/problem+json"})
