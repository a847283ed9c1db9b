"""The facts that may enter, as CloudEvents 1.0, each with its own shape.

A fact says that something happened, with `time` (when it happened; of a contact: its end) and `received`
(when it was learned of). The pair (`source`, `id`) identifies a fact of a line for ever.

Members that a contact centre may not know are optional: a contact with a missing member is taken and does
not count, because doubt is the customer's. A member that is present must be sound.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

MAX_SECONDS = 86_400
"""No wait or talk lasts longer than a day; a larger number was most likely given in milliseconds."""
MAX_BYTES = 1_000_000_000_000_000
"""One petabyte. No line has or uses more; a larger number was given in a wrong unit."""

Identifier = Annotated[str, Meta(min_length=1, max_length=200)]
ShortText = Annotated[str, Meta(min_length=1, max_length=100)]
Told = Annotated[str, Meta(max_length=100)]
"""What a contact centre told of a contact; empty is the same as not told."""
FreeText = Annotated[str, Meta(max_length=2_000)]
Instant = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[int, Meta(ge=0, le=MAX_SECONDS)]
Bytes = Annotated[int, Meta(ge=0, le=MAX_BYTES)]
PositiveBytes = Annotated[int, Meta(gt=0, le=MAX_BYTES)]
BillingDay = Annotated[int, Meta(ge=1, le=31)]
PeriodDays = Annotated[int, Meta(ge=1, le=366)]


class Data(Struct, frozen=True, forbid_unknown_fields=True):
    """What a fact of one type carries; a member that is not named here is refused."""


class FactKey(Data, frozen=True):
    """The (`source`, `id`) of another fact of the same line."""

    source: Identifier
    id: Identifier


class Registered(Data, frozen=True):
    """A line exists, with its billing cycle: `billing_day`, or `period_days` from `period_anchor`."""

    timezone: ShortText
    billing_day: BillingDay | None = None
    period_days: PeriodDays | None = None
    period_anchor: date | None = None
    msisdn: ShortText | None = None
    language: ShortText | None = None
    tariff: ShortText | None = None
    included_bytes: Bytes | None = None
    account: Identifier | None = None


class Changed(Data, frozen=True):
    """Some of a line's properties are new; those that are missing stay as they were."""

    msisdn: ShortText | None = None
    language: ShortText | None = None
    tariff: ShortText | None = None
    included_bytes: Bytes | None = None
    suspended: bool | None = None


class BillingDayChanged(Data, frozen=True):
    billing_day: BillingDay


class Ended(Data, frozen=True):
    pass


class Enrolled(Data, frozen=True):
    programme: ShortText
    variant: Literal["treatment", "control"] | None = None


class Withdrawn(Data, frozen=True):
    programme: ShortText


class SelfserviceFinished(Data, frozen=True):
    activity: ShortText
    outcome: Literal["succeeded", "failed"]


class ContactEnded(Data, frozen=True):
    channel: Told | None = None
    direction: Told | None = None
    outcome: Told | None = None
    wait_seconds: Seconds | None = None
    talk_seconds: Seconds | None = None
    topic: Told | None = None
    queue: Told | None = None


class ContactCoded(Data, frozen=True):
    contact: FactKey
    topic: Told
    by: ShortText | None = None


class ContactReclassified(Data, frozen=True):
    contact: FactKey
    counts: bool
    reason: FreeText | None = None
    by: ShortText | None = None


class CrisisDeclared(Data, frozen=True, rename={"from_at": "from", "until_at": "until"}):
    from_at: Instant
    until_at: Instant
    topics: Annotated[tuple[ShortText, ...], Meta(max_length=200)] | None = None


class UsageRecorded(Data, frozen=True):
    bytes: Bytes


class CourtesyGranted(Data, frozen=True):
    bytes: PositiveBytes
    reason: FreeText | None = None
    by: ShortText | None = None


class Envelope(Struct, frozen=True, tag_field="type"):
    """The CloudEvents attributes; extension attributes are allowed and left aside."""

    id: Identifier
    source: Identifier
    time: Instant
    specversion: Literal["1.0"] = "1.0"
    received: Instant | None = None
    datacontenttype: Literal["application/json"] = "application/json"


class LineEnvelope(Envelope, frozen=True, kw_only=True):
    """A fact about one line; `subject` is the operator's own stable id of that line."""

    subject: Identifier


class SubscriberRegistered(LineEnvelope, frozen=True, kw_only=True, tag="subscriber.registered"):
    data: Registered


class SubscriberChanged(LineEnvelope, frozen=True, kw_only=True, tag="subscriber.changed"):
    data: Changed


class SubscriberBillingDayChanged(
    LineEnvelope, frozen=True, kw_only=True, tag="subscriber.billing_day_changed"
):
    data: BillingDayChanged


class SubscriberEnded(LineEnvelope, frozen=True, kw_only=True, tag="subscriber.ended"):
    data: Ended = Ended()


class ProgrammeEnrolled(LineEnvelope, frozen=True, kw_only=True, tag="programme.enrolled"):
    data: Enrolled


class ProgrammeWithdrawn(LineEnvelope, frozen=True, kw_only=True, tag="programme.withdrawn"):
    data: Withdrawn


class ActivityFinished(LineEnvelope, frozen=True, kw_only=True, tag="selfservice.finished"):
    data: SelfserviceFinished


class ContactFinished(LineEnvelope, frozen=True, kw_only=True, tag="contact.ended"):
    data: ContactEnded


class ContactCodedFact(LineEnvelope, frozen=True, kw_only=True, tag="contact.coded"):
    data: ContactCoded


class ContactReclassifiedFact(LineEnvelope, frozen=True, kw_only=True, tag="contact.reclassified"):
    data: ContactReclassified


class UsageFact(LineEnvelope, frozen=True, kw_only=True, tag="usage.recorded"):
    data: UsageRecorded


class CourtesyFact(LineEnvelope, frozen=True, kw_only=True, tag="courtesy.granted"):
    data: CourtesyGranted


class CrisisFact(Envelope, frozen=True, kw_only=True, tag="crisis.declared"):
    """A crisis touches every line, so it has no subject."""

    data: CrisisDeclared


LineFact = (
    SubscriberRegistered
    | SubscriberChanged
    | SubscriberBillingDayChanged
    | SubscriberEnded
    | ProgrammeEnrolled
    | ProgrammeWithdrawn
    | ActivityFinished
    | ContactFinished
    | ContactCodedFact
    | ContactReclassifiedFact
    | UsageFact
    | CourtesyFact
)
Fact = LineFact | CrisisFact

decode_fact = msgspec.json.Decoder(Fact).decode
"""Decode one CloudEvent; raises `msgspec.DecodeError`, or `msgspec.ValidationError` naming the member."""
