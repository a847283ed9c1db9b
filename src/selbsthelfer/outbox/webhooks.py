"""Say where events go: add, change, disable and delete endpoints, rotate their secrets, send events again."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.outbox.core.events import TEST_KIND, EventKind, event_id_of
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
"""Endpoints of the operator's own; each has threads of its own while it is served."""
MAX_OF_OWNER: Final = 5
"""Endpoints by which one client listens."""
MAX_LISTENERS: Final = 20
"""Endpoints by which all clients listen; they take none of the operator's."""
MAX_REPLAYED: Final = 10_000
"""Events sent again by one request."""
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS: Final = frozenset(kind.value for kind in EventKind)


class UnknownEndpointError(LookupError):
    """There is no such endpoint."""

    code = "endpoint_unknown"


class TooManyEndpointsError(RuntimeError):
    """There are `MAX_ENDPOINTS` already, `MAX_OF_OWNER` of this client, or `MAX_LISTENERS` of all clients."""

    code = "too_many_endpoints"


class EndpointOwnedError(RuntimeError):
    """A client listens by this endpoint: nobody else says where its events go."""

    code = "endpoint_owned"


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
    """Add an endpoint of the operator's; it gets what happens from now on, of the kinds it wants.

    Raises `EndpointRefusedError`, `TooManyEndpointsError`.
    """
    row = {
        "owner": "",
        "url": checked_url(url, private=private_allowed() if private is None else private),
        "kinds": _checked_kinds(kinds, _KINDS),
        "description": _checked_description(description),
        "now": now,
    }
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["endpoints_alone"])
        if _count(cursor, "")[0] >= MAX_ENDPOINTS:
            raise TooManyEndpointsError(f"there are at most {MAX_ENDPOINTS} endpoints")
        return _put(cursor, row)


def add_listener(
    *,
    owner: str,
    url: str,
    kinds: Iterable[str],
    offered: Collection[str],
    now: datetime,
    description: str = "",
    private: bool | None = None,
) -> EndpointState:
    """Add an endpoint by which a client listens to some of what is offered; asking again finds the same one.

    One that failed and was therefore disabled is enabled again. Raises `EndpointRefusedError`,
    `TooManyEndpointsError`, and `EndpointDisabledError` where the operator disabled it.
    """
    row = {
        "owner": owner,
        "url": checked_url(url, private=private_allowed() if private is None else private),
        "kinds": _checked_kinds(kinds, offered),
        "description": _checked_description(description),
        "now": now,
    }
    with transaction.atomic():
        cursor = open_cursor()
        cursor.execute(_SQL["endpoints_alone"])
        same = cursor.execute(_SQL["same_listener"], row).fetchone()
        if same is not None:
            found = _found(cursor, same[0])
            if found.disabled_reason is DisabledReason.BY_HAND:
                raise EndpointDisabledError("the operator has disabled this listener")
            return found if found.is_active else enable_endpoint(endpoint_id=same[0], now=now)
        own, all_ = _count(cursor, owner)
        if own >= MAX_OF_OWNER or all_ >= MAX_LISTENERS:
            raise TooManyEndpointsError(
                f"there are at most {MAX_OF_OWNER} listeners of one client, {MAX_LISTENERS} in all"
            )
        return _put(cursor, row).endpoint


def change_endpoint(
    *,
    endpoint_id: UUID,
    url: str | None = None,
    kinds: Iterable[str] | None = None,
    description: str | None = None,
    private: bool | None = None,
) -> EndpointState:
    """Change what is given of an endpoint of the operator's; what already waits goes to the new address, too.

    Raises `UnknownEndpointError`, `EndpointRefusedError`, and `EndpointOwnedError` where it is a client's.
    """
    is_private = private_allowed() if private is None else private
    row = {
        "endpoint_id": endpoint_id,
        "url": None if url is None else checked_url(url, private=is_private),
        "kinds": None if kinds is None else _checked_kinds(kinds, _KINDS),
        "description": None if description is None else _checked_description(description),
    }
    with transaction.atomic():
        cursor = open_cursor()
        if (url, kinds, description) == (None, None, None):
            return _found(cursor, endpoint_id)
        if _found(cursor, endpoint_id).owner:
            raise EndpointOwnedError("a client listens by this endpoint; only its own request can change it")
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


def enable_endpoint(*, endpoint_id: UUID, now: datetime) -> EndpointState:
    """Send to an endpoint that is disabled or failing again, what still waits at once.

    Of what failed before, `MAX_REPLAYED` at once and more at the instants of their own. What failed for good
    is sent by `replay_failed`. Raises `UnknownEndpointError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        if cursor.execute(_SQL["enable_endpoint"], {"endpoint_id": endpoint_id}).rowcount:
            parameters = {"endpoint_id": endpoint_id, "now": now, "limit": MAX_REPLAYED}
            cursor.execute(_SQL["make_due"], parameters)
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


def _count(cursor: psycopg.Cursor[Any], owner: str) -> tuple[int, int]:
    """Count the endpoints of an owner, and those of all clients."""
    row = cursor.execute(_SQL["count_endpoints"], {"owner": owner}).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return int(row[0]), int(row[1])


def _put(cursor: psycopg.Cursor[Any], row: Mapping[str, Any]) -> SecretMade:
    secret, endpoint_id = _new_secret(), uuid4()
    made = {**row, "endpoint_id": endpoint_id, "sealed_secret": seal(secret)}
    cursor.execute(_SQL["put_endpoint"], made)
    return SecretMade(_found(cursor, endpoint_id), secret)


def _new_secret() -> str:
    return write_secret(secrets.token_bytes(SECRET_BYTES))


def _checked_kinds(kinds: Iterable[str], offered: Collection[str]) -> list[str]:
    """Order the kinds asked for; raises `KindsRefusedError`."""
    wanted = {str(kind) for kind in kinds}
    unknown = sorted(wanted - set(offered))
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
