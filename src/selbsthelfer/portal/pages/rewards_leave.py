"""Leave a programme: what is kept and what ends first, then one button."""

from __future__ import annotations

from uuid import UUID, uuid4

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from selbsthelfer.intake import joining
from selbsthelfer.intake.joining import NotEnrolledError, UnknownLineError, UnknownProgrammeError
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import language_now
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.presenting_leaving import present_leaving
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment
from selbsthelfer.programmes.explaining import enrolments_to_subscriber


class LeaveForm(forms.Form):
    """The wish to leave, under a key of its own, so that sending it twice is leaving once."""

    key = forms.UUIDField(widget=forms.HiddenInput)


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
def leave(request: HttpRequest, programme: str) -> HttpResponse:
    """Show what leaving means, and leave."""
    line, now = own_line(request), now_of(request)
    if request.method == "POST":
        form = LeaveForm(request.POST)
        key: UUID = form.cleaned_data["key"] if form.is_valid() else uuid4()
        try:
            joining.leave(line.subject, programme, key=str(key), now=now)
        except (NotEnrolledError, UnknownLineError, UnknownProgrammeError):
            raise Http404 from None
        return HttpResponseRedirect(f"{reverse('rewards')}?{urlencode({'left': programme})}")
    try:
        with transaction.atomic():
            explanation = enrolments_to_subscriber(open_cursor(), line.subscriber_id, at=now)
    except UnknownLineError:
        raise Http404 from None
    enrolment = _running(explanation.enrolments, programme)
    context = {
        "page": present_leaving(enrolment, explanation.timezone, language_now()),
        "form": LeaveForm(initial={"key": uuid4()}),
    }
    return render(request, "portal/rewards/leave.html", context)


def _running(enrolments: tuple[ToldEnrolment, ...], programme: str) -> ToldEnrolment:
    """Find the enrolment that can be left; raises `Http404`."""
    for enrolment in enrolments:
        if enrolment.programme == programme and enrolment.stopped_at is None and not enrolment.is_closed:
            return enrolment
    raise Http404
