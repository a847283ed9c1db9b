"""The way of a request to the API: none of what pages need, and on every answer what the API promises.

Stands first among the middlewares. A request to the API is answered here and goes through none of the
others: no cookie, session, language or form token is looked at.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from random import getrandbits
from time import perf_counter
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, get_resolver

from selbsthelfer.api.bodies import check_announced
from selbsthelfer.api.callers import client_name_of
from selbsthelfer.api.etags import with_etag
from selbsthelfer.api.limits import rate_headers
from selbsthelfer.api.problems import Problem, answer_problem
from selbsthelfer.api.refusing import NOT_FOUND, problem_of, problem_of_answer
from selbsthelfer.api.tmforum.answering import problem_answer
from selbsthelfer.kit.logs import REQUEST_ID, request_named

PREFIX: Final = "/api/"
TMF_PREFIX: Final = "/tmf-api/"
"""Where TM Forum's APIs are, which refuse in words of their own."""
ID_HEADER: Final = "X-Request-Id"
_ID_KEY: Final = "HTTP_X_REQUEST_ID"
"""The same in what the server hands over: to read one header there, Django need not read all of them."""
MAX_ID_CHARACTERS: Final = 100
_ID: Final = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_CHARACTERS}}}")

_LOG = logging.getLogger("selbsthelfer.api.requests")
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_PLACE: Final = re.compile(r"<(?:\w+:)?(\w+)>")
"""How Django writes the place of a value in a route."""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ApiMiddleware:
    """Answer requests to the API; hand all others on."""

    addresses = "selbsthelfer.api.urls"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.headers = dict(_HEADERS)
        if settings.SECURE_HSTS_SECONDS:
            self.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith((PREFIX, TMF_PREFIX)):
            return self.get_response(request)
        began = perf_counter()
        request_id = _request_id(request)
        is_head = request.method == "HEAD"
        if is_head:
            # What may be read may be asked for without its body; routes need not know.
            request.method = "GET"
        with request_named(request_id):
            response = with_etag(request, self._answer(request))
            if _LOG.isEnabledFor(logging.INFO):
                self._tell(request, "HEAD" if is_head else request.method, response, perf_counter() - began)
        self._complete(request, response)
        response.headers[ID_HEADER] = request_id
        if is_head:
            response.content = b""
        return response

    def route(self, request: HttpRequest) -> HttpResponse:
        """Answer by the route at this address; raises `Resolver404` where there is none."""
        found = get_resolver(self.addresses).resolve(request.path_info)
        request.resolver_match = found
        response: HttpResponse = found.func(request, *found.args, **found.kwargs)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        """Answer a request; whatever goes wrong becomes a problem document, or an `Error` of TM Forum's."""
        is_tmf = request.path_info.startswith(TMF_PREFIX)
        try:
            _check(request)
            response = self.route(request)
            problem = None if is_tmf else problem_of_answer(response)
        except Resolver404:
            problem = NOT_FOUND
        except Exception as error:  # noqa: BLE001 - the edge of the API: nothing of it may reach the caller
            problem = problem_of(error)
        if problem is None:
            return response
        return problem_answer(problem) if is_tmf else answer_problem(request, problem)

    def template(self, request: HttpRequest) -> str:
        """Give the route that answered as it is declared, never the address itself, which names a line."""
        found = request.resolver_match
        return "-" if found is None else "/" + _PLACE.sub(r"{\1}", found.route)

    def _tell(self, request: HttpRequest, method: str | None, response: HttpResponse, seconds: float) -> None:
        told = {
            "method": method if method in _METHODS else "-",
            "route": self.template(request),
            "status": response.status_code,
            "milliseconds": round(seconds * 1_000, 1),
            "client": client_name_of(request),
        }
        _LOG.info("%(method)s %(route)s %(status)d in %(milliseconds)s ms for %(client)s", told, extra=told)

    def _complete(self, request: HttpRequest, response: HttpResponse) -> None:
        """Put on an answer what protects it, and what is left of the caller's minute."""
        headers = response.headers
        for name, value in self.headers.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "private, no-cache" if request.method == "GET" else "no-store")
        for name, value in rate_headers(request).items():
            headers[name] = value
        if response.status_code not in {204, 304} and not response.streaming:
            # Without it the server would send the answer in chunks.
            headers.setdefault("Content-Length", str(len(response.content)))
        # Django would log what was refused with its address, which names a line.
        response._has_been_logged = True  # type: ignore[attr-defined]


def request_id_now() -> str:
    """Give the id of the request that is being answered; empty outside of one."""
    return REQUEST_ID.get()


def _request_id(request: HttpRequest) -> str:
    """Take over the id that the caller gave, if it is fit for a header and a line of a log."""
    given: str = request.META.get(_ID_KEY, "")
    if given and _ID.fullmatch(given):
        return given
    # An id is no secret, and to ask the kernel for chance lets another thread go first.
    return str(UUID(int=getrandbits(128), version=4))


def _check(request: HttpRequest) -> None:
    """Refuse what no route can answer, before anything is read."""
    try:
        request.get_host()
    except DisallowedHost as error:
        raise Problem(400, "host_unknown", "This server does not answer to that host name.") from error
    is_tmf = request.path_info.startswith(TMF_PREFIX)
    # Among TM Forum's resources there is none of such a name.
    if not is_tmf and ("\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")):
        raise Problem(400, "character_nul", "The address holds the character NUL, which no text of ours can.")
    check_announced(request)
