"""What is told of a line: what it is, its volume now, and every movement of it."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from selbsthelfer.allowances.queries import Allowance, LineBucket, LineEntry, UsageNow
from selbsthelfer.api.pages import MAX_PAGE
from selbsthelfer.api.shapes.values import NEXT, FactKeyOut, Instant
from selbsthelfer.subscribers.queries import LineProfile

_BUCKET_ID = "6d3f3c8e-5f0e-5f6b-9a53-6f2f0b7a1c11"


class PeriodOut(Schema):
    """The running billing period, starts_at ≤ time < ends_at."""

    starts_at: Instant = Field(description="Its first instant, in the line's time zone a local midnight.")
    ends_at: Instant = Field(description="The first instant of the next one, as known now.")
    used_bytes: int = Field(description="Bytes used in it so far, as far as is known.", examples=[734003200])


class BucketOut(Schema):
    """Volume with a validity; it is valid now."""

    id: str = Field(description="Its id, for ever the same.", examples=[_BUCKET_ID])
    kind: str = Field(
        description="`included` (tariff), `bonus` (programme), `courtesy` (staff) or `topup` (paid for).",
        examples=["bonus"],
    )
    size_bytes: int = Field(description="What it held at first.", examples=[100000000])
    balance_bytes: int = Field(description="What is left of it.", examples=[64000000])
    valid_from: Instant = Field(description="Valid from this instant on.")
    valid_until: Instant = Field(
        description="Valid until just before this instant: its own end or the line's, whichever comes first."
    )
    is_confirmed: bool = Field(
        description="Whether the charging system has confirmed it. Until then it may not be called usable."
    )
    is_usable: bool = Field(description="Confirmed, and not resting because the line is suspended.")

    @classmethod
    def of(cls, bucket: LineBucket) -> BucketOut:
        return cls(
            id=str(bucket.bucket_id),
            kind=bucket.kind,
            size_bytes=bucket.size_bytes,
            balance_bytes=bucket.left_bytes,
            valid_from=bucket.valid_from,
            valid_until=bucket.valid_until,
            is_confirmed=bucket.is_confirmed,
            is_usable=bucket.is_usable,
        )


class LineOut(Schema):
    """A line as it stands. Its phone number is not told: whoever asks knows the line by its id."""

    subject: str = Field(description="The operator's own id of the line.", examples=["line-4711"])
    tariff: str | None = Field(description="The tariff; null if it was never told.", examples=["M"])
    timezone: str = Field(
        description="The IANA time zone of its billing periods.", examples=["Europe/Berlin"]
    )
    language: str | None = Field(description="The language of its messages.", examples=["de"])
    is_suspended: bool = Field(description="Whether it is suspended; its volume rests meanwhile.")
    ended_at: Instant | None = Field(description="When it ended; null while it runs.", examples=[None])
    period: PeriodOut = Field(description="The running billing period.")
    buckets: list[BucketOut] = Field(
        description=f"The buckets valid now, in the order in which they burn, at most {MAX_PAGE}."
    )
    is_unlimited: bool = Field(description="Whether its volume is unlimited.")
    usable_bytes: int | None = Field(
        description="What can be used now, of all buckets together; null means unlimited.",
        examples=[5064000000],
    )

    @classmethod
    def of(cls, profile: LineProfile, allowance: Allowance, usage: UsageNow) -> LineOut:
        return cls(
            subject=profile.subject,
            tariff=profile.tariff,
            timezone=profile.timezone,
            language=profile.language,
            is_suspended=profile.is_suspended,
            ended_at=profile.ended_at,
            period=PeriodOut(starts_at=usage.starts_at, ends_at=usage.ends_at, used_bytes=usage.used_bytes),
            buckets=[BucketOut.of(bucket) for bucket in allowance.buckets[:MAX_PAGE]],
            is_unlimited=allowance.is_unlimited,
            usable_bytes=allowance.usable_bytes,
        )


class EntryOut(Schema):
    """A movement of a bucket. Entries are appended and never change."""

    bucket_id: str = Field(description="The bucket that it moves.", examples=[_BUCKET_ID])
    kind: str = Field(description="The kind of the bucket.", examples=["bonus"])
    ordinal: int = Field(
        description="Its number within the bucket, from 1; the first one credits.", examples=[2]
    )
    amount_bytes: int = Field(description="Above 0 credited, below 0 used.", examples=[-36000000])
    balance_bytes: int = Field(description="What it left in the bucket.", examples=[64000000])
    happened_at: Instant = Field(description="When it happened.")
    received_at: Instant = Field(description="When it became known.")
    fact: FactKeyOut | None = Field(
        description="The fact that caused it; null for what no single fact caused."
    )

    @classmethod
    def of(cls, entry: LineEntry) -> EntryOut:
        source, id_ = entry.fact_source, entry.fact_id
        return cls(
            bucket_id=str(entry.bucket_id),
            kind=entry.kind,
            ordinal=entry.ordinal,
            amount_bytes=entry.amount_bytes,
            balance_bytes=entry.balance_bytes,
            happened_at=entry.happened_at,
            received_at=entry.received_at,
            fact=None if source is None or id_ is None else FactKeyOut(source=source, id=id_),
        )


class EntriesOut(Schema):
    """A page of entries, newest first."""

    items: list[EntryOut] = Field(description="The entries on this page.")
    next: str | None = NEXT
