"""What became of a task, and the receipt for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
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


OUTCOMES: Final[Mapping[Outcome, Words]] = MappingProxyType(
    {
        Outcome.SUCCEEDED: Words("erledigt", "done"),
        Outcome.REFUSED: Words("nicht möglich", "not possible"),
        Outcome.FAILED: Words("fehlgeschlagen", "failed"),
        Outcome.UNKNOWN: Words("noch ohne Antwort", "not answered yet"),
    }
)
"""What stands on a receipt as its result."""
UNKNOWN: Final = Words(
    "Unser System hat noch nicht geantwortet. Wir fragen weiter nach und halten den Beleg online aktuell. "
    "Sie brauchen den Auftrag nicht zu wiederholen.",
    "Our system has not answered yet. We keep asking and keep the receipt online up to date. There is no "
    "need to order again.",
)
"""The reason on a receipt for as long as the back end has not answered."""


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
