"""Every address that the project answers."""

from __future__ import annotations

from django.urls import include, path

from selbsthelfer.api import operation

handler403 = "selbsthelfer.portal.pages.home.forbidden"
handler404 = "selbsthelfer.portal.pages.home.not_found"
handler429 = "selbsthelfer.portal.signing_in_views.too_often"
handler500 = "selbsthelfer.portal.pages.home.failed"

urlpatterns = [
    path("health", operation.health, name="health"),
    path("ready", operation.ready, name="ready"),
    path("metrics", operation.metrics, name="metrics"),
    path("", include("selbsthelfer.api.urls")),
    path("", include("selbsthelfer.portal.account_urls")),
    path("", include("selbsthelfer.portal.urls")),
]
