"""The API as one object: every route, every refusal, and its description in OpenAPI."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from selbsthelfer.api.problems import Problem, answer_problem

api: Final = NinjaAPI(
    title="Selbsthelfer",
    version="1.0.0",
    openapi_url="/openapi.json",
    docs_url=None,
    urls_namespace="api",
)


@api.exception_handler(Problem)
def say_no(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Answer a problem document."""
    return answer_problem(request, problem)
