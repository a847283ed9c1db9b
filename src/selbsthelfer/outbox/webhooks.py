"""Say where events go: add, change, disable and delete endpoints, rotate their secrets, send events again."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.outbox.core.events import PARTNER_KINDS, TEST_KIND, EventKind, event_id_of
from selbsthelfer.outbox.core.webhooks import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_OLD_SECRET_VALID_FOR,
    OLD_SECRET_VALID_FOR,
    SECRET_BYTES,
    DisabledReason,
    EndpointRefusedError,
    checked_url,
    write_secret,
)
from selbsthelfer.outbox.event_queries import EndpointState, endpoint_of_id
from selbsthelfer.outbox.events import AT_ONCE
from selbsthelfer.outbox.sealing import seal

_SQL = statements("selbsthelfer.outbox")

MAX_ENDPOINTS: Final = 20
"""Endpoints in all; each has threads of its own while it is served."""
MAX_REPLAYED: Final = 10_000
"""Events sent again by one request."""
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UnknownEndpointError(LookupError):
    """There is no such endpoint."""

    code = "endpoint_unknown"


class TooManyEndpointsError(RuntimeError):
    """There are `MAX_ENDPOINTS` already."""

    code = "too_many_endpoints"


class EndpointDisabledError(RuntimeError):
    """Nothing is sent to this endpoint; enable it first."""

    code = "endpoint_disabled"


class UnknownEventError(LookupError):
    """This event never was on its way to this endpoint, is forgotten, or is being sent right now."""

    code = "event_unknown"


class KindsRefusedError(EndpointRefusedError):
    """An endpoint wants at least one kind of event, and only kinds that there are."""

    code = "kinds_refused"
    field = "kinds"


class DescriptionRefusedError(EndpointRefusedError):
    """A description is one line of at most `MAX_DESCRIPTION_CHARACTERS`."""

    code = "description_refused"
    field = "description"


class SecretMade(NamedTuple):
    """An endpoint with its new secret, which is shown this once."""

    endpoint: EndpointState
    secret: str


class Replayed(NamedTuple):
    """How many events are sent again; `is_all` is false where `MAX_REPLAYED` left some over."""

    events: int
    is_all: bool


def private_allowed(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether events may go to private networks and this machine: `SELBSTHELFER_WEBHOOKS_PRIVATE=1`."""
    return (os.environ if environ is None else environ).get("SELBSTHELFER_WEBHOOKS_PRIVATE") == "1"


def add_endpoint(
    *, url: str, kinds: Iterable[str], now: datetime, description: str = "", private: bool | None = None
) -> SecretMade:
    """Add an endpoint; it gets what happens from now on, of the kinds it wants.

    Raises `EndpointRefusedError`, `TooManyEndpointsError`.
    """
    secret, endpoint_id = _new_secret(), uuid4()
    row = {
        "endpoint_id": endpoint_id,
        "url": checked_url(url, private=private_allowed() if private is None else private),
        "kinds": _checked_kinds(kinds),
        "description": _checked_description(description),
        "sealed_secret": seal(secret),
        "now": now,
    }
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["endpoints_alone"])
        there = cursor.execute(_SQL["count_endpoints"]).fetchone()
        if there is not None and there[0] >= MAX_ENDPOINTS:
            raise TooManyEndpointsError(f"there are at most {MAX_ENDPOINTS} endpoints")
        cursor.execute(_SQL["put_endpoint"], row)
        return SecretMade(_found(cursor, endpoint_id), secret)


def change_endpoint(
    *,
    endpoint_id: UUID,
    url: str | None = None,
    kinds: Iterable[str] | None = None,
    description: str | None = None,
    private: bool | None = None,
) -> EndpointState:
    """Change what is given of an endpoint; what already waits goes to the new address, too.

    Raises `UnknownEndpointError`, `EndpointRefusedError`.
    """
    is_private = private_allowed() if private is None else private
    row = {
        "endpoint_id": endpoint_id,
        "url": None if url is None else checked_url(url, private=is_private),
        "kinds": None if kinds is None else _checked_kinds(kinds),
        "description": None if description is None else _checked_description(description),
    }
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["change_endpoint"], row)
        return _found(cursor, endpoint_id)


def delete_endpoint(*, endpoint_id: UUID) -> None:
    """Delete an endpoint; what waits for it is never sent. Raises `UnknownEndpointError`."""
    with transaction.atomic():
        if open_cursor().execute(_SQL["delete_endpoint"], {"endpoint_id": endpoint_id}).rowcount == 0:
            raise UnknownEndpointError("there is no such endpoint")


def rotate_secret(
    *, endpoint_id: UUID, now: datetime, old_valid_for: timedelta = OLD_SECRET_VALID_FOR
) -> SecretMade:
    """Give an endpoint a new secret; the one before stays valid beside it for a while, 24 hours unless said.

    At most two are valid at once: rotating again ends the older one. Raises `UnknownEndpointError`.
    """
    secret = _new_secret()
    parameters = {
        "endpoint_id": endpoint_id,
        "sealed_secret": seal(secret),
        "old_until": now + min(max(old_valid_for, timedelta(0)), MAX_OLD_SECRET_VALID_FOR),
        "now": now,
    }
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["rotate_secret"], parameters)
        return SecretMade(_found(cursor, endpoint_id), secret)


def disable_endpoint(*, endpoint_id: UUID, now: datetime) -> EndpointState:
    """Send nothing to an endpoint until it is enabled; what waits goes on waiting, what happens is not kept.

    Raises `UnknownEndpointError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(
            _SQL["disable_endpoint"],
            {"endpoint_id": endpoint_id, "reason": DisabledReason.BY_HAND.value, "now": now},
        )
        return _found(cursor, endpoint_id)


def enable_endpoint(*, endpoint_id: UUID) -> EndpointState:
    """Send to an endpoint again, what still waits at once; enabling again changes nothing.

    What failed for good meanwhile is sent by `replay_failed`. Raises `UnknownEndpointError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["enable_endpoint"], {"endpoint_id": endpoint_id})
        return _found(cursor, endpoint_id)


def replay_event(*, endpoint_id: UUID, event_id: UUID, now: datetime) -> Replayed:
    """Send one event again, under the same id, whatever became of it.

    Raises `UnknownEndpointError`, `UnknownEventError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        _found(cursor, endpoint_id)
        parameters = {"endpoint_id": endpoint_id, "event_id": event_id, "now": now}
        if cursor.execute(_SQL["replay_event"], parameters).rowcount == 0:
            raise UnknownEventError("this event never was on its way to this endpoint, or is right now")
    return Replayed(1, is_all=True)


def replay_failed(*, endpoint_id: UUID, now: datetime, since: datetime | None = None) -> Replayed:
    """Send again what failed for good, of all that happened since an instant, at most `MAX_REPLAYED`.

    Raises `UnknownEndpointError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        _found(cursor, endpoint_id)
        parameters = {
            "endpoint_id": endpoint_id,
            "since": since or _BEFORE_ALL,
            "limit": MAX_REPLAYED,
            "now": now,
        }
        events = cursor.execute(_SQL["replay_failed"], parameters).rowcount
    return Replayed(events, is_all=events < MAX_REPLAYED)


def send_test(*, endpoint_id: UUID, now: datetime) -> UUID:
    """Write an event `webhook.test` for one endpoint, to be sent like any other; return its id.

    Raises `UnknownEndpointError`, `EndpointDisabledError`.
    """
    event_id = event_id_of(f"{TEST_KIND}/{endpoint_id}/{uuid4()}")
    with transaction.atomic():
        cursor = open_cursor()
        if not _found(cursor, endpoint_id).is_active:
            raise EndpointDisabledError("nothing is sent to this endpoint; enable it first")
        cursor.execute(
            _SQL["put_test_event"],
            {
                "event_id": event_id,
                "kind": TEST_KIND,
                "endpoint_id": endpoint_id,
                "now": now,
                "at_once": AT_ONCE,
            },
        )
    return event_id


def _found(cursor: psycopg.Cursor[Any], endpoint_id: UUID) -> EndpointState:
    found = endpoint_of_id(cursor, endpoint_id)
    if found is None:
        raise UnknownEndpointError("there is no such endpoint")
    return found


def _new_secret() -> str:
    return write_secret(secrets.token_bytes(SECRET_BYTES))


def _checked_kinds(kinds: Iterable[str]) -> list[str]:
    """Order the kinds asked for; raises `KindsRefusedError`."""
    wanted, there_are = set(kinds), {kind.value for kind in EventKind} | PARTNER_KINDS
    unknown = sorted(wanted - there_are)
    if unknown:
        raise KindsRefusedError(f"there is no event “{unknown[0][:40]}”")
    if not wanted:
        raise KindsRefusedError("an endpoint wants at least one kind of event")
    return sorted(wanted)


def _checked_description(text: str) -> str:
    kept = text.strip()
    if len(kept) > MAX_DESCRIPTION_CHARACTERS or (kept and not kept.isprintable()):
        raise DescriptionRefusedError(
            f"a description is one line of at most {MAX_DESCRIPTION_CHARACTERS} characters"
        )
    return kept
