"""How commands tell of a refusal: exit code 2 and one line on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn

import psycopg
import typer
from django.db import DatabaseError

from selbsthelfer.cli.connecting import TablesOutOfDateError, connect
from selbsthelfer.kit.embedded import EmbeddedServerError


def refuse(sentence: str) -> NoReturn:
    """Tell why a command cannot do what was asked, and end with exit code 2."""
    typer.echo(" ".join(sentence.split()), err=True)
    raise typer.Exit(2)


@contextmanager
def connected() -> Iterator[None]:
    """Run a command with the database ready; what keeps it from being ready is told in one line."""
    try:
        connect()
    except (TablesOutOfDateError, EmbeddedServerError, psycopg.Error, DatabaseError) as error:
        refuse(f"The database cannot be used: {error}")
    yield


def read_instant(text: str | None, option: str) -> datetime | None:
    """Read an RFC 3339 instant given on the command line; refuses one without a zone."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"{option}: “{text}” is not an instant like 2026-01-31T12:00:00Z")
    if instant.tzinfo is None:
        refuse(f"{option}: “{text}” has no time zone; write 2026-01-31T12:00:00Z")
    return instant.astimezone(UTC)
