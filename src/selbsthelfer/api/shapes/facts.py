"""What is sent to `POST /facts`, and what is answered."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from ninja import Field, Schema
from pydantic import ConfigDict

from selbsthelfer.intake.core.facts import Fact

EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "5f0c6f3e-6a0b-4a53-9a0e-0a3f1f2c9d10",
    "source": "/app",
    "type": "selfservice.finished",
    "subject": "line-4711",
    "time": "2026-11-22T10:15:00Z",
    "data": {"activity": "bill.view", "outcome": "succeeded"},
}
ANSWER: Final[Any] = {
    "counts": {"accepted": 1, "known": 1, "parked": 0, "rejected": 1},
    "results": [
        {"id": EXAMPLE["id"], "source": "/app", "result": "accepted"},
        {"id": "0d5b7c7a-3f3e-4d0c-8a64-7c1f7b1c52e9", "source": "/app", "result": "known"},
        {
            "id": "e2f4c7d8-91b0-4a4e-8f0d-5b6a3c2d1e0f",
            "source": "/app",
            "result": "rejected",
            "code": "unknown_activity",
            "pointer": "/data/activity",
            "detail": "“bill.shred” is not in the catalogue",
        },
    ],
}
"""What is answered to three facts."""


class FactOut(Schema):
    """What became of one fact."""

    id: str | None = Field(description="The fact's id; null where it could not be read.")
    source: str | None = Field(description="The fact's source; null where it could not be read.")
    result: Literal["accepted", "known", "parked", "rejected"] = Field(
        description="`accepted`: taken now, with all that follows from it. `known`: it was taken before, so "
        "nothing changed. `parked`: its line is not registered yet; it is taken as soon as the line is. "
        "`rejected`: it was not taken, for the reason told."
    )
    code: str | None = Field(None, description="Why it was rejected, as a stable code.")
    pointer: str | None = Field(None, description="The member that is wrong, as a JSON pointer.")
    detail: str | None = Field(None, description="Why it was rejected, in words.")


class CountsOut(Schema):
    """How many facts had which result."""

    accepted: int = Field(description="Taken now.")
    known: int = Field(description="Taken before.")
    parked: int = Field(description="Waiting for their line.")
    rejected: int = Field(description="Not taken.")


class FactsOut(Schema):
    """What became of each fact, in the order in which they were sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWER]})

    counts: CountsOut = Field(description="How many had which result.")
    results: list[FactOut] = Field(description="One for each fact, in the order in which they were sent.")


def request_body() -> dict[str, Any]:
    """Describe what is sent, for OpenAPI: the shapes are those by which facts are read."""
    (one,), shapes = msgspec.json.schema_components([Fact], ref_template=_HERE + "{name}")
    one = _with_shapes(one, shapes)
    many = {"type": "array", "maxItems": 10_000, "items": one}
    return {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": one, "example": EXAMPLE},
            "application/cloudevents-batch+json": {"schema": many, "example": [EXAMPLE]},
            "application/json": {"schema": {"anyOf": [one, many]}, "example": EXAMPLE},
        },
    }


_HERE: Final = "#/shapes/"


def _with_shapes(schema: Any, shapes: dict[str, Any]) -> Any:
    """Write each shape where it is named, so that the description needs no components of its own."""
    if isinstance(schema, list):
        return [_with_shapes(part, shapes) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _with_shapes(shapes[schema["$ref"].removeprefix(_HERE)], shapes)
    return {name: _with_shapes(part, shapes) for name, part in schema.items() if name != "discriminator"}
