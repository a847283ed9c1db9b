"""Answer the resources of TMF654 and TMF683; each request makes one call."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

from selbsthelfer.api.tmforum.admitting import admit
from selbsthelfer.api.tmforum.answering import (
    answers_as_tmf,
    error_answer,
    list_answer,
    not_allowed,
    one_answer,
    read_document,
)
from selbsthelfer.api.tmforum.resources import Resource
from selbsthelfer.partners.core.asking import Asking, read_asking
from selbsthelfer.partners.filing import Request
from selbsthelfer.partners.operations import alter, ask, delete, find, listen, search, stop_listening

_READS = ("GET", "HEAD")


@answers_as_tmf
def collection(request: HttpRequest, resource: Resource) -> HttpResponse:
    """List the documents of a kind, or ask for something new."""
    kind, now = resource.kind, datetime.now(UTC)
    if request.method in _READS:
        partner = admit(request, resource.read)
        asking = _asking(request, resource)
        return list_answer(request, kind, search(partner, kind, asking, now=now), asking)
    if request.method != "POST":
        admit(request, resource.read)
        return not_allowed(*_READS, "POST")
    partner = admit(request, resource.write)
    asked = Request(partner, kind, read_document(request), request.headers.get("Idempotency-Key"))
    answered = ask(asked, now=now)
    answer = one_answer(request, kind, answered.document, status=201)
    if not answered.is_new:
        answer["Idempotency-Replayed"] = "true"
    return answer


@answers_as_tmf
def single(request: HttpRequest, resource: Resource, id_: str) -> HttpResponse:
    """Show a document, learn more of it, or let go of it."""
    kind, now = resource.kind, datetime.now(UTC)
    if request.method in _READS:
        partner = admit(request, resource.read)
        fields = _asking(request, resource).fields
        return one_answer(request, kind, find(partner, kind, id_, now=now), fields=fields)
    partner = admit(request, resource.write)
    if request.method == "PATCH":
        return one_answer(request, kind, alter(partner, kind, id_, read_document(request), now=now))
    if request.method == "DELETE":
        delete(partner, kind, id_, now=now)
        return HttpResponse(status=204)
    return not_allowed(*_READS, "PATCH", "DELETE")


@answers_as_tmf
def hub(request: HttpRequest, resource: Resource, api: str) -> HttpResponse:
    """Let a partner listen."""
    partner = admit(request, resource.write)
    if request.method != "POST":
        return not_allowed("POST")
    listener = listen(partner, api, read_document(request), now=datetime.now(UTC))
    return one_answer(request, "hub", listener, status=201)


@answers_as_tmf
def listener(request: HttpRequest, resource: Resource, api: str, id_: str) -> HttpResponse:
    """Strike a listener."""
    partner = admit(request, resource.write)
    if request.method != "DELETE":
        return not_allowed("DELETE")
    stop_listening(partner, api, id_, now=datetime.now(UTC))
    return HttpResponse(status=204)


@answers_as_tmf
def unknown(request: HttpRequest, resource: Resource, rest: str = "") -> HttpResponse:  # noqa: ARG001
    """Answer that there is no such resource, to those who may ask at all."""
    admit(request, resource.read)
    return error_answer(404, "not_found", "there is no such resource")


def _asking(request: HttpRequest, resource: Resource) -> Asking:
    members = [(name, value) for name, values in request.GET.lists() for value in values]
    return read_asking(members, resource.attributes)
