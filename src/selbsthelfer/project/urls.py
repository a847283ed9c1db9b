"""Every address that the project answers."""

from __future__ import annotations

from django.urls import include, path

handler403 = "selbsthelfer.portal.views.forbidden"
handler404 = "selbsthelfer.portal.views.not_found"
handler500 = "selbsthelfer.portal.views.failed"

urlpatterns = [
    path("", include("selbsthelfer.portal.urls")),
]
