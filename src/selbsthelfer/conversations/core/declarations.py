"""What the law asks of a cancellation, a withdrawal and an objection, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from selbsthelfer.conversations.core.cases import MAX_NAME_CHARACTERS, CaseKind, CaseRefusedError
from selbsthelfer.kit.wording import Words, on_day
from selbsthelfer.outbox.core.messages import Channel, UnusableAddressError, channel_of

MAX_FIELD_CHARACTERS: Final = 500
"""Of each field of a declaration but its reason."""
MAX_GROUND_CHARACTERS: Final = 5_000
"""Of the reason of an extraordinary cancellation."""


class Notice(StrEnum):
    """Whether a contract is to end with its period of notice, or at once for a reason."""

    ORDINARY = "ordinary"
    EXTRAORDINARY = "extraordinary"


class ConfirmBy(StrEnum):
    """How the receipt of a declaration is sent."""

    EMAIL = "email"
    POST = "post"


class DeclarationError(CaseRefusedError):
    """Fields of a declaration are missing or cannot be used; `problems` names each with a code."""

    code = "declaration"
    field = "details"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(f"fields that cannot be used: {', '.join(sorted(problems))}")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CancellationDetails:
    """The fields of § 312k (2) BGB. `contract` is a customer, contract or telephone number.

    `ends_on` None means as early as possible. `confirm_to` is an e-mail or a postal address. Raises
    `DeclarationError` with the codes `missing`, `too_long` and `unusable`.
    """

    name: str
    contract: str
    notice: Notice
    reason: str
    ends_on: date | None
    confirm_by: ConfirmBy
    confirm_to: str

    def __post_init__(self) -> None:
        problems = _problems_of(self.name, self.contract, self.confirm_by, self.confirm_to)
        if self.notice is Notice.EXTRAORDINARY and not self.reason.strip():
            problems["reason"] = "missing"
        if len(self.reason) > MAX_GROUND_CHARACTERS:
            problems["reason"] = "too_long"
        _raise_if_any(problems)


@dataclass(frozen=True, slots=True)
class WithdrawalDetails:
    """The fields of § 356a (2) BGB and of the model form (Annex 2 to Art. 246a EGBGB).

    Raises `DeclarationError` with the codes `missing`, `too_long` and `unusable`.
    """

    name: str
    contract: str
    ordered_on: date | None
    received_on: date | None
    confirm_by: ConfirmBy
    confirm_to: str

    def __post_init__(self) -> None:
        _raise_if_any(_problems_of(self.name, self.contract, self.confirm_by, self.confirm_to))


@dataclass(frozen=True, slots=True)
class ObjectionDetails:
    """Which bill somebody objects to, and the day of that bill; raises `DeclarationError`."""

    bill: str
    billed_on: date

    def __post_init__(self) -> None:
        problems: dict[str, str] = {}
        _check_field(problems, "bill", self.bill)
        _raise_if_any(problems)


Details = CancellationDetails | WithdrawalDetails | ObjectionDetails

DETAILS_OF_KIND: Final[Mapping[CaseKind, type[Details]]] = {
    CaseKind.CANCELLATION: CancellationDetails,
    CaseKind.WITHDRAWAL: WithdrawalDetails,
    CaseKind.OBJECTION: ObjectionDetails,
}
"""The kinds that demand details, and which."""


def to_members(details: Details) -> dict[str, Any]:
    """Turn details into what JSON can hold."""
    return {name: _plain(getattr(details, name)) for name in details.__dataclass_fields__}


def details_from(kind: CaseKind, members: Mapping[str, Any]) -> Details | None:
    """Turn what was kept into details again; None after erasure, or where the kind demands none."""
    made = DETAILS_OF_KIND.get(kind)
    if made is None or not members:
        return None
    readers: Mapping[str, Callable[[Any], Any]] = {
        "notice": Notice,
        "confirm_by": ConfirmBy,
        "ends_on": _read_day,
        "ordered_on": _read_day,
        "received_on": _read_day,
        "billed_on": _read_day,
    }
    return made(**{name: readers.get(name, str)(members[name]) for name in made.__dataclass_fields__})


def confirmed_to(details: Details) -> str | None:
    """Tell the e-mail address that the receipt goes to; None if by post, or where there is no such field."""
    if isinstance(details, ObjectionDetails) or details.confirm_by is ConfirmBy.POST:
        return None
    return details.confirm_to


def declared(details: CancellationDetails | WithdrawalDetails) -> list[tuple[Words, Words]]:
    """Tell a declaration field by field, as it stands in its receipt."""
    told = [(_NAME, _same(details.name)), (_CONTRACT, _same(details.contract))]
    if isinstance(details, CancellationDetails):
        told.append((_NOTICE, _NOTICES[details.notice]))
        if details.reason.strip():
            told.append((_REASON, _same(details.reason.strip())))
        told.append((_ENDS_ON, _EARLIEST if details.ends_on is None else on_day(details.ends_on)))
    else:
        told += [
            (label, on_day(on))
            for label, on in ((_ORDERED_ON, details.ordered_on), (_RECEIVED_ON, details.received_on))
            if on is not None
        ]
    told.append((_CONFIRM_TO, _same(details.confirm_to)))
    return told


def _problems_of(name: str, contract: str, confirm_by: ConfirmBy, confirm_to: str) -> dict[str, str]:
    problems: dict[str, str] = {}
    _check_field(problems, "name", name, MAX_NAME_CHARACTERS)
    _check_field(problems, "contract", contract)
    _check_field(problems, "confirm_to", confirm_to)
    if confirm_by is ConfirmBy.EMAIL and "confirm_to" not in problems and not _is_email(confirm_to):
        problems["confirm_to"] = "unusable"
    return problems


def _check_field(problems: dict[str, str], field: str, value: str, most: int = MAX_FIELD_CHARACTERS) -> None:
    if not value.strip():
        problems[field] = "missing"
    elif len(value) > most:
        problems[field] = "too_long"
    elif "\0" in value:
        problems[field] = "unusable"


def _raise_if_any(problems: Mapping[str, str]) -> None:
    if problems:
        raise DeclarationError(problems)


def _is_email(text: str) -> bool:
    try:
        return channel_of(text) is Channel.EMAIL
    except UnusableAddressError:
        return False


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _read_day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _same(text: str) -> Words:
    return Words(text, text)


_NAME: Final = Words("Name", "Name")
_CONTRACT: Final = Words("Vertrag", "Contract")
_NOTICE: Final = Words("Art der Kündigung", "Kind of cancellation")
_NOTICES: Final = {
    Notice.ORDINARY: Words("ordentlich", "with notice"),
    Notice.EXTRAORDINARY: Words("außerordentlich", "without notice, for cause"),
}
_REASON: Final = Words("Grund", "Reason")
_ENDS_ON: Final = Words("Vertragsende", "End of contract")
_EARLIEST: Final = Words("zum nächstmöglichen Zeitpunkt", "as early as possible")
_ORDERED_ON: Final = Words("Bestellt am", "Ordered on")
_RECEIVED_ON: Final = Words("Erhalten am", "Received on")
_CONFIRM_TO: Final = Words("Bestätigung an", "Confirmation to")
