"""The kinds of value that hold others: lists, and tables with the settings they may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from selbsthelfer.programmes.core.definition_kinds import Kind, Schema, Text
from selbsthelfer.programmes.core.definition_lines import Path
from selbsthelfer.programmes.core.definition_report import Report, did_you_mean, found

MAX_UNKNOWN_KEYS = 100
"""With more of them the text is no definition, and naming each helps nobody."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A list in which order means nothing and nothing stands twice."""

    of: Kind
    most: int

    def read(self, value: object, path: Path, report: Report) -> frozenset[Any] | None:
        if not isinstance(value, list):
            report.add(path, f"must be a list, not {found(value)}")
            return None
        if len(value) > self.most:
            report.add(path, f"must have at most {self.most} elements")
            return None
        taken: set[Any] = set()
        for position, element in enumerate(value):
            one = self.of.read(element, (*path, position), report)
            if one is not None and one in taken:
                report.add((*path, position), f"'{one}' stands there twice")
            taken.add(one)
        return frozenset(taken)

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema(), "maxItems": self.most, "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class ByName:
    """A table whose keys are names of the operator's own, each with a value of one kind."""

    of: Kind
    most: int

    def read(self, value: object, path: Path, report: Report) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            report.add(path, f"must be a table, not {found(value)}")
            return None
        if len(value) > self.most:
            report.add(path, f"must have at most {self.most} entries")
            return None
        name = Text(100)
        entries: dict[str, Any] = {}
        for key, content in value.items():
            if isinstance(content, dict):
                report.add((*path, key), "must be a list; put a name with a dot in quotes")
            elif name.read(key, (*path, key), report) is not None:
                entries[key] = self.of.read(content, (*path, key), report)
        return entries

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": self.of.schema(), "maxProperties": self.most}


class Need(StrEnum):
    """What a setting that is not written means."""

    REQUIRED = "required"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a table; `default` is written as in TOML and is checked like everything else."""

    kind: Kind
    about: str
    default: object = Need.REQUIRED

    def schema(self) -> Schema:
        default: Schema = {} if isinstance(self.default, Need) else {"default": self.default}
        return {"description": self.about, **self.kind.schema(), **default}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of settings, from which `build` makes one value."""

    settings: Mapping[str, Setting]
    build: Callable[..., Any]

    def read(self, value: object, path: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            report.add(path, f"must be a table, not {found(value)}")
            return None
        unknown = value.keys() - self.settings.keys()
        if len(unknown) > MAX_UNKNOWN_KEYS:
            report.add(path, f"has more than {MAX_UNKNOWN_KEYS} keys that are not settings")
            return None
        for key in unknown:
            report.add((*path, key), self._unknown(key, path, report))
        return self.build(**{key: self._one(key, value, path, report) for key in self.settings})

    def _one(self, key: str, written: Mapping[str, object], path: Path, report: Report) -> Any:
        setting = self.settings[key]
        content = written.get(key, setting.default)
        if content is Need.REQUIRED:
            report.add((*path, key), "is missing")
        if isinstance(content, Need):
            return None
        return setting.kind.read(content, (*path, key), report)

    def _unknown(self, key: str, path: Path, report: Report) -> str:
        if path and key in report.settings:
            return "stands in a table; write it above the first line that begins with ["
        return "is not a setting" + did_you_mean(key, self.settings)

    def schema(self) -> Schema:
        required = [key for key, setting in self.settings.items() if setting.default is Need.REQUIRED]
        properties = {key: setting.schema() for key, setting in self.settings.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Tables:
    """A list of tables in which order matters."""

    of: Table
    least: int
    most: int

    def read(self, value: object, path: Path, report: Report) -> tuple[Any, ...] | None:
        if not isinstance(value, list):
            report.add(path, f"must be a list of tables, not {found(value)}")
            return None
        if not self.least <= len(value) <= self.most:
            report.add(path, f"must have from {self.least} to {self.most} entries")
            return None
        return tuple(self.of.read(element, (*path, place), report) for place, element in enumerate(value))

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema(), "minItems": self.least, "maxItems": self.most}
