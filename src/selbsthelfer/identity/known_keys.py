"""The keys that this process has looked up lately, so that not every request asks the database."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from hmac import compare_digest
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from django.db import connection, transaction

from selbsthelfer.identity.core.keys import Key, read_key
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor, statements

_SQL = statements("selbsthelfer.identity")
_SCOPES: Final = frozenset(Scope)

KNOWN_SECONDS: Final = 1.0
"""How long a key is taken for what it was when it was looked up: so long a revoked one may still open."""
MAX_KNOWN: Final = 10_000
"""Keys of clients remembered; when there are more, all are forgotten."""
MAX_MISSED: Final = 1_000
"""Keys remembered that are nobody's, apart from the others: wrong ones never push out a good one."""


class Client(NamedTuple):
    """A system of the operator's that asks by the API."""

    name: str
    scopes: frozenset[Scope]
    requests_per_minute: int


class _Known(NamedTuple):
    """A key as it was looked up; without a client it is nobody's."""

    until: float
    """On the clock of `time.monotonic`."""
    client: Client | None = None
    digest: str = ""
    ends_at: datetime | None = None


_EARLY_SECONDS: Final = 0.5
"""So long before that time is over a thread that has a connection looks the key up again."""
_LOOKING: Final = tuple(Lock() for _ in range(16))
"""Whoever looks a key up holds one of them: who comes meanwhile goes on with what is known, or waits."""


class _Memory:
    """What was looked up: what is a client's, and apart from it what is nobody's."""

    def __init__(self) -> None:
        self.found: Final[MutableMapping[str, _Known]] = {}
        self.missed: Final[MutableMapping[str, _Known]] = {}

    def get(self, key: str) -> _Known | None:
        return self.found.get(key) or self.missed.get(key)

    def keep(self, key: str, known: _Known) -> None:
        is_found = known.client is not None
        memory, other = (self.found, self.missed) if is_found else (self.missed, self.found)
        if len(memory) >= (MAX_KNOWN if is_found else MAX_MISSED):
            memory.clear()
        memory[key] = known
        other.pop(key, None)

    def forget(self) -> None:
        self.found.clear()
        self.missed.clear()


_KNOWN: Final = _Memory()
_NAMED: Final = _Memory()


def client_of_key(text: str) -> Client | None:
    """Find whose key this is; nobody's where it is unknown, revoked or over.

    Asks the database once in `KNOWN_SECONDS` for each key, at most twice, and never for one that is mistyped.
    """
    given = read_key(text)
    if given is None:
        return None
    known = _recall(_KNOWN, given.key_id, lambda: _look_up(given))
    if known.client is None or not compare_digest(known.digest, given.digest):
        return None
    return known.client if known.ends_at is None or known.ends_at > datetime.now(UTC) else None


def was_known(text: str) -> bool:
    """Tell, without asking the database, whether this process has met this key as a client's."""
    given = read_key(text)
    known = None if given is None else _KNOWN.found.get(given.key_id)
    return given is not None and known is not None and compare_digest(known.digest, given.digest)


def client_named(name: str) -> Client | None:
    """Find a client that has a key that is good; asks the database as often as `client_of_key`."""
    return _recall(_NAMED, name, lambda: _look_up_named(name)).client


def forget_known() -> None:
    """Forget what was looked up, as a new process would."""
    _KNOWN.forget()
    _NAMED.forget()


def _recall(memory: _Memory, key: str, look_up: Callable[[], _Known]) -> _Known:
    """Give what is known, or look it up; of many threads that want the same, one asks the database."""
    known = memory.get(key)
    seconds_left = 0.0 if known is None else known.until - monotonic()
    is_good = seconds_left > 0
    if known is not None and is_good and (seconds_left > _EARLY_SECONDS or connection.connection is None):
        return known
    lock = _LOOKING[hash(key) % len(_LOOKING)]
    if not lock.acquire(blocking=not is_good):
        assert known is not None  # noqa: S101 - it is good
        return known
    try:
        latest = memory.get(key)
        if latest is not None and latest is not known and latest.until > monotonic():
            return latest
        found = look_up()
        memory.keep(key, found)
        return found
    finally:
        lock.release()


def _client(name: str, scopes: Sequence[str], requests_per_minute: int) -> Client:
    """Read a client; a scope that this version does not know any more allows nothing."""
    return Client(name, frozenset(Scope(scope) for scope in scopes if scope in _SCOPES), requests_per_minute)


@transaction.atomic
def _look_up_named(name: str) -> _Known:
    until = monotonic() + KNOWN_SECONDS
    row = open_cursor().execute(_SQL["client_named"], {"name": name, "now": datetime.now(UTC)}).fetchone()
    return _Known(until) if row is None else _Known(until, _client(*row))


@transaction.atomic
def _look_up(given: Key) -> _Known:
    """Look a key up, and write down once a day that it is in use."""
    until = monotonic() + KNOWN_SECONDS
    cursor = open_cursor()
    row = cursor.execute(_SQL["client_of_key"], [given.key_id]).fetchone()
    if row is None:
        return _Known(until)
    name, scopes, requests_per_minute, digest, ends_at, last_used_on = row
    now = datetime.now(UTC)
    is_right = compare_digest(digest, given.digest) and (ends_at is None or ends_at > now)
    if is_right and (last_used_on is None or last_used_on < now.date()):
        cursor.execute(_SQL["use_key"], {"key_id": given.key_id, "day": now.date()})
    return _Known(until, _client(name, scopes, requests_per_minute), digest, ends_at)
