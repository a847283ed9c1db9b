"""What all pages share that are done by opening them: whose they are, that they count, and when they fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Final, ParamSpec, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import tell
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.successes import SuccessPanel, excuse_of_failure, success_panel
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.explaining import explain_to_subscriber
from selbsthelfer.selfservice.back_end import BackEndUnavailableError
from selbsthelfer.selfservice.core.results import Done
from selbsthelfer.selfservice.operations import report_failed, report_view

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

UNAVAILABLE: Final = 503
"""The status of a page that the operator's systems could not fill."""


def reads(activity: str) -> Callable[[View[P]], View[P]]:
    """Tell plainly where the operator's systems fail, and keep the attempt: a later call is then free."""

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except BackEndUnavailableError:
                return unavailable(request, activity)

        return cast(View[P], guarded)

    return guard


def unavailable(request: HttpRequest, activity: str) -> HttpResponse:
    """Say that it has failed and why that is not held against anybody."""
    if request.headers.get("HX-Request") == "true":
        # The whole page is to be seen, not a part of it within another.
        return HttpResponse(status=204, headers={"HX-Redirect": request.get_full_path()})
    failed = failed_attempt(request, activity)
    context = {"name": tell(activity_name(activity)), "excuse": failed.excuse if failed else ""}
    return render(request, "portal/reading/unavailable.html", context, status=UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that was kept, and why a later call is not held against anybody; empty where nothing is."""

    receipt: str
    excuse: str


def failed_attempt(request: HttpRequest, activity: str) -> FailedAttempt | None:
    """Keep that somebody has tried in vain; none for a stranger or where a browser only fetched ahead."""
    line, now = line_of(request), now_of(request)
    if line is None or is_fetched_ahead(request):
        return None
    # One failed attempt an hour is enough to be kept, however often the page is loaded anew.
    done = report_failed(line, activity, key=f"{activity}/{now:%Y-%m-%dT%H}", now=now)
    with transaction.atomic():
        explanation = explain_to_subscriber(open_cursor(), line.subscriber_id, at=now)
    return FailedAttempt(done.receipt, excuse_of_failure(done, explanation))


def opened(request: HttpRequest, activity: str) -> Done | None:
    """Report that somebody opened fresh data; none for a stranger or where a browser only fetched ahead."""
    line, now = line_of(request), now_of(request)
    if line is None or is_fetched_ahead(request):
        return None
    return report_view(line, activity, now=now)


def is_fetched_ahead(request: HttpRequest) -> bool:
    """Tell whether nobody has looked: it is fetched in case it is wanted, or only its head is asked for."""
    purpose = request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose", "")
    return request.method == "HEAD" or "prefetch" in purpose


def told_success(request: HttpRequest, done: Done | None) -> SuccessPanel | None:
    """Say what a task has just brought; none where it was done before, so that it is told once."""
    line = line_of(request)
    if done is None or line is None or not done.is_new:
        return None
    return success_panel(done, line, now_of(request))
