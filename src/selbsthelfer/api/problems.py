"""Problem documents (RFC 9457): the one way in which the API says no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from selbsthelfer.kit.logs import REQUEST_ID

MEDIA_TYPE: Final = "application/problem+json"
TYPES: Final = "https://selbsthelfer.example/problems/"
"""What a problem's `type` begins with; the rest is its code. It names a problem and answers no request."""


class Fault(NamedTuple):
    """One thing wrong with what was sent; `pointer` says where (`/data/bytes`, `query/limit`)."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):  # noqa: N818 - the word of the RFC
    """A request that cannot be answered as asked; `code` is stable, `title` and `detail` are for people."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})


class FaultOut(Schema):
    """One thing wrong with what was sent."""

    pointer: str = Field(
        description="Where: a JSON pointer into the body (`/data/bytes`), or `query/…`, `path/…`, `header/…`."
    )
    code: str = Field(description="What is wrong, for machines; it does not change.")
    detail: str = Field(description="What is wrong, for people.")


class ProblemOut(Schema):
    """A problem document (RFC 9457): the one way in which this API says no."""

    type: str = Field(description="Names the problem as a URI; it answers no request.")
    title: str = Field(description="The problem in one sentence, for people.")
    status: int = Field(description="The status of the answer again.", ge=400, le=599)
    code: str = Field(description="The problem for machines; it does not change.")
    detail: str | None = Field(None, description="What to do about it, for people.")
    errors: list[FaultOut] | None = Field(None, description="Each thing wrong with what was sent.")
    request_id: str | None = Field(None, description="Name it to us when you ask what happened.")


def refusals(*statuses: int) -> dict[int, type[ProblemOut]]:
    """List with which statuses a route may say no, as part of its `response`.

    `description.py` adds those that every route of its kind may give: 400 everywhere, 401, 403 and 429 where
    a key is needed, 413 and 415 with a body, 422 with a body or parameters.
    """
    return dict.fromkeys(statuses, ProblemOut)


def answer_problem(request: HttpRequest, problem: Problem) -> HttpResponse:  # noqa: ARG001
    """Write a problem down as its document."""
    body: dict[str, Any] = {
        "type": TYPES + problem.code.replace("_", "-"),
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.faults:
        body["errors"] = [fault._asdict() for fault in problem.faults]
    request_id = REQUEST_ID.get()
    if request_id:
        body["request_id"] = request_id
    return HttpResponse(
        msgspec.json.encode(body), status=problem.status, content_type=MEDIA_TYPE, headers=problem.headers
    )
