"""Pages of long lists: a cursor says where the next page begins."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from selbsthelfer.api.problems import Fault, Problem

MAX_PAGE: Final = 500
"""Items on a page."""
DEFAULT_PAGE: Final = 100
MAX_CURSOR_CHARACTERS: Final = 1_000

Row = TypeVar("Row")


def write_cursor(*place: Any) -> str:
    """Write the place after which the next page begins: the sort key of the last item."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """Read a cursor of `write_cursor`; raises `Problem` 400 where it is not one of this list."""
    if not cursor:
        return None
    try:
        if len(cursor) > MAX_CURSOR_CHARACTERS:
            raise ValueError("too long")
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place: tuple[Any, ...] = msgspec.json.decode(content, type=tuple[types])  # type: ignore[valid-type]
        if not all(_may_be_asked(part) for part in place):
            raise ValueError("not a place of ours")
        return place
    except (ValueError, msgspec.MsgspecError) as error:
        raise Problem(
            400,
            "cursor_invalid",
            "This cursor is not one of this list.",
            "Take `next` of the page before, or leave the cursor out to begin anew.",
            faults=[Fault("query/cursor", "cursor_invalid", "not a cursor of this list")],
        ) from error


def _may_be_asked(part: Any) -> bool:
    """Tell whether the database can be asked for it: we write no instant without a zone, and no zero byte."""
    if isinstance(part, datetime):
        return part.tzinfo is not None
    return not isinstance(part, str) or "\0" not in part


def cut_page(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], Row | None]:
    """Cut a page from rows of which one more than `limit` was read; return its last row if more follow."""
    page = rows[:limit]
    return page, page[-1] if len(rows) > limit else None
