"""Examples of what a schema describes, from those that its members give, else made up from their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MAX_EXAMPLE_DEPTH: Final = 8
"""How deep an example is built; below that it is null."""

_BY_FORMAT: Final[Mapping[str, str]] = {
    "date-time": "2026-11-22T10:15:00Z",
    "date": "2026-11-22",
    "uuid": "0c6ee3a8-6f8e-4f0f-a2a1-3d6de80d4f3b",
    "uri": "https://operator.example/",
}
_Schemas = Mapping[str, Any]


def resolve(schema: Mapping[str, Any], schemas: _Schemas) -> Mapping[str, Any]:
    """Follow a reference to the shape it names; what is said beside the reference holds before it."""
    inner = schema.get("allOf", [])
    reference = schema.get("$ref") or (inner[0].get("$ref") if len(inner) == 1 else None)
    if reference is None:
        return schema
    return {
        **schemas[reference.rsplit("/", 1)[-1]],
        **{k: v for k, v in schema.items() if k not in {"$ref", "allOf"}},
    }


def example_of(schema: Mapping[str, Any], schemas: _Schemas, depth: int = MAX_EXAMPLE_DEPTH) -> Any:
    """Give an example of what a schema describes."""
    schema = resolve(schema, schemas)
    for told in ("example", "const", "default"):
        if told in schema:
            return schema[told]
    for listed in ("examples", "enum"):
        if schema.get(listed):
            return schema[listed][0]
    if depth == 0:
        return None
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return example_of(choices[0], schemas, depth - 1)
    if "properties" in schema or schema.get("type") == "object":
        members = schema.get("properties", {})
        return {name: example_of(member, schemas, depth - 1) for name, member in members.items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas, depth - 1)] if "items" in schema else []
    return _simple(schema)


def _simple(schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), "text")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None
