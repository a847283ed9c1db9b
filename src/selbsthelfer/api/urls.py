"""The addresses of the API."""

from __future__ import annotations

from django.urls import include, path

from selbsthelfer.api import reference
from selbsthelfer.api.application import api

urlpatterns = [
    path("api/v1/openapi.json", reference.openapi, name="api_openapi"),
    path("api/v1/reference", reference.reference, name="api_reference"),
    path("api/v1/reference.css", reference.style, name="api_reference_style"),
    path("api/v1/", api.urls),
    path("", include("selbsthelfer.api.tmforum.urls")),
]
