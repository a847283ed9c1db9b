"""Programme definitions: read from TOML with every problem named, written in one canonical form."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Any, ClassVar, Final

from selbsthelfer.programmes.core.definition_kinds import Schema
from selbsthelfer.programmes.core.definition_lines import locate
from selbsthelfer.programmes.core.definition_report import DefinitionError, Report
from selbsthelfer.programmes.core.definition_settings import SETTINGS, note_contradictions
from selbsthelfer.programmes.core.definition_values import (
    Eligibility,
    Exemptions,
    Join,
    MissedStageRule,
    ReleaseRule,
    StageTerms,
    Title,
)

__all__ = [
    "PRESETS",
    "Definition",
    "DefinitionError",
    "DefinitionErrors",
    "Eligibility",
    "Exemptions",
    "Join",
    "MissedStageRule",
    "ReleaseRule",
    "StageTerms",
    "Title",
    "UnknownPresetError",
    "json_schema",
    "load_preset",
    "preset_text",
    "read_definition",
]

PRESETS: Final = ("o2-2017", "o2-2017-literal", "o2-2017-repeat", "o2-2017-reset", "o2-2017-automatic")
"""The names of the definitions that come with the package."""

MAX_CHARACTERS: Final = 262_144
"""The longest text: the canonical form of a definition that uses every limit is a little shorter."""
MAX_LINE_CHARACTERS: Final = 2_000
"""The longest line; `tomllib` takes seconds for a dotted key of tens of thousands of parts."""

WIDE: Final = 100
"""A list longer than this is written with one element on a line."""

_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Definition:
    """The rules of one version of a programme; volumes in bytes, instants in UTC."""

    name: str
    title: Title
    stages: tuple[StageTerms, ...]
    periods_per_stage: int
    activities_min: int
    contacts_max: int
    settle_delay_hours: int
    close_after_days: int
    channels: frozenset[str]
    talk_seconds_min: int
    exemptions: Exemptions
    goodwill_contacts: int
    on_missed_stage: MissedStageRule
    release: ReleaseRule
    cap_bytes: int
    budget_bytes: int | None
    not_online: Mapping[str, frozenset[str]] = field(hash=False)
    eligible: Eligibility
    enrol_from: datetime | None
    enrol_until: datetime | None
    join: Join
    control_share: Decimal
    salt: str

    @property
    def stage_count(self) -> int:
        """Count the stages, which is also the number of windows and levels."""
        return len(self.stages)

    @property
    def observed_periods(self) -> int:
        """Count the periods of all windows."""
        return self.stage_count * self.periods_per_stage

    @property
    def last_index(self) -> int:
        """Number the last period that can pay out."""
        return self.observed_periods + self.periods_per_stage

    @property
    def settle_delay(self) -> timedelta:
        return timedelta(hours=self.settle_delay_hours)

    @property
    def close_after(self) -> timedelta:
        return timedelta(days=self.close_after_days)

    def to_toml(self) -> str:
        """Write the canonical text: every setting that has a value, in one order, volumes in bytes."""
        return "".join(f"{line}\n" for f in fields(self) for line in _written(f.name, getattr(self, f.name)))

    def digest(self) -> str:
        """Compute the SHA-256 of the canonical text in hexadecimal: equal exactly for equal definitions."""
        return sha256(self.to_toml().encode()).hexdigest()


class DefinitionErrors(ValueError):  # noqa: N818 - it carries many
    """A definition was refused; `errors` holds everything that is wrong with it, by line."""

    code: ClassVar[str] = "definition_invalid"

    def __init__(self, errors: tuple[DefinitionError, ...]) -> None:
        self.errors = errors
        super().__init__("\n".join(f"line {e.line}: {e.field}: {e.problem}" for e in errors))


class UnknownPresetError(LookupError):
    """There is no preset of this name."""

    code: ClassVar[str] = "unknown_preset"


def read_definition(text: str) -> Definition:
    """Read a definition written in TOML; raises `DefinitionErrors` with all that is wrong."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    _refuse_huge(text)
    try:
        written = tomllib.loads(text, parse_float=_exact)
        report = Report(locate(text), frozenset(SETTINGS.settings))
    except RecursionError:
        raise _syntax_error(1, "lists or tables stand too deep in each other") from None
    except ValueError as error:
        raise _toml_error(error, text) from None
    values = SETTINGS.read(written, (), report)
    if values is not None:
        note_contradictions(values, report)
    if report.errors:
        raise DefinitionErrors(tuple(sorted(report.errors)))
    return Definition(**{**values, "not_online": MappingProxyType(values["not_online"])})


def _refuse_huge(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise _syntax_error(1, f"the text is longer than {MAX_CHARACTERS} characters")
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise _syntax_error(number, f"the line is longer than {MAX_LINE_CHARACTERS} characters")


def _exact(text: str) -> Decimal:
    """Read a decimal number without rounding; one with an absurd exponent is not a number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _toml_error(error: ValueError, text: str) -> DefinitionErrors:
    """Take the line out of the message of `tomllib`, which has no other place for it before Python 3.14."""
    message = str(error)
    position = _POSITION.search(message)
    last = text.rstrip().count("\n") + 1
    line = int(position[1]) if position and position[1] else last
    return _syntax_error(line, f"this is not TOML: {_POSITION.sub('', message)}")


def _syntax_error(line: int, problem: str) -> DefinitionErrors:
    return DefinitionErrors((DefinitionError(line, "", problem),))


def preset_text(name: str) -> str:
    """Give a preset as its author wrote it, with comments; raises `UnknownPresetError`."""
    if name not in PRESETS:
        raise UnknownPresetError(name)
    presets = files("selbsthelfer.programmes").joinpath("presets")
    return presets.joinpath(f"{name}.toml").read_text(encoding="utf-8")


@cache
def load_preset(name: str) -> Definition:
    """Read a preset; raises `UnknownPresetError`."""
    return read_definition(preset_text(name))


def json_schema() -> Schema:
    """Describe the format as JSON Schema, from the same table that checks it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **deepcopy(SETTINGS.schema())}


def _written(key: str, value: Any) -> Iterator[str]:
    """Write one setting; a table becomes dotted keys, so that everything stays at the top."""
    if is_dataclass(value):
        for f in fields(value):
            yield from _written(f"{key}.{f.name}", getattr(value, f.name))
    elif isinstance(value, Mapping):
        for name in sorted(value):
            yield from _written(f"{key}.{_literal(name)}", value[name])
    elif value is not None:
        yield f"{key} = {_literal(value)}"


def _literal(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return format(value.normalize(), "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case frozenset() | tuple():
            return _list(
                [_literal(one) for one in (sorted(value) if isinstance(value, frozenset) else value)]
            )
        case StageTerms():
            return f"{{ bytes = {value.bytes} }}"
        case _:
            return str(value)


def _list(elements: list[str]) -> str:
    line = f"[{', '.join(elements)}]"
    return line if len(line) <= WIDE else "[\n" + "".join(f"{one},\n" for one in elements) + "]"
