"""A line: what it is, its volume, and every movement of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Router

from selbsthelfer.allowances.core.included import Stretch
from selbsthelfer.allowances.queries import EntryKey, allowance_of_line, entries_of_line
from selbsthelfer.api.callers import Needs
from selbsthelfer.api.lines import line_asked, now_for, unknown_line
from selbsthelfer.api.pages import DEFAULT_PAGE, cut_page, read_cursor, write_cursor
from selbsthelfer.api.problems import Fault, Problem, refusals
from selbsthelfer.api.shapes.lines import EntriesOut, EntryOut, LineOut
from selbsthelfer.api.shapes.parameters import Cursor, From, Limit, LineId, Until
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.billing import period_bounds
from selbsthelfer.subscribers.queries import line_billings, line_profile

router = Router(tags=["lines"])
_MAY_READ: Final = Needs(Scope.LINES_READ, of_line=True)


@router.get(
    "/lines/{line}",
    auth=_MAY_READ,
    summary="Read a line",
    response={200: LineOut, **refusals(404)},
)
def read_line(request: HttpRequest, line: LineId) -> LineOut:
    """Tell what a line is, the volume it has now, and its running billing period.

    Its phone number is not told. The list of buckets is in the order in which they burn.
    """
    asked = line_asked(request, line)
    now = now_for(asked)
    with transaction.atomic():
        cursor = open_cursor()
        profile = line_profile(cursor, asked.subscriber_id)
        billing = line_billings(cursor, [asked.subscriber_id]).get(asked.subscriber_id)
        if profile is None or billing is None:
            raise unknown_line()
        period = Stretch(*period_bounds(billing.calendar, containing=now, until=now)[:2])
        allowance = allowance_of_line(cursor, asked.subscriber_id, at=now, period=period)
    assert allowance.usage is not None  # noqa: S101 - the period was asked about
    return LineOut.of(profile, allowance, allowance.usage)


@router.get(
    "/lines/{line}/entries",
    auth=_MAY_READ,
    summary="List the movements of a line's volume",
    response={200: EntriesOut, **refusals(400, 404)},
)
def list_entries(
    request: HttpRequest,
    line: LineId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
    from_at: From = None,
    until_at: Until = None,
) -> EntriesOut:
    """List the entries of a line, newest first by when they happened.

    What is added meanwhile neither repeats nor hides any other entry on the pages that follow. Volume of the
    tariff has no entry before the first usage of its period.
    """
    place = read_cursor(cursor, datetime, UUID, int)
    if from_at is not None and until_at is not None and from_at >= until_at:
        fault = Fault("query/until", "range_empty", "`until` lies after `from`")
        raise Problem(422, "range_empty", "This span of time is empty.", faults=[fault])
    asked = line_asked(request, line)
    rows = entries_of_line(
        open_cursor(),
        asked.subscriber_id,
        limit=limit + 1,
        before=None if place is None else EntryKey(*place),
        **_span(from_at, until_at),
    )
    page, last = cut_page(rows, limit)
    return EntriesOut(
        items=[EntryOut.of(entry) for entry in page], next=None if last is None else write_cursor(*last.key)
    )


def _span(from_at: datetime | None, until_at: datetime | None) -> dict[str, datetime]:
    """Name only the ends that were asked about."""
    asked = {"from_at": from_at, "until_at": until_at}
    return {name: instant for name, instant in asked.items() if instant is not None}
