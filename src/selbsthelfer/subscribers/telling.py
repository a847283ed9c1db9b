"""Tell the operator's systems of lines, each by the operator's own id of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from selbsthelfer.kit.sql import statements
from selbsthelfer.outbox.events import EventRow, put_events, wanted_kinds

_SQL = statements("selbsthelfer.subscribers")


def put_line_events(cursor: psycopg.Cursor[Any], rows: Sequence[EventRow]) -> None:
    """Write events inside the running transaction with the `subject` of their lines, where they are wanted.

    One query where nobody wants any of them. An event without a line has no `subject`.
    """
    wanted = wanted_kinds(cursor) if rows else {}
    kept = [row for row in rows if row.kind in wanted and wanted[row.kind] <= row.happened_at]
    if not kept:
        return
    lines = list({row.subscriber_id for row in kept if row.subscriber_id is not None})
    subjects = dict(cursor.execute(_SQL["subjects_of_lines"], {"lines": lines}).fetchall())
    put_events(
        cursor,
        [
            row
            if row.subscriber_id is None
            else row._replace(data={"subject": subjects[row.subscriber_id], **row.data})
            for row in kept
        ],
    )
