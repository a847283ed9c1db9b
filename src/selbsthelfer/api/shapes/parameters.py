"""What routes ask for in addresses: lines, programmes, pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import P, PathEx, QueryEx
from ninja.params import functions
from pydantic import BeforeValidator, WithJsonSchema

from selbsthelfer.api.pages import DEFAULT_PAGE, MAX_PAGE
from selbsthelfer.api.shapes.values import EXAMPLE_INSTANT, read_instant

LineId = PathEx[str, P(description="The operator's own id of the line.", example="line-4711")]
ProgrammeName = PathEx[str, P(description="The programme's name.", example="o2-2017")]
Cursor = Annotated[
    str | None,
    WithJsonSchema({"type": "string"}),
    functions.Query(
        None, description="Where the page begins: `next` of the page before; leave it out for the first one."
    ),
]
Limit = QueryEx[
    int, P(description=f"How many items at most, {DEFAULT_PAGE} unless said.", ge=1, le=MAX_PAGE, example=100)
]
AskedInstant = Annotated[
    datetime | None,
    BeforeValidator(read_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE_INSTANT]}),
]
"""An instant in an address, or none where it was left out."""
From = Annotated[
    AskedInstant, functions.Query(None, alias="from", description="Only what happened then or later.")
]
Until = Annotated[
    AskedInstant, functions.Query(None, alias="until", description="Only what happened before then.")
]
