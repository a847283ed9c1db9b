"""SigScale OCS: buckets over its own REST interface, as `ocs_rest_res_balance` serves it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import msgspec

from selbsthelfer.charging.adapters.calling import (
    Answer,
    Caller,
    NoAnswerError,
    NotSentError,
    Request,
    is_a_segment,
    reading,
)
from selbsthelfer.charging.adapters.outcomes import believed, no_answer, not_sent, of_refusal
from selbsthelfer.charging.adapters.plain import (
    MAX_BYTES,
    OddAnswerError,
    basic,
    bytes_of,
    credit_id_of,
    instant_of,
    settle,
)
from selbsthelfer.charging.core.port import (
    Capabilities,
    Credit,
    Credited,
    Found,
    NotCredited,
    Outcome,
    Unknown,
    UnreadableError,
)

BALANCES: Final = ("balanceManagement", "v1")
SERVICES: Final = ("serviceInventoryManagement", "v2", "service")
BUCKETS: Final = (*BALANCES, "bucket")
OCTETS: Final = "octets"
MAX_PAGES: Final = 10
"""Pages of one list; a page is what the server is set to, 1,000 unless changed."""
_RANGE: Final = re.compile(r"items (\d{1,9})-(\d{1,9})/(\d{1,9}|\*)")
_AMOUNT: Final = re.compile(r"(-?\d{1,16})b?")


class Quantity(msgspec.Struct):
    amount: int | str
    units: str | None = None


class Period(msgspec.Struct):
    start: str | None = msgspec.field(default=None, name="startDateTime")
    end: str | None = msgspec.field(default=None, name="endDateTime")


class Ref(msgspec.Struct):
    id: str


class Bucket(msgspec.Struct):
    id: str
    name: str | None = None
    product: Ref | None = None
    remained: Quantity | None = msgspec.field(default=None, name="remainedAmount")
    reserved: Quantity | None = msgspec.field(default=None, name="reservedAmount")
    valid_for: Period | None = msgspec.field(default=None, name="validFor")


class Service(msgspec.Struct):
    id: str
    product: str | None = None


class Problem(msgspec.Struct):
    title: str
    detail: str = ""


class SigscaleSystem:
    """A SigScale OCS; a recipient is the id of a service."""

    name: str = "sigscale"

    def __init__(
        self,
        url: str,
        *,
        user: str,
        password: str,
        timeout_seconds: float = 5.0,
        settle_seconds: int | None = 300,
    ) -> None:
        self.capabilities = Capabilities(
            own_bucket=True,
            own_expiry=True,
            priority=False,
            read_back=True,
            reverse=True,
            reauthorise=False,
            keeps_used_up=False,
            settle_seconds=settle(settle_seconds),
        )
        self._caller = Caller(url, authorization=basic(user, password), timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self._caller.close()

    def credit(self, credit: Credit, *, deadline: float) -> Outcome:
        """Top up a service by a bucket of its own, whose name is the id of the credit."""
        if not is_a_segment(credit.recipient):
            return NotCredited("recipient_unusable", is_permanent=True)
        if credit.bytes > MAX_BYTES:
            return NotCredited("amount_unusable", is_permanent=True)
        path = (*BALANCES, "service", credit.recipient, "balanceTopup")
        try:
            answer = self._caller.send(Request("POST", path, _topup(credit)), deadline=deadline)
        except NotSentError as error:
            return not_sent(error)
        except NoAnswerError as error:
            return no_answer(error)
        outcome = _credited(answer, credit) if answer.status < 300 else believed(_refused(answer), answer)
        if not isinstance(outcome, Credited):
            self._caller.start_anew()
        return outcome

    def read_back(self, recipient: str) -> tuple[Found, ...]:
        """Tell the buckets of the product that the service belongs to; those of other services of it too."""
        if not is_a_segment(recipient):
            raise UnreadableError("recipient_unusable")
        product = self._product(recipient)
        if product is None:
            return ()
        try:
            return tuple(_found(bucket) for bucket in self._buckets(product) if _is_volume(bucket))
        except OddAnswerError as error:
            raise UnreadableError(error.code) from None

    def reverse(self, recipient: str, found: Found) -> Outcome:  # noqa: ARG002 - its name is enough
        """Delete a bucket; one that is not there any more is gone as well."""
        if not is_a_segment(found.place):
            return NotCredited("place_unusable", is_permanent=True)
        try:
            answer = self._caller.send_alone(Request("DELETE", (*BUCKETS, found.place)))
        except NotSentError as error:
            return not_sent(error)
        except NoAnswerError as error:
            return no_answer(error)
        if answer.status == 204 or _is_no_such(answer):
            return Credited(found.place)
        return of_refusal(answer)

    def reauthorise(self, recipient: str) -> None:
        """Do nothing: sessions ask anew by themselves when their quota is used up."""

    def _product(self, recipient: str) -> str | None:
        with reading():
            answer = self._caller.send_alone(Request("GET", (*SERVICES, recipient)))
        if _is_no_such(answer):
            return None
        service = answer.read(Service) if answer.status == 200 else None
        if service is None:
            raise UnreadableError(f"status_{answer.status}" if answer.status != 200 else "not_readable")
        if service.id != recipient:
            raise UnreadableError("of_another")
        return service.product

    def _buckets(self, product: str) -> list[Bucket]:
        """Read all pages; the server holds a list under its ETag while it is read."""
        found: list[Bucket] = []
        headers: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            with reading():
                request = Request("GET", BUCKETS, query={"product.id": product}, headers=headers)
                answer = self._caller.send_alone(request)
            page = answer.read(list[Bucket]) if answer.status == 200 else None
            if page is None:
                raise UnreadableError(f"status_{answer.status}" if answer.status != 200 else "not_readable")
            if any(bucket.product is None or bucket.product.id != product for bucket in page):
                raise UnreadableError("of_another")
            found += page
            if _is_last(answer, len(found)):
                return found
            first = len(found) + 1
            headers = {"if-match": answer.headers.get("etag", ""), "range": f"items={first}-{first + 999}"}
        raise UnreadableError("too_many")


def _topup(credit: Credit) -> bytes:
    """Write a bucket. `product` is not named, which would be refused."""
    return msgspec.json.encode(
        {
            "name": str(credit.credit_id),
            "amount": {"units": OCTETS, "amount": credit.bytes},
            "validFor": {
                "startDateTime": _written(credit.valid_from),
                "endDateTime": _written(credit.valid_until),
            },
        }
    )


def _written(instant: datetime) -> str:
    """Write an instant as this system reads it: in UTC, with three decimals and no zone, which it refuses."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _credited(answer: Answer, credit: Credit) -> Outcome:
    """Believe an answer that names our credit; one of another request proves nothing."""
    if answer.status != 201:
        return Unknown(f"status_{answer.status}")
    bucket = answer.read(Bucket)
    if bucket is None:
        return Unknown("not_readable")
    if bucket.name != str(credit.credit_id):
        return Unknown("of_another")
    return Credited(bucket.id)


def _refused(answer: Answer) -> Outcome:
    if _is_no_such(answer):
        return NotCredited("recipient_unknown", is_permanent=True)
    return of_refusal(answer)


def _is_no_such(answer: Answer) -> bool:
    """Tell a service or bucket that does not exist from an address at which nothing is served."""
    problem = answer.read(Problem) if answer.status == 404 else None
    return problem is not None and problem.detail.startswith("No such ")


def _is_last(answer: Answer, count: int) -> bool:
    match = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    if match is None or int(match[2]) != count:
        raise UnreadableError("range_odd")
    return match[3] != "*" and int(match[3]) == count


def _is_volume(bucket: Bucket) -> bool:
    return bucket.remained is not None and (bucket.remained.units or "").lower() == OCTETS


def _octets(quantity: Quantity | None) -> int:
    """Read octets, which this system writes as `100b` and reads as 100."""
    if quantity is None:
        return 0
    match = _AMOUNT.fullmatch(str(quantity.amount))
    if match is None:
        raise OddAnswerError("amount_odd")
    return bytes_of(int(match[1]), quantity.units)


def _found(bucket: Bucket) -> Found:
    """Read a bucket; what a session has reserved is not used yet. What was credited is not kept."""
    period = bucket.valid_for or Period()
    return Found(
        place=bucket.id,
        credit_id=credit_id_of(bucket.name),
        bytes=None,
        remaining_bytes=_octets(bucket.remained) + _octets(bucket.reserved),
        valid_from=instant_of(period.start),
        valid_until=instant_of(period.end),
    )
