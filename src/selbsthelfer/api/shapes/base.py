"""What the shapes of bodies share: what a caller sends is taken strictly, what we answer may grow."""

from __future__ import annotations

from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field

WholeNumber = Annotated[int, Field(strict=True)]
"""A number in JSON without a fraction; neither `"5"` nor `true`."""
YesOrNo = Annotated[bool, Field(strict=True)]
"""`true` or `false` in JSON, nothing that looks like it."""


class Sent(Schema):
    """What a caller sends: a member that we do not know is refused, as it is surely meant to do something."""

    model_config = ConfigDict(extra="forbid")
