"""Rights without hurdles: cancel, withdraw, block a SIM, export, erasure, consents, and what is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth import logout
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from selbsthelfer.conversations import queries as conversations
from selbsthelfer.conversations.core.cases import Case, CaseKind
from selbsthelfer.conversations.core.declarations import declared, details_from
from selbsthelfer.conversations.operations import open_case
from selbsthelfer.identity.limits import TooOftenError, count_try
from selbsthelfer.identity.queries import line_of_number
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import moment
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, language_now, tell
from selbsthelfer.portal.lines import line_of, own_line
from selbsthelfer.portal.pages.rights_forms import (
    BlockSimForm,
    CancelForm,
    ConsentsForm,
    EraseForm,
    KeyedForm,
    WithdrawForm,
)
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level, real_now
from selbsthelfer.privacy import operations as privacy
from selbsthelfer.privacy.core.purposes import PURPOSES, Purpose
from selbsthelfer.privacy.core.retention import KEPT
from selbsthelfer.privacy.queries import consents_of_line
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.orders import BlockSim
from selbsthelfer.selfservice.core.results import Done
from selbsthelfer.selfservice.operations import carry_out, report_done
from selbsthelfer.subscribers.core.lines import LineRef

RECEIPT_SHOWN: Final = timedelta(hours=1)
"""How long whoever declared something without signing in can see its receipt again."""
_ZONE: Final = "Europe/Berlin"
_DECLARED: Final = "declared"


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest) -> HttpResponse:
    """Take a cancellation, without sign-in; its receipt comes at once (§ 312k BGB)."""
    return _declare(request, CancelForm, CaseKind.CANCELLATION, "con.cancel")


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest) -> HttpResponse:
    """Take a withdrawal, without sign-in; its receipt comes at once (§ 356a BGB)."""
    return _declare(request, WithdrawForm, CaseKind.WITHDRAWAL, "con.withdraw")


def _declare(
    request: HttpRequest, form_class: type[CancelForm | WithdrawForm], kind: CaseKind, activity: str
) -> HttpResponse:
    form = form_class(request.POST if request.method == "POST" else None)
    details = form.declared() if form.is_bound and form.is_valid() else None
    if details is None:
        context = {"form": form, "kind": kind.value}
        return render(request, "portal/rights/declare.html", context, status=422 if form.is_bound else 200)
    line, key = line_of(request), form.cleaned_data["key"]
    with transaction.atomic():
        case = open_case(
            kind=kind,
            text="",
            key=key,
            line=line.subscriber_id if line else None,
            name=details.name,
            details=details,
            language=language_now(),
            now=real_now(),
        )
        if line is not None:
            report_done(line, activity, key=str(key), now=now_of(request))
    request.session[_DECLARED] = case.number
    return HttpResponseRedirect(reverse("declared"))


@require_safe
def declared_receipt(request: HttpRequest) -> HttpResponse:
    """Show the receipt of a declaration to the browser that has just made it, and to no other."""
    with transaction.atomic():
        case = conversations.case_by_number(open_cursor(), request.session.get(_DECLARED, ""))
    if case is None or real_now() - case.opened_at > RECEIPT_SHOWN:
        raise Http404
    context = {"case": case, "at": tell(moment(case.opened_at, _ZONE)), "fields": _fields(case)}
    return render(request, "portal/rights/declared.html", context)


def _fields(case: Case) -> list[tuple[str, str]]:
    details = details_from(case.kind, case.details)
    assert details is not None  # noqa: S101 - these kinds demand details
    return [(tell(name), tell(value)) for name, value in declared(details)]  # type: ignore[arg-type]


@require_http_methods(["GET", "HEAD", "POST"])
def block_sim(request: HttpRequest) -> HttpResponse:
    """Block a SIM: from any phone with number and customer code, or signed in with one tap."""
    line = line_of(request)
    form = (KeyedForm if line else BlockSimForm)(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        owner = line or _owner(request, form)
        if owner is not None:
            done = carry_out(owner, BlockSim(), key=form.cleaned_data["key"], now=_now_for(request, line))
            return _blocked(request, done, line)
    context = {"form": form, "is_own": line is not None}
    return render(request, "portal/rights/block_sim.html", context, status=422 if form.is_bound else 200)


def _owner(request: HttpRequest, form: KeyedForm) -> LineRef | None:
    """Find the line by its number, if the code is the customer's; an unknown number gets the same answer."""
    number, code = form.cleaned_data["number"], form.cleaned_data["code"]
    try:
        count_try(request, "customer_code", key=number)
    except TooOftenError:
        form.add_error(
            None,
            both(
                "Zu viele Versuche. Bitte rufen Sie die 116 116 an; sie sperrt Ihre SIM sofort.",
                "Too many tries. Please call 116 116; they block your SIM at once.",
            ),
        )
        return None
    with transaction.atomic():
        standing = line_of_number(open_cursor(), number, now=real_now())
    line = None if standing is None else standing.line
    if line is None or not the_back_end().is_customer_code(line, code):
        form.add_error(
            None,
            both(
                "Rufnummer und Kundenkennzahl passen nicht zusammen. Ohne Kundenkennzahl sperrt die 116 116.",
                "Number and customer code do not match. Without the code, 116 116 will block the SIM.",
            ),
        )
        return None
    return line


def _now_for(request: HttpRequest, line: LineRef | None) -> datetime:
    return now_of(request) if line else real_now()


def _blocked(request: HttpRequest, done: Done, line: LineRef | None) -> HttpResponse:
    if line is not None:
        return HttpResponseRedirect(reverse("receipt", args=[done.receipt]))
    return render(request, "portal/rights/blocked.html", {"done": done})


@needs_level(1)
@require_http_methods(["GET", "HEAD", "POST"])
def consents(request: HttpRequest) -> HttpResponse:
    """Show and change what somebody agrees to."""
    line = own_line(request)
    standing = consents_of_line(line.subscriber_id)
    form = ConsentsForm(
        request.POST if request.method == "POST" else None,
        initial={"purposes": [purpose.value for purpose in standing]},
    )
    if form.is_bound and form.is_valid():
        chosen = {Purpose(value) for value in form.cleaned_data["purposes"]}
        with transaction.atomic():
            privacy.choose_consents(line, chosen, now=now_of(request))
            done = report_done(line, "priv.consents", key=str(form.cleaned_data["key"]), now=now_of(request))
        return HttpResponseRedirect(reverse("receipt", args=[done.receipt]))
    purposes = [(tell(text.title), tell(text.meaning)) for text in PURPOSES.values()]
    return render(request, "portal/rights/consents.html", {"form": form, "purposes": purposes})


@needs_level(2)
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Offer everything that is kept about the line."""
    return render(request, "portal/rights/export.html", {"form": KeyedForm()})


@needs_level(2)
@require_POST
def export_file(request: HttpRequest) -> HttpResponse:
    """Hand out everything that is kept about the line, as a file that a program can read."""
    form = KeyedForm(request.POST)
    if not form.is_valid():
        return render(request, "portal/rights/export.html", {"form": KeyedForm()}, status=422)
    line, now = own_line(request), now_of(request)
    with transaction.atomic():
        parts = privacy.export(line, now=now)
        report_done(line, "priv.export", key=str(form.cleaned_data["key"]), now=now)
    response = JsonResponse(parts, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = 'attachment; filename="selbsthelfer.json"'
    return response


@needs_level(2)
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    """Erase what may go, after saying what goes and what stays."""
    form = EraseForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        line, now = own_line(request), now_of(request)
        with transaction.atomic():
            report_done(line, "priv.erase", key=str(form.cleaned_data["key"]), now=now)
            privacy.erase(line, now=now)
        logout(request)
        return render(request, "portal/rights/erased.html")
    context = {"form": form, "gone": _kept(is_erased=True), "stays": _kept(is_erased=False)}
    return render(request, "portal/rights/erase.html", context, status=422 if form.is_bound else 200)


@require_safe
def privacy_page(request: HttpRequest) -> HttpResponse:
    """Say what is stored for self-service and rewards, why and for how long, and how one decides over it."""
    context = {
        "kept": [(tell(one.what), tell(one.purpose), tell(one.kept_for)) for one in KEPT],
    }
    return render(request, "portal/rights/privacy.html", context)


def _kept(*, is_erased: bool) -> list[tuple[str, str]]:
    return [(tell(one.what), tell(one.kept_for)) for one in KEPT if one.is_erased_on_wish is is_erased]


urlpatterns = [
    path("cancel", cancel, name="cancel"),
    path("withdraw", withdraw, name="withdraw"),
    path("declared", declared_receipt, name="declared"),
    path("block-sim", block_sim, name="block_sim"),
    path("consents", consents, name="consents"),
    path("export", export, name="export"),
    path("export/file", export_file, name="export_file"),
    path("erase", erase, name="erase"),
    path("privacy", privacy_page, name="privacy"),
]
