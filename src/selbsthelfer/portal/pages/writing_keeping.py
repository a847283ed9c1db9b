"""What happens to everything that is written: it becomes a case with a number, once, and is reported."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from selbsthelfer.conversations.core.cases import Case, CaseRefusedError
from selbsthelfer.conversations.core.declarations import Details
from selbsthelfer.conversations.operations import (
    KeyTakenError,
    TooManyMessagesError,
    TooManyOpenError,
    open_case,
)
from selbsthelfer.identity.limits import TooOftenError, count_try
from selbsthelfer.identity.models import User
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, language_now
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages.writing_forms import WrittenForm
from selbsthelfer.portal.signing_in import real_now
from selbsthelfer.selfservice.operations import report_done

RATES: Final = {
    "written_from_address": "30/h/ip,200/d/ip",
    "faults_from_address": "60/10m/ip",
}
"""Number and time for strangers, per address of the network (`ip`), by what is limited."""
RECEIPT_SHOWN: Final = timedelta(hours=1)
"""How long whoever wrote without signing in can see the receipt again in the same browser."""
WRITTEN: Final = "written"
"""Where a browser's last case is remembered."""

_PROBLEMS: Final = {
    "text_missing": both("Bitte schreiben Sie, worum es geht.", "Please write what it is about."),
    "text_too_long": both("Das ist zu lang.", "This is too long."),
    "name_too_long": both("Das ist zu lang.", "This is too long."),
    "address_unusable": both(
        "An diese Adresse können wir nicht schreiben. Bitte prüfen Sie sie.",
        "We cannot write to this address. Please check it.",
    ),
    TooManyOpenError.code: both(
        "Sie haben schon sehr viele offene Vorgänge. Schreiben Sie bitte in einen davon.",
        "You have very many open cases already. Please write into one of them.",
    ),
    TooManyMessagesError.code: both(
        "Dieser Vorgang ist sehr lang geworden. Bitte beginnen Sie einen neuen.",
        "This case has become very long. Please begin a new one.",
    ),
    KeyTakenError.code: both(
        "Diese Seite war nicht mehr frisch. Bitte laden Sie sie neu.",
        "This page was no longer fresh. Please reload it.",
    ),
    TooOftenError.code: both(
        "Von hier kamen gerade sehr viele Nachrichten. Bitte versuchen Sie es in einer Stunde wieder, oder"
        " melden Sie sich an.",
        "Very many messages came from here just now. Please try again in an hour, or sign in.",
    ),
}
_FIELDS: Final = {"text": "text", "name": "name", "to": "email"}


def count_stranger(request: HttpRequest, action: str) -> None:
    """Count what somebody does without signing in; raises `TooOftenError`."""
    if line_of(request) is not None:
        return
    count_try(request, action, rates=RATES)


def keep_written(
    request: HttpRequest, form: WrittenForm, *, activity: str, details: Details | None = None
) -> HttpResponse | None:
    """Keep what a valid form says and lead to its receipt; none where the form then says why not."""
    line, key = line_of(request), form.cleaned_data["key"]
    receipt = ""
    try:
        count_stranger(request, "written_from_address")
        with transaction.atomic():
            case = open_case(
                kind=form.kind,
                text=form.written,
                key=key,
                now=real_now(),
                line=None if line is None else line.subscriber_id,
                to=form.to or own_email(request),
                name=form.name,
                topic=form.topic,
                language=language_now(),
                details=details,
            )
            if line is not None:
                receipt = report_done(line, activity, key=str(key), now=now_of(request)).receipt
    except (CaseRefusedError, KeyTakenError, TooOftenError) as error:
        refuse(form, error)
        return None
    return _lead_to(request, case, receipt)


def own_email(request: HttpRequest) -> str | None:
    """Tell the e-mail address of whoever is signed in, if they gave one."""
    return (request.user.email or None) if isinstance(request.user, User) else None


def refuse(form: WrittenForm, error: CaseRefusedError | KeyTakenError | TooOftenError) -> None:
    """Say in a form why what it says cannot be kept."""
    field = _FIELDS.get(getattr(error, "field", ""))
    is_whole = field not in form.fields or error.code in (TooManyOpenError.code, TooManyMessagesError.code)
    form.add_error(None if is_whole else field, _PROBLEMS[error.code])


def _lead_to(request: HttpRequest, case: Case, receipt: str) -> HttpResponse:
    if case.line is None:
        request.session[WRITTEN] = case.number
        return redirect("written")
    query = urlencode({"receipt": receipt})
    return redirect(f"{reverse('case', args=[case.number])}?{query}")
