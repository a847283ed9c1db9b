"""Courtesy volume: what staff give a line beside all programmes."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from selbsthelfer.allowances.courtesies import CourtesyKey, courtesies_of_line
from selbsthelfer.api.callers import Needs
from selbsthelfer.api.deciding import refused
from selbsthelfer.api.lines import fact_key, line_asked, now_for, unknown_line
from selbsthelfer.api.once import ONCE, once
from selbsthelfer.api.pages import DEFAULT_PAGE, cut_page, read_cursor, write_cursor
from selbsthelfer.api.problems import refusals
from selbsthelfer.api.shapes.courtesies import CourtesiesOut, CourtesyIn, CourtesyOut
from selbsthelfer.api.shapes.parameters import Cursor, Limit, LineId
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.intake.by_hand import (
    DecisionRefusedError,
    FactReusedError,
    LineEndedError,
    UnknownLineError,
)
from selbsthelfer.intake.by_hand import (
    give_courtesy as give,
)
from selbsthelfer.kit.sql import open_cursor

router = Router(tags=["courtesies"])


@router.get(
    "/lines/{line}/courtesies",
    auth=Needs(Scope.LINES_READ, of_line=True),
    summary="List the courtesy volume of a line",
    response={200: CourtesiesOut, **refusals(400, 404)},
)
def list_courtesies(
    request: HttpRequest, line: LineId, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> CourtesiesOut:
    """List what staff gave a line, newest first, with what is left of it."""
    place = read_cursor(cursor, datetime, str, str)
    asked = line_asked(request, line)
    before = None if place is None else CourtesyKey(*place)
    rows = courtesies_of_line(open_cursor(), asked.subscriber_id, limit=limit + 1, before=before)
    page, last = cut_page(rows, limit)
    return CourtesiesOut(
        items=[CourtesyOut.of(given) for given in page],
        next=None if last is None else write_cursor(*last.key),
    )


@router.post(
    "/lines/{line}/courtesies",
    auth=Needs(Scope.REWARDS_WRITE),
    summary="Give courtesy volume",
    response={201: CourtesyOut, **refusals(400, 404, 409, 422)},
    openapi_extra=dict(ONCE),
)
def give_courtesy(request: HttpRequest, line: LineId, courtesy: CourtesyIn) -> HttpResponse:
    """Give a line volume as a courtesy, as a fact `courtesy.granted`: outside of every programme's cap.

    It is valid at once, until the running billing period ends; with a charging system of its own, usable as
    soon as that has confirmed it. It is never taken back. 409 `line_ended` where it would be of no use to
    anybody.
    """

    def work() -> tuple[int, Schema]:
        asked = line_asked(request, line)
        try:
            done = give(
                asked,
                bytes_=courtesy.bytes,
                reason=courtesy.reason,
                by=courtesy.by,
                key=fact_key(request),
                now=now_for(asked),
            )
        except (DecisionRefusedError, FactReusedError, LineEndedError) as error:
            raise refused(error) from error
        except UnknownLineError:
            raise unknown_line() from None
        return 201, CourtesyOut.of(done.given)

    return once(request, work)
