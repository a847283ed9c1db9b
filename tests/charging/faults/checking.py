"""What must hold at the end, held against what the played system itself says is true."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.kit.sql import open_cursor
from tests.charging.faults.granting import is_known

TOLERANCE: Final = timedelta(seconds=1)
"""The protocols carry instants by the second or finer."""
WITHOUT_START: Final = "cgrates"
TENANT: Final = "cgrates.org:"

_ORDERS = """
SELECT
    o.credit_id::text, s.subject, o.state, o.bytes, o.valid_from, o.valid_until, b.size_bytes, b.valid_from,
    b.valid_until
FROM charging_creditorder o
JOIN subscribers_subscriber s ON s.subscriber_id = o.subscriber_id
LEFT JOIN allowances_bucket b ON b.subscriber_id = o.subscriber_id AND b.bucket_id = o.credit_id
"""


class Ordered(NamedTuple):
    """An order beside the bucket of the allowances for which it was written."""

    credit_id: str
    subject: str
    state: OrderState
    bytes: int
    valid_from: datetime
    valid_until: datetime
    bucket: tuple[int, datetime, datetime]


@dataclass(slots=True)
class Verdict:
    """What was found wrong, by name and with examples; nothing is what must be found."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    credits: int = 0
    bytes: int = 0
    refused: int = 0

    @property
    def is_right(self) -> bool:
        return not any(self.wrong.values())

    def expect(self, name: str, is_so: bool, told: object) -> None:
        if not is_so:
            self.wrong[name].append(str(told))

    def lines(self) -> list[str]:
        return [f"{name}: {len(told)}, as {', '.join(told[:3])}" for name, told in sorted(self.wrong.items())]


def orders() -> list[Ordered]:
    """Load every order."""
    with transaction.atomic():
        rows = open_cursor().execute(_ORDERS).fetchall()
    return [
        Ordered(row[0], row[1], OrderState(row[2]), row[3], row[4], row[5], tuple(row[6:])) for row in rows
    ]


def judge(profile: str, grants: int, credits_: list[dict[str, Any]], ghosts: list[str]) -> Verdict:
    """Hold every order against the journal: there once, right amount, right period; and nothing else."""
    verdict, ordered = Verdict(), orders()
    verdict.expect("orders that are not one for each grant", len(ordered) == grants, len(ordered))
    verdict.expect("accounts made up", not ghosts, ghosts[:3])
    of_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for credit in credits_:
        of_key[credit["key"]].append(credit)
    known = {order.credit_id for order in ordered if is_known(order.subject)}
    for key, told in of_key.items():
        verdict.expect("credits that nobody ordered", key in known, key)
        verdict.expect("credits that are there more than once", len(told) == 1, f"{key} {len(told)} times")
    places = Counter((credit["account"], credit["place"]) for credit in credits_)
    verdict.expect("buckets that two credits share", max(places.values(), default=1) == 1, "")
    for order in ordered:
        _judge_order(verdict, profile, order, of_key.get(order.credit_id, []))
    expected = sum(order.bytes for order in ordered if is_known(order.subject))
    verdict.credits, verdict.bytes = len(credits_), sum(credit["bytes"] for credit in credits_)
    verdict.expect("totals that differ", verdict.bytes == expected, f"{verdict.bytes} for {expected}")
    return verdict


def _judge_order(verdict: Verdict, profile: str, order: Ordered, told: list[dict[str, Any]]) -> None:
    ours = (order.bytes, order.valid_from, order.valid_until)
    verdict.expect("orders that are not as the bucket granted", ours == order.bucket, order.credit_id)
    if not is_known(order.subject):
        verdict.refused += 1
        is_refused = order.state is OrderState.REFUSED and not told
        verdict.expect("unknown lines not refused", is_refused, f"{order.credit_id} {order.state}")
        return
    verdict.expect(
        "orders not confirmed", order.state is OrderState.CONFIRMED, f"{order.credit_id} {order.state}"
    )
    verdict.expect("credits that never came", bool(told), order.credit_id)
    for credit in told:
        account = credit["account"].removeprefix(TENANT)
        verdict.expect("credits of another line", account == order.subject, order.credit_id)
        verdict.expect("wrong amounts", credit["bytes"] == order.bytes, order.credit_id)
        verdict.expect("wrong ends", _is_at(credit["valid_until"], order.valid_until), order.credit_id)
        if profile != WITHOUT_START:
            verdict.expect("wrong starts", _is_at(credit["valid_from"], order.valid_from), order.credit_id)


def _is_at(told: str | None, instant: datetime) -> bool:
    return told is not None and abs(datetime.fromisoformat(told) - instant) < TOLERANCE
