"""How one member of a fact comes out of a row: constants, columns, maps, units, spreads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from hashlib import sha256
from math import floor
from typing import Any

import msgspec
from msgspec import Struct

from selbsthelfer.intake.core.columns_rows import BrokenFieldError, Reason

Row = list[str]
Member = Callable[[Row, str], object]
"""Makes the value of a member from a row and its subject; raises `BrokenFieldError`."""

_SECONDS = {
    "seconds": Fraction(1),
    "milliseconds": Fraction(1, 1_000),
    "minutes": Fraction(60),
    "hours": Fraction(3_600),
    "h:mm:ss": Fraction(1),
    "m:ss": Fraction(1),
}
_BYTES = {
    "bytes": Fraction(1),
    "kB": Fraction(1_000),
    "MB": Fraction(1_000_000),
    "GB": Fraction(1_000_000_000),
    "TB": Fraction(1_000_000_000_000),
    "KiB": Fraction(1 << 10),
    "MiB": Fraction(1 << 20),
    "GiB": Fraction(1 << 30),
}
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_DURATIONS = {
    "h:mm:ss": re.compile(r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])"),
    "m:ss": re.compile(r"()([0-9]{1,4}):([0-5][0-9])"),
}


class MemberRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a member comes from: exactly one of `value`, `column`, `columns` (joined) and `spread`.

    A text in `empty` leaves the member out; with a `map`, any other text must be in it. `default` stands in
    for both. A row whose text is in `skip` makes no fact. `spread` deals its values out to the lines.
    """

    value: Any = None
    column: str | None = None
    columns: tuple[str, ...] = ()
    join: str = " / "
    map: dict[str, Any] | None = None
    default: Any = None
    empty: tuple[str, ...] = ("",)
    skip: tuple[str, ...] = ()
    unit: str | None = None
    spread: tuple[Any, ...] = ()

    def sources(self) -> tuple[str, ...]:
        """Return the columns that are read."""
        return self.columns if self.column is None else (self.column, *self.columns)


def member_types(data: type[Struct]) -> dict[str, Any]:
    """Return the type that each member of this data must have."""
    return {field.name: field.type for field in msgspec.structs.fields(data)}


def member_problems(name: str, rule: MemberRule, member_type: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule, each time with the key at fault."""
    ways = [rule.value is not None, rule.column is not None, bool(rule.columns), bool(rule.spread)]
    if sum(ways) != 1:
        yield "", "needs exactly one of value, column, columns, spread"
    if not rule.sources():
        given = {"map": rule.map is not None, "default": rule.default is not None, "skip": bool(rule.skip)}
        yield from ((key, "has no meaning without a column") for key, is_given in given.items() if is_given)
    units = _units(name)
    if rule.unit is not None and rule.unit not in units:
        yield "unit", f"must be one of {', '.join(units)}" if units else "this member has no unit"
        return
    yield from _constant_problems(name, rule, member_type)


def _constant_problems(name: str, rule: MemberRule, member_type: Any) -> Iterator[tuple[str, str]]:
    constants = [("value", rule.value)] if rule.value is not None else []
    constants += [("default", rule.default)] if rule.default is not None else []
    constants += [(f"map.{key}", value) for key, value in (rule.map or {}).items()]
    constants += [("spread", value) for value in rule.spread]
    read = _constant_reader(name, rule)
    for key, value in constants:
        try:
            msgspec.convert(read(value), member_type)
        except BrokenFieldError as broken:
            yield key, broken.reason.replace("_", " ")
        except msgspec.ValidationError as error:
            yield key, str(error)


def text_of(columns: tuple[str, ...], positions: Mapping[str, int], join: str) -> Callable[[Row], str]:
    """Return what reads these columns of a row as one text, without white space around each."""
    indexes = [positions[column] for column in columns]
    if len(indexes) == 1:
        (index,) = indexes
        return lambda row: row[index].strip()
    return lambda row: join.join([row[index].strip() for index in indexes])


def member_of(name: str, rule: MemberRule, positions: Mapping[str, int], decimal_comma: bool) -> Member:
    """Return what makes the member."""
    read_constant = _constant_reader(name, rule)
    if rule.spread:
        return _spread(name, tuple(map(read_constant, rule.spread)))
    if not rule.sources():
        constant = read_constant(rule.value)
        return lambda _row, _subject: constant
    text = text_of(rule.sources(), positions, rule.join)
    default = read_constant(rule.default)
    known = dict.fromkeys(rule.empty, default)
    if rule.map is not None:
        known |= {key: read_constant(value) for key, value in rule.map.items()}
        return _mapped(name, text, known, default)
    return _read(text, known, _text_reader(name, rule, decimal_comma))


def _mapped(name: str, text: Callable[[Row], str], known: Mapping[str, object], default: object) -> Member:
    def member(row: Row, _subject: str) -> object:
        written = text(row)
        if written in known:
            return known[written]
        if default is None:
            raise BrokenFieldError(f"data.{name}", "unmapped", written)
        return default

    return member


def _read(text: Callable[[Row], str], known: Mapping[str, object], read: Callable[[str], object]) -> Member:
    def member(row: Row, _subject: str) -> object:
        written = text(row)
        return known[written] if written in known else read(written)

    return member


def _spread(name: str, values: tuple[object, ...]) -> Member:
    def member(_row: Row, subject: str) -> object:
        digest = sha256(f"{name}:{subject}".encode()).digest()
        return values[int.from_bytes(digest[:8], "big") % len(values)]

    return member


def _units(name: str) -> Mapping[str, Fraction]:
    if name.endswith("_seconds"):
        return _SECONDS
    return _BYTES if name.endswith("_bytes") else {}


def _is_number(name: str) -> bool:
    return bool(_units(name)) or name in {"billing_day", "period_days"}


def _constant_reader(name: str, rule: MemberRule) -> Callable[[Any], object]:
    """Return what turns a value written in the mapping into that of a member; an empty text is none."""
    if not _is_number(name):
        return lambda value: None if value == "" else value
    read = _number_reader(name, rule.unit, decimal_comma=False)
    return lambda value: None if value is None or value == "" else read(str(value))


def _text_reader(name: str, rule: MemberRule, decimal_comma: bool) -> Callable[[str], object]:
    if _is_number(name):
        return _number_reader(name, rule.unit, decimal_comma)

    def read(text: str) -> str:
        if not text.isprintable():
            raise BrokenFieldError(f"data.{name}", "control_character")
        return text

    return read


def _number_reader(name: str, unit: str | None, decimal_comma: bool) -> Callable[[str], int]:
    """Return what reads a number as whole seconds, bytes or days, rounded down."""
    if unit in _DURATIONS:
        return _duration_reader(name, _DURATIONS[unit])
    factor = _units(name)[unit] if unit else Fraction(1)

    def read(text: str) -> int:
        if factor == 1 and len(text) < 16 and text.isascii() and text.isdigit():
            return int(text)
        plain = text.replace(",", ".") if decimal_comma else text
        if not _NUMBER.fullmatch(plain):
            raise BrokenFieldError(f"data.{name}", "not_a_number", text)
        if plain.startswith("-"):
            raise BrokenFieldError(f"data.{name}", "negative", text)
        return floor(Fraction(plain) * factor)

    return read


def _duration_reader(name: str, pattern: re.Pattern[str]) -> Callable[[str], int]:
    def read(text: str) -> int:
        match = pattern.fullmatch(text)
        if match is None:
            reason: Reason = "negative" if text.startswith("-") else "not_a_number"
            raise BrokenFieldError(f"data.{name}", reason, text)
        hours, minutes, seconds = match.groups()
        return int(hours or 0) * 3_600 + int(minutes) * 60 + int(seconds)

    return read
