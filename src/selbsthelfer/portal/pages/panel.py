"""The panel that an app of the operator's embeds: one line, by a signed link that holds for some minutes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path
from django.views.decorators.http import require_safe

from selbsthelfer.identity.core.line_tokens import BrokenTokenError, PanelLink
from selbsthelfer.identity.line_tokens import maker_of, read_panel_link
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language
from selbsthelfer.portal.clock import now_for
from selbsthelfer.portal.languages import language_now
from selbsthelfer.portal.presenting_panel import MAX_PANEL_RECEIPTS, PanelPage, present_panel
from selbsthelfer.programmes.explaining import UnknownLineError, explain_to_subscriber
from selbsthelfer.selfservice.queries import receipts_of_line
from selbsthelfer.subscribers.core.lines import LineRef

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors "
)
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


class PanelResponse(HttpResponse):
    """A page that keeps nothing in the browser, whatever a middleware would like to keep there."""

    def set_cookie(self, *args: Any, **kwargs: Any) -> None:
        """Set no cookie."""


@require_safe
def panel(request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG001 - all that counts is in the link
    """Show where a line stands to whoever holds a link to it; others read how to come by one."""
    now = datetime.now(UTC)
    try:
        link = read_panel_link(token)
    except BrokenTokenError:
        return _nothing(status=404)
    if not link.holds(now) or maker_of(link) is None:
        return _nothing(link, status=410)
    try:
        page = _page(link)
    except UnknownLineError:
        return _nothing(link, status=404)
    return _render("panel.html", link.language, link, {"page": page})


def _page(link: PanelLink) -> PanelPage:
    """Gather what the panel shows; raises `UnknownLineError` where the line was forgotten since."""
    # Only our id of the line is needed, and only it stands in an address.
    now = now_for(LineRef(link.line, ""))
    with transaction.atomic():
        cursor = open_cursor()
        explanation = explain_to_subscriber(cursor, link.line, at=now)
        receipts = receipts_of_line(cursor, link.line, limit=MAX_PANEL_RECEIPTS)
    return present_panel(explanation, receipts, link.language)


def _nothing(link: PanelLink | None = None, *, status: int) -> HttpResponse:
    """Say how to open the panel anew, and nothing of any line."""
    language = language_now() if link is None else link.language
    return _render("closed.html", language, link, {"is_over": status == 410}, status=status)


def _render(
    template: str,
    language: Language,
    link: PanelLink | None,
    context: Mapping[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """Render without the request: neither cookie nor session has a say in what is shown."""
    frame = {
        "language": language.value,
        "appearance": "system" if link is None else link.appearance,
        "return_url": "" if link is None else link.return_url,
        "brand": settings.BRAND,
        "is_demo": settings.DEMO,
    }
    content = render_to_string(f"portal/panel/{template}", {**frame, **context})
    response = PanelResponse(content, status=status, headers=dict(_HEADERS))
    ancestors = " ".join(settings.PANEL_FRAME_ANCESTORS)
    response["Content-Security-Policy"] = _POLICY + (ancestors or "'none'")
    response["Content-Language"] = language.value
    # The older header knows no list of origins; where frames are allowed, the policy alone speaks.
    response.xframe_options_exempt = bool(ancestors)
    return response


urlpatterns = [path("panel/<str:token>", panel, name="panel")]
