"""What a list is asked for: which attributes, which documents, and which part of them.

Source: TM Forum's REST guidelines (TMF630): `fields`, `offset`, `limit`, and filters by the attributes
themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from selbsthelfer.partners.core.refusals import RefusedError

MAX_LIMIT: Final = 500
"""Documents in one answer."""
DEFAULT_LIMIT: Final = 100
MAX_OFFSET: Final = 10_000
MAX_FILTERS: Final = 20
"""Attributes by which one list is filtered."""
MAX_VALUES: Final = 50
"""Values that one attribute may have."""
MAX_CHARACTERS: Final = 2_000
"""Characters of one member of the query."""

_ALWAYS: Final = frozenset({"id", "href"})


@dataclass(frozen=True, slots=True)
class Asking:
    """A list as it is asked for; a document is in it where each filter names one of its values."""

    filters: Mapping[str, frozenset[str]]
    fields: frozenset[str] | None = None
    offset: int = 0
    limit: int = DEFAULT_LIMIT

    def only(self, attribute: str) -> str | None:
        """Give the one value that an attribute must have; none where it may have others."""
        values = self.filters.get(attribute, frozenset())
        return next(iter(values)) if len(values) == 1 else None

    def without(self, *attributes: str) -> Asking:
        """Leave out the filters by some attributes, which somebody else has seen to."""
        left = {name: values for name, values in self.filters.items() if name not in attributes}
        return replace(self, filters=left)

    def is_filtered_beyond(self, *attributes: str) -> bool:
        """Tell whether there are filters by other attributes."""
        return bool(self.filters.keys() - set(attributes))

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Tell whether a document is among those asked for."""
        return all(
            not values.isdisjoint(_texts(document, path.split("."))) for path, values in self.filters.items()
        )


def read_asking(members: Iterable[tuple[str, str]], attributes: frozenset[str]) -> Asking:
    """Read the query of a list; raises `RefusedError`.

    An attribute that the resource lacks is refused: a typing error must not list everything, or nothing.
    """
    filters: dict[str, frozenset[str]] = {}
    numbers = {"offset": 0, "limit": DEFAULT_LIMIT}
    fields: frozenset[str] | None = None
    for name, value in members:
        if len(value) > MAX_CHARACTERS or len(name) > MAX_CHARACTERS:
            raise RefusedError(
                "query_too_long", f"a member of the query has at most {MAX_CHARACTERS} characters"
            )
        if name == "fields":
            fields = frozenset(part.strip() for part in value.split(",") if part.strip())
        elif name in numbers:
            numbers[name] = _whole_number(name, value)
        elif name.split(".")[0] in attributes:
            given = frozenset(value.split(","))
            if name == "href":
                # It ends in the id, whatever address we are asked under.
                name, given = "id", frozenset(unquote(href.rpartition("/")[2]) for href in given)
            filters[name] = filters[name] & given if name in filters else given
        else:
            raise RefusedError("attribute_unknown", "the query names an attribute that this resource lacks")
    if len(filters) > MAX_FILTERS or any(len(values) > MAX_VALUES for values in filters.values()):
        raise RefusedError(
            "query_too_long", f"at most {MAX_FILTERS} attributes, each with {MAX_VALUES} values"
        )
    return Asking(filters, fields, numbers["offset"], min(numbers["limit"], MAX_LIMIT))


def cut(document: Mapping[str, Any], fields: frozenset[str] | None) -> Mapping[str, Any]:
    """Leave of a document the attributes asked for, nested ones by dots; `id` and `href` always stay."""
    if fields is None:
        return document
    left: dict[str, Any] = {name: document[name] for name in _ALWAYS if name in document}
    for field in sorted(fields):
        first, _, rest = field.partition(".")
        if first not in document or first in left:
            continue
        left[first] = _inner(document[first], rest) if rest else document[first]
    return {name: left[name] for name in document if name in left}


def _inner(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_inner(item, path) for item in value]
    if not isinstance(value, Mapping):
        return value
    first, _, rest = path.partition(".")
    if first not in value:
        return {}
    return {first: _inner(value[first], rest) if rest else value[first]}


def _texts(value: Any, path: list[str]) -> set[str]:
    """Gather what stands at a path, as text; lists are looked into."""
    if isinstance(value, list):
        return {text for item in value for text in _texts(item, path)}
    if path:
        return _texts(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else set()
    if isinstance(value, bool):
        return {"true" if value else "false"}
    return set() if value is None or isinstance(value, Mapping) else {str(value)}


def _whole_number(name: str, value: str) -> int:
    least, most = (0, MAX_OFFSET) if name == "offset" else (1, 10**9)
    if not (value.isascii() and value.isdigit() and len(value) <= 10) or not least <= int(value) <= most:
        raise RefusedError("query_invalid", f"{name} is a whole number, {least} to {most}")
    return int(value)
