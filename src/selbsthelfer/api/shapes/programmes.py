"""What is told of programmes, of who takes part in them, and of who may."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from selbsthelfer.api.shapes.base import Sent
from selbsthelfer.api.shapes.values import EXAMPLE_DIGEST, NEXT, NO_CONTROL, Instant, WordsOut
from selbsthelfer.intake.joining import Joined, Left, Offer
from selbsthelfer.programmes.core.definition import Join
from selbsthelfer.programmes.core.invitation_codes import MAX_TYPED
from selbsthelfer.programmes.core.key_facts import key_facts, most_bytes
from selbsthelfer.programmes.core.versions import PublishedVersion
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment

_NAME = Field(description="The programme's name.", examples=["o2-2017"])
_VERSION = Field(description="The version of its rules.", examples=[1])
_TITLE = Field(description="Its title for people.")
_NEEDS_CODE = Field(description="Whether it is joined only by a code of invitation.", examples=[False])


class ProgrammeOut(Schema):
    """A programme by the version that new enrolments join."""

    name: str = _NAME
    version: int = _VERSION
    digest: str = Field(description="The SHA-256 of these rules.", min_length=64, examples=[EXAMPLE_DIGEST])
    title: WordsOut = _TITLE
    published_at: Instant = Field(description="Since when this version is in force.")
    is_open: bool = Field(description="Whether its dates let lines enrol now.")
    enrol_from: Instant | None = Field(description="From when on lines may enrol; null without a limit.")
    enrol_until: Instant | None = Field(description="Until when lines may enrol; null without a limit.")
    by_invitation: bool = Field(description="Whether it takes an invitation to join.")
    stages: int = Field(description="How many stages it has.", examples=[3])
    periods_per_stage: int = Field(description="How many billing periods each spans.", examples=[3])
    most_bytes: int = Field(description="The most that one line can be granted.", examples=[1800000000])
    key_facts: list[WordsOut] = Field(description="Its rules in a handful of sentences.")

    @classmethod
    def of(cls, version: PublishedVersion, *, is_open: bool) -> ProgrammeOut:
        definition = version.definition
        return cls(
            name=version.programme,
            version=version.version,
            digest=version.digest,
            title=WordsOut(de=definition.title.de, en=definition.title.en),
            published_at=version.published_at,
            is_open=is_open,
            enrol_from=definition.enrol_from,
            enrol_until=definition.enrol_until,
            by_invitation=definition.join is Join.INVITATION,
            stages=definition.stage_count,
            periods_per_stage=definition.periods_per_stage,
            most_bytes=most_bytes(definition),
            key_facts=[WordsOut.of(fact) for fact in key_facts(definition)],
        )


class ProgrammesOut(Schema):
    """A page of programmes, by name."""

    items: list[ProgrammeOut] = Field(description="The programmes on this page.")
    next: str | None = NEXT


class EnrolmentOut(Schema):
    """A line in a programme. What it has brought is in the rewards of the line."""

    programme: str = _NAME
    version: int = _VERSION
    title: WordsOut = _TITLE
    enrolled_at: Instant = Field(description="Since when the line takes part.")
    stopped_at: Instant | None = Field(
        description="When it left or ended; null while it takes part.", examples=[None]
    )
    closes_at: Instant = Field(description="What is learned after this instant decides nothing.")

    @classmethod
    def of(cls, told: ToldEnrolment) -> EnrolmentOut:
        return cls(
            programme=told.programme,
            version=told.version,
            title=WordsOut.of(told.title),
            enrolled_at=told.enrolled_at,
            stopped_at=told.stopped_at,
            closes_at=told.closes_at,
        )


class EnrolmentsOut(Schema):
    """A page of the enrolments of a line, by programme."""

    items: list[EnrolmentOut] = Field(description="The enrolments on this page.")
    next: str | None = NEXT


class OfferOut(Schema):
    """A programme that the line may join now."""

    programme: str = _NAME
    version: int = _VERSION
    title: WordsOut = _TITLE
    needs_code: bool = _NEEDS_CODE

    @classmethod
    def of(cls, offer: Offer) -> OfferOut:
        title = offer.definition.title
        return cls(
            programme=offer.programme,
            version=offer.version,
            title=WordsOut(de=title.de, en=title.en),
            needs_code=offer.needs_code,
        )


class OffersOut(Schema):
    """A page of the programmes that a line may join now, by name."""

    items: list[OfferOut] = Field(description="The offers on this page.")
    next: str | None = NEXT


class EnrolmentIn(Sent):
    """The wish of a line to join a programme."""

    programme: str = Field(
        description="The programme's name.",
        min_length=1,
        max_length=100,
        strict=True,
        pattern=NO_CONTROL,
        examples=["o2-2017"],
    )
    code: str | None = Field(
        None,
        description="The code of an invitation, as it was typed; a line on the list needs none.",
        max_length=MAX_TYPED,
        strict=True,
        pattern=NO_CONTROL,
        examples=["7K3M-9XQ2"],
    )


class JoinedOut(Schema):
    """A line takes part."""

    programme: str = _NAME
    version: int = _VERSION
    enrolled_at: Instant = Field(description="Since when.")
    is_new: bool = Field(description="False where it took part already; then nothing changed.")

    @classmethod
    def of(cls, joined: Joined) -> JoinedOut:
        return cls(
            programme=joined.programme,
            version=joined.version,
            enrolled_at=joined.enrolled_at,
            is_new=joined.is_new,
        )


class LeftOut(Schema):
    """A line has left. What was granted to it stays."""

    programme: str = _NAME
    left_at: Instant = Field(description="Since when.")
    is_new: bool = Field(description="False where it had left already; then nothing changed.")

    @classmethod
    def of(cls, left: Left) -> LeftOut:
        return cls(programme=left.programme, left_at=left.left_at, is_new=left.is_new)
