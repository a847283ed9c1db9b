"""What the programme has brought and will bring: stages, contacts with reasons, and the ledger of credits."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from selbsthelfer.conversations.queries import disputes_of_line
from selbsthelfer.intake.joining import may_join
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import language_now
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.pages import rewards_dispute, rewards_leave
from selbsthelfer.portal.presenting import present
from selbsthelfer.portal.presenting_credits import present_credit
from selbsthelfer.portal.presenting_offers import present_offer
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.programmes.explaining import UnknownLineError, enrolments_to_subscriber
from selbsthelfer.programmes.queries import GrantKey, grants_of_line, ledger_key

MAX_CREDITS: Final = 25
"""Grants on one page of the ledger."""
_KEY_SIGN: Final = "~"


@require_safe
@needs_level(1)
def rewards(request: HttpRequest) -> HttpResponse:
    """Show where the line stands in each programme, what counted and why, and what it may join."""
    line, now, language = own_line(request), now_of(request), language_now()
    with transaction.atomic():
        cursor = open_cursor()
        try:
            explanation = enrolments_to_subscriber(cursor, line.subscriber_id, at=now)
            disputes = disputes_of_line(cursor, line.subscriber_id)
            offers = may_join(cursor, line.subscriber_id, now=now)
        except UnknownLineError:
            raise Http404 from None
    return render(
        request,
        "portal/rewards/rewards.html",
        {
            "page": present(explanation, language, disputes),
            "offers": [present_offer(offer.definition, language) for offer in offers],
            "joined": request.GET.get("joined", ""),
            "left": request.GET.get("left", ""),
        },
    )


@require_safe
@needs_level(1)
def credits_(request: HttpRequest) -> HttpResponse:
    """Show every grant of the line, a page at a time."""
    line, now, language = own_line(request), now_of(request), language_now()
    before = _read_key(request.GET.get("before"))
    with transaction.atomic():
        cursor = open_cursor()
        try:
            explanation = enrolments_to_subscriber(cursor, line.subscriber_id, at=now)
        except UnknownLineError:
            raise Http404 from None
        entries = grants_of_line(cursor, line.subscriber_id, at=now, limit=MAX_CREDITS + 1, before=before)
    titles = {enrolment.programme: enrolment.title for enrolment in explanation.enrolments}
    shown = entries[:MAX_CREDITS]
    older = ""
    if len(entries) > MAX_CREDITS:
        older = f"{reverse('credits')}?{urlencode({'before': _write_key(ledger_key(shown[-1]))})}"
    return render(
        request,
        "portal/rewards/credits.html",
        {
            "credits": [present_credit(entry, titles, explanation.timezone, language) for entry in shown],
            "older": older,
            "is_first": before is None,
        },
    )


def _write_key(key: GrantKey) -> str:
    return _KEY_SIGN.join([key.granted_at.isoformat(), str(key.index), key.programme])


def _read_key(text: str | None) -> GrantKey | None:
    """Read where a page of the ledger begins; raises `Http404` for what we did not write."""
    if not text:
        return None
    try:
        granted_at, index, programme = text.split(_KEY_SIGN, 2)
        key = GrantKey(datetime.fromisoformat(granted_at), programme, int(index))
    except ValueError:
        raise Http404 from None
    if key.granted_at.tzinfo is None or not 0 <= key.index <= 1_000 or "\x00" in programme:
        raise Http404
    return key


urlpatterns = [
    path("rewards", rewards, name="rewards"),
    path("rewards/credits", credits_, name="credits"),
    path("rewards/leave/<str:programme>", rewards_leave.leave, name="leave"),
    path("rewards/dispute", rewards_dispute.dispute, name="dispute"),
]
