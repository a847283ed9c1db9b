"""What goes wrong in ninja, Django or the database, as problem documents."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpResponse, UnreadablePostError
from ninja.errors import HttpError, ValidationError

from selbsthelfer.api.problems import Fault, Problem
from selbsthelfer.kit.logs import log_failure
from selbsthelfer.kit.sql import DATABASE_ERRORS, drop_connection, is_database_away

_LOG = logging.getLogger(__name__)

MAX_FAULTS: Final = 100
"""Faults told of one request."""
MAX_DETAIL_CHARACTERS: Final = 300
_RETRY: Final = {"Retry-After": "1"}
_PASSING: Final = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError, InterfaceError)
"""What the database raises where it is away, or somebody else is in the way: asking again may help."""

_CODES: Final[Mapping[str, str]] = {"extra_forbidden": "member_unknown"}
"""Words of ours for codes of the library that checks bodies."""

NOT_FOUND: Final = Problem(404, "path_unknown", "There is nothing at this address.")


def problem_of(error: Exception) -> Problem:
    """Say as a problem what an error means to the caller; what nobody expected is logged and told as 500."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return _invalid(error.errors)
    if isinstance(error, HttpError):
        return _http_error(error)
    if isinstance(error, Http404):
        return NOT_FOUND
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "body_too_large", "The body is too large.")
    if isinstance(error, BadRequest | SuspiciousOperation | UnreadablePostError):
        return Problem(400, "request_malformed", "The request cannot be read.")
    return _failed(error)


def problem_of_answer(response: HttpResponse) -> Problem | None:
    """Say as a problem what an answer that is none, but refuses, means; nothing where it is fine as it is."""
    if response.status_code == 405:
        return Problem(
            405, "method_unknown", "This address knows no such method.", headers={"Allow": _methods(response)}
        )
    return None


def _methods(response: HttpResponse) -> str:
    return ", ".join(sorted(method.strip() for method in response.headers.get("Allow", "").split(",")))


def _http_error(error: HttpError) -> Problem:
    """Give the problem that ninja wrapped into its own error, else one for the status."""
    if isinstance(error.__cause__, Problem):
        return error.__cause__
    if isinstance(error.__cause__, RequestDataTooBig | UnreadablePostError):
        return problem_of(error.__cause__)
    return Problem(error.status_code, "request_refused", "The request cannot be answered.")


def _invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    faults = [
        Fault(
            _pointer(one.get("loc", ())),
            _CODES.get(one["type"], one["type"]),
            str(one["msg"])[:MAX_DETAIL_CHARACTERS],
        )
        for one in errors[:MAX_FAULTS]
    ]
    return Problem(422, "request_invalid", "What was sent is not as this route takes it.", faults=faults)


def _pointer(place: Sequence[str | int]) -> str:
    """Write the place of a fault; the first step in a body is the name of a parameter of ours."""
    source, *path = place
    if source != "body":
        return "/".join(str(step) for step in place)
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path[1:])


def _failed(error: Exception) -> Problem:
    """Tell what the caller can do about a fault of ours: nothing but to ask again."""
    if isinstance(error, DATABASE_ERRORS):
        # The next request on this thread finds out whether the connection is still good.
        connection.errors_occurred = True
    if is_database_away(error):
        drop_connection()
    if isinstance(error, _PASSING):
        log_failure(_LOG, "the database did not answer", error)
        return Problem(503, "database_away", "The database does not answer right now.", headers=_RETRY)
    log_failure(_LOG, "a request failed", error)
    return Problem(500, "failed", "Something went wrong on our side.")
