"""The addresses of TM Forum's APIs; TMF683 answers under the name of its Swagger file as well."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import URLPattern, URLResolver, include, path

from selbsthelfer.api.tmforum import views
from selbsthelfer.api.tmforum.resources import BALANCE, INTERACTION, Resource


def _addresses(api: str, resources: Sequence[Resource]) -> list[URLPattern | URLResolver]:
    addresses: list[URLPattern | URLResolver] = []
    for resource in resources:
        told = {"resource": resource}
        addresses += [
            path(resource.kind, views.collection, told, name=f"tmf_{resource.kind}_list"),
            path(f"{resource.kind}/<str:id_>", views.single, told, name=f"tmf_{resource.kind}"),
        ]
    rest = {"resource": resources[0]}
    listening = {**rest, "api": api}
    addresses += [
        path("hub", views.hub, listening, name=f"tmf_hub_{api}_list"),
        path("hub/<str:id_>", views.listener, listening, name=f"tmf_hub_{api}"),
    ]
    return [*addresses, path("<path:rest>", views.unknown, rest), path("", views.unknown, rest)]


urlpatterns = [
    path("tmf-api/prepayBalanceManagement/v4/", include(_addresses("TMF654", BALANCE))),
    path("tmf-api/partyInteractionManagement/v4/", include(_addresses("TMF683", INTERACTION))),
    path("tmf-api/partyInteraction/v4/", include(_addresses("TMF683", INTERACTION))),
]
