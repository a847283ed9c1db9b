"""Whether this process lives, can answer, and what it counts: for load balancers and Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.gauges import gauges
from selbsthelfer.api.nearness import is_from_here
from selbsthelfer.api.problems import Problem, answer_problem
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import DATABASE_ERRORS, drop_connection, open_cursor

_MAY_READ: Final = Needs(Scope.METRICS_READ)
_GAUGES: Final = gauges()


class OperationMiddleware:
    """Answer what the machine's own watchers ask, by whatever name they call this process.

    Stands first: a balancer or Prometheus asks by an address that is no name of the pages.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = _VIEWS.get(request.path_info)
        return self.get_response(request) if view is None else view(request)


@require_safe
def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that the process answers at all; the database is not asked."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Say whether requests can be answered: the database is there and takes a transaction."""
    try:
        with transaction.atomic():
            open_cursor().execute("SELECT 1")
    except DATABASE_ERRORS:
        drop_connection()
        return answer_problem(
            request, Problem(503, "not_ready", "The database does not answer.", headers={"Retry-After": "5"})
        )
    return HttpResponse("ready\n", content_type="text/plain")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Tell what this process counts and what the database knows, to this machine or to a key for it."""
    if not is_from_here(request):
        try:
            _MAY_READ(request)
        except Problem as problem:
            return answer_problem(request, problem)
    try:
        known = generate_latest(_GAUGES)
    except DATABASE_ERRORS:
        drop_connection()
        # What this process counted is worth telling most when the database is away.
        known = b""
    return HttpResponse(generate_latest() + known, content_type=CONTENT_TYPE_LATEST)


_VIEWS: Final[Mapping[str, Callable[[HttpRequest], HttpResponse]]] = MappingProxyType(
    {"/health": health, "/ready": ready, "/metrics": metrics}
)
