"""TMF654 Prepay Balance Management, version 4: top-ups and buckets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final, Protocol, TypeVar
from uuid import UUID

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
    UNITS,
    OddAnswerError,
    basic,
    bearer,
    bytes_of,
    credit_id_of,
    instant_of,
    settle,
    written,
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

ROOT: Final = ("tmf-api", "prepayBalanceManagement", "v4")
TOPUPS: Final = "topupBalance"
BUCKETS: Final = "bucket"
OCTETS: Final = "octets"
DATA: Final = "data"
MAX_PAGE: Final = 100
MAX_PAGES: Final = 20
POLL_SECONDS: Final = (0.2, 0.4, 0.9)
"""Between the looks at a top-up that is under way."""


class Ref(msgspec.Struct):
    id: str


class Quantity(msgspec.Struct):
    amount: int | float
    units: str | None = None


class Period(msgspec.Struct):
    start: str | None = msgspec.field(default=None, name="startDateTime")
    end: str | None = msgspec.field(default=None, name="endDateTime")


class Topup(msgspec.Struct, rename="camel"):
    id: str
    status: str = ""
    description: str | None = None
    amount: Quantity | None = None
    bucket: Ref | None = None
    party_account: Ref | None = None
    valid_for: Period | None = None


class Bucket(msgspec.Struct, rename="camel"):
    id: str
    usage_type: str | None = None
    remaining_value: Quantity | None = None
    party_account: Ref | None = None
    valid_for: Period | None = None


class ErrorBody(msgspec.Struct):
    code: str
    reason: str


class _Listed(Protocol):
    id: str
    party_account: Ref | None


L = TypeVar("L", bound=_Listed)


class Tmf654System:
    """A charging system behind TMF654; a recipient is the id of a party account."""

    name: str = "tmf654"

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        user: str = "",
        password: str = "",
        timeout_seconds: float = 5.0,
        settle_seconds: int | None = 300,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.capabilities = Capabilities(
            own_bucket=True,
            own_expiry=True,
            priority=False,
            read_back=True,
            reverse=False,  # both top-ups of a double are in one bucket, and stay listed
            reauthorise=False,
            keeps_used_up=True,
            settle_seconds=settle(settle_seconds),
        )
        self._sleep = sleep
        authorization = basic(user, password) if user or password else bearer(token) if token else ""
        self._caller = Caller(url, authorization=authorization, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self._caller.close()

    def credit(self, credit: Credit, *, deadline: float) -> Outcome:
        """Top up a bucket of its own, named by the id of the credit, which is its description too."""
        if credit.bytes > MAX_BYTES:
            return NotCredited("amount_unusable", is_permanent=True)
        request = Request("POST", (*ROOT, TOPUPS), _topup(credit))
        try:
            answer = self._caller.send(request, deadline=deadline)
        except NotSentError as error:
            return not_sent(error)
        except NoAnswerError as error:
            return no_answer(error)
        if answer.status < 300:
            outcome = self._settled(answer, credit, deadline)
        else:
            outcome = believed(_refused(answer), answer)
        if not isinstance(outcome, Credited):
            self._caller.start_anew()
        return outcome

    def read_back(self, recipient: str) -> tuple[Found, ...]:
        """Tell what the top-ups of an account became, and its other buckets of data volume.

        The system keeps top-ups, so that one whose bucket is used up and gone is still told.
        """
        topups = self._list(TOPUPS, Topup, recipient)
        buckets = {bucket.id: bucket for bucket in self._list(BUCKETS, Bucket, recipient)}
        try:
            ours = _ours(topups, buckets)
            seen = {found.place for found in ours}
            others = [bucket for bucket in buckets.values() if bucket.id not in seen and _is_volume(bucket)]
            return (*ours, *(_other(bucket) for bucket in others))
        except OddAnswerError as error:
            raise UnreadableError(error.code) from None

    def reverse(self, recipient: str, found: Found) -> Outcome:  # noqa: ARG002 - nothing can be said of any
        """Take out nothing: of a common bucket nobody can tell what is left of one top-up."""
        return NotCredited("not_reversible", is_permanent=True)

    def reauthorise(self, recipient: str) -> None:
        """Do nothing: the interface has no word for it."""

    def _settled(self, answer: Answer, credit: Credit, deadline: float) -> Outcome:
        """Believe an answer that names our credit, and look again at a top-up that is under way."""
        topup = answer.read(Topup)
        if topup is None:
            return Unknown("not_readable")
        if topup.description != str(credit.credit_id):
            return Unknown("of_another")
        for seconds in POLL_SECONDS:
            if topup.status.lower() != "created":
                break
            if monotonic() + seconds > deadline:
                return Unknown("under_way")
            self._sleep(seconds)
            topup = self._look(topup, credit, deadline)
        place = topup.bucket.id if topup.bucket is not None else f"{TOPUPS}/{topup.id}"
        return _by_status(topup, place)

    def _look(self, topup: Topup, credit: Credit, deadline: float) -> Topup:
        """Read a top-up anew; the one before where that fails."""
        if not is_a_segment(topup.id):
            return topup
        try:
            answer = self._caller.send(Request("GET", (*ROOT, TOPUPS, topup.id)), deadline=deadline)
        except (NotSentError, NoAnswerError):
            return topup
        found = answer.read(Topup) if answer.status == 200 else None
        is_ours = found is not None and found.description == str(credit.credit_id)
        return found if found is not None and is_ours else topup

    def _list(self, name: str, kind: type[L], recipient: str) -> list[L]:
        """Read a list to its end; one that changed meanwhile, or is not of the recipient, is unreadable."""
        found: dict[str, L] = {}
        for _ in range(MAX_PAGES):
            query = {"partyAccount.id": recipient, "limit": str(MAX_PAGE), "offset": str(len(found))}
            page, total = self._page(name, kind, query)
            if any(one.party_account is None or one.party_account.id != recipient for one in page):
                raise UnreadableError("of_another")
            before = len(found)
            found |= {one.id: one for one in page}
            if len(found) != before + len(page):
                raise UnreadableError("list_changed")
            if total is not None and len(found) > total:
                raise UnreadableError("list_changed")
            if not page and total is not None and len(found) < total:
                raise UnreadableError("list_changed")
            if not page or len(found) == total:
                return list(found.values())
        raise UnreadableError("too_many")

    def _page(self, name: str, kind: type[L], query: Mapping[str, str]) -> tuple[list[L], int | None]:
        with reading():
            answer = self._caller.send_alone(Request("GET", (*ROOT, name), query=query))
        if answer.status not in {200, 206}:
            raise UnreadableError(f"status_{answer.status}")
        page = answer.read(list[kind])  # type: ignore[valid-type]
        if page is None:
            raise UnreadableError("not_readable")
        total = answer.headers.get("x-total-count", "")
        return page, int(total) if total.isascii() and total.isdigit() and len(total) < 10 else None


def _topup(credit: Credit) -> bytes:
    id_ = str(credit.credit_id)
    return msgspec.json.encode(
        {
            "description": id_,
            "amount": {"amount": credit.bytes, "units": OCTETS},
            "usageType": DATA,
            "bucket": {"id": id_},
            "partyAccount": {"id": credit.recipient},
            "validFor": {
                "startDateTime": written(credit.valid_from),
                "endDateTime": written(credit.valid_until),
            },
        }
    )


def _by_status(topup: Topup, place: str) -> Outcome:
    status = topup.status.lower()
    if status == "completed":
        return Credited(place)
    if status in {"failed", "cancelled"}:
        return NotCredited(f"topup_{status}", is_permanent=True)
    return Unknown("under_way" if status == "created" else "status_odd")


def _refused(answer: Answer) -> Outcome:
    """Tell an account that is not known, of which an error body says so, from a wrong address."""
    if answer.status == 404 and answer.read(ErrorBody) is not None:
        return NotCredited("recipient_unknown", is_permanent=True)
    return of_refusal(answer)


def _is_volume(bucket: Bucket) -> bool:
    if bucket.usage_type is not None:
        return bucket.usage_type.lower() == DATA
    units = bucket.remaining_value.units if bucket.remaining_value is not None else None
    return (units or "").lower() in UNITS


def _ours(topups: list[Topup], buckets: Mapping[str, Bucket]) -> list[Found]:
    """Read the top-ups that are ours; while one is under way nothing is known. Raises `UnreadableError`."""
    found = []
    for topup in topups:
        credit_id = credit_id_of(topup.description)
        if credit_id is None:
            continue
        outcome = _by_status(topup, topup.id)
        if isinstance(outcome, Unknown):
            raise UnreadableError(outcome.code)
        if isinstance(outcome, Credited):
            bucket = buckets.get(topup.bucket.id) if topup.bucket is not None else None
            found.append(_our(topup, credit_id, bucket))
    return found


def _our(topup: Topup, credit_id: UUID, bucket: Bucket | None) -> Found:
    """Join a top-up to its bucket: what the bucket says of its validity counts, as that is what burns."""
    if topup.amount is None:
        raise OddAnswerError("amount_odd")
    period = (bucket.valid_for if bucket is not None else None) or topup.valid_for or Period()
    return Found(
        place=topup.bucket.id if topup.bucket is not None else f"{TOPUPS}/{topup.id}",
        credit_id=credit_id,
        bytes=bytes_of(topup.amount.amount, topup.amount.units),
        remaining_bytes=0 if bucket is None else _remaining(bucket),
        valid_from=instant_of(period.start),
        valid_until=instant_of(period.end),
    )


def _other(bucket: Bucket) -> Found:
    period = bucket.valid_for or Period()
    return Found(
        place=bucket.id,
        credit_id=None,
        bytes=None,
        remaining_bytes=_remaining(bucket),
        valid_from=instant_of(period.start),
        valid_until=instant_of(period.end),
    )


def _remaining(bucket: Bucket) -> int:
    value = bucket.remaining_value
    if value is None:
        raise OddAnswerError("amount_odd")
    return bytes_of(value.amount, value.units)
