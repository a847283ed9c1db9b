"""Whatever the description allows or forbids is sent to every route: each answer is one that it describes.

Schemathesis makes the requests: at first the examples, then each bound of each member just kept and just
broken, then whatever comes to its mind. A part of them names a line, a programme and an endpoint that exist,
so that they reach what lies behind.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import schemathesis
from django.db import transaction
from django.test.client import ClientHandler
from hypothesis import HealthCheck, Phase, settings
from pytest_django import DjangoDbBlocker
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from selbsthelfer.outbox.models import Endpoint
from selbsthelfer.outbox.webhooks import add_endpoint
from tests.api.callers import make_client
from tests.api.life import eventful_life
from tests.effort import EFFORT
from tests.portal.life import prepare

pytestmark = pytest.mark.django_db

LINE, PROGRAMME, WEBHOOK = "line-4711", "o2-2017", "0a6f7c1e-6f4b-4a31-9a0e-3f1f6a3b9c55"
EXAMPLES: Final = 10
"""Requests of whatever comes to its mind, for each route."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
]
CONFIG: Final = {
    "seed": 4711,
    "dictionaries": {
        "lines": {"values": [LINE]},
        "programmes": {"values": [PROGRAMME]},
        "webhooks": {"values": [WEBHOOK]},
    },
    "parameters": {
        "path.line": {"dictionary": "lines", "probability": 0.8},
        "path.programme": {"dictionary": "programmes", "probability": 0.8},
        "path.webhook": {"dictionary": "webhooks", "probability": 0.8},
    },
    # Parameters of an address that no route knows are left aside.
    "generation": {"allow-extra-parameters": False},
    "phases": {"stateful": {"enabled": False}},
    # A fact has so many members that their bounds alone take a minute and a half.
    "operations": [
        {"include-path": "/api/v1/facts", "phases": {"coverage": {"enabled": EFFORT > 1}}},
    ],
}

Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]
_ADDRESSES = count(1)
_handler: Final = ClientHandler(enforce_csrf_checks=True)
"""The application, which as a server's would close the connection whose transaction the tests take back."""


def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Answer as the server does; each request comes from another address, as wrong keys are counted by it."""
    number = next(_ADDRESSES)
    environ["REMOTE_ADDR"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    response = _handler(environ)
    start(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]


schema: Final = schemathesis.openapi.from_wsgi(
    "/api/v1/openapi.json", answer, config=SchemathesisConfig.from_dict(CONFIG)
)
seen: Final[Counter[int]] = Counter()
asked_without_key: Final[set[str]] = set()
"""Routes that were asked again without a key and with a wrong one, which once is enough."""


@pytest.fixture(scope="module")
def key(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Give a key that may do everything, in a world with a line, a programme and an endpoint.

    The world is made once; the transaction of each test lies within this one.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        prepare()
        eventful_life(LINE, msisdn="+491713928471", tariff="M").send()
        made = add_endpoint(
            url="https://hooks.example.com/in",
            kinds=["grant.released"],
            description="CRM",
            now=datetime.now(UTC),
        )
        Endpoint.objects.filter(pk=made.endpoint.endpoint_id).update(endpoint_id=WEBHOOK)
        yield make_client()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _nothing_told_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    for name in ("selbsthelfer", "django", "django.request"):
        caplog.set_level(logging.DEBUG, logger=name)
    yield
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.get_records("call"))
    assert not [text for text in (LINE, "+49171", "Bearer", "shk_", "slt_", "whsec_") if text in logged]


@schema.parametrize()
@settings(
    max_examples=EXAMPLES * EFFORT,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
def test_every_answer_is_as_described(case: Any, key: str) -> None:
    route = case.operation.label
    # What is wrong in a fact is told of that fact, in an answer of 200.
    left_out = [negative_data_rejection] if route.endswith("/facts") else []
    if route in asked_without_key:
        left_out.append(ignored_auth)
    answered = case.call_and_validate(
        headers={"Authorization": f"Bearer {key}"}, checks=CHECKS, excluded_checks=left_out
    )
    seen[answered.status_code] += 1
    if answered.status_code < 300:
        asked_without_key.add(route)


def test_requests_reached_the_inside() -> None:
    """Were all refused at the door, their answers would prove little."""
    assert min(seen[200], seen[201], seen[422]) > 50, seen
    assert len(asked_without_key) == len(list(schema.get_all_operations())), asked_without_key
