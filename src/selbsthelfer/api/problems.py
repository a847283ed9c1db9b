"""Problem documents (RFC 9457): the one way in which the API says no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from django.http import HttpRequest, HttpResponse

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


def answer_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
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
    request_id = getattr(request, "request_id", None)
    if request_id is not None:
        body["request_id"] = request_id
    return HttpResponse(
        msgspec.json.encode(body), status=problem.status, content_type=MEDIA_TYPE, headers=problem.headers
    )
