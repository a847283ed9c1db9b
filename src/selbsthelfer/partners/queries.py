"""Read what partners asked, and the volume of lines as TM Forum's APIs show it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from selbsthelfer.allowances.queries import UnknownLineError, allowance_of_line
from selbsthelfer.identity.core.numbers import read_number, spellings
from selbsthelfer.kit.sql import statements
from selbsthelfer.partners.core.asking import Asking
from selbsthelfer.partners.core.refusals import RefusedError, UnknownError
from selbsthelfer.partners.core.writing import BucketStanding, accumulated_document, bucket_document
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from selbsthelfer.subscribers.queries import LineStanding, line_standings, subjects_of_numbers

_SQL = statements("selbsthelfer.partners")

MAX_LISTED: Final = 10_000
"""Documents of a kind that a list reaches, and counts: the newest."""
MAX_SEARCHED: Final = 2_000
"""Documents that are looked through for a filter: the newest, of one line where it is named."""
MAX_BUCKETS: Final = 500
"""Buckets of one line: those that ended last."""
MAX_EXPORTED: Final = 1_000
"""Documents in one export."""


class Filed(NamedTuple):
    """A document as it is kept, with the validity of its bucket and how the order of that volume stands."""

    kind: str
    id: str
    client: str
    digest: bytes
    subscriber_id: UUID | None
    bucket_id: UUID | None
    held_bytes: int | None
    status: str | None
    content: Mapping[str, Any]
    asked_at: datetime
    changed_at: datetime
    ends_at: datetime | None
    fact_source: str | None
    changes: int
    order_state: str | None
    valid_from: datetime | None
    valid_until: datetime | None


class Found(NamedTuple):
    """The part of a list that was asked for, and how much there is in all."""

    documents: Sequence[Mapping[str, Any]]
    total: int


def read_filed(
    cursor: psycopg.Cursor[Any], kind: str, id_: str, *, is_sandbox: bool, locked: bool = False
) -> Filed | None:
    """Find a document by its id; none where there is none."""
    row = cursor.execute(
        _SQL["document"] + "\n" + _SQL["of_id_locked" if locked else "of_id"],
        {"is_sandbox": is_sandbox, "kind": kind, "id": id_},
    ).fetchone()
    return None if row is None else _filed(row)


def newest(
    cursor: psycopg.Cursor[Any],
    kind: str,
    *,
    is_sandbox: bool,
    line: UUID | None,
    limit: int,
    offset: int = 0,
) -> list[Filed]:
    """List documents of a kind, the newest first; of one line where it is named."""
    part = "newest" if line is None else "newest_of_line"
    parameters = {"is_sandbox": is_sandbox, "kind": kind, "line": line, "limit": limit, "offset": offset}
    if line is None:
        del parameters["line"]
    return [_filed(row) for row in cursor.execute(_SQL["document"] + "\n" + _SQL[part], parameters)]


def count(cursor: psycopg.Cursor[Any], kind: str, *, is_sandbox: bool, line: UUID | None) -> int:
    """Count the documents of a kind, up to `MAX_LISTED`."""
    row = cursor.execute(
        _SQL["count_documents"], {"is_sandbox": is_sandbox, "kind": kind, "line": line, "most": MAX_LISTED}
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns a row
    return int(row[0])


def standing_of_account(cursor: psycopg.Cursor[Any], account: str) -> LineStanding | None:
    """Find a line by the operator's own id of it."""
    return line_standings(cursor, [subscriber_id_of(account)]).get(subscriber_id_of(account))


def subject_of_number(cursor: psycopg.Cursor[Any], text: str) -> str | None:
    """Find the operator's id of the line that has a telephone number."""
    number = read_number(text)
    if number is None:
        return None
    found = subjects_of_numbers(cursor, spellings(number))
    return next(iter(found.values()), None)


def line_asked(cursor: psycopg.Cursor[Any], asking: Asking) -> tuple[LineRef | None, Asking]:
    """Find the line a list is asked of, by account or number, and the filters that are left."""
    account, number = asking.only("partyAccount.id"), asking.only("logicalResource.id")
    if account is None and number is not None:
        account = subject_of_number(cursor, number) or ""
    rest = asking.without("partyAccount.id", "logicalResource.id")
    if account is None:
        return None, rest
    standing = standing_of_account(cursor, account)
    return (None if standing is None else standing.line), rest


def buckets_asked(cursor: psycopg.Cursor[Any], asking: Asking, *, at: datetime) -> Found:
    """List the buckets of the line that is asked for; raises `RefusedError` where none is named.

    Nobody needs every line's balance at once, and nothing could answer that.
    """
    if (id_ := asking.only("id")) is not None and "partyAccount.id" not in asking.filters:
        try:
            found = [bucket_asked(cursor, id_, at=at)]
        except UnknownError:
            found = []
        return _part(found, asking)
    return _part([bucket_document(b) for b in _of_asked_line(cursor, asking, at)], asking)


def accumulated_asked(cursor: psycopg.Cursor[Any], asking: Asking, *, at: datetime) -> Found:
    """Add up the usable buckets of the line that is asked for; raises `RefusedError` where none is named."""
    if (id_ := asking.only("id")) is not None and "partyAccount.id" not in asking.filters:
        try:
            return _part([sum_asked(cursor, id_, at=at)], asking)
        except UnknownError:
            return Found((), 0)
    line = _named_line(cursor, asking)
    return _part([] if line is None else [_sum_of(cursor, line, at)], asking)


def sum_asked(cursor: psycopg.Cursor[Any], id_: str, *, at: datetime) -> Mapping[str, Any]:
    """Add up the usable buckets of a line by the id of the sum; raises `UnknownError`."""
    line = _line_of_hex(cursor, id_) if len(id_) == 32 else None
    if line is None:
        raise UnknownError("accumulatedBalance")
    return _sum_of(cursor, line, at)


def bucket_asked(cursor: psycopg.Cursor[Any], id_: str, *, at: datetime) -> Mapping[str, Any]:
    """Find a bucket by its id; raises `UnknownError`."""
    found = find_bucket(cursor, id_, at=at)
    if found is None:
        raise UnknownError("bucket")
    return bucket_document(found)


def find_bucket(cursor: psycopg.Cursor[Any], id_: str, *, at: datetime) -> BucketStanding | None:
    """Find a bucket by the id that is shown, which names its line as well."""
    if len(id_) != 64 or (line := _line_of_hex(cursor, id_[:32])) is None:
        return None
    return next((b for b in standings_of_line(cursor, line, at=at) if b.id == id_), None)


def standings_of_line(cursor: psycopg.Cursor[Any], line: LineRef, *, at: datetime) -> list[BucketStanding]:
    """List the buckets of a line with what is left and reserved of each, those that end last at the top."""
    try:
        allowance = allowance_of_line(cursor, line.subscriber_id, at=at)
    except UnknownLineError:
        return []
    valid = {bucket.bucket_id: bucket for bucket in allowance.buckets}
    held = dict(cursor.execute(_SQL["held"], {"line": line.subscriber_id, "at": at}).fetchall())
    rows = cursor.execute(_SQL["buckets_of_line"], {"line": line.subscriber_id, "limit": MAX_BUCKETS})
    standings = []
    for bucket_id, kind, size_bytes, left_bytes, valid_from, valid_until in rows.fetchall():
        now_valid = valid.pop(bucket_id, None)
        status = "suspended" if valid_from > at else "expired"
        if now_valid is not None:
            status = "active" if now_valid.is_usable else "suspended"
            left_bytes, valid_until = now_valid.left_bytes, now_valid.valid_until
        standings.append(
            BucketStanding(
                line,
                bucket_id,
                kind,
                size_bytes,
                left_bytes,
                held.get(bucket_id, 0),
                valid_from,
                valid_until,
                status,
            )
        )
    unmade = [
        BucketStanding(
            line, b.bucket_id, b.kind, b.size_bytes, b.left_bytes, held.get(b.bucket_id, 0), b.valid_from,
            b.valid_until, "active" if b.is_usable else "suspended",
        )
        for b in valid.values()
    ]  # fmt: skip
    return sorted(unmade + standings, key=lambda b: (b.valid_until, b.bucket_id), reverse=True)


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:
    """Tell what partner systems asked about a line, as plain values, the newest `MAX_EXPORTED`."""
    rows = cursor.execute(_SQL["export_of_line"], {"line": line, "limit": MAX_EXPORTED})
    return {
        "requests": [
            {
                "kind": kind,
                "id": id_,
                "status": status,
                "asked_at": at.isoformat(),
                "content": json.loads(content),
            }
            for kind, id_, status, at, content in rows
        ]
    }


def _of_asked_line(cursor: psycopg.Cursor[Any], asking: Asking, at: datetime) -> Sequence[BucketStanding]:
    line = _named_line(cursor, asking)
    return [] if line is None else standings_of_line(cursor, line, at=at)


def _named_line(cursor: psycopg.Cursor[Any], asking: Asking) -> LineRef | None:
    if asking.only("partyAccount.id") is None and asking.only("logicalResource.id") is None:
        raise RefusedError(
            "line_needed",
            "name the line: partyAccount.id (the operator's id) or logicalResource.id (its number)",
        )
    return line_asked(cursor, asking)[0]


def _sum_of(cursor: psycopg.Cursor[Any], line: LineRef, at: datetime) -> Mapping[str, Any]:
    is_unlimited = allowance_of_line(cursor, line.subscriber_id, at=at).is_unlimited
    return accumulated_document(line, standings_of_line(cursor, line, at=at), is_unlimited=is_unlimited)


def _part(documents: Sequence[Mapping[str, Any]], asking: Asking) -> Found:
    rest = asking.without("partyAccount.id", "logicalResource.id")
    matching = [document for document in documents if rest.matches(document)]
    return Found(matching[asking.offset : asking.offset + asking.limit], len(matching))


def _line_of_hex(cursor: psycopg.Cursor[Any], text: str) -> LineRef | None:
    try:
        subscriber_id = UUID(hex=text)
    except ValueError:
        return None
    standing = line_standings(cursor, [subscriber_id]).get(subscriber_id)
    return None if standing is None else standing.line


def _filed(row: Sequence[Any]) -> Filed:
    values = list(row)
    values[3], values[8] = bytes(values[3]), json.loads(values[8])
    return Filed(*values)
