"""The short way of facts: from the web server to their route, past Django's handler, its resolver and ninja.

One activity a request is what an app sends all day, and two thirds of its way led through what facts have no
use for. Key, limits, body, view, problems and headers are those of the long way, which stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse

from selbsthelfer.api.bodies import FACTS_PATH
from selbsthelfer.api.middleware import ApiMiddleware
from selbsthelfer.api.routes.facts import NEEDED, send_facts

Start = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]


class _FactsMiddleware(ApiMiddleware):
    """What holds for every route of the API, around the one for facts."""

    def route(self, request: HttpRequest) -> HttpResponse:
        """Let the caller in and answer, as ninja does for this route."""
        request.auth = NEEDED(request)  # type: ignore[attr-defined]
        return send_facts(request)

    def template(self, request: HttpRequest) -> str:  # noqa: ARG002 - here there is one route
        """Give the one route that there is here."""
        return FACTS_PATH


class FactsFirst:
    """A WSGI application that answers facts itself, and hands all else on."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._answer: Final = _FactsMiddleware(_unreachable)

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        is_facts = environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == FACTS_PATH
        if not is_facts or environ["SCRIPT_NAME"]:
            return self._application(environ, start)
        if connection.connection is not None and not connection.in_atomic_block:
            # Django does this before each request, by a signal; a caller's transaction would end with it.
            connection.close_if_unusable_or_obsolete()
        response = self._answer(WSGIRequest(environ))
        start(f"{response.status_code} {response.reason_phrase}", list(response.headers.items()))
        return [response.content]


def _unreachable(request: HttpRequest) -> HttpResponse:
    """Answer what is no request to the API: none comes here."""
    raise NotImplementedError(request.path_info)
