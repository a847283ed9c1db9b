"""Written cases as frozen values: what they are about, where they stand, and what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from selbsthelfer.kit.wording import Language, Words

MAX_TEXT_CHARACTERS: Final = 5_000
"""Of one message."""
MAX_NAME_CHARACTERS: Final = 200
MAX_REASON_CHARACTERS: Final = 2_000
"""Of what staff say for a decision, which a fact carries on."""
MAX_STAFF_CHARACTERS: Final = 100
"""Of the name of a member of staff."""


class CaseKind(StrEnum):
    """What kind of concern a case is."""

    MESSAGE = "message"
    COMPLAINT = "complaint"
    OBJECTION = "objection"
    DISPUTE = "dispute"
    FAULT = "fault"
    CANCELLATION = "cancellation"
    WITHDRAWAL = "withdrawal"


CASE_KINDS: Final[Mapping[CaseKind, Words]] = MappingProxyType(
    {
        CaseKind.MESSAGE: Words("Nachricht", "Message"),
        CaseKind.COMPLAINT: Words("Beschwerde", "Complaint"),
        CaseKind.OBJECTION: Words("Beanstandung einer Rechnung", "Objection to a bill"),
        CaseKind.DISPUTE: Words(
            "Widerspruch gegen einen gezählten Kontakt", "Dispute about a counted contact"
        ),
        CaseKind.FAULT: Words("Störungsmeldung", "Fault report"),
        CaseKind.CANCELLATION: Words("Kündigung", "Cancellation"),
        CaseKind.WITHDRAWAL: Words("Widerruf", "Withdrawal"),
    }
)
"""What people read for a kind."""

STATUTORY_KINDS: Final = frozenset({CaseKind.CANCELLATION, CaseKind.WITHDRAWAL})
"""Declarations with legal effect: never refused for being too many, and kept as proof."""


class CaseState(StrEnum):
    """Where a case stands; an answered one opens again when the person writes again."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


CASE_STATES: Final[Mapping[CaseState, Words]] = MappingProxyType(
    {
        CaseState.OPEN: Words("wird bearbeitet", "being worked on"),
        CaseState.ANSWERED: Words("beantwortet", "answered"),
        CaseState.CLOSED: Words("abgeschlossen", "closed"),
    }
)
"""What people read for a state."""


class Decision(StrEnum):
    """How staff decided a dispute: the contact does not count any more, or it goes on counting."""

    REINSTATED = "reinstated"
    UPHELD = "upheld"


class Author(StrEnum):
    """Who wrote a message of a case."""

    SUBSCRIBER = "subscriber"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class AboutContact:
    """The contact that a dispute is about, by the key of its fact."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Case:
    """A written case. `line` is None where somebody wrote without signing in, and after erasure.

    `to` is the e-mail address or telephone number that the person gave. `promised_at` is by when the newest
    message is answered; `answered_at` is the first answer. `details` are what the kind demands.
    """

    case_id: UUID
    number: str
    kind: CaseKind
    state: CaseState
    line: UUID | None
    topic: str | None
    about: AboutContact | None
    to: str | None
    name: str | None
    language: Language
    details: Mapping[str, Any]
    decision: Decision | None
    opened_at: datetime
    promised_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseMessage:
    """What one side wrote; `by` is the name of the member of staff, which subscribers are not shown."""

    author: Author
    by: str | None
    text: str
    written_at: datetime


class CaseRefusedError(ValueError):
    """What was written cannot be taken; `field` and `code` say why, and nothing was changed."""

    code = "case_refused"
    field = "text"


class TextMissingError(CaseRefusedError):
    code = "text_missing"


class TextTooLongError(CaseRefusedError):
    code = "text_too_long"


class NameTooLongError(CaseRefusedError):
    code = "name_too_long"
    field = "name"


class StaffNameError(CaseRefusedError):
    """Staff act under a name of 1 to `MAX_STAFF_CHARACTERS` characters."""

    code = "staff_name"
    field = "by"


def checked_text(text: str, *, may_be_empty: bool = False, most: int = MAX_TEXT_CHARACTERS) -> str:
    """Return a text as it is kept: without blanks around it, lines ended alike, no zero bytes.

    Raises `TextMissingError`, `TextTooLongError`.
    """
    kept = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
    if not kept and not may_be_empty:
        raise TextMissingError("there is no text")
    if len(kept) > most:
        raise TextTooLongError(f"a text has at most {most} characters")
    return kept


def checked_name(name: str | None) -> str | None:
    """Return a name as it is kept, or None; raises `NameTooLongError`."""
    kept = " ".join((name or "").replace("\0", "").split())
    if len(kept) > MAX_NAME_CHARACTERS:
        raise NameTooLongError(f"a name has at most {MAX_NAME_CHARACTERS} characters")
    return kept or None


def checked_staff(by: str) -> str:
    """Return the name of a member of staff as it is kept; raises `StaffNameError`."""
    kept = " ".join(by.replace("\0", "").split())
    if not 1 <= len(kept) <= MAX_STAFF_CHARACTERS:
        raise StaffNameError(f"a name of staff has 1 to {MAX_STAFF_CHARACTERS} characters")
    return kept
