"""What every page is wrapped in: who may see it, what the browser may load, and in which language it speaks.

There is no sign-in yet. Until there is, a page answers only to requests that come from this machine and were
not passed on by a proxy, so that a server put up by mistake shows nobody's data to a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request

from selbsthelfer.kit.wording import Language

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PASSED_ON: Final = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_VIA")

View = Callable[..., HttpResponse]


def on_this_machine(view: View) -> View:
    """Answer a view only to this machine; raises `PermissionDenied` for any other."""

    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: str) -> HttpResponse:
        if not is_from_this_machine(request.META):
            raise PermissionDenied
        return view(request, **kwargs)

    return guarded


def is_from_this_machine(meta: dict[str, Any]) -> bool:
    """Tell whether a request comes from loopback, and straight."""
    if any(name in meta for name in _PASSED_ON):
        return False
    try:
        return ip_address(meta.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def language_of(request: HttpRequest) -> Language:
    """Choose the language: `?language=` if it is one of ours, else what the browser prefers, else German."""
    asked = request.GET.get("language")
    return Language(asked if asked in set(Language) else get_language_from_request(request))
