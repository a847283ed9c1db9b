"""Which pages ask who somebody is, and how well they must have proved it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from selbsthelfer.identity.core.proofs import Level
from selbsthelfer.identity.levels import level_of
from selbsthelfer.identity.models import User
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.lines import line_of, own_line
from selbsthelfer.selfservice.core.results import Done
from selbsthelfer.selfservice.operations import report_done
from selbsthelfer.subscribers.core.lines import LineRef

View = Callable[..., HttpResponseBase]

MAX_NEXT_CHARACTERS: Final = 500
"""The longest address to return to."""


def needs_level(level: int) -> Callable[[View], View]:
    """Answer a view only to the user of a line who has proved it well enough; others prove it first.

    The view finds their line by `own_line`. Raises `PermissionDenied` for staff, who have none.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            has = level_of(request)
            if has is Level.NOBODY:
                return ask_first(request, "sign_in")
            if line_of(request) is None:
                raise PermissionDenied
            if has < level:
                return ask_first(request, "confirm")
            return view(request, *args, **kwargs)

        guarded.needs_level = level  # type: ignore[attr-defined]
        return guarded

    return guard


def ask_first(request: HttpRequest, page: str) -> HttpResponse:
    """Send somebody to a page where they prove who they are, and back afterwards."""
    back = request.get_full_path() if request.method in ("GET", "HEAD") else request.path
    target = f"{reverse(page)}?{urlencode({'next': back})}"
    if request.headers.get("HX-Request") != "true":
        return HttpResponseRedirect(target)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = target
    return response


def user_of(request: HttpRequest) -> User:
    """Tell who is signed in; raises `PermissionDenied` if nobody is."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def next_of(request: HttpRequest, default: str) -> str:
    """Tell where to go afterwards: where the request says if that is a page of ours, else the default."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    return asked if is_our_page(asked) else default


def is_our_page(target: str) -> bool:
    """Tell whether an address is a path of this site; whole addresses are refused even if they are ours."""
    return (
        target.startswith("/")
        and len(target) <= MAX_NEXT_CHARACTERS
        and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    )


def report(request: HttpRequest, activity: str, key: str, *, line: LineRef | None = None) -> Done:
    """Report an activity about the account as done by whoever is signed in, or by a line about to be."""
    return report_done(line or own_line(request), activity, key=key, now=now_of(request))


def real_now() -> datetime:
    """Tell the real time: codes, proofs and sessions follow no moved clock."""
    return datetime.now(UTC)
