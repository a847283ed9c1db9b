"""Programmes, who takes part in them, joining and leaving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.deciding import line_ended
from selbsthelfer.api.lines import fact_key, line_asked, now_for, unknown_line
from selbsthelfer.api.once import ONCE, once
from selbsthelfer.api.pages import DEFAULT_PAGE, cut_page, read_cursor, write_cursor
from selbsthelfer.api.problems import Fault, Problem, refusals
from selbsthelfer.api.shapes.parameters import Cursor, Limit, LineId, ProgrammeName
from selbsthelfer.api.shapes.programmes import (
    EnrolmentIn,
    EnrolmentOut,
    EnrolmentsOut,
    JoinedOut,
    LeftOut,
    OfferOut,
    OffersOut,
    ProgrammeOut,
    ProgrammesOut,
)
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.limits import TooOftenError, count_try
from selbsthelfer.intake.joining import (
    JoinRefusedError,
    UnknownLineError,
    UnknownProgrammeError,
    join,
    leave,
    may_join,
)
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.versions import PublishedVersion
from selbsthelfer.programmes.core.wording_joining import JoinRefusal
from selbsthelfer.programmes.explaining import enrolments_to_subscriber
from selbsthelfer.programmes.queries import versions_at
from selbsthelfer.subscribers.core.lines import LineRef
from selbsthelfer.subscribers.queries import line_standings

router = Router(tags=["programmes"])
_MAY_READ: Final = Needs(Scope.LINES_READ, of_line=True)
_OF_THE_CODE: Final[Mapping[JoinRefusal, str]] = {
    JoinRefusal.INVITATION_NEEDED: "a code of invitation is needed",
    JoinRefusal.INVITATION_UNKNOWN: "there is no such code for this programme",
    JoinRefusal.INVITATION_USED: "the code has no use left",
}
_RETRY_SECONDS: Final = 3_600
Row = TypeVar("Row")


@router.get(
    "/programmes",
    auth=Needs(Scope.LINES_READ),
    summary="List the programmes",
    response={200: ProgrammesOut, **refusals(400)},
)
def list_programmes(
    request: HttpRequest,  # noqa: ARG001 - ninja passes it
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
) -> ProgrammesOut:
    """List the programmes by name, each by its version in force.

    Not for the token of an app: a line that is held out of a programme must not learn that there is one. What
    a line may join is in its offers.
    """
    now = datetime.now(UTC)
    versions = {version.programme: version for version in versions_at(open_cursor(), now)}
    page, next_ = _page_by_name(versions, cursor, limit)
    return ProgrammesOut(items=[_programme(version, now) for version in page], next=next_)


@router.get(
    "/programmes/{programme}",
    auth=Needs(Scope.LINES_READ),
    summary="Read a programme",
    response={200: ProgrammeOut, **refusals(404)},
)
def read_programme(request: HttpRequest, programme: ProgrammeName) -> ProgrammeOut:  # noqa: ARG001
    """Tell what a programme is, by its version in force, with its rules in a handful of sentences."""
    now = datetime.now(UTC)
    for version in versions_at(open_cursor(), now):
        if version.programme == programme:
            return _programme(version, now)
    raise _unknown_programme()


@router.get(
    "/lines/{line}/enrolments",
    auth=_MAY_READ,
    summary="List the enrolments of a line",
    response={200: EnrolmentsOut, **refusals(400, 404)},
)
def list_enrolments(
    request: HttpRequest, line: LineId, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> EnrolmentsOut:
    """List the programmes that a line takes or took part in. What they brought is in its rewards."""
    asked = line_asked(request, line)
    try:
        with transaction.atomic():
            told = enrolments_to_subscriber(open_cursor(), asked.subscriber_id, at=now_for(asked))
    except UnknownLineError:
        raise unknown_line() from None
    enrolments = {enrolment.programme: enrolment for enrolment in told.enrolments}
    page, next_ = _page_by_name(enrolments, cursor, limit)
    return EnrolmentsOut(items=[EnrolmentOut.of(enrolment) for enrolment in page], next=next_)


@router.get(
    "/lines/{line}/offers",
    auth=_MAY_READ,
    summary="List what a line may join",
    response={200: OffersOut, **refusals(400, 404)},
)
def list_offers(
    request: HttpRequest, line: LineId, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> OffersOut:
    """List the programmes that a line may join now, those that need a code included.

    Never what it takes or took part in, nor what it is held out of. A line that has ended is offered nothing.
    """
    asked = line_asked(request, line)
    now = now_for(asked)
    try:
        with transaction.atomic():
            reading = open_cursor()
            standing = line_standings(reading, [asked.subscriber_id])[asked.subscriber_id]
            may = (
                []
                if standing.has_ended(now)
                else may_join(reading, asked.subscriber_id, now=now, with_code=True)
            )
    except UnknownLineError:
        raise unknown_line() from None
    page, next_ = _page_by_name({offer.programme: offer for offer in may}, cursor, limit)
    return OffersOut(items=[OfferOut.of(offer) for offer in page], next=next_)


@router.post(
    "/lines/{line}/enrolments",
    auth=Needs(Scope.REWARDS_WRITE),
    summary="Let a line join a programme",
    response={200: JoinedOut, 201: JoinedOut, **refusals(400, 404, 409, 422)},
    openapi_extra=dict(ONCE),
)
def enrol_line(request: HttpRequest, line: LineId, wish: EnrolmentIn) -> HttpResponse:
    """Let a line join a programme from now on; 201 where it is new, 200 where it takes part already.

    404 `programme_unknown` stands as well for a programme that the line is held out of, so that nobody learns
    of it. 409 tells why the line may not join: `not_open`, `not_eligible`, `withdrawn`, `budget_exhausted`,
    `line_ended`; 422 what is wrong with the code: `invitation_needed`, `invitation_unknown`,
    `invitation_used`. Ten codes an hour may be tried for a line; then 429 `too_often`.
    """

    asked = line_asked(request, line)
    if wish.code is not None:
        _count_code(request, asked)

    def work() -> tuple[int, Schema]:
        joined = _refusing(lambda: join(asked.subject, wish.programme, code=wish.code, now=now_for(asked)))
        return 201 if joined.is_new else 200, JoinedOut.of(joined)

    return once(request, work)


@router.post(
    "/lines/{line}/enrolments/{programme}/withdrawal",
    auth=Needs(Scope.REWARDS_WRITE),
    summary="Let a line leave a programme",
    response={200: LeftOut, 201: LeftOut, **refusals(400, 404, 409, 422)},
    openapi_extra=dict(ONCE),
)
def withdraw_line(request: HttpRequest, line: LineId, programme: ProgrammeName) -> HttpResponse:
    """Let a line leave a programme from now on; 201 where it is new, 200 where it had left already.

    What was granted stays. Leaving is for good: nobody joins a second time. 409 `not_enrolled` where it takes
    no part.
    """

    def work() -> tuple[int, Schema]:
        asked = line_asked(request, line)
        key = fact_key(request).id
        left = _refusing(lambda: leave(asked.subject, programme, key=key, now=now_for(asked)))
        return 201 if left.is_new else 200, LeftOut.of(left)

    return once(request, work)


def _programme(version: PublishedVersion, now: datetime) -> ProgrammeOut:
    return ProgrammeOut.of(version, is_open=version.is_open(now))


def _page_by_name(
    rows: Mapping[str, Row], cursor: str | None, limit: int
) -> tuple[Sequence[Row], str | None]:
    """Cut a page from rows by name; there are as many as programmes, so all of them were read."""
    place = read_cursor(cursor, str)
    names = sorted(name for name in rows if place is None or name > place[0])
    page, last = cut_page(names[: limit + 1], limit)
    return [rows[name] for name in page], None if last is None else write_cursor(last)


def _refusing(work: Callable[[], Row]) -> Row:
    """Join or leave; say as a problem why it is refused."""
    try:
        return work()
    except UnknownProgrammeError:
        raise _unknown_programme() from None
    except UnknownLineError:
        # The line was there a moment ago: to joining and leaving, one that has ended is none.
        raise line_ended() from None
    except JoinRefusedError as error:
        raise _refusal(error) from error


def _count_code(request: HttpRequest, line: LineRef) -> None:
    """Count a code that was typed, on its own, so that it stays counted where the code is refused."""
    try:
        count_try(request, "invitation_code", key=str(line.subscriber_id))
    except TooOftenError as error:
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        raise Problem(429, error.code, "Too many codes were tried for this line.", headers=headers) from error


def _refusal(error: JoinRefusedError) -> Problem:
    wrong = _OF_THE_CODE.get(error.refusal)
    if wrong is not None:
        fault = Fault("/code", error.code, wrong)
        return Problem(422, error.code, error.words.en, faults=[fault])
    faults = [] if error.reason is None else [Fault("", error.reason.value, error.words.en)]
    return Problem(409, error.code, error.words.en, faults=faults)


def _unknown_programme() -> Problem:
    return Problem(404, "programme_unknown", "There is no such programme.")
