"""Read what a partner sends, and answer as TM Forum's guidelines want it (TMF630)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final
from urllib.parse import quote

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from selbsthelfer.api.bodies import read_body, read_json
from selbsthelfer.api.limits import rate_headers
from selbsthelfer.api.problems import Problem
from selbsthelfer.api.refusing import problem_of
from selbsthelfer.partners.core.asking import Asking, cut
from selbsthelfer.partners.core.refusals import (
    ConflictError,
    NotOfferedError,
    PartnerError,
    RefusedError,
    UnknownError,
)
from selbsthelfer.partners.queries import Found

MEDIA_TYPE: Final = "application/json;charset=utf-8"

_STATUS: Final[Mapping[type[PartnerError], int]] = {
    RefusedError: 400,
    UnknownError: 404,
    NotOfferedError: 405,
    ConflictError: 409,
}
View = Callable[..., HttpResponse]


def answers_as_tmf(view: View) -> View:
    """Answer every expected error as an `Error` of the Swagger files; no cookie opens anything here."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            answer = view(request, *args, **kwargs)
        except PartnerError as error:
            answer = error_answer(_STATUS[type(error)], error.code, error.reason)
        except Exception as error:  # noqa: BLE001 - the edge of the API: nothing of it may reach the partner
            answer = problem_answer(problem_of(error))
        for name, value in rate_headers(request).items():
            answer[name] = value
        # Django would log what was refused with its address, which may name a line.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer

    return answered


def error_answer(status: int, code: str, reason: str, message: str = "") -> HttpResponse:
    """Write an `Error`."""
    body = {"code": code, "reason": reason, "status": str(status), "@type": "Error"}
    if message:
        body["message"] = message
    return _answer(body, status)


def problem_answer(problem: Problem) -> HttpResponse:
    """Write a problem as an `Error`."""
    answer = error_answer(problem.status, problem.code, problem.title, problem.detail)
    for name, value in problem.headers.items():
        answer[name] = value
    return answer


def not_allowed(*methods: str) -> HttpResponse:
    """Answer that a resource has no such method."""
    answer = error_answer(405, "method_not_allowed", "this is not how this resource is asked")
    answer["Allow"] = ", ".join(methods)
    return answer


def read_document(request: HttpRequest) -> Mapping[str, Any]:
    """Read the JSON object that was sent; raises `Problem` 400, 413 or 415."""
    read_body(request)
    document = read_json(request.body)
    if not isinstance(document, dict):
        raise Problem(400, "body_malformed", "The body is one JSON object.")
    return document


def list_answer(request: HttpRequest, kind: str, found: Found, asking: Asking) -> HttpResponse:
    """Answer a list, or 206 where it is only a part of one."""
    documents = [cut(_with_address(request, kind, document), asking.fields) for document in found.documents]
    answer = _answer(documents, 200 if len(documents) >= found.total else 206)
    answer["X-Total-Count"] = str(found.total)
    answer["X-Result-Count"] = str(len(documents))
    return answer


def one_answer(
    request: HttpRequest,
    kind: str,
    document: Mapping[str, Any],
    *,
    fields: frozenset[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Answer one document, with its address."""
    addressed = _with_address(request, kind, document)
    answer = _answer(cut(addressed, fields), status)
    if status == 201:
        answer["Location"] = addressed["href"]
    return answer


def base_of(request: HttpRequest) -> str:
    """Give the address of the API under which it was asked."""
    before, version, _ = request.path.partition("/v4/")
    return request.build_absolute_uri(before + version)


def _with_address(request: HttpRequest, kind: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    base = base_of(request)
    addressed = {"id": document["id"], "href": f"{base}{kind}/{quote(document['id'], safe='')}", **document}
    bucket = document.get("bucket")
    if isinstance(bucket, Mapping) and "id" in bucket:
        addressed["bucket"] = {**bucket, "href": f"{base}bucket/{quote(bucket['id'], safe='')}"}
    return addressed


def _answer(body: Any, status: int) -> HttpResponse:
    answer = HttpResponse(msgspec.json.encode(body), status=status, content_type=MEDIA_TYPE)
    answer["Cache-Control"] = "no-store"
    return answer
