"""What a programme is, for everybody: key facts, the terms as of any day, and how to join."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from selbsthelfer.intake.joining import Standing, UnknownLineError, UnknownProgrammeError, standing_of
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.wording import DEFAULT_ZONE
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, language_now, tell
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages import rewards_joining
from selbsthelfer.portal.presenting_offers import (
    OfferBlock,
    present_offer,
    present_terms,
    present_versions,
)
from selbsthelfer.portal.rendering import render
from selbsthelfer.programmes.core.definition import Join
from selbsthelfer.programmes.core.versions import PublishedVersion
from selbsthelfer.programmes.core.wording_joining import OBSTACLES
from selbsthelfer.programmes.queries import open_programmes, versions_of
from selbsthelfer.subscribers.core.billing import first_instant

MAX_LISTED: Final = 20
"""Versions listed on a page, the newest first; the terms of older ones are found by their day."""
_FIRST_DAY: Final = date(2000, 1, 1)
_LAST_DAY: Final = date(2999, 12, 31)


class DayForm(forms.Form):
    """The day whose terms are asked for."""

    on = forms.DateField(
        required=False,
        label=both("Bedingungen vom", "Terms as of"),
        input_formats=["%Y-%m-%d", "%d.%m.%Y"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "short"}),
        error_messages={
            "invalid": both(
                "Bitte geben Sie einen Tag ein, zum Beispiel 2026-05-01.",
                "Please enter a day, such as 2026-05-01.",
            )
        },
    )

    def clean_on(self) -> date | None:
        """Refuse days so far away that no calendar reaches them."""
        on: date | None = self.cleaned_data["on"]
        if on is not None and not _FIRST_DAY <= on <= _LAST_DAY:
            raise forms.ValidationError(self.fields["on"].error_messages["invalid"])
        return on


def public_offers(now: datetime) -> list[OfferBlock]:
    """List what anybody may join now without an invitation, for a page that greets strangers."""
    with transaction.atomic():
        versions = open_programmes(open_cursor(), at=now)
    return [
        present_offer(version.definition, language_now())
        for version in versions
        if version.definition.join is Join.OPEN
    ]


@require_safe
def programme(request: HttpRequest, programme: str) -> HttpResponse:
    """Show a programme with its terms in force, or with those of a day or a version that is asked for.

    For a line in `control` it does not exist.
    """
    line, language = line_of(request), language_now()
    now = now_of(request)
    standing: Standing | None = None
    with transaction.atomic():
        cursor = open_cursor()
        # No name holds a zero byte, and the database takes none.
        found = [] if "\0" in programme else versions_of(cursor, programme)
        versions = [v for v in found if v.published_at <= now]
        if not versions:
            raise Http404
        if line is not None:
            try:
                standing = standing_of(cursor, line.subscriber_id, programme, now=now)
            except (UnknownLineError, UnknownProgrammeError):
                raise Http404 from None
    form = DayForm(request.GET if "on" in request.GET else None)
    is_sound = not form.is_bound or form.is_valid()
    on = form.cleaned_data["on"] if form.is_bound and is_sound else None
    shown = _choose(versions, on, request.GET.get("version"))
    context = {
        "form": form,
        "offer": present_offer(versions[0].definition, language),
        "terms": None if shown is None else present_terms(shown, DEFAULT_ZONE, language),
        "is_in_force": shown is versions[0],
        "versions": present_versions(versions[:MAX_LISTED], shown, DEFAULT_ZONE, language),
        "is_open": versions[0].is_open(now),
        "is_by_invitation": versions[0].definition.join is Join.INVITATION,
        **_told(standing),
    }
    return render(request, "portal/programme/programme.html", context, status=200 if is_sound else 422)


def _told(standing: Standing | None) -> dict[str, Any]:
    """Tell a page how the line of whoever is signed in stands to the programme."""
    if standing is None:
        return {"takes_part": False, "took_part": False, "obstacle": ""}
    return {
        "takes_part": standing.enrolled_at is not None and standing.stopped_at is None,
        "took_part": standing.stopped_at is not None,
        "obstacle": "" if standing.obstacle is None else tell(OBSTACLES[standing.obstacle]),
    }


def _choose(
    versions: Sequence[PublishedVersion], on: date | None, number: str | None
) -> PublishedVersion | None:
    """Choose the version asked for, else the newest; none if there was no programme on that day.

    Raises `Http404` for a version that does not exist.
    """
    if on is not None:
        ends_at = first_instant(DEFAULT_ZONE, on + timedelta(days=1))
        return next((v for v in versions if v.published_at < ends_at), None)
    if not number:
        return versions[0]
    asked = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0
    found = next((v for v in versions if v.version == asked), None)
    if found is None:
        raise Http404
    return found


urlpatterns = [
    path("programmes/<str:programme>", programme, name="programme"),
    path("programmes/<str:programme>/join", rewards_joining.join, name="join"),
]
