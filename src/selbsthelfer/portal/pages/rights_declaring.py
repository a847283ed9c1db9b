"""Cancel and withdraw without signing in; the confirmation is there at once, to read and to keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from django import forms
from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.conversations.core.cases import Case, CaseKind
from selbsthelfer.conversations.core.declarations import (
    CancellationDetails,
    ConfirmBy,
    Details,
    WithdrawalDetails,
    declared,
    details_from,
    to_members,
)
from selbsthelfer.conversations.operations import open_case
from selbsthelfer.conversations.queries import case_by_number
from selbsthelfer.identity.limits import TooOftenError, count_try
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words, moment
from selbsthelfer.outbox.core.wording import DEFAULT_ZONE
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, language_now, tell
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages.rights_forms import CancelForm, WithdrawForm
from selbsthelfer.portal.rendering import render
from selbsthelfer.selfservice.keeping import LineEndedError, LineUnknownError
from selbsthelfer.selfservice.operations import report_done
from selbsthelfer.subscribers.core.lines import LineRef

CONFIRMATION_SHOWN: Final = timedelta(hours=1)
"""How long the browser in which something was declared shows its confirmation."""
RATES: Final = {"confirmation_to": "5/h/key,10/d/key", "confirmation_from_address": "60/10m/ip,300/d/ip"}
"""How often strangers have a confirmation sent, by where it goes and by their address of the network (`ip`).

Anybody may declare anything without signing in, so without a limit our mails could say what they like to
whomever they like. A declaration itself is never refused: its confirmation can come by post.
"""
_DECLARED: Final = "declared"
_TOO_OFTEN: Final = both(
    "Von hier oder an diese Adresse gingen gerade sehr viele Bestätigungen. Bitte wählen Sie die Bestätigung"
    " per Post; dann geht es sofort weiter.",
    "Very many confirmations were sent from here or to this address just now. Please choose confirmation by"
    " post; then you can go on at once.",
)
_ACTIVITIES: Final = {CaseKind.CANCELLATION: "con.cancel", CaseKind.WITHDRAWAL: "con.withdraw"}
_TITLES: Final = {
    CaseKind.CANCELLATION: Words("Ihre Kündigung ist eingegangen", "Your cancellation has arrived"),
    CaseKind.WITHDRAWAL: Words("Ihr Widerruf ist eingegangen", "Your withdrawal has arrived"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest) -> HttpResponse:
    """Take a cancellation, without sign-in; its confirmation comes at once (§ 312k BGB)."""
    return _declare(request, CancelForm, CaseKind.CANCELLATION)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest) -> HttpResponse:
    """Take a withdrawal, without sign-in; its confirmation comes at once (§ 356a BGB)."""
    return _declare(request, WithdrawForm, CaseKind.WITHDRAWAL)


def _declare(
    request: HttpRequest, form_class: type[CancelForm | WithdrawForm], kind: CaseKind
) -> HttpResponse:
    form = form_class(request.POST if request.method == "POST" else None)
    details = form.declared() if form.is_bound and form.is_valid() else None
    if details is None:
        context = {"form": form, "kind": kind.value}
        return render(request, "portal/rights/declare.html", context, status=422 if form.is_bound else 200)
    line, now = line_of(request), now_of(request)
    if line is None and not _may_be_sent(request, form, details):
        return render(request, "portal/rights/declare.html", {"form": form, "kind": kind.value}, status=429)
    key = _key_of(form.cleaned_data["key"], details)
    with transaction.atomic():
        case = open_case(
            kind=kind,
            text="",
            key=key,
            line=line.subscriber_id if line else None,
            name=details.name,
            details=details,
            language=language_now(),
            now=now,
        )
        if line is not None:
            _report(line, kind, key, now)
    request.session[_DECLARED] = case.number
    return HttpResponseRedirect(reverse("declared"))


def _may_be_sent(
    request: HttpRequest, form: forms.Form, details: CancellationDetails | WithdrawalDetails
) -> bool:
    """Count a confirmation by e-mail; where there were too many, the form says what can be done instead."""
    if details.confirm_by is ConfirmBy.POST:
        return True
    try:
        count_try(request, "confirmation_from_address", rates=RATES)
        count_try(request, "confirmation_to", key=details.confirm_to.strip().lower(), rates=RATES)
    except TooOftenError:
        form.add_error("confirm_by", _TOO_OFTEN)
        return False
    return True


def _key_of(key: UUID, details: Details) -> UUID:
    """Make one case of a form sent twice, and another of the same form with something altered."""
    return uuid5(key, json.dumps(to_members(details), sort_keys=True))


def _report(line: LineRef, kind: CaseKind, key: UUID, now: datetime) -> None:
    """Report the activity; a declaration stands also where the line takes no activities any more."""
    with suppress(LineEndedError, LineUnknownError):
        report_done(line, _ACTIVITIES[kind], key=str(key), now=now)


@require_safe
def declared_receipt(request: HttpRequest) -> HttpResponse:
    """Show the confirmation of a declaration to the browser in which it was made, and to no other."""
    case, details = _case_declared_here(request)
    context = {
        "case": case,
        "title": tell(_TITLES[case.kind]),
        "at": tell(moment(case.opened_at, DEFAULT_ZONE)),
        "fields": _fields(details),
        "is_by_post": details.confirm_by is ConfirmBy.POST,
    }
    return render(request, "portal/rights/declared.html", context)


@require_safe
def declared_text(request: HttpRequest) -> HttpResponse:
    """Give the confirmation as a text to keep: a durable medium (§ 312k (4) BGB)."""
    case, details = _case_declared_here(request)
    received = moment(case.opened_at, DEFAULT_ZONE)
    text = [
        f"{settings.BRAND}: {tell(_TITLES[case.kind])}",
        "",
        tell(Words(f"Nummer: {case.number}", f"Number: {case.number}")),
        tell(Words(f"Eingegangen am {received.de}", f"Received on {received.en}")),
        "",
        *(f"{name}: {value}" for name, value in _fields(details)),
    ]
    response = HttpResponse("\r\n".join(text) + "\r\n", content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{case.number}.txt"'
    return response


def _case_declared_here(request: HttpRequest) -> tuple[Case, CancellationDetails | WithdrawalDetails]:
    """Find what this browser declared within the last hour; raises `Http404`."""
    number = str(request.session.get(_DECLARED, ""))
    with transaction.atomic():
        case = case_by_number(open_cursor(), number)
    if case is None or now_of(request) - case.opened_at > CONFIRMATION_SHOWN:
        raise Http404
    details = details_from(case.kind, case.details)
    if not isinstance(details, CancellationDetails | WithdrawalDetails):
        raise Http404
    return case, details


def _fields(details: CancellationDetails | WithdrawalDetails) -> Sequence[tuple[str, str]]:
    return [(tell(name), tell(value)) for name, value in declared(details)]


urlpatterns = [
    path("cancel", cancel, name="cancel"),
    path("withdraw", withdraw, name="withdraw"),
    path("declared", declared_receipt, name="declared"),
    path("declared.txt", declared_text, name="declared_text"),
]
