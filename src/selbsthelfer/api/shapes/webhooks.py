"""What is asked for and answered where the operator says where events go."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import P, PathEx, Schema
from ninja.params import functions
from pydantic import BeforeValidator, Field, WithJsonSchema

from selbsthelfer.api.shapes.base import Sent, WholeNumber, YesOrNo
from selbsthelfer.api.shapes.values import EXAMPLE_INSTANT, NEXT, NO_CONTROL, Instant, read_instant
from selbsthelfer.outbox.core.events import EventKind
from selbsthelfer.outbox.core.webhooks import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_OLD_SECRET_VALID_FOR,
    MAX_URL_CHARACTERS,
    DeliveryState,
    DisabledReason,
)
from selbsthelfer.outbox.event_queries import AttemptRow, DeliveryRow, EndpointState
from selbsthelfer.outbox.webhooks import Replayed

_EXAMPLE_ID = "0a6f7c1e-6f4b-4a31-9a0e-3f1f6a3b9c55"
_EXAMPLE_EVENT = "5f0c7d1e-2c55-5a63-9f0b-b5b1b7f1a0c4"
_DAY_SECONDS = 86_400

SentInstant = Annotated[
    datetime,
    BeforeValidator(read_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE_INSTANT]}),
]
"""An instant in a body."""
EndpointId = PathEx[UUID, P(description="The endpoint's id.", example=_EXAMPLE_ID)]
OnlyState = Annotated[
    Literal["failed"] | None,
    functions.Query(None, alias="state", description="`failed`: only what failed for good."),
]

_URL = Field(
    description="Where events are posted to: an address with `https://`. Addresses of private networks and "
    "of this machine are refused unless the operator allows them.",
    min_length=1,
    max_length=MAX_URL_CHARACTERS,
    pattern=NO_CONTROL,
    examples=["https://hooks.example.com/selbsthelfer"],
)
_EVENTS = Field(
    description="Which events it wants.",
    min_length=1,
    max_length=100,
    examples=[["grant.released", "stage.passed"]],
)
_DESCRIPTION = Field(
    "",
    description="What it is for, in one line for people.",
    max_length=MAX_DESCRIPTION_CHARACTERS,
    pattern=NO_CONTROL,
    examples=["CRM"],
)


class EndpointIn(Sent):
    """An endpoint to add."""

    url: str = _URL
    events: list[EventKind] = _EVENTS
    description: str = _DESCRIPTION


class EndpointChange(Sent):
    """What is to change of an endpoint; what is left out or null stays."""

    url: str | None = Field(
        None, min_length=1, max_length=MAX_URL_CHARACTERS, pattern=NO_CONTROL, description="Where."
    )
    events: list[EventKind] | None = Field(
        None, min_length=1, max_length=100, description="Which events it wants."
    )
    description: str | None = Field(
        None, max_length=MAX_DESCRIPTION_CHARACTERS, pattern=NO_CONTROL, description="What it is for."
    )
    is_active: YesOrNo | None = Field(
        None,
        description="`false` disables it: what waits goes on waiting, what happens meanwhile is not kept "
        "for it. `true` enables it again, whatever it was disabled for.",
        examples=[True],
    )


class RotationIn(Sent):
    """How long the secret of before stays valid beside the new one."""

    old_valid_seconds: WholeNumber = Field(
        _DAY_SECONDS,
        ge=0,
        le=int(MAX_OLD_SECRET_VALID_FOR.total_seconds()),
        description="For how long events are signed with both secrets; 0 where the old one has leaked.",
        examples=[_DAY_SECONDS],
    )


class ReplayIn(Sent):
    """What to send again: one event, or all that failed for good."""

    event: UUID | None = Field(
        None, description="Only this event, whatever became of it.", examples=[_EXAMPLE_EVENT]
    )
    since: SentInstant | None = Field(
        None,
        description="Of what failed for good, only what happened then or later.",
        examples=[EXAMPLE_INSTANT],
    )


class EndpointOut(Schema):
    """An endpoint."""

    id: UUID = Field(description="Its id.", examples=[_EXAMPLE_ID])
    owner: str | None = Field(
        description="The client that listens by it, at a hub of TM Forum's APIs; null: it is your own.",
        examples=[None],
    )
    url: str = Field(
        description="Where events are posted to.", examples=["https://hooks.example.com/selbsthelfer"]
    )
    events: list[str] = Field(
        description="Which events it wants.", examples=[["grant.released", "stage.passed"]]
    )
    description: str = Field(description="What it is for.", examples=["CRM"])
    is_active: bool = Field(description="Whether events are sent to it.")
    created_at: Instant = Field(description="Since when it gets events.")
    disabled_at: Instant | None = Field(
        description="Since when nothing is sent to it; null while it is active."
    )
    disabled_reason: DisabledReason | None = Field(
        description="Why: `gone` (it answered 410), `failing` (three days without a success), `by_hand`.",
        examples=[None],
    )
    failing_since: Instant | None = Field(description="Its first failure after its last success.")
    succeeded_at: Instant | None = Field(description="When an event last arrived.")
    old_secret_until: Instant | None = Field(description="Until when events are signed with two secrets.")

    @classmethod
    def of(cls, endpoint: EndpointState) -> EndpointOut:
        return cls(**_told(endpoint))


class EndpointWithSecretOut(EndpointOut):
    """An endpoint with its new secret."""

    secret: str | None = Field(
        description="What the receiver checks signatures with. It is told this once: the same request sent "
        "again brings null, and a secret that got lost is rotated.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )

    @classmethod
    def without(cls, endpoint: EndpointState) -> EndpointWithSecretOut:
        return cls(secret=None, **_told(endpoint))


class EndpointsOut(Schema):
    """All endpoints, the oldest first."""

    items: list[EndpointOut] = Field(description="There are never more than fit on one page.")
    next: str | None = NEXT


class DeletedOut(Schema):
    """An endpoint that is no more."""

    id: UUID = Field(description="Its id.", examples=[_EXAMPLE_ID])


class DeliveryOut(Schema):
    """An event on its way to an endpoint."""

    event: UUID = Field(description="The event's id, which it is sent with.", examples=[_EXAMPLE_EVENT])
    type: str = Field(description="What happened.", examples=["grant.released"])
    happened_at: Instant = Field(description="When it happened.")
    state: DeliveryState = Field(description="Whether it waits, was delivered, or failed for good.")
    attempts: int = Field(description="How often it was sent.", examples=[1])
    next_try_at: Instant | None = Field(description="When it is sent again at the earliest.")
    delivered_at: Instant | None = Field(description="When it arrived.")
    failed_at: Instant | None = Field(description="When it was given up.")
    failure: str | None = Field(description="Why the last attempt failed.", examples=["http_500"])

    @classmethod
    def of(cls, row: DeliveryRow) -> DeliveryOut:
        return cls(
            event=row.event_id,
            type=row.kind,
            happened_at=row.happened_at,
            state=row.state,
            attempts=row.attempts,
            next_try_at=row.next_try_at,
            delivered_at=row.delivered_at,
            failed_at=row.failed_at,
            failure=row.failure,
        )


class DeliveriesOut(Schema):
    """Deliveries, newest first, of the last 30 days."""

    items: list[DeliveryOut] = Field(description="The deliveries of this page.")
    next: str | None = NEXT


class AttemptOut(Schema):
    """One attempt to deliver an event."""

    event: UUID = Field(description="The event's id.", examples=[_EXAMPLE_EVENT])
    type: str = Field(description="What happened.", examples=["grant.released"])
    number: int = Field(description="The how-manieth attempt it was.", examples=[1])
    started_at: Instant = Field(description="When it began.")
    latency_ms: int = Field(description="How many milliseconds it took.", examples=[42])
    status: int | None = Field(description="The status of the answer; null where none came.", examples=[204])
    failure: str | None = Field(
        description="Why it failed: `http_…`, `timeout`, `unreachable`, `broken_off`, `tls`, `name_unknown`, "
        "`address_refused`, `not_carried` (it broke on this side); null where the event arrived.",
        examples=[None],
    )

    @classmethod
    def of(cls, row: AttemptRow) -> AttemptOut:
        return cls(
            event=row.event_id,
            type=row.kind,
            number=row.number,
            started_at=row.started_at,
            latency_ms=row.latency_ms,
            status=row.status,
            failure=row.failure,
        )


class AttemptsOut(Schema):
    """Attempts, newest first, of the last 30 days."""

    items: list[AttemptOut] = Field(description="The attempts of this page.")
    next: str | None = NEXT


class ReplayedOut(Schema):
    """What is sent again."""

    events: int = Field(description="How many events are sent again.", examples=[12])
    is_all: bool = Field(description="Whether that is all; if not, ask again with a new `Idempotency-Key`.")

    @classmethod
    def of(cls, replayed: Replayed) -> ReplayedOut:
        return cls(events=replayed.events, is_all=replayed.is_all)


class TestSentOut(Schema):
    """An event `webhook.test` on its way."""

    event: UUID = Field(description="Its id.", examples=[_EXAMPLE_EVENT])


def _told(endpoint: EndpointState) -> dict[str, Any]:
    return {
        "id": endpoint.endpoint_id,
        "owner": endpoint.owner or None,
        "url": endpoint.url,
        "events": endpoint.kinds,
        "description": endpoint.description,
        "is_active": endpoint.is_active,
        "created_at": endpoint.created_at,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": endpoint.failing_since,
        "succeeded_at": endpoint.succeeded_at,
        "old_secret_until": endpoint.old_secret_until,
    }
