"""Read endpoints, what is on its way to them, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.kit.sql import statements
from selbsthelfer.outbox.core.webhooks import DeliveryState, DisabledReason

_SQL = statements("selbsthelfer.outbox")

MAX_DELIVERIES: Final = 500
"""Deliveries, or attempts, on one page."""
_BEYOND_ALL: Final = 2**63 - 1


class EndpointState(NamedTuple):
    """An endpoint as its owner sees it; its secrets are shown when they are made, and never again.

    `owner` is the client that listens by it, empty where it is the operator's own. `failing_since` is the
    first failure after the last success. Until `old_secret_until` every event is signed with the secret of
    before, too.
    """

    endpoint_id: UUID
    owner: str
    url: str
    kinds: list[str]
    description: str
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    succeeded_at: datetime | None
    old_secret_until: datetime | None

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None


class DeliveryRow(NamedTuple):
    """An event on its way to an endpoint; `failure` is the code of its last failed attempt."""

    delivery_id: int
    event_id: UUID
    kind: str
    happened_at: datetime
    attempts: int
    due_at: datetime
    delivered_at: datetime | None
    failed_at: datetime | None
    failure: str | None

    @property
    def state(self) -> DeliveryState:
        if self.delivered_at is not None:
            return DeliveryState.DELIVERED
        return DeliveryState.WAITING if self.failed_at is None else DeliveryState.FAILED

    @property
    def next_try_at(self) -> datetime | None:
        """When it is tried again at the earliest; none for what has never been tried, or never will be."""
        return self.due_at if self.state is DeliveryState.WAITING and self.attempts else None


class AttemptRow(NamedTuple):
    """One attempt of a delivery; `status` is the answer's, none where there was none."""

    attempt_id: int
    event_id: UUID
    kind: str
    number: int
    started_at: datetime
    latency_ms: int
    status: int | None
    failure: str | None


class WaitingEvents(NamedTuple):
    """How many deliveries wait for endpoints that are not disabled, and when the oldest event happened."""

    deliveries: int
    oldest_at: datetime | None


def endpoint_of_id(cursor: psycopg.Cursor[Any], endpoint_id: UUID) -> EndpointState | None:
    """Find an endpoint."""
    row = cursor.execute(_SQL["endpoint"], {"endpoint_id": endpoint_id}).fetchone()
    return None if row is None else _endpoint(row)


def endpoints(cursor: psycopg.Cursor[Any]) -> Sequence[EndpointState]:
    """List all endpoints, the operator's and those of others, the oldest first."""
    return [_endpoint(row) for row in cursor.execute(_SQL["endpoints"])]


def _endpoint(row: tuple[Any, ...]) -> EndpointState:
    found = EndpointState(*row)
    reason = found.disabled_reason
    return found._replace(disabled_reason=None if reason is None else DisabledReason(reason))


def deliveries_of_endpoint(
    cursor: psycopg.Cursor[Any],
    endpoint_id: UUID,
    *,
    before: int | None = None,
    limit: int = MAX_DELIVERIES,
    only_failed: bool = False,
) -> Sequence[DeliveryRow]:
    """Page through what went or goes to an endpoint, newest first; the last `delivery_id` leads on."""
    parameters = {
        "endpoint_id": endpoint_id,
        "before": _BEYOND_ALL if before is None else before,
        "limit": min(limit, MAX_DELIVERIES + 1),
        "only_failed": only_failed,
    }
    return [DeliveryRow(*row) for row in cursor.execute(_SQL["deliveries"], parameters)]


def attempts_of_endpoint(
    cursor: psycopg.Cursor[Any], endpoint_id: UUID, *, before: int | None = None, limit: int = MAX_DELIVERIES
) -> Sequence[AttemptRow]:
    """Page through every attempt of the last 30 days, newest first; the last `attempt_id` leads on."""
    parameters = {
        "endpoint_id": endpoint_id,
        "before": _BEYOND_ALL if before is None else before,
        "limit": min(limit, MAX_DELIVERIES + 1),
    }
    return [AttemptRow(*row) for row in cursor.execute(_SQL["attempts"], parameters)]


def deliveries_waiting(cursor: psycopg.Cursor[Any]) -> WaitingEvents:
    """Count the deliveries that wait, for a gauge."""
    row = cursor.execute(_SQL["deliveries_waiting"]).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return WaitingEvents(*row)


def attempts_failed(cursor: psycopg.Cursor[Any], *, since: datetime) -> int:
    """Count the attempts that failed since an instant, for a gauge."""
    row = cursor.execute(_SQL["attempts_failed"], {"since": since}).fetchone()
    return 0 if row is None else int(row[0])


def endpoints_disabled(cursor: psycopg.Cursor[Any]) -> Mapping[DisabledReason, int]:
    """Count the endpoints that nothing is sent to, by reason, for a gauge."""
    return {DisabledReason(reason): count for reason, count in cursor.execute(_SQL["endpoints_disabled"])}
