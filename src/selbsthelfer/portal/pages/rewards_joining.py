"""Join a programme: the key facts first, then one button."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from selbsthelfer.identity.limits import TooOftenError, count_try
from selbsthelfer.intake import joining
from selbsthelfer.intake.joining import (
    InvitationNeededError,
    InvitationUnknownError,
    InvitationUsedError,
    JoinRefusedError,
    Standing,
    UnknownLineError,
    UnknownProgrammeError,
    standing_of,
)
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, language_now, tell
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.presenting_offers import present_offer
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.programmes.core.invitation_codes import MAX_TYPED
from selbsthelfer.programmes.core.wording_joining import OBSTACLES, REFUSALS, JoinRefusal
from selbsthelfer.subscribers.core.lines import LineRef

_OF_THE_CODE: Final = (InvitationNeededError, InvitationUnknownError, InvitationUsedError)
_TOO_OFTEN: Final = Words(
    "Das waren zu viele Versuche. Bitte probieren Sie es in einer Stunde wieder, oder schreiben Sie uns.",
    "That was tried too often. Please try again in an hour, or write to us.",
)


class CodeForm(forms.Form):
    """The code of an invitation; a line on the list needs none."""

    code = forms.CharField(
        label=both("Einladungscode", "Invitation code"),
        help_text=both("Acht Zeichen, zum Beispiel 7K3M-9XQ2.", "Eight characters, such as 7K3M-9XQ2."),
        max_length=MAX_TYPED,
        error_messages={
            "required": both(
                "Bitte geben Sie den Code aus Ihrer Einladung ein.",
                "Please enter the code of your invitation.",
            ),
            "max_length": both("So lang ist kein Code.", "No code is that long."),
        },
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "class": "short"}
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
def join(request: HttpRequest, programme: str) -> HttpResponse:
    """Show what joining means, and join."""
    line, now = own_line(request), now_of(request)
    try:
        with transaction.atomic():
            standing = standing_of(open_cursor(), line.subscriber_id, programme, now=now)
        if request.method == "POST":
            return _joined(request, line, programme, standing, now)
    except (UnknownProgrammeError, UnknownLineError):
        raise Http404 from None
    if standing.enrolled_at is not None and standing.stopped_at is None:
        return HttpResponseRedirect(reverse("rewards"))
    return _page(request, programme, standing, CodeForm())


def _joined(
    request: HttpRequest, line: LineRef, programme: str, standing: Standing, now: datetime
) -> HttpResponse:
    """Join, or show why not."""
    needs_code = standing.offer is not None and standing.offer.needs_code
    form = CodeForm(request.POST if needs_code else None)
    code = None
    if needs_code:
        if not form.is_valid():
            return _page(request, programme, standing, form, status=422)
        try:
            count_try(request, "invitation_code", key=str(line.subscriber_id))
        except TooOftenError:
            form.add_error("code", tell(_TOO_OFTEN))
            return _page(request, programme, standing, form, status=429)
        code = form.cleaned_data["code"]
    try:
        joining.join(line.subject, programme, code=code, now=now)
    except _OF_THE_CODE as error:
        if not form.is_bound:
            form = CodeForm(request.POST)
        form.add_error("code", tell(error.words))
        return _page(request, programme, standing, form, status=422)
    except JoinRefusedError as error:
        return _page(request, programme, standing, CodeForm(), refusal=error.words, status=422)
    return HttpResponseRedirect(f"{reverse('rewards')}?{urlencode({'joined': programme})}")


def _page(
    request: HttpRequest,
    programme: str,
    standing: Standing,
    form: CodeForm,
    *,
    refusal: Words | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the key facts with the button, or why there is none."""
    if standing.stopped_at is not None:
        refusal = REFUSALS[JoinRefusal.WITHDRAWN]
    elif standing.obstacle is not None:
        refusal = OBSTACLES[standing.obstacle]
    offer = standing.offer
    context = {
        "programme": programme,
        "offer": None if offer is None else present_offer(offer.definition, language_now()),
        "needs_code": offer is not None and offer.needs_code,
        "form": form,
        "refusal": "" if refusal is None else tell(refusal),
    }
    return render(request, "portal/rewards/join.html", context, status=status)
