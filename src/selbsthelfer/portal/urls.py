"""The addresses of the portal."""

from __future__ import annotations

from django.urls import path

from selbsthelfer.portal import views

urlpatterns = [
    path("", views.start, name="start"),
    path("lines/<path:subject>", views.line, name="line"),
    path("assets/portal.<slug:digest>.css", views.stylesheet, name="stylesheet"),
]
