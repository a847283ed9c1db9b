"""Values that many answers share: instants, keys of facts, and texts in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from ninja import Schema
from pydantic import Field, PlainSerializer, WithJsonSchema

from selbsthelfer.api.shapes.base import Sent
from selbsthelfer.intake.core.facts import FactKey
from selbsthelfer.kit.wording import Words

NO_CONTROL: Final = r"^[^\x00-\x1f\x7f]*$"
"""A text without control characters, as JSON Schema writes it."""
MAX_INSTANT_CHARACTERS: Final = 40
_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
EXAMPLE_DIGEST: Final = "5c1b29e0a7f34d86" * 4
EXAMPLE_INSTANT: Final = "2026-11-22T15:00:00Z"


def write_instant(instant: datetime) -> str:
    """Write an instant by RFC 3339 in UTC, to the microsecond where it has some."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_instant(text: object) -> datetime:
    """Read an instant by RFC 3339; raises `ValueError` for all else, a time without an offset included."""
    if not isinstance(text, str) or len(text) > MAX_INSTANT_CHARACTERS or not _RFC3339.fullmatch(text):
        raise ValueError(f"an instant is written by RFC 3339, such as {EXAMPLE_INSTANT}")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such instant") from None


Instant = Annotated[
    datetime,
    PlainSerializer(write_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE_INSTANT]}),
]
"""An instant in an answer."""
NEXT: Final = Field(
    None, description="The cursor of the next page; null on the last one.", examples=["WyIyMDI2LTExLTIyIl0"]
)


class WordsOut(Schema):
    """One text in both languages."""

    de: str = Field(description="The text in German.", examples=["Bestanden."])
    en: str = Field(description="The text in English.", examples=["Passed."])

    @classmethod
    def of(cls, words: Words) -> WordsOut:
        return cls(de=words.de, en=words.en)


class FactKeyOut(Schema):
    """The key of a fact of this line."""

    source: str = Field(description="The `source` of the fact.", examples=["/contact-centre"])
    id: str = Field(description="The `id` of the fact.", examples=["call-2026-11-03-0817"])


class FactKeyIn(Sent):
    """The key of a fact of this line."""

    source: str = Field(
        description="The `source` of the fact.",
        min_length=1,
        max_length=200,
        strict=True,
        pattern=NO_CONTROL,
        examples=["/contact-centre"],
    )
    id: str = Field(
        description="The `id` of the fact.",
        min_length=1,
        max_length=200,
        strict=True,
        pattern=NO_CONTROL,
        examples=["call-2026-11-03-0817"],
    )

    def key(self) -> FactKey:
        return FactKey(source=self.source, id=self.id)
