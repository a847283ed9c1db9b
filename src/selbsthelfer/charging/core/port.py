"""What is asked of a charging system, and what it can answer.

No open charging system has a key that makes crediting twice harmless. So each credit carries an id made
before the first attempt and is sent where the system keeps it; after an attempt whose end is not known,
nobody sends again before the system was asked what it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from selbsthelfer.charging.core.pace import PACE, Pace


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a charging system can do.

    `own_bucket`: each credit becomes a bucket of its own. `own_expiry`: with an end of its own. `priority`:
    it burns in an order we say. `read_back`: it tells which credits it has, by our id. `reverse`: a credit
    can be taken out again. `reauthorise`: a running session can be told of new volume. `keeps_used_up`: a
    bucket that is used up can still be read, so that an absent one was never credited.
    `settle_seconds`: an attempt that has not taken effect by then never will; None where no bound is known.

    Two things the operator says of any system. `absent_is_lost`: where used-up buckets are not kept, one that
    was absent twice, early and after the settle bound, is taken for one that never was. `pace`: how long the
    steps of a delivery take.
    """

    own_bucket: bool
    own_expiry: bool
    priority: bool
    read_back: bool
    reverse: bool
    reauthorise: bool
    keeps_used_up: bool
    settle_seconds: int | None
    absent_is_lost: bool = True
    pace: Pace = PACE


@dataclass(frozen=True, slots=True)
class Credit:
    """Volume to credit, as it was decided and stored; an attempt never computes any of it anew.

    `recipient` is the name by which the charging system knows the line. Usable from ≤ time < until.
    """

    credit_id: UUID
    recipient: str
    bytes: int
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Credited:
    """The system has credited; `place` is its own name of the bucket, where it told one."""

    place: str | None = None


@dataclass(frozen=True, slots=True)
class NotCredited:
    """The system certainly has not credited: for good where `is_permanent`, else it may be tried again."""

    code: str
    is_permanent: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the system has credited: no answer, half an answer, or one that says neither."""

    code: str


Outcome = Credited | NotCredited | Unknown


@dataclass(frozen=True, slots=True)
class Found:
    """A bucket that the system has; `credit_id` is None where it is not one of ours.

    `bytes` is what was credited, where the system keeps that; `remaining_bytes` what is left.
    """

    place: str
    credit_id: UUID | None
    bytes: int | None
    remaining_bytes: int
    valid_from: datetime | None
    valid_until: datetime | None


class UnreadableError(Exception):
    """The system did not say what it has; nothing may be concluded."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ChargingSystem(Protocol):
    """A charging system that credits are delivered into; used by many threads at once."""

    name: str
    capabilities: Capabilities

    def credit(self, credit: Credit, *, deadline: float) -> Outcome:
        """Credit volume, once, and say what became of it; nothing is sent after `deadline`.

        The deadline is one of `time.monotonic`. What the system or the network does is never raised. Where
        the system would make up an account that it does not know, the adapter asks first.
        """
        ...

    def read_back(self, recipient: str) -> tuple[Found, ...]:
        """Tell all buckets of data volume of a recipient; raises `UnreadableError`.

        An account the system does not know has none.
        """
        ...

    def reverse(self, recipient: str, found: Found) -> Outcome:
        """Take a bucket out again, for a double only; `Credited` says that it is gone."""
        ...

    def reauthorise(self, recipient: str) -> None:
        """Have running sessions of a recipient ask anew, so that they learn of new volume; best effort."""
        ...

    def close(self) -> None:
        """Let connections go."""
        ...
