"""Every address that the project answers."""

from __future__ import annotations

from django.urls import include, path

handler403 = "selbsthelfer.portal.pages.home.forbidden"
handler404 = "selbsthelfer.portal.pages.home.not_found"
handler429 = "selbsthelfer.portal.signing_in_views.too_often"
handler500 = "selbsthelfer.portal.pages.home.failed"

urlpatterns = [
    path("", include("selbsthelfer.api.urls")),
    path("", include("selbsthelfer.portal.account_urls")),
    path("", include("selbsthelfer.portal.urls")),
]
