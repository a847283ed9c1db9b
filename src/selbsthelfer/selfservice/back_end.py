"""The port to the operator's systems: what they must be able to tell and to do for self-service.

Two adapters exist: the embedded reference back end (`embedded/`), which really keeps everything in tables of
its own, and one over HTTP in the manner of TM Forum (`tmf/`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Protocol

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.records import (
    Bill,
    ConnectionRecord,
    Contract,
    CostSoFar,
    Customer,
    LineSettings,
    NetworkFault,
    OptionOffer,
    RoamingPrice,
    Sim,
    SimSecrets,
    TariffOffer,
)
from selbsthelfer.subscribers.core.lines import LineRef

MAX_BILLS = 24
"""Bills shown: two years."""
MAX_RECORDS = 500
"""Lines of an itemised record on one page."""


class BackEndUnavailableError(RuntimeError):
    """The operator's systems could not be reached or failed; nothing was done."""

    code: ClassVar[str] = "back_end_unavailable"


class OutcomeUnknownError(RuntimeError):
    """The operator's systems did not answer in time; whether it was done must be asked again with its key."""

    code: ClassVar[str] = "outcome_unknown"


class OrderRefusedError(ValueError):
    """The operator's systems refuse the order for good, for a reason that the customer can read."""

    code: ClassVar[str] = "order_refused"

    def __init__(self, reason: Words, *, field: str | None = None) -> None:
        self.reason = reason
        self.field = field
        super().__init__(reason.en)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The operator's systems have done what was ordered; `effective_on` is told where it is not at once."""

    reference: str
    effective_on: date | None = None


class BackEnd(Protocol):
    """What the operator's systems tell and do.

    Every method may raise `BackEndUnavailableError`. `carry_out` is asked once per `key`, made and stored
    before the first attempt; asked again with the same key it answers the same and does nothing anew. It
    raises `OrderRefusedError` where the order cannot be done, `OutcomeUnknownError` where no answer came.
    """

    name: ClassVar[str]

    def customer(self, line: LineRef, *, now: datetime) -> Customer: ...

    def contract(self, line: LineRef, *, now: datetime) -> Contract: ...

    def tariffs(self, line: LineRef, *, now: datetime) -> Sequence[TariffOffer]: ...

    def options(self, line: LineRef, *, now: datetime) -> Sequence[OptionOffer]: ...

    def bills(self, line: LineRef, *, now: datetime) -> Sequence[Bill]:
        """List the newest `MAX_BILLS` bills with their lines, newest first."""
        ...

    def cost_so_far(self, line: LineRef, *, now: datetime) -> CostSoFar: ...

    def records(self, line: LineRef, bill: Bill, *, now: datetime) -> Sequence[ConnectionRecord]:
        """List at most `MAX_RECORDS` connections that a bill is for, oldest first."""
        ...

    def sims(self, line: LineRef, *, now: datetime) -> Sequence[Sim]: ...

    def sim_secrets(self, line: LineRef, *, now: datetime) -> Sequence[SimSecrets]: ...

    def settings(self, line: LineRef, *, now: datetime) -> LineSettings: ...

    def roaming_prices(self) -> Sequence[RoamingPrice]: ...

    def faults_at(self, postcode: str, *, now: datetime) -> Sequence[NetworkFault]:
        """List the faults known at a place, newest first; none means that nothing is known."""
        ...

    def is_customer_code(self, line: LineRef, code: str) -> bool:
        """Tell whether this is the code by which the customer proves on any phone who they are."""
        ...

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation: ...

    def pending(self, line: LineRef, *, now: datetime) -> Mapping[str, Words]:
        """Tell what was ordered and is still under way, by activity."""
        ...
