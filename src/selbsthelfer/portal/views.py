"""The pages. Each makes one call and lays out what it gives."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.guarding import CONTENT_SECURITY_POLICY, language_of, on_this_machine
from selbsthelfer.portal.presenting import present
from selbsthelfer.portal.wording import LANGUAGE_NAMES, texts
from selbsthelfer.programmes.explaining import UnknownLineError, explain_to_subscriber
from selbsthelfer.subscribers.core.lines import subscriber_id_of

MAX_ID_CHARACTERS: Final = 200
"""The longest id that a line can have."""
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@require_safe
@on_this_machine
def start(request: HttpRequest) -> HttpResponse:
    """Show what this is about and ask for a line; an id that was entered leads to its page."""
    subject = request.GET.get("line")
    if subject is None:
        return _page(request, "portal/start.html")
    subject = subject.strip()
    if not 0 < len(subject) <= MAX_ID_CHARACTERS:
        return _page(request, "portal/start.html", {"is_refused": True}, status=400)
    asked = request.GET.get("language")
    query = f"?{urlencode({'language': asked})}" if asked else ""
    return HttpResponseRedirect(reverse("line", args=[subject]) + query)


@require_safe
@on_this_machine
def line(request: HttpRequest, subject: str) -> HttpResponse:
    """Show where one line stands."""
    try:
        with transaction.atomic():
            explanation = explain_to_subscriber(
                open_cursor(), subscriber_id_of(subject), at=datetime.now(UTC)
            )
    except UnknownLineError:
        raise Http404 from None
    return _page(request, "portal/line.html", {"page": present(explanation, language_of(request))})


@require_safe
def stylesheet(request: HttpRequest, digest: str) -> HttpResponse:  # noqa: ARG001 - what a view is given
    """Serve the stylesheet; its address changes with its content, so that it may be kept for ever."""
    known, content = _stylesheet()
    if digest != known:
        raise Http404
    response = HttpResponse(content, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = _FOR_EVER
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _page(request, "portal/message.html", {"message": "not_found"}, status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _page(request, "portal/message.html", {"message": "forbidden"}, status=403)


def failed(request: HttpRequest) -> HttpResponse:
    return _page(request, "portal/message.html", {"message": "failed"}, status=500)


@cache
def _stylesheet() -> tuple[str, bytes]:
    content = files(__package__).joinpath("assets/portal.css").read_bytes()
    return sha256(content).hexdigest()[:16], content


def _page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page in the reader's language, under the content security policy; nobody may store it."""
    language = language_of(request)
    words = texts(language)
    context = {**(context or {}), "words": words, "language": language.value}
    if "message" in context:
        context |= {"title": words[context["message"]], "text": words[f"{context['message']}_text"]}
    context |= {
        "languages": [{"code": code.value, "name": name} for code, name in LANGUAGE_NAMES],
        "asked_language": language.value if "language" in request.GET else "",
        "stylesheet": reverse("stylesheet", args=[_stylesheet()[0]]),
    }
    response = HttpResponse(render_to_string(template, context), status=status)
    response["Content-Language"] = language.value
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Cache-Control"] = "no-store"
    return response
