"""Money, days, instants and texts as TM Forum writes them, both ways.

A text in both languages stands where any value may stand, as an object with `de` and `en`; a plain text is
taken for both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeVar
from zoneinfo import ZoneInfo

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.tmf.shapes import Characteristic, Money, Price

ZONE: Final = ZoneInfo("Europe/Berlin")
"""Where the operator's days begin and end."""
MAX_EUROS: Final = 10_000_000
"""No amount is larger; what is, is not an amount."""
MAX_TEXT: Final = 500
"""Characters of one text."""

_LAST_SECOND: Final = time(23, 59, 59)
_CENT: Final = Decimal("0.01")
T = TypeVar("T", str, bool, int)
E = TypeVar("E", bound=StrEnum)


class OddAnswerError(ValueError):
    """An answer lacks something that is needed, or has something else in its place; `code` names what."""

    name: ClassVar[str] = "odd_answer"

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def cents_of(money: Money | None, code: str) -> int:
    """Read an amount in cents, rounded half up where the back end is more exact."""
    if money is None or money.unit not in {None, "EUR"} or abs(money.value) > MAX_EUROS:
        raise OddAnswerError(code)
    return int(money.value.quantize(_CENT, ROUND_HALF_UP) * 100)


def price_of(price: Price | None, code: str) -> int:
    return cents_of(price.tax_included_amount if price else None, code)


def money_of(cents: int) -> Money:
    return Money(unit="EUR", value=Decimal(cents).scaleb(-2))


def instant_of(at: datetime | None, code: str) -> datetime:
    """Read an instant in UTC; one without an offset is the operator's local time."""
    if at is None:
        raise OddAnswerError(code)
    try:
        return (at if at.tzinfo else at.replace(tzinfo=ZONE)).astimezone(UTC)
    except OverflowError:
        raise OddAnswerError(code) from None


def day_of(at: datetime | None, code: str) -> date:
    """Read the operator's local day of an instant."""
    try:
        return instant_of(at, code).astimezone(ZONE).date()
    except OverflowError:
        raise OddAnswerError(code) from None


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def end_of(day: date) -> datetime:
    """Write a day that is included as its last second."""
    return datetime.combine(day, _LAST_SECOND, ZONE)


def values_of(characteristics: list[Characteristic]) -> dict[str, Any]:
    """Read characteristics by their names."""
    return {each.name: each.value for each in characteristics}


def characteristics_of(values: Mapping[str, Any]) -> list[Characteristic]:
    return [Characteristic(name=name, value=value) for name, value in values.items()]


def needed(values: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Read a value that must be there and of its kind; a truth value is no number."""
    value = values.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise OddAnswerError(name)
    return value


def text_of(value: str | None, code: str) -> str:
    if not value or len(value) > MAX_TEXT:
        raise OddAnswerError(code)
    return value


def words_of(value: object, code: str) -> Words:
    """Read a text in both languages, or a plain one for both."""
    if isinstance(value, str):
        return Words(text_of(value, code), text_of(value, code))
    if isinstance(value, dict):
        german, english = value.get("de"), value.get("en")
        if (
            isinstance(german, str)
            and isinstance(english, str)
            and max(len(german), len(english)) <= MAX_TEXT
        ):
            return Words(german, english)
    raise OddAnswerError(code)


def all_words_of(value: object, code: str) -> tuple[Words, ...]:
    if not isinstance(value, list):
        raise OddAnswerError(code)
    return tuple(words_of(each, code) for each in value)


def said(words: Words) -> dict[str, str]:
    """Write a text in both languages."""
    return {"de": words.de, "en": words.en}


def member_of(enum: type[E], value: str | None, code: str) -> E:
    """Read one of a few values."""
    try:
        return enum(value or "")
    except ValueError:
        raise OddAnswerError(code) from None


def written_instant_of(values: Mapping[str, Any], name: str) -> datetime | None:
    """Read an instant that is a value, and may be absent."""
    if values.get(name) is None:
        return None
    try:
        return instant_of(datetime.fromisoformat(needed(values, name, str)), name)
    except ValueError:
        raise OddAnswerError(name) from None
