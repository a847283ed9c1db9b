"""What can become of a credit order, as functions from one standing of it to the next.

An order is taken, marked `uncertain` and only then sent. So whoever dies at whatever instruction leaves the
truth behind, nobody sends blindly again, and what an attempt brings is noted only while no newer one began:
except that volume has arrived, which holds whenever it is learned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from selbsthelfer.charging.core.backing_off import next_attempt_at, next_read_at
from selbsthelfer.charging.core.port import Capabilities, Credit, Credited, Found, NotCredited, Outcome

STUCK_AFTER: Final = timedelta(hours=1)
"""An order that is not delivered so long after it was written is worth an alert."""

TOO_EARLY: Final = "too_early"
"""Of a system that cannot credit what begins later: the order waits for that."""
TOO_LATE: Final = "too_late"
LINE_ENDED: Final = "line_ended"
NO_RECIPIENT: Final = "no_recipient"
ABSENT: Final = "absent"
GIVEN_UP: Final = "given_up"
"""Of volume that was given anew and did not arrive again: a person has to help."""
NOT_MADE_GOOD: Final = "not_made_good"
"""Of volume that is owed and that intake refuses to give anew."""
REFUSED_ONCE: Final = "refused_once"
"""A refusal for good that was told once. It may have been meant for another request, so it is read back and
sent once more before it is believed."""
NEEDS_A_PERSON: Final = "needs_a_person"
_WAS_ABSENT: Final = frozenset({ABSENT, NEEDS_A_PERSON})
"""What stands at an uncertain order whose last read did not find it."""
_NO_FAILURE: Final = frozenset({ABSENT, REFUSED_ONCE, TOO_EARLY})
"""Why an order is sent again without the system having failed."""


class OrderState(StrEnum):
    """Where a credit order stands; only what is confirmed may be called usable.

    `uncertain`: nobody knows whether the charging system took it. `refused`: it said no; somebody must look.
    """

    OPEN = "open"
    CONFIRMED = "confirmed"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"


class Action(StrEnum):
    """What an attempt tried: to credit, to read back what there is, or what a person said or asked for."""

    CREDIT = "credit"
    READ_BACK = "read_back"
    RESOLVE = "resolve"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands; `attempts` counts every action and tells an older attempt from a newer.

    `failures` counts how often it was tried in vain, by which it is tried ever more rarely; what was taken
    and not sent, and what was only read, is no failure. `due_at` is when a worker may take it, None when
    none ever will. `recipient` is fixed by the first attempt. `troubled_at`: since when a person should
    know. `owed_at`: when it was found undelivered at the end of its volume, which is to be made good.
    """

    subscriber_id: UUID
    credit_id: UUID
    system: str
    state: OrderState
    bytes: int
    valid_from: datetime
    valid_until: datetime
    ordered_at: datetime
    confirmed_at: datetime | None
    recipient: str | None
    due_at: datetime | None
    attempts: int
    sent_at: datetime | None
    place: str | None
    failure: str | None
    troubled_at: datetime | None
    owed_at: datetime | None
    made_good_at: datetime | None
    failures: int = 0

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.subscriber_id, self.credit_id

    def to_send(self) -> Credit:
        """Tell what is sent, which is the same at every attempt; only of an order with a recipient."""
        if self.recipient is None:
            raise ValueError("an order without a recipient is not sent")
        return Credit(self.credit_id, self.recipient, self.bytes, self.valid_from, self.valid_until)


def taken_to_send(order: Order, recipient: str, *, at: datetime, capabilities: Capabilities) -> Order:
    """Mark an open order uncertain before it is sent: from here on the charging system may have it.

    That an earlier attempt was absent says nothing of this one.
    """
    pace = capabilities.pace
    return replace(
        order,
        state=OrderState.UNCERTAIN,
        recipient=order.recipient or recipient,
        attempts=order.attempts + 1,
        sent_at=at,
        due_at=at + pace.send_within + pace.clock_slack if capabilities.read_back else order.valid_until,
        failure=None if order.failure in _WAS_ABSENT else order.failure,
    )


def doubted(order: Order, recipient: str, *, at: datetime, capabilities: Capabilities) -> Order:
    """Take an open order as one that may have been sent by somebody who is forgotten, and read it back."""
    taken = taken_to_send(order, recipient, at=at, capabilities=capabilities)
    return replace(taken, due_at=at) if capabilities.read_back else taken


def noted(order: Order, attempt: int, outcome: Outcome, *, at: datetime, capabilities: Capabilities) -> Order:
    """Note what an attempt to credit brought; one that came too late to matter changes nothing."""
    if isinstance(outcome, Credited):
        return confirmed(order, outcome.place, at=at)
    if order.state is not OrderState.UNCERTAIN or order.attempts != attempt:
        return order
    if not isinstance(outcome, NotCredited):
        return _uncertain(order, outcome.code, at=at, capabilities=capabilities)
    if outcome.is_permanent:
        can_be_checked = capabilities.read_back and capabilities.settle_seconds is not None
        if can_be_checked and order.failure != REFUSED_ONCE:
            return _uncertain(order, REFUSED_ONCE, at=at, capabilities=capabilities)
        return refused(order, outcome.code, at=at)
    return reopened(order, outcome.code, at=at, capabilities=capabilities)


def unsent(order: Order, attempt: int, *, before: Order) -> Order:
    """Give back an order that was taken and surely not sent, as it stood before but for the fence."""
    if order.state is not OrderState.UNCERTAIN or order.attempts != attempt:
        return order
    return replace(
        order,
        state=OrderState.OPEN,
        due_at=before.due_at or order.ordered_at,
        sent_at=before.sent_at,
        failure=before.failure,
    )


def confirmed(order: Order, place: str | None, *, at: datetime) -> Order:
    """Confirm an order, whatever was thought of it; what was made good stays given."""
    if order.state is OrderState.CONFIRMED:
        return order
    return replace(
        order,
        state=OrderState.CONFIRMED,
        confirmed_at=at,
        due_at=None,
        place=place or order.place,
        failure=None,
        troubled_at=None,
        owed_at=order.owed_at if order.made_good_at else None,
    )


def reopened(order: Order, code: str, *, at: datetime, capabilities: Capabilities) -> Order:
    """Have an order sent again after a while, until its volume ends.

    One that was absent has waited for that already, and the system is there: it is sent at once, however
    often it was read before.
    """
    failures = order.failures + (code not in _NO_FAILURE)
    next_at = at if code in (ABSENT, REFUSED_ONCE) else _sent_again_at(order, failures, at, capabilities)
    return replace(
        order,
        state=OrderState.OPEN,
        failures=failures,
        confirmed_at=None,
        due_at=max(next_at, order.valid_from) if code == TOO_EARLY else next_at,
        failure=code,
        troubled_at=order.troubled_at or (at if _is_stuck(order, at) else None),
    )


def refused(order: Order, code: str, *, at: datetime) -> Order:
    """Close an order that the system will never take, and have a person look."""
    return replace(
        order, state=OrderState.REFUSED, due_at=None, failure=code, troubled_at=order.troubled_at or at
    )


def ended(order: Order, *, at: datetime, is_line_ended: bool) -> Order:
    """Close an order at the end of its volume or of its line; what nobody delivered is owed.

    An uncertain one stays uncertain: it may have been credited. What a line is owed ends with the line.
    """
    is_open = order.state is OrderState.OPEN
    closed = replace(
        order,
        state=OrderState.REFUSED if is_open else order.state,
        due_at=None,
        failure=LINE_ENDED if is_line_ended else TOO_LATE,
    )
    if is_line_ended:
        return closed
    return replace(closed, troubled_at=order.troubled_at or at, owed_at=order.owed_at or at)


def taken_to_read(order: Order, *, at: datetime, capabilities: Capabilities) -> Order:
    """Reserve an uncertain order for the one who reads it back."""
    return replace(order, attempts=order.attempts + 1, due_at=at + capabilities.pace.read_within)


def settled(
    order: Order, attempt: int, found: tuple[Found, ...], *, at: datetime, capabilities: Capabilities
) -> Order:
    """Settle an uncertain order by the buckets that the system has under its id.

    One that surely never arrived is sent again. One that is absent and may still arrive is read back later.
    One that may have been used up is sent again too, in the customer's favour, if it was absent twice and the
    operator did not want it otherwise; else it is read back until its volume ends, and a person is told.
    """
    if found:
        return confirmed(order, first_place(order, found), at=at)
    if order.state is not OrderState.UNCERTAIN or order.attempts != attempt:
        return order
    if is_under_way(order, at=at, capabilities=capabilities):
        due_at = min(_read_again_at(order, at, capabilities), _settled_at(order, capabilities))
        was_refused = order.failure == REFUSED_ONCE
        return replace(order, due_at=due_at, failure=REFUSED_ONCE if was_refused else ABSENT)
    if order.failure == REFUSED_ONCE:
        return reopened(order, REFUSED_ONCE, at=at, capabilities=capabilities)
    if is_surely_absent(order, at=at, capabilities=capabilities) or _is_lost(order, at, capabilities):
        return reopened(order, ABSENT, at=at, capabilities=capabilities)
    if _may_be_lost(order, at, capabilities):
        return replace(order, due_at=_read_again_at(order, at, capabilities), failure=ABSENT)
    return replace(
        order,
        due_at=_read_again_at(order, at, capabilities),
        failure=NEEDS_A_PERSON,
        troubled_at=order.troubled_at or at,
    )


def unreadable(order: Order, attempt: int, code: str, *, at: datetime, capabilities: Capabilities) -> Order:
    """Read an uncertain order back later."""
    if order.state is not OrderState.UNCERTAIN or order.attempts != attempt:
        return order
    return replace(
        order,
        due_at=_read_again_at(order, at, capabilities),
        failure=REFUSED_ONCE if order.failure == REFUSED_ONCE else code,
        troubled_at=order.troubled_at or (at if _is_stuck(order, at) else None),
    )


def is_surely_absent(order: Order, *, at: datetime, capabilities: Capabilities) -> bool:
    """Tell whether a bucket that is not found was never credited, rather than used up or ended."""
    is_readable = capabilities.read_back and capabilities.settle_seconds is not None
    cannot_be_used_up = capabilities.keeps_used_up or at < order.valid_from
    return is_readable and cannot_be_used_up and at < order.valid_until


def is_under_way(order: Order, *, at: datetime, capabilities: Capabilities) -> bool:
    """Tell whether an attempt to credit may still take effect, where that is bounded."""
    if order.state is not OrderState.UNCERTAIN or order.sent_at is None:
        return False
    return at < _settled_at(order, capabilities)


def first_place(order: Order, found: tuple[Found, ...]) -> str:
    """Choose the bucket that is the order's: the one it has named already, else the first by name."""
    places = sorted(bucket.place for bucket in found)
    return order.place if order.place in places else places[0]


def _uncertain(order: Order, code: str, *, at: datetime, capabilities: Capabilities) -> Order:
    """Read an order of unknown fate back soon, or leave it to a person where the system tells nothing."""
    if capabilities.read_back:
        due_at = min(at + capabilities.pace.read_after, order.valid_until)
        return replace(order, due_at=due_at, failure=code)
    return replace(order, due_at=order.valid_until, failure=code, troubled_at=order.troubled_at or at)


def _is_stuck(order: Order, at: datetime) -> bool:
    return at - max(order.ordered_at, order.valid_from) >= STUCK_AFTER


def _settled_at(order: Order, capabilities: Capabilities) -> datetime:
    """Tell from when on the last attempt can no longer take effect, as far as that is bounded."""
    pace = capabilities.pace
    sent_by = (order.sent_at or order.ordered_at) + pace.send_within
    return sent_by + timedelta(seconds=capabilities.settle_seconds or 0) + pace.clock_slack


def _may_be_lost(order: Order, at: datetime, capabilities: Capabilities) -> bool:
    """Tell whether absence may be believed although a bucket that is used up would be absent too."""
    is_bounded = capabilities.read_back and capabilities.settle_seconds is not None
    return is_bounded and capabilities.absent_is_lost and at < order.valid_until


def _is_lost(order: Order, at: datetime, capabilities: Capabilities) -> bool:
    """Tell whether an order that is absent now was absent at the read before as well."""
    return _may_be_lost(order, at, capabilities) and order.failure in _WAS_ABSENT


def _sent_again_at(order: Order, failures: int, at: datetime, capabilities: Capabilities) -> datetime:
    later = next_attempt_at(order.credit_id, failures, at, capabilities.pace) or order.valid_until
    return min(later, order.valid_until)


def _read_again_at(order: Order, at: datetime, capabilities: Capabilities) -> datetime:
    """Tell when to read back next: the longer ago it was sent, the more rarely."""
    later = next_read_at(
        order.credit_id, order.attempts, order.sent_at or order.ordered_at, at, capabilities.pace
    )
    return min(later or order.valid_until, order.valid_until)
