"""Where events go: endpoints, their secrets, what became of each event, and sending it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.once import ONCE, once
from selbsthelfer.api.pages import DEFAULT_PAGE, cut_page, read_cursor, write_cursor
from selbsthelfer.api.problems import Fault, Problem, refusals
from selbsthelfer.api.shapes.parameters import Cursor, Limit
from selbsthelfer.api.shapes.webhooks import (
    AttemptOut,
    AttemptsOut,
    DeletedOut,
    DeliveriesOut,
    DeliveryOut,
    EndpointChange,
    EndpointId,
    EndpointIn,
    EndpointOut,
    EndpointsOut,
    EndpointWithSecretOut,
    OnlyState,
    ReplayedOut,
    ReplayIn,
    RotationIn,
    TestSentOut,
)
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox import event_queries, webhooks
from selbsthelfer.outbox.core.webhooks import EndpointRefusedError

router = Router(tags=["webhooks"])
_MAY: Final = Needs(Scope.WEBHOOKS_WRITE)
_FIELDS: Final = {"kinds": "events"}
Made = TypeVar("Made")


@router.get("/webhooks", auth=_MAY, summary="List the endpoints", response={200: EndpointsOut})
def list_webhooks(request: HttpRequest) -> EndpointsOut:  # noqa: ARG001 - ninja passes it
    """List every endpoint that events are sent to, or were before it was disabled."""
    return EndpointsOut(items=[EndpointOut.of(found) for found in event_queries.endpoints(open_cursor())])


@router.post(
    "/webhooks",
    auth=_MAY,
    summary="Add an endpoint",
    response={201: EndpointWithSecretOut, **refusals(400, 409, 422)},
    openapi_extra=dict(ONCE),
)
def add_webhook(request: HttpRequest, wanted: EndpointIn) -> HttpResponse:
    """Have events sent to an address from now on; it hears of nothing that happened before.

    Events are signed by Standard Webhooks with the secret in the answer. Each may come more than once, always
    under the same `webhook-id`, and not in the order in which they happened. Anything but a 2xx is tried
    again for three days; 410 ends it. 409 `too_many_endpoints` where 20 are the operator's own.
    """

    def make() -> webhooks.SecretMade:
        return webhooks.add_endpoint(
            url=wanted.url, kinds=wanted.events, description=wanted.description, now=datetime.now(UTC)
        )

    return _telling_secret(request, 201, make)


@router.get(
    "/webhooks/{webhook}", auth=_MAY, summary="Read an endpoint", response={200: EndpointOut, **refusals(404)}
)
def read_webhook(request: HttpRequest, webhook: EndpointId) -> EndpointOut:  # noqa: ARG001
    """Tell where it is, what it wants, and how it does."""
    return EndpointOut.of(_found(webhook))


@router.patch(
    "/webhooks/{webhook}",
    auth=_MAY,
    summary="Change an endpoint",
    response={200: EndpointOut, **refusals(400, 404, 409, 422)},
    openapi_extra=dict(ONCE),
)
def change_webhook(request: HttpRequest, webhook: EndpointId, change: EndpointChange) -> HttpResponse:
    """Change where it is, what it wants, or whether anything is sent to it.

    What already waits goes to the new address, too. Enabled again, it gets what still waits at once; what
    failed for good is sent by a replay. What a partner listens by can be disabled, enabled and deleted, and
    is changed by nobody else: 409 `endpoint_owned`.
    """

    def work() -> tuple[int, Schema]:
        endpoint = webhooks.change_endpoint(
            endpoint_id=webhook, url=change.url, kinds=change.events, description=change.description
        )
        if change.is_active is not None:
            endpoint = _switch(webhook, is_active=change.is_active)
        return 200, EndpointOut.of(endpoint)

    return once(request, lambda: _refusing(work))


@router.delete(
    "/webhooks/{webhook}",
    auth=_MAY,
    summary="Delete an endpoint",
    response={200: DeletedOut, **refusals(400, 404, 422)},
    openapi_extra=dict(ONCE),
)
def delete_webhook(request: HttpRequest, webhook: EndpointId) -> HttpResponse:
    """Delete an endpoint for good; what waits for it is never sent."""

    def work() -> tuple[int, Schema]:
        webhooks.delete_endpoint(endpoint_id=webhook)
        return 200, DeletedOut(id=webhook)

    return once(request, lambda: _refusing(work))


@router.post(
    "/webhooks/{webhook}/secret-rotations",
    auth=_MAY,
    summary="Rotate the secret of an endpoint",
    response={201: EndpointWithSecretOut, **refusals(400, 404, 422)},
    openapi_extra=dict(ONCE),
)
def rotate_webhook_secret(request: HttpRequest, webhook: EndpointId, rotation: RotationIn) -> HttpResponse:
    """Give an endpoint a new secret; for a while events are signed with both, so no event is refused."""

    def make() -> webhooks.SecretMade:
        valid_for = timedelta(seconds=rotation.old_valid_seconds)
        return webhooks.rotate_secret(endpoint_id=webhook, now=datetime.now(UTC), old_valid_for=valid_for)

    return _telling_secret(request, 201, make)


@router.get(
    "/webhooks/{webhook}/deliveries",
    auth=_MAY,
    summary="List what went or goes to an endpoint",
    response={200: DeliveriesOut, **refusals(400, 404)},
)
def list_webhook_deliveries(
    request: HttpRequest,  # noqa: ARG001
    webhook: EndpointId,
    state: OnlyState = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
) -> DeliveriesOut:
    """List the events of the last 30 days that this endpoint wanted, newest first, with their state."""
    place = read_cursor(cursor, int)
    _found(webhook)
    rows = event_queries.deliveries_of_endpoint(
        open_cursor(),
        webhook,
        before=None if place is None else _place(place[0]),
        limit=limit + 1,
        only_failed=state is not None,
    )
    page, last = cut_page(rows, limit)
    next_ = None if last is None else write_cursor(last.delivery_id)
    return DeliveriesOut(items=[DeliveryOut.of(row) for row in page], next=next_)


@router.get(
    "/webhooks/{webhook}/attempts",
    auth=_MAY,
    summary="List the attempts made for an endpoint",
    response={200: AttemptsOut, **refusals(400, 404)},
)
def list_webhook_attempts(
    request: HttpRequest,  # noqa: ARG001
    webhook: EndpointId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
) -> AttemptsOut:
    """List every attempt of the last 30 days, newest first, with its answer and how long that took."""
    place = read_cursor(cursor, int)
    _found(webhook)
    rows = event_queries.attempts_of_endpoint(
        open_cursor(), webhook, before=None if place is None else _place(place[0]), limit=limit + 1
    )
    page, last = cut_page(rows, limit)
    next_ = None if last is None else write_cursor(last.attempt_id)
    return AttemptsOut(items=[AttemptOut.of(row) for row in page], next=next_)


@router.post(
    "/webhooks/{webhook}/replays",
    auth=_MAY,
    summary="Send events again",
    response={201: ReplayedOut, **refusals(400, 404, 422)},
    openapi_extra=dict(ONCE),
)
def replay_webhook(request: HttpRequest, webhook: EndpointId, wanted: ReplayIn) -> HttpResponse:
    """Send one event again, or all that failed for good, under the ids they had.

    At most 10,000 at once. 404 `event_unknown` for an event that is forgotten or never was this endpoint's,
    and while it is being sent.
    """

    def work() -> tuple[int, Schema]:
        now = datetime.now(UTC)
        if wanted.event is not None:
            replayed = webhooks.replay_event(endpoint_id=webhook, event_id=wanted.event, now=now)
        else:
            replayed = webhooks.replay_failed(endpoint_id=webhook, since=wanted.since, now=now)
        return 201, ReplayedOut.of(replayed)

    return once(request, lambda: _refusing(work))


@router.post(
    "/webhooks/{webhook}/tests",
    auth=_MAY,
    summary="Send a test event",
    response={201: TestSentOut, **refusals(400, 404, 409, 422)},
    openapi_extra=dict(ONCE),
)
def send_webhook_test(request: HttpRequest, webhook: EndpointId) -> HttpResponse:
    """Send an event `webhook.test` to one endpoint, like any other; its attempts tell what came of it."""

    def work() -> tuple[int, Schema]:
        return 201, TestSentOut(event=webhooks.send_test(endpoint_id=webhook, now=datetime.now(UTC)))

    return once(request, lambda: _refusing(work))


def _telling_secret(
    request: HttpRequest, status: int, make: Callable[[], webhooks.SecretMade]
) -> HttpResponse:
    """Answer with a secret that is kept nowhere: what `once` keeps to answer again does not hold it."""
    secrets: list[str] = []

    def work() -> tuple[int, Schema]:
        made = _refusing(make)
        secrets.append(made.secret)
        return status, EndpointWithSecretOut.without(made.endpoint)

    answer = once(request, work)
    if secrets:
        answer.content = json.dumps({**json.loads(answer.content), "secret": secrets[-1]}).encode()
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _switch(webhook: UUID, *, is_active: bool) -> event_queries.EndpointState:
    if is_active:
        return webhooks.enable_endpoint(endpoint_id=webhook, now=datetime.now(UTC))
    return webhooks.disable_endpoint(endpoint_id=webhook, now=datetime.now(UTC))


def _found(webhook: UUID) -> event_queries.EndpointState:
    with transaction.atomic():
        endpoint = event_queries.endpoint_of_id(open_cursor(), webhook)
    if endpoint is None:
        raise _unknown("endpoint_unknown", "There is no such endpoint.")
    return endpoint


def _refusing(work: Callable[[], Made]) -> Made:
    """Do a piece of work; say as a problem why it is refused."""
    try:
        return work()
    except EndpointRefusedError as error:
        pointer = f"/{_FIELDS.get(error.field, error.field)}"
        fault = Fault(pointer, error.code, str(error))
        raise Problem(422, error.code, "Events cannot be sent like this.", faults=[fault]) from error
    except webhooks.UnknownEndpointError as error:
        raise _unknown(error.code, "There is no such endpoint.") from error
    except webhooks.UnknownEventError as error:
        raise _unknown(error.code, "This endpoint has no such event that could be sent now.") from error
    except (
        webhooks.TooManyEndpointsError,
        webhooks.EndpointDisabledError,
        webhooks.EndpointOwnedError,
    ) as error:
        raise Problem(409, error.code, f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def _place(number: int) -> int:
    """Keep a cursor that somebody made up within what the database counts to."""
    return max(0, min(number, 2**63 - 1))


def _unknown(code: str, title: str) -> Problem:
    return Problem(404, code, title)
