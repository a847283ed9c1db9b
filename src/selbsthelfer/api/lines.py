"""The line that a request is about: every route of a line asks here, so that all of them answer alike."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from selbsthelfer.api.callers import caller_of
from selbsthelfer.api.once import KEY_HEADER
from selbsthelfer.api.problems import Problem
from selbsthelfer.demo.clock import now_of_line
from selbsthelfer.intake.arrivals import OWN_SOURCES
from selbsthelfer.intake.core.facts import FactKey
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.lines import LineRef
from selbsthelfer.subscribers.queries import line_standings

_DIGEST_CHARACTERS: Final = 40


def line_asked(request: HttpRequest, subject: str) -> LineRef:
    """Find the line that is asked about, by the operator's own id. One query.

    Raises `Problem` 404 `line_unknown`: word for word the same for a line that is not registered and for one
    that the caller's token is not for.
    """
    line = LineRef.of(subject)
    if caller_of(request).subject not in (None, subject):
        raise unknown_line()
    if line.subscriber_id not in line_standings(open_cursor(), [line.subscriber_id]):
        raise unknown_line()
    return line


def unknown_line() -> Problem:
    return Problem(
        404,
        "line_unknown",
        "There is no such line.",
        "A line is named by the operator's own id of it, as in the `subject` of facts.",
    )


def now_for(line: LineRef) -> datetime:
    """Tell the time of a line: now, but in the demo its clock may have been moved on."""
    now = datetime.now(UTC)
    return now_of_line(line.subscriber_id, now=now) if settings.DEMO else now


def fact_key(request: HttpRequest) -> FactKey:
    """Name the fact that a write makes: the same for the same client, address and `Idempotency-Key`.

    So it enters once, even where the answer that was kept for the key has been forgotten.
    """
    told = "\0".join((request.path_info, request.headers[KEY_HEADER]))
    digest = sha256(told.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return FactKey(source=f"{OWN_SOURCES}api/{caller_of(request).name}", id=digest)
