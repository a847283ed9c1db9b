"""Lines for tests of the API, what is told of them, and what stands in the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
from django.db import connection, transaction
from django.test import Client

from selbsthelfer.identity.core.line_tokens import LineToken
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import write_token
from selbsthelfer.kit.sql import open_cursor
from tests.api.callers import Asking, asking, make_client, read
from tests.portal.life import Life, ago, recent_life

MB = 1_000_000
GB = 1_000 * MB
MAX_QUERIES = 10
"""Statements for one answer to a question about a line."""
_KEYS = count(1)

READS = ("", "/rewards", "/contacts", "/entries", "/enrolments", "/offers", "/courtesies")
"""What can be read of a line, after its address."""
WRITES = ("/enrolments", "/enrolments/o2-2017/withdrawal", "/courtesies", "/reclassifications")


def with_all(client: Client) -> Asking:
    """Ask with a key that may do everything."""
    return asking(client, make_client())


def with_token(client: Client, subject: str) -> Asking:
    """Ask as an app does, with a token for one line."""
    name = f"maker-{next(_KEYS)}"
    make_client(Scope.TOKENS_WRITE, Scope.LINES_READ, name=name)
    return asking(client, write_token(LineToken(name, subject, datetime.now(UTC) + timedelta(minutes=5))))


def fresh_key() -> str:
    """Give an `Idempotency-Key` that no test has used."""
    return f"key-{next(_KEYS)}"


def eventful_life(subject: str = "line", *, variant: str = "treatment", **registration: Any) -> Life:
    """Live a line with a passed stage, an exempt contact, a missed stage, and a goodwill decision."""
    one = recent_life(subject, variant=variant, **registration)
    one.called(ago(150), "fault")
    one.called(ago(100), "use.view")
    internal = one.called(ago(95), "bill.view")
    one.reclassified(ago(90).isoformat(), internal, counts=False)
    one.add("contact.ended", ago(80), {"channel": "hotline", "direction": "inbound", "topic": "hardship"})
    one.add("usage.recorded", ago(1), {"bytes": 30 * MB})
    one.add("usage.recorded", ago(0.5), {"bytes": 40 * MB})
    one.add("courtesy.granted", ago(0.4), {"bytes": 500 * MB, "reason": "Störung", "by": "agent-7"})
    return one


def all_items(caller: Asking, path: str, *, limit: int) -> list[dict[str, Any]]:
    """Read every page of a list."""
    found: list[dict[str, Any]] = []
    mark = "&" if "?" in path else "?"
    page = read(caller.get(f"{path}{mark}limit={limit}"))
    while True:
        assert 0 < len(page["items"]) <= limit or not found
        found += page["items"]
        if page["next"] is None:
            return found
        assert len(page["items"]) == limit
        page = read(caller.get(f"{path}{mark}limit={limit}&cursor={page['next']}"))


_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> ALL (%s) ORDER BY 1
"""
_COUNTED = ["identity_tries", "identity_client", "identity_clientkey", "identity_clientcalls"]
"""Tables that note that somebody asked at all."""


def content_of_tables() -> dict[str, str]:
    """Make a digest of each table, to see that nothing has changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TABLES, [_COUNTED])
        tables = [name for (name,) in cursor.fetchall()]
        digests = (
            f"SELECT '{name}', md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {name} t"  # noqa: S608
            for name in tables
        )
        cursor.execute(" UNION ALL ".join(digests))
        return dict(cursor.fetchall())


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Note every statement that reaches the server, whichever cursor sends it, but savepoints."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noting(self: psycopg.Cursor[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if "SAVEPOINT" not in text:
            sent.append(text)
        return execute(self, query, *args, **kwargs)

    psycopg.Cursor.execute = noting  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def rows(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Ask the database."""
    with transaction.atomic():
        return open_cursor().execute(statement, parameters).fetchall()  # type: ignore[arg-type]


def forget_answers() -> None:
    """Forget what was answered to keys, as happens after two days."""
    with transaction.atomic():
        open_cursor().execute("DELETE FROM identity_answer")
