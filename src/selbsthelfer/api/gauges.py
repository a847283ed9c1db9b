"""What the database knows, asked when Prometheus looks: orders, drift, webhooks and messages that wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from django.db import transaction
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from selbsthelfer.charging.queries import open_drifts, standing_of_orders
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.event_queries import attempts_failed, deliveries_waiting, endpoints_disabled
from selbsthelfer.outbox.queries import failures, waiting

FAILED_WITHIN: Final = timedelta(hours=1)
"""Over how long failed attempts at webhooks are counted."""


class Gauges(Collector):
    """Asks the database when it is read; every process tells the same."""

    def collect(self) -> Iterable[Metric]:
        now = datetime.now(UTC)
        with transaction.atomic():
            cursor = open_cursor()
            yield from _orders(cursor, now)
            yield from _webhooks(cursor, now)
            yield from _messages(cursor, now)


def gauges() -> CollectorRegistry:
    """Make a registry of the gauges alone, apart from what this process counts."""
    registry = CollectorRegistry()
    registry.register(_Undescribed(Gauges()))
    return registry


class _Undescribed(Collector):
    """Keeps the registry from asking the database for names when it is made."""

    def __init__(self, inner: Collector) -> None:
        self.inner = inner

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        return self.inner.collect()


def _orders(cursor: psycopg.Cursor[Any], now: datetime) -> Iterable[Metric]:
    standing = standing_of_orders(cursor, now=now)
    yield _by(
        "selbsthelfer_orders",
        "Credit orders that are not confirmed, by state.",
        "state",
        {state.value: count for state, count in standing.orders.items()},
    )
    yield _one("selbsthelfer_orders_in_trouble", "Credit orders worth a person's look.", standing.in_trouble)
    yield _one(
        "selbsthelfer_delivery_oldest_seconds",
        "For how long the oldest order has waited that a worker may take.",
        standing.oldest_seconds,
    )
    yield _by(
        "selbsthelfer_delivery_lag_seconds",
        "From grant to confirmation, over the last five minutes.",
        "quantile",
        {
            "0.5": standing.lag_p50_seconds,
            "0.99": standing.lag_p99_seconds,
            "1": standing.lag_max_seconds,
        },
    )
    yield _by(
        "selbsthelfer_drift",
        "Differences between the orders and the charging system, as the last reconciliation saw them.",
        "kind",
        {kind.value: count for kind, count in open_drifts(cursor).items()},
    )


def _webhooks(cursor: psycopg.Cursor[Any], now: datetime) -> Iterable[Metric]:
    found = deliveries_waiting(cursor)
    yield _one("selbsthelfer_webhooks_waiting", "Events on their way to an endpoint.", found.deliveries)
    yield _one(
        "selbsthelfer_webhooks_oldest_seconds",
        "For how long the oldest event has waited.",
        _age(found.oldest_at, now),
    )
    yield _one(
        "selbsthelfer_webhook_failures",
        "Attempts at endpoints that failed within the last hour.",
        attempts_failed(cursor, since=now - FAILED_WITHIN),
    )
    yield _by(
        "selbsthelfer_webhooks_disabled",
        "Endpoints that nothing is sent to, by reason.",
        "reason",
        {reason.value: count for reason, count in endpoints_disabled(cursor).items()},
    )


def _messages(cursor: psycopg.Cursor[Any], now: datetime) -> Iterable[Metric]:
    found = waiting(cursor)
    yield _one("selbsthelfer_messages_waiting", "Messages that wait to go out.", found.messages)
    yield _one(
        "selbsthelfer_messages_oldest_seconds",
        "For how long the oldest message has waited.",
        _age(found.oldest_at, now),
    )
    yield _by(
        "selbsthelfer_messages_failed", "Messages that failed for good, by code.", "code", failures(cursor)
    )


def _one(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _by(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
