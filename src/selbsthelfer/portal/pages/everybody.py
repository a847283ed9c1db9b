"""Pages for everybody: what programmes there are, who we are, how accessible we are, how we look."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from selbsthelfer.portal.pages import programmes
from selbsthelfer.portal.pages.everybody_design import design
from selbsthelfer.portal.rendering import render


@require_safe
def imprint(request: HttpRequest) -> HttpResponse:
    """Say who is responsible: as the operator has set it; in the demo a made-up company."""
    lines = [line.strip() for line in getattr(settings, "IMPRINT", "").splitlines()]
    context = {"lines": lines if any(lines) else [], "is_made_up": settings.DEMO}
    return render(request, "portal/everybody/imprint.html", context)


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """State how accessible the portal is, what is missing, and whom to tell."""
    return render(request, "portal/everybody/accessibility.html")


urlpatterns = [
    *programmes.urlpatterns,
    path("imprint", imprint, name="imprint"),
    path("accessibility", accessibility, name="accessibility"),
    path("design", design, name="design"),
]
