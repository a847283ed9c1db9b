"""Clients of the API: their keys, of which only digests are kept, and what each may do.

Times here are real time always, also in a demo whose clock was moved on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import IntegrityError, transaction

from selbsthelfer.identity.core.keys import new_key, read_key
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.known_keys import Client as Client
from selbsthelfer.identity.known_keys import client_named as client_named
from selbsthelfer.identity.known_keys import client_of_key as client_of_key
from selbsthelfer.identity.known_keys import was_known as was_known
from selbsthelfer.identity.models import Client as ClientRow
from selbsthelfer.identity.models import ClientKey
from selbsthelfer.kit.logs import ACTS

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")

MAX_CLIENTS: Final = 1_000
MAX_LIVE_KEYS: Final = 5
"""Keys of one client that are good at the same time."""
MAX_KEYS_LISTED: Final = 20
"""Keys of one client that a list shows, the newest first."""
MAX_REQUESTS_PER_MINUTE: Final = 10_000_000
DEFAULT_REQUESTS_PER_MINUTE: Final = 60_000
DEFAULT_OVERLAP: Final = timedelta(hours=24)
"""How long the old keys of a client stay good beside the new one."""
MAX_OVERLAP: Final = timedelta(days=90)


class ClientInvalidError(ValueError):
    """A client cannot be as asked: its name, its scopes, how often it may ask, or how long keys overlap."""

    code = "client_invalid"


class ClientTakenError(ValueError):
    """There is a client of this name."""

    code = "client_taken"


class ClientUnknownError(LookupError):
    """There is no client of this name, or it has no such key."""

    code = "client_unknown"


class TooManyClientsError(ValueError):
    """There are as many clients, or live keys of one client, as there may be."""

    code = "too_many_clients"


class KeyState(NamedTuple):
    """A key in a list of keys; nothing of the key itself."""

    key_id: str
    created_at: datetime
    ends_at: datetime | None
    last_used_on: str | None
    is_live: bool


class ClientState(NamedTuple):
    """A client in the list of clients."""

    name: str
    scopes: Sequence[str]
    requests_per_minute: int
    created_at: datetime
    keys: Sequence[KeyState]

    @property
    def is_live(self) -> bool:
        """Tell whether any of its keys is good."""
        return any(key.is_live for key in self.keys)


@transaction.atomic
def add_client(
    *,
    name: str,
    scopes: Collection[Scope],
    requests_per_minute: int = DEFAULT_REQUESTS_PER_MINUTE,
    now: datetime,
) -> str:
    """Add a client and return its key, which nobody can read again.

    Raises `ClientInvalidError`, `ClientTakenError` and `TooManyClientsError`.
    """
    if not _NAME.fullmatch(name):
        raise ClientInvalidError("a name has 1 to 100 small letters, digits, dots, hyphens and underscores")
    if not scopes:
        raise ClientInvalidError("a client needs at least one scope")
    if not 1 <= requests_per_minute <= MAX_REQUESTS_PER_MINUTE:
        raise ClientInvalidError(f"requests per minute are 1 to {MAX_REQUESTS_PER_MINUTE}")
    if ClientRow.objects.count() >= MAX_CLIENTS:
        raise TooManyClientsError(f"there are {MAX_CLIENTS} clients already")
    client = ClientRow(
        name=name, scopes=sorted(set(scopes)), requests_per_minute=requests_per_minute, created_at=now
    )
    try:
        with transaction.atomic():
            client.save(force_insert=True)
    except IntegrityError as error:
        raise ClientTakenError(f"there is a client {name} already") from error
    key, key_id = _put_key(client, now=now)
    ACTS.info("client %s was added, with the scopes %s and the key %s", name, ",".join(client.scopes), key_id)
    return key


@transaction.atomic
def rotate_key(*, name: str, overlap: timedelta = DEFAULT_OVERLAP, now: datetime) -> str:
    """Give a client a second key and return it; the keys it has end when the overlap is over.

    Raises `ClientInvalidError`, `ClientUnknownError` and `TooManyClientsError`.
    """
    if not timedelta() <= overlap <= MAX_OVERLAP:
        raise ClientInvalidError(f"keys overlap by at most {MAX_OVERLAP.days} days")
    client = _locked(name)
    live = [key for key in client.keys.order_by("key_id") if key.ends_at is None or key.ends_at > now]
    if len(live) >= MAX_LIVE_KEYS:
        raise TooManyClientsError(f"{name} has {MAX_LIVE_KEYS} keys that are good; revoke one first")
    for key in live:
        key.ends_at = min(key.ends_at or now + overlap, now + overlap)
        key.save(update_fields=["ends_at"])
    text, key_id = _put_key(client, now=now)
    ACTS.info(
        "client %s has the new key %s; others end: %s",
        name,
        key_id,
        ",".join(k.key_id for k in live) or "none",
    )
    return text


@transaction.atomic
def revoke_keys(*, name: str, key_id: str | None = None, now: datetime) -> Sequence[str]:
    """End all keys of a client, or one, at once; return the ids of those that were good until now.

    Every process that answers the API knows within `known_keys.KNOWN_SECONDS`. Raises `ClientUnknownError`.
    """
    keys = list(_locked(name).keys.order_by("key_id"))
    if key_id is not None:
        keys = [key for key in keys if key.key_id == key_id]
        if not keys:
            raise ClientUnknownError(f"{name} has no key {key_id}")
    ended = [key for key in keys if key.ends_at is None or key.ends_at > now]
    for key in ended:
        key.ends_at = now
        key.save(update_fields=["ends_at"])
    ACTS.info("keys of client %s were revoked: %s", name, ",".join(key.key_id for key in ended) or "none")
    return [key.key_id for key in ended]


def list_clients(*, now: datetime) -> Sequence[ClientState]:
    """List the clients, at most `MAX_CLIENTS`, by name; nothing in it opens anything."""
    rows = ClientRow.objects.order_by("name").prefetch_related("keys")[:MAX_CLIENTS]
    return [
        ClientState(row.name, row.scopes, row.requests_per_minute, row.created_at, _key_states(row, now))
        for row in rows
    ]


def _key_states(row: ClientRow, now: datetime) -> Sequence[KeyState]:
    newest = sorted(row.keys.all(), key=lambda key: (key.created_at, key.key_id), reverse=True)
    return [
        KeyState(
            key.key_id,
            key.created_at,
            key.ends_at,
            None if key.last_used_on is None else key.last_used_on.isoformat(),
            key.ends_at is None or key.ends_at > now,
        )
        for key in newest[:MAX_KEYS_LISTED]
    ]


def _put_key(client: ClientRow, *, now: datetime) -> tuple[str, str]:
    text = new_key()
    given = read_key(text)
    assert given is not None  # noqa: S101 - it was just made
    ClientKey(key_id=given.key_id, client=client, digest=given.digest, created_at=now).save(force_insert=True)
    return text, given.key_id


def _locked(name: str) -> ClientRow:
    client = ClientRow.objects.select_for_update().filter(name=name).first()
    if client is None:
        raise ClientUnknownError(f"there is no client {name}")
    return client
