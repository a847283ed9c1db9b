"""Scripts of an app's own pages may read the API with a token: those of named origins, and only reading.

Browsers ask beforehand (the CORS protocol); apps that are no pages never do and need none of this. Cookies
are never asked for, so a page gains nothing that its token does not give it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

READABLE: Final = "/api/v1/lines/"
"""Where everything lies that a token for one line reads."""
ASKED_AGAIN_SECONDS: Final = 600
"""For how long a browser remembers that it may ask."""
_METHODS: Final = ("GET", "HEAD")
_EXPOSED: Final = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"


class OriginsMiddleware:
    """Tell browsers which origins may read; without any named, everything is as if this were not here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.APP_ORIGINS or not request.path_info.startswith(READABLE):
            return self.get_response(request)
        asked = request.headers.get("Access-Control-Request-Method")
        is_question = request.method == "OPTIONS" and asked is not None
        response = HttpResponse(status=204) if is_question else self.get_response(request)
        patch_vary_headers(response, ["Origin"])
        origin = request.headers.get("Origin")
        if origin not in settings.APP_ORIGINS or (asked if is_question else request.method) not in _METHODS:
            return response
        response["Access-Control-Allow-Origin"] = origin
        if is_question:
            response["Access-Control-Allow-Methods"] = ", ".join(_METHODS)
            response["Access-Control-Allow-Headers"] = "Authorization, If-None-Match"
            response["Access-Control-Max-Age"] = str(ASKED_AGAIN_SECONDS)
        else:
            response["Access-Control-Expose-Headers"] = _EXPOSED
        return response
