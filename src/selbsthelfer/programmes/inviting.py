"""Invite lines to programmes that are joined by invitation: by list, and by codes.

`make_codes` is a transaction of its own. The others run inside the transaction of intake.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.core.invitation_codes import code_digest, make_code, normalise

_SQL = statements("selbsthelfer.programmes")

MAX_CODES = 10_000
"""Codes made at once."""
MAX_USES = 1_000_000
"""Lines that may join by one code."""
MAX_ROUNDS = 5
"""How often codes that existed already are made anew."""


class TooManyCodesError(ValueError):
    """More codes, or more uses of a code, were asked for than there may be."""

    code: ClassVar[str] = "too_many_codes"


def make_codes(programme: str, *, count: int, uses: int, now: datetime) -> Sequence[str]:
    """Make codes by which lines may join; they can be read only here. Raises `TooManyCodesError`."""
    if not (0 < count <= MAX_CODES and 0 < uses <= MAX_USES):
        raise TooManyCodesError(f"1 to {MAX_CODES} codes for 1 to {MAX_USES} uses each")
    made: dict[str, str] = {}
    with transaction.atomic():
        cursor = open_cursor()
        for _ in range(MAX_ROUNDS):
            codes = {make_code(secrets.choice) for _ in range(count - len(made))}
            by_digest = {code_digest(programme, normalise(code) or ""): code for code in codes}
            parameters = {"programme": programme, "uses": uses, "made_at": now, "digests": list(by_digest)}
            made |= {digest: by_digest[digest] for (digest,) in cursor.execute(_SQL["put_codes"], parameters)}
            if len(made) == count:
                return list(made.values())
    raise AssertionError("40 bits hold far more codes than may be made at once")


def invite(cursor: psycopg.Cursor[Any], programme: str, lines: Sequence[UUID], *, now: datetime) -> int:
    """Put lines on the list of a programme; count those that were not on it."""
    parameters = {"programme": programme, "lines": list(lines), "invited_at": now}
    return cursor.execute(_SQL["invite"], parameters).rowcount


def lock_code(cursor: psycopg.Cursor[Any], programme: str, signs: str) -> int | None:
    """Hold a code for the rest of the transaction and tell how many uses it has left; none: it is unknown."""
    key = {"programme": programme, "code_digest": code_digest(programme, signs)}
    row = cursor.execute(_SQL["lock_code"], key).fetchone()
    return None if row is None else int(row[0])


def redeem_code(cursor: psycopg.Cursor[Any], programme: str, signs: str) -> None:
    """Take one use of a code that is held."""
    key = {"programme": programme, "code_digest": code_digest(programme, signs)}
    cursor.execute(_SQL["redeem_code"], key)


def erase_line(cursor: psycopg.Cursor[Any], line: UUID) -> int:
    """Take a line off the list of every programme, inside the running transaction; return of how many."""
    return cursor.execute(_SQL["uninvite"], {"line": line}).rowcount
