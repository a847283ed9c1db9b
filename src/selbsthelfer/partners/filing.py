"""File what a partner asks, once, under the id it gave; a repetition finds what was filed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4, uuid5

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.partners.core.keeping import MAX_ID_CHARACTERS, is_id
from selbsthelfer.partners.core.refusals import ConflictError, RefusedError, UnknownError
from selbsthelfer.partners.queries import Filed, read_filed

_SQL = statements("selbsthelfer.partners")

KEPT_FOR: Final = timedelta(days=90)
"""How long a document is kept after its last change, and a reservation after its end."""
MAX_FORGOTTEN: Final = 10_000
"""Documents forgotten at once."""
_KEYS: Final = UUID("9d7a0f0c-6f35-5f0e-9a37-5a1f0f7f2c11")
"""The namespace of ids that are made from a partner's idempotency key."""


class Partner(NamedTuple):
    """Who asks: a client of the operator's, or whoever uses the sandbox on this machine."""

    name: str
    is_sandbox: bool = False


class Answered(NamedTuple):
    """The document of a request; `is_new` is false where it had been asked before."""

    document: Mapping[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Request:
    """What a partner asks: the body as it was sent, and its own key for it, if it gave one."""

    partner: Partner
    kind: str
    body: Mapping[str, Any]
    key: str | None = None

    def new_id(self) -> str:
        """Give the id that the partner chose, else one made from its key, else a new one.

        Raises `RefusedError` where the chosen one cannot be an id.
        """
        chosen = self.body.get("id")
        if chosen is not None:
            if not isinstance(chosen, str) or not is_id(chosen):
                raise RefusedError(
                    "id_invalid",
                    f"id has 1 to {MAX_ID_CHARACTERS} visible characters, without slash and comma",
                )
            return chosen
        if self.key is not None:
            if not is_id(self.key):
                raise RefusedError(
                    "id_invalid", f"Idempotency-Key has 1 to {MAX_ID_CHARACTERS} visible characters"
                )
            return str(uuid5(_KEYS, f"{self.partner.name} {self.kind} {self.key}"))
        return str(uuid4())


@dataclass(frozen=True, slots=True)
class Filing:
    """What is filed of a request."""

    id: str
    content: Mapping[str, Any]
    digest: bytes
    status: str | None = None
    line: UUID | None = None
    bucket_id: UUID | None = None
    held_bytes: int | None = None
    ends_at: datetime | None = None
    fact_source: str | None = None


def digest_of(content: Mapping[str, Any]) -> bytes:
    """Tell a request from another: by what is kept of it, never by its free text."""
    return sha256(json.dumps(content, sort_keys=True).encode()).digest()


def repetition(cursor: psycopg.Cursor[Any], request: Request, id_: str, digest: bytes) -> Filed | None:
    """Find what was filed under an id; raises `ConflictError` where that was another request."""
    partner = request.partner
    filed = read_filed(cursor, request.kind, id_, is_sandbox=partner.is_sandbox)
    if filed is not None and (filed.client != partner.name or filed.digest != digest):
        raise ConflictError("id_taken", f"another {request.kind} has this id")
    return filed


def file(cursor: psycopg.Cursor[Any], request: Request, filing: Filing, *, now: datetime) -> Filed | None:
    """File a request; return what was filed before where somebody was quicker. Raises `ConflictError`."""
    row = cursor.execute(
        _SQL["file_document"],
        {
            "is_sandbox": request.partner.is_sandbox,
            "kind": request.kind,
            "id": filing.id,
            "client": request.partner.name,
            "digest": filing.digest,
            "line": filing.line,
            "bucket_id": filing.bucket_id,
            "held_bytes": filing.held_bytes,
            "status": filing.status,
            "content": json.dumps(filing.content),
            "ends_at": filing.ends_at,
            "fact_source": filing.fact_source,
            "now": now,
        },
    ).fetchone()
    return None if row is not None else repetition(cursor, request, filing.id, filing.digest)


def own_document(cursor: psycopg.Cursor[Any], partner: Partner, kind: str, id_: str) -> Filed:
    """Lock a document that this partner asked for; of others' it learns as little as of none.

    Raises `UnknownError`.
    """
    filed = read_filed(cursor, kind, id_, is_sandbox=partner.is_sandbox, locked=True)
    if filed is None or filed.client != partner.name:
        raise UnknownError(kind)
    return filed


def change(
    cursor: psycopg.Cursor[Any],
    filed: Filed,
    *,
    is_sandbox: bool = False,
    status: str | None,
    content: Mapping[str, Any],
    fact_source: str | None = None,
    line: UUID | None = None,
    now: datetime,
) -> None:
    """Write down what a document says from now on, and of which line it is, where that was learned."""
    cursor.execute(
        _SQL["change_document"],
        {
            "is_sandbox": is_sandbox,
            "kind": filed.kind,
            "id": filed.id,
            "status": status,
            "content": json.dumps(content),
            "fact_source": fact_source,
            "line": line,
            "now": now,
        },
    )


def erase_line(cursor: psycopg.Cursor[Any], line: UUID) -> None:
    """Empty what partners asked about a line; the ids stay, so that nothing is done twice."""
    cursor.execute(_SQL["erase_of_line"], {"line": line})


def forget_old(*, now: datetime, limit: int = MAX_FORGOTTEN) -> int:
    """Forget documents that have not changed for `KEPT_FOR`, at most so many; tell how many went.

    Volume and contacts stay: they are facts of their own, whose keys intake knows for ever.
    """
    with transaction.atomic():
        parameters = {"before": now - KEPT_FOR, "limit": min(limit, MAX_FORGOTTEN)}
        return open_cursor().execute(_SQL["forget_old"], parameters).rowcount
