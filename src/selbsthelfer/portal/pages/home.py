"""The first page: for a stranger what this is about, for a subscriber all that matters without a tap."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from selbsthelfer.activities.queries import failed_recently
from selbsthelfer.intake.joining import may_join
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.assets import asset_url, find_asset
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, language_now, tell
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages.programmes import public_offers
from selbsthelfer.portal.presenting_home import present_failures, present_home, takes_part
from selbsthelfer.portal.presenting_offers import present_offer
from selbsthelfer.portal.rendering import render
from selbsthelfer.programmes.core.counting import FAILED_ACTIVITY_REACH
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.explaining import UnknownLineError, explain_to_subscriber
from selbsthelfer.selfservice.back_end import BackEndUnavailableError
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.records import CostSoFar
from selbsthelfer.subscribers.core.lines import LineRef

SUGGESTED: Final = ("use.view", "bill.view", "acc.address", "con.view", "net.status", "sim.puk")
"""What people most often come for."""
_WORKER_CACHED_SECONDS: Final = 3_600
_KEPT_PAGES: Final = ("portal/base.html", "portal/offline.html")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show where the line stands, or to a stranger what the portal is for."""
    line, now = line_of(request), now_of(request)
    if line is None:
        return render(request, "portal/start.html", {"offers": public_offers(now)})
    with transaction.atomic():
        cursor = open_cursor()
        try:
            explanation = explain_to_subscriber(cursor, line.subscriber_id, at=now)
        except UnknownLineError:
            raise Http404 from None
        failures = failed_recently(cursor, line.subscriber_id, since=now - FAILED_ACTIVITY_REACH)
        # Whoever takes part already is not asked about the next programme here: the page of rewards does.
        offers = [] if takes_part(explanation) else may_join(cursor, line.subscriber_id, now=now)
    language = language_now()
    context = {
        "page": present_home(explanation, explanation.allowance.usage, _cost_so_far(line, now), language),
        "failures": present_failures(failures, explanation, language),
        "offers": [present_offer(offer.definition, language) for offer in offers],
        "suggestions": [(tell(activity_name(activity)), activity) for activity in SUGGESTED],
    }
    return render(request, "portal/home.html", context)


def _cost_so_far(line: LineRef, now: datetime) -> CostSoFar | None:
    """Ask what the period has cost so far; the page is worth showing without it."""
    try:
        return the_back_end().cost_so_far(line, now=now)
    except BackEndUnavailableError:
        return None


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Say that there is no network; this page is kept on the device."""
    return render(request, "portal/offline.html")


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - what a view is given
    """Give the worker that keeps the offline page; it changes when what it keeps changes."""
    text = find_asset("service-worker.js").content.decode()
    for mark, value in (
        ("DIGEST", _kept_digest()),
        ("OFFLINE_PAGE", reverse("offline")),
        ("STYLESHEET", asset_url("portal.css")),
        ("ICON", asset_url("icon.svg")),
    ):
        text = text.replace(f'"{mark}"', f'"{value}"')
    response = HttpResponse(text, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"max-age={_WORKER_CACHED_SECONDS}"
    return response


@cache
def _kept_digest() -> str:
    """Tell apart what the worker keeps: the page's own words and frame, and the files it needs."""
    templates = files("selbsthelfer.portal").joinpath("templates")
    kept = [find_asset(name).content for name in ("portal.css", "icon.svg")]
    kept += [templates.joinpath(name).read_bytes() for name in _KEPT_PAGES]
    return sha256(b"".join(kept)).hexdigest()[:16]


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Say that there is no such page."""
    title = both("Das gibt es hier nicht", "There is nothing here")
    text = both(
        "Diese Seite kennen wir nicht, oder sie gehört zu einem anderen Anschluss.",
        "We do not know this page, or it belongs to another line.",
    )
    return render(request, "portal/message.html", {"title": title, "text": text}, status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Say that this may not be done."""
    title = both("Das ist hier nicht erlaubt", "This is not allowed here")
    text = both(
        "Melden Sie sich bitte an und versuchen Sie es noch einmal von der Startseite aus.",
        "Please sign in and try again from the start page.",
    )
    return render(request, "portal/message.html", {"title": title, "text": text}, status=403)


def failed(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours, even where the database cannot tell who asks."""
    title = both("Das hat nicht geklappt", "That did not work")
    text = both(
        "Der Fehler liegt bei uns, und es wurde nichts geändert. Bitte versuchen Sie es gleich noch einmal.",
        "The fault is ours, and nothing was changed. Please try again in a moment.",
    )
    context = {"title": title, "text": text}
    try:
        return render(request, "portal/message.html", context, status=500)
    except DatabaseError:
        request.user = AnonymousUser()
        return render(request, "portal/message.html", context, status=500)


urlpatterns = [
    path("", home, name="home"),
    path("offline", offline, name="offline"),
    path("service-worker.js", service_worker, name="service_worker"),
]
