"""What every page is wrapped in: its frame, what the browser may load, and that nobody stores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from selbsthelfer.kit.wording import Language
from selbsthelfer.portal.assets import asset_url
from selbsthelfer.portal.languages import language_now

LANGUAGE_NAMES: Final = ((Language.GERMAN, "Deutsch"), (Language.ENGLISH, "English"))
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def content_security_policy() -> str:
    """Say what a page may load and where forms may go: here, and to the operator's sign-in if it has one."""
    issuer = urlsplit(settings.OIDC_ISSUER or "")
    return f"{_POLICY} {issuer.scheme}://{issuer.netloc}" if issuer.netloc else _POLICY


class PageMiddleware:
    """Put on every answer what protects it; a page is for whom it was made, so nobody may store it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = content_security_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", self.policy)
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Cache-Control", "no-store")
        return response


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Give what the frame of every page needs."""
    language = language_now()
    user = getattr(request, "user", None)
    return {
        "language": language.value,
        "languages": [{"code": code.value, "name": name} for code, name in LANGUAGE_NAMES],
        "is_signed_in": bool(user is not None and user.is_authenticated),
        "appearance": getattr(user, "appearance", "") or "system",
        "is_demo": settings.DEMO,
        "brand": settings.BRAND,
        "here": request.path,
    }


def render(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page in the reader's language."""
    return HttpResponse(render_to_string(template, dict(context or {}), request), status=status)


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - what a view is given
    """Describe the portal to a phone that installs it."""
    return JsonResponse(
        {
            "name": settings.BRAND,
            "short_name": settings.BRAND,
            "lang": language_now().value,
            "start_url": reverse("home"),
            "scope": "/",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#0a5a82",
            "icons": [
                {"src": asset_url("icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
            ],
        },
        content_type="application/manifest+json",
    )
