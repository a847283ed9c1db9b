"""What is told of courtesy volume, and how it is asked for."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from selbsthelfer.allowances.core.buckets import COURTESY_MAX_BYTES
from selbsthelfer.allowances.courtesies import CourtesyGiven
from selbsthelfer.api.shapes.base import Sent, WholeNumber
from selbsthelfer.api.shapes.values import NEXT, NO_CONTROL, FactKeyOut, Instant


class CourtesyIn(Sent):
    """Volume that staff give as a courtesy."""

    bytes: WholeNumber = Field(description="How much.", gt=0, le=COURTESY_MAX_BYTES, examples=[1000000000])
    reason: str | None = Field(
        None,
        description="Why, in free text. The person may read it.",
        max_length=2_000,
        strict=True,
        pattern=r"^[^\x00]*$",
        examples=["Fault in your region on 3 November"],
    )
    by: str | None = Field(
        None,
        description="Which member of staff gives it, by the operator's own name; kept, and never told.",
        min_length=1,
        max_length=100,
        strict=True,
        pattern=NO_CONTROL,
        examples=["agent-17"],
    )


class CourtesyOut(Schema):
    """Courtesy volume in its bucket."""

    fact: FactKeyOut = Field(description="The key of its fact `courtesy.granted`.")
    bucket_id: str = Field(description="Its bucket.", examples=["6d3f3c8e-5f0e-5f6b-9a53-6f2f0b7a1c11"])
    bytes: int = Field(description="How much.", examples=[1000000000])
    left_bytes: int = Field(
        description="What is left of it, or was left when it ended.", examples=[1000000000]
    )
    granted_at: Instant = Field(description="When it was given.")
    valid_from: Instant = Field(description="Valid from this instant on.")
    valid_until: Instant = Field(
        description="Valid until just before this instant: the end, as known when it was given, of that "
        "billing period, or the end of the line."
    )
    is_confirmed: bool = Field(
        description="Whether the charging system has confirmed it. Until then it may not be called usable."
    )
    reason: str | None = Field(description="Why, as the staff wrote it.", examples=["Fault in your region"])

    @classmethod
    def of(cls, given: CourtesyGiven) -> CourtesyOut:
        return cls(
            fact=FactKeyOut(source=given.source, id=given.id),
            bucket_id=str(given.bucket_id),
            bytes=given.bytes,
            left_bytes=given.left_bytes,
            granted_at=given.happened_at,
            valid_from=given.valid_from,
            valid_until=given.usable_until,
            is_confirmed=given.is_confirmed,
            reason=given.reason,
        )


class CourtesiesOut(Schema):
    """A page of courtesy volume, newest first."""

    items: list[CourtesyOut] = Field(description="The courtesy volume on this page.")
    next: str | None = NEXT
