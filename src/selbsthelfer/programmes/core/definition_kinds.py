"""The kinds of single value a setting may have: each checks what was written and describes itself.

`read` gives the checked value, or `None` after noting what is wrong. `schema` is JSON Schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, Protocol

from selbsthelfer.programmes.core.definition_lines import Path
from selbsthelfer.programmes.core.definition_report import Report, did_you_mean, found

Schema = dict[str, object]

UNITS: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "EB": 10**18}
_VOLUME = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,19})?) *([kMGTPE]?B)")
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]*")
_CONTROL_SIGN = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SHARE_STEP = Decimal("0.000001")
_YEARS = range(2000, 2200)


class Kind(Protocol):
    """A sort of value."""

    def read(self, value: object, path: Path, report: Report) -> Any: ...

    def schema(self) -> Schema: ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def read(self, value: object, path: Path, report: Report) -> int | None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(path, f"must be a whole number, not {found(value)}")
        elif not self.least <= value <= self.most:
            report.add(path, f"must be from {self.least} to {self.most}")
        else:
            return value
        return None

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume from `least` to `most` bytes, also with a decimal unit: 1 MB = 1,000,000 bytes."""

    least: int
    most: int

    def read(self, value: object, path: Path, report: Report) -> int | None:
        volume = self._from_text(value, path, report) if isinstance(value, str) else value
        if volume is None:
            return None
        if not isinstance(volume, int) or isinstance(volume, bool):
            report.add(path, f'must be a number of bytes or a text such as "100 MB", not {found(value)}')
        elif not self.least <= volume <= self.most:
            report.add(path, f"must be from {self.least} to {self.most} bytes")
        else:
            return volume
        return None

    def _from_text(self, text: str, path: Path, report: Report) -> int | None:
        match = _VOLUME.fullmatch(text)
        if match is None:
            report.add(path, 'must be a number and one of B, kB, MB, GB, TB, PB, EB, such as "1.8 GB"')
            return None
        volume = Fraction(match[1]) * UNITS[match[2]]
        if volume.denominator != 1:
            report.add(path, "is not a whole number of bytes")
            return None
        return volume.numerator

    def schema(self) -> Schema:
        whole: Schema = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [whole, {"type": "string", "pattern": f"^{_VOLUME.pattern}$"}]}


@dataclass(frozen=True, slots=True)
class Share:
    """An exact share from 0 to 1 with at most six decimal places."""

    def read(self, value: object, path: Path, report: Report) -> Decimal | None:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            report.add(path, f"must be a number, not {found(value)}")
        elif (isinstance(value, Decimal) and not value.is_finite()) or not 0 <= value <= 1:
            report.add(path, "must be from 0 to 1")
        elif (share := Decimal(value).quantize(_SHARE_STEP)) != value:
            report.add(path, "must have at most six decimal places")
        else:
            return abs(share.normalize())
        return None

    def schema(self) -> Schema:
        return {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": float(_SHARE_STEP)}


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text without blanks around it; `plain` allows only what also fits an address."""

    most: int
    plain: bool = False
    empty: bool = False

    def read(self, value: object, path: Path, report: Report) -> str | None:
        if not isinstance(value, str):
            report.add(path, f"must be a text, not {found(value)}")
        elif not value and not self.empty:
            report.add(path, "must not be empty")
        elif len(value) > self.most:
            report.add(path, f"must have at most {self.most} characters")
        elif value != value.strip() or _CONTROL_SIGN.search(value):
            report.add(path, "must be one line without blanks before or after it")
        elif self.plain and not _PLAIN.fullmatch(value):
            report.add(path, "must be made of a-z, 0-9, '-', '_' and '.', with a letter or digit first")
        else:
            return value
        return None

    def schema(self) -> Schema:
        pattern = {"pattern": f"^{_PLAIN.pattern}$"} if self.plain else {}
        return {"type": "string", "minLength": 0 if self.empty else 1, "maxLength": self.most, **pattern}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: type[StrEnum]

    def read(self, value: object, path: Path, report: Report) -> StrEnum | None:
        known = [word.value for word in self.words]
        if not isinstance(value, str):
            report.add(path, f"must be one of {', '.join(known)}, not {found(value)}")
        elif value not in known:
            report.add(path, f"must be one of {', '.join(known)}" + did_you_mean(value, known))
        else:
            return self.words(value)
        return None

    def schema(self) -> Schema:
        return {"enum": [word.value for word in self.words]}


@dataclass(frozen=True, slots=True)
class OneOf:
    """The id of a thing that exists; `what` names the sort of thing."""

    known: frozenset[str]
    what: str

    def read(self, value: object, path: Path, report: Report) -> str | None:
        if not isinstance(value, str):
            report.add(path, f"must be the id of an {self.what}, not {found(value)}")
        elif value not in self.known:
            report.add(path, f"there is no {self.what} '{value[:100]}'" + did_you_mean(value, self.known))
        else:
            return value
        return None

    def schema(self) -> Schema:
        return {"enum": sorted(self.known)}


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    def read(self, value: object, path: Path, report: Report) -> bool | None:
        if not isinstance(value, bool):
            report.add(path, f"must be true or false, not {found(value)}")
            return None
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Instant:
    """A date with time and offset, given on in UTC."""

    def read(self, value: object, path: Path, report: Report) -> datetime | None:
        if not isinstance(value, datetime):
            report.add(path, f"must be an instant such as 2026-01-01T00:00:00+01:00, not {found(value)}")
        elif value.tzinfo is None:
            report.add(path, "needs an offset such as +01:00 or Z after the time")
        elif value.year not in _YEARS:
            report.add(path, f"must be in the years {_YEARS[0]} to {_YEARS[-1]}")
        else:
            return value.astimezone(UTC)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}
