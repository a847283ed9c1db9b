"""How answers are written down: JSON in UTF-8, without a detour."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django.http import HttpRequest
from ninja import Schema
from ninja.renderers import BaseRenderer

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class JsonRenderer(BaseRenderer):
    """Write an answer as JSON; instants in UTC end in `Z`."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        """Write what a route gave."""
        return _ENCODER.encode(data)


def write_shape(shape: Schema) -> bytes:
    """Write a shape as the routes that return it do."""
    return _ENCODER.encode(shape.model_dump(by_alias=True))
