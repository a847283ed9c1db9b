"""A column mapping: which columns of a CSV file become which parts of a fact, written in TOML."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args

import msgspec
from msgspec import Struct

from selbsthelfer.intake.core.columns_times import TimeRule, time_problems
from selbsthelfer.intake.core.columns_values import MemberRule, member_problems, member_types
from selbsthelfer.intake.core.facts import (
    ContactEnded,
    ContactFinished,
    Data,
    Identifier,
    LineEnvelope,
    Registered,
    SubscriberRegistered,
)

MAX_MAPPING_CHARACTERS = 65_536
MAX_LINE_CHARACTERS = 4_000
"""`tomllib` takes seconds for a dotted key of tens of thousands of parts."""
MAX_COLUMNS = 500

Kind = Literal["contacts", "subscribers"]
KINDS: Mapping[str, tuple[type[LineEnvelope], type[Data]]] = MappingProxyType(
    {"contacts": (ContactFinished, ContactEnded), "subscribers": (SubscriberRegistered, Registered)}
)
"""The fact that a row of each kind becomes, and its data."""

_Table = TypeVar("_Table", bound=Struct)


class _ReadsColumns(Protocol):
    def sources(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class ColumnMappingError:
    """One thing that is wrong in a mapping: where, as `data.topic.map` or `line 3`, and what."""

    field: str
    problem: str


class ColumnMappingErrors(ValueError):  # noqa: N818 - it carries many
    """A mapping was refused; `errors` holds everything that is wrong with it."""

    code: ClassVar[str] = "column_mapping_invalid"

    def __init__(self, errors: tuple[ColumnMappingError, ...]) -> None:
        self.errors = errors
        super().__init__("\n".join(f"{error.field}: {error.problem}" for error in errors))


class FileRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written; all its columns in order, which its header must repeat if it has one."""

    columns: tuple[str, ...]
    delimiter: str = ","
    encoding: str = "utf-8"
    header: bool = True
    decimal_comma: bool = False


class SubjectRule(Struct, frozen=True, forbid_unknown_fields=True):
    """The column that names the line; with a text in `unidentified`, or none, a row is of no known line."""

    column: str
    prefix: str = ""
    unidentified: tuple[str, ...] = ()

    def sources(self) -> Iterable[str]:
        """Return the column that is read."""
        return (self.column,)


class IdRule(Struct, frozen=True, forbid_unknown_fields=True):
    """The columns that together are never the same in two rows; the separator may not occur in them."""

    columns: tuple[str, ...]
    prefix: str = ""
    separator: str = "/"

    def sources(self) -> Iterable[str]:
        """Return the columns that are read."""
        return self.columns


class ColumnMapping(Struct, frozen=True):
    """Everything needed to turn the rows of one kind of file into facts."""

    kind: Kind
    source: Identifier
    file: FileRule
    subject: SubjectRule
    id: IdRule
    time: TimeRule
    data: dict[str, MemberRule]
    received: TimeRule | None = None
    distinct: bool = False


def read_mapping(text: str) -> ColumnMapping:
    """Read a mapping written in TOML; raises `ColumnMappingErrors` with all that is wrong."""
    reading = _Reading(toml_tree(text))
    mapping = reading.mapping()
    if mapping is None:
        raise ColumnMappingErrors(tuple(reading.errors))
    return mapping


def toml_tree(text: str) -> dict[str, Any]:
    """Read TOML within the limits of a mapping; raises `ColumnMappingErrors`."""
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_MAPPING_CHARACTERS:
        raise _syntax_error("line 1", f"the mapping is longer than {MAX_MAPPING_CHARACTERS} characters")
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise _syntax_error(f"line {number}", f"is longer than {MAX_LINE_CHARACTERS} characters")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _syntax_error("line 1", "lists or tables stand too deep in each other") from None
    except ValueError as error:
        place = re.search(r"line \d+", str(error))
        raise _syntax_error(place.group() if place else "the end", str(error)) from None


def _syntax_error(field: str, problem: str) -> ColumnMappingErrors:
    return ColumnMappingErrors((ColumnMappingError(field, problem),))


class _Reading:
    """One reading of a mapping, table by table, that goes on after a mistake."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree = tree
        self.errors: list[ColumnMappingError] = []

    def mapping(self) -> ColumnMapping | None:
        kind = self._choice("kind", get_args(Kind))
        file = self._table(FileRule, "file")
        subject = self._table(SubjectRule, "subject")
        identity = self._table(IdRule, "id")
        time = self._table(TimeRule, "time")
        received = self._table(TimeRule, "received") if "received" in self.tree else None
        members = self._members(kind)
        self._unknown_keys("", self.tree, ColumnMapping.__struct_fields__)
        if file:
            self._check_file(file)
        for name, rule in (("time", time), ("received", received)):
            self._add(name, time_problems(rule) if rule else ())
        if identity and (not identity.columns or not identity.separator):
            self._add("id", [("columns" if not identity.columns else "separator", "must not be empty")])
        parts: dict[str, _ReadsColumns | None]
        parts = {"subject": subject, "id": identity, "time": time, "received": received}
        self._check_columns(file, parts | {f"data.{name}": rule for name, rule in members.items()})
        source = self._value("source", Identifier, self.tree, "source")
        distinct = self._value("distinct", bool, self.tree, "distinct") if "distinct" in self.tree else False
        if self.errors or not (file and subject and identity and time):
            return None
        return ColumnMapping(kind, source, file, subject, identity, time, members, received, distinct)

    def _add(self, path: str, problems: Iterable[tuple[str, str]]) -> None:
        for key, problem in problems:
            self.errors.append(ColumnMappingError(f"{path}.{key}" if path and key else path or key, problem))

    def _value(self, path: str, value_type: Any, table: dict[str, Any], key: str) -> Any:
        if key not in table:
            return self._add(path, [("", "is missing")])
        try:
            return msgspec.convert(table[key], value_type)
        except msgspec.ValidationError as error:
            return self._add(path, [("", str(error))])

    def _choice(self, name: str, choices: tuple[str, ...]) -> Any:
        if self.tree.get(name) not in choices:
            self._add(name, [("", f"must be one of {', '.join(choices)}")])
            return None
        return self.tree[name]

    def _unknown_keys(self, path: str, table: dict[str, Any], known: Iterable[str]) -> None:
        self._add(path, [(key, "is not known here") for key in table if key not in set(known)])

    def _table(self, kind: type[_Table], path: str, value: Any = None) -> _Table | None:
        value = self.tree.get(path) if value is None else value
        if not isinstance(value, dict):
            self._add(path, [("", "is missing" if value is None else "must be a table")])
            return None
        before = len(self.errors)
        self._unknown_keys(path, value, kind.__struct_fields__)
        found = {
            field.name: self._value(f"{path}.{field.name}", field.type, value, field.name)
            for field in msgspec.structs.fields(kind)
            if field.required or field.name in value
        }
        return kind(**found) if len(self.errors) == before else None

    def _members(self, kind: Kind | None) -> dict[str, MemberRule]:
        tables = self.tree.get("data", {})
        if not isinstance(tables, dict):
            self._add("data", [("", "must be a table")])
            return {}
        types = member_types(KINDS[kind][1]) if kind else {}
        members = {}
        for name, value in tables.items():
            rule = self._table(MemberRule, f"data.{name}", value)
            if kind and name not in types:
                self._add(f"data.{name}", [("", f"a fact of {kind} has no such member")])
            elif rule:
                members[name] = rule
                self._add(f"data.{name}", member_problems(name, rule, types[name]) if kind else ())
        if kind == "subscribers":
            self._add("data", _missing_for_a_line(tables))
        return members

    def _check_file(self, file: FileRule) -> None:
        if not 0 < len(file.columns) <= MAX_COLUMNS:
            self._add("file", [("columns", f"must be 1 to {MAX_COLUMNS}")])
        repeated = sorted({column for column in file.columns if file.columns.count(column) > 1})
        self._add("file", [("columns", f"'{column}' stands there more than once") for column in repeated])
        if len(file.delimiter) != 1 or file.delimiter in '"\r\n':
            self._add("file", [("delimiter", "must be one character")])
        try:
            codecs.lookup(file.encoding)
        except (LookupError, ValueError):
            self._add("file", [("encoding", f"there is no encoding '{file.encoding}'")])

    def _check_columns(self, file: FileRule | None, parts: Mapping[str, _ReadsColumns | None]) -> None:
        for path, rule in parts.items():
            if file and rule:
                missing = [column for column in rule.sources() if column not in file.columns]
                self._add(path, [("", f"the file has no column '{column}'") for column in missing])


def _missing_for_a_line(tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "timezone" not in tables:
        yield "timezone", "is missing"
    if ("billing_day" in tables) == ("period_days" in tables):
        yield "billing_day", "a line has either a billing_day or period_days"
    if ("period_days" in tables) != ("period_anchor" in tables):
        yield "period_anchor", "period_days and period_anchor need each other"
