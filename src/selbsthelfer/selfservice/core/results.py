"""What became of a task, and the receipt for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from selbsthelfer.kit.wording import Words

MAX_DETAILS = 30
"""Details on one receipt."""


class Outcome(StrEnum):
    """What became of a task; `unknown` is asked for again until the back end has answered."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Detail:
    """A line of a receipt: what was done, in the customer's words; never a secret."""

    name: Words
    value: Words


@dataclass(frozen=True, slots=True)
class Credited:
    """Volume that the task released. It is usable only when the charging system has confirmed it."""

    programme: str
    bytes: int
    usable_until: datetime
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a task; there is a receipt for it whatever became of it.

    `is_new` is false where the task had been reported before, so that a page tells of a success once.
    """

    receipt: str
    activity: str
    outcome: Outcome
    finished_at: datetime
    reason: Words | None = None
    field: str | None = None
    effective: Words | None = None
    details: tuple[Detail, ...] = ()
    credited: tuple[Credited, ...] = ()
    fact_source: str | None = None
    fact_id: str | None = None
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as its line can read it at any time: what was done, when, and what it brought."""

    number: str
    subscriber_id: UUID | None
    done: Done
    started_at: datetime
