"""What load balancers and Prometheus are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from selbsthelfer.charging.models import CreditOrder
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.intake.operations import Terms, accept
from tests.api.callers import make_client

NOW = datetime.now(UTC)

Samples = dict[tuple[str, str], float]


def samples(text: str) -> Samples:
    """Read what Prometheus reads: the value of each sample by its name and its one label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(client: Client) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    return samples(response.content.decode())


def test_a_process_that_lives_says_so_without_the_database(client: Client) -> None:
    assert client.get("/health").status_code == 200


@pytest.mark.django_db
def test_a_process_is_ready_when_the_database_answers(client: Client) -> None:
    assert client.get("/ready").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_process_is_not_ready_while_the_database_is_away(client: Client) -> None:
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "there-is-no-such-database"
    try:
        response = client.get("/ready")
        told = client.get("/metrics")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["code"] == "not_ready"
    assert "selbsthelfer_facts_total" in told.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/ready", "/metrics"])
def test_a_connection_that_was_cut_fails_one_request_at_most(client: Client, path: str) -> None:
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    first = client.get(path)
    assert first.status_code in ({200, 503} if path == "/ready" else {200})
    assert "text/html" not in first["Content-Type"]
    assert client.get("/ready").status_code == 200
    assert "selbsthelfer_orders" in client.get("/metrics").content.decode()


@pytest.mark.django_db
def test_facts_are_counted_by_what_became_of_them(client: Client) -> None:
    before = scraped(client)
    accept([b"{", b"[]"], terms=Terms(now=NOW))
    after = scraped(client)
    rejected = ("selbsthelfer_facts_total", "rejected")
    assert after[rejected] - before.get(rejected, 0) == 2
    batches = ("selbsthelfer_intake_seconds_count", "")
    assert after[batches] - before[batches] == 1


@pytest.mark.django_db
def test_orders_are_told_by_state_with_the_wait_of_the_oldest(client: Client) -> None:
    for state, age in (("open", 90), ("open", 30), ("uncertain", 10)):
        CreditOrder.objects.create(
            subscriber_id=uuid4(),
            credit_id=uuid4(),
            system="tmf654",
            state=state,
            bytes=100,
            valid_from=NOW,
            valid_until=NOW + timedelta(days=9),
            ordered_at=NOW - timedelta(seconds=age),
            due_at=NOW - timedelta(seconds=age),
            **({"recipient": "L-1", "sent_at": NOW, "attempts": 1} if state == "uncertain" else {}),
        )
    told = scraped(client)
    assert told[("selbsthelfer_orders", "open")] == 2
    assert told[("selbsthelfer_orders", "uncertain")] == 1
    assert told[("selbsthelfer_orders", "refused")] == 0
    assert 90 <= told[("selbsthelfer_delivery_oldest_seconds", "")] < 90 + 60
    assert told[("selbsthelfer_drift", "double")] == 0
    assert told[("selbsthelfer_webhook_failures", "")] == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("scopes", "status"), [((), 401), (("lines:read",), 403), (("metrics:read",), 200)])
def test_from_elsewhere_a_key_for_it_is_needed(client: Client, scopes: tuple[str, ...], status: int) -> None:
    headers = {"X-Forwarded-For": "192.0.2.7"}
    if scopes:
        headers["Authorization"] = f"Bearer {make_client(*map(Scope, scopes))}"
    response = client.get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"selbsthelfer_" in response.content) == (status == 200)


@pytest.mark.django_db
def test_an_address_elsewhere_is_not_this_machine(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 401


def test_watchers_may_call_the_process_by_any_name(client: Client) -> None:
    assert client.get("/health", headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert client.get("/imprint", headers={"Host": "10.0.0.7:8000"}).status_code == 400
