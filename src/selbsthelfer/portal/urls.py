"""The addresses of the portal, area by area."""

from __future__ import annotations

from django.urls import path

from selbsthelfer.portal import assets, rendering
from selbsthelfer.portal.pages import (
    account,
    contacting,
    demonstration,
    everybody,
    helping,
    home,
    network,
    panel,
    reading,
    receipts,
    rewards,
    rights,
    tasks,
    writing,
)

urlpatterns = [
    path("assets/<slug:digest>/<str:name>", assets.serve, name="asset"),
    path("manifest.webmanifest", rendering.manifest, name="manifest"),
    *home.urlpatterns,
    *account.urlpatterns,
    *everybody.urlpatterns,
    *rewards.urlpatterns,
    *reading.urlpatterns,
    *network.urlpatterns,
    *helping.urlpatterns,
    *contacting.urlpatterns,
    *tasks.urlpatterns,
    *receipts.urlpatterns,
    *panel.urlpatterns,
    *writing.urlpatterns,
    *rights.urlpatterns,
    *demonstration.urlpatterns,
]
