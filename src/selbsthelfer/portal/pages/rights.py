"""Rights over one's own data: consents, export, erasure, and what is stored for how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import COOKIE as LANGUAGE_COOKIE
from selbsthelfer.portal.languages import YEAR_SECONDS, tell
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.pages import rights_blocking, rights_declaring
from selbsthelfer.portal.pages.rights_forms import ConsentsForm, EraseForm, KeyedForm
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.privacy import operations as privacy
from selbsthelfer.privacy.core.purposes import PURPOSES, Purpose
from selbsthelfer.privacy.core.retention import KEPT
from selbsthelfer.privacy.queries import consents_of_line
from selbsthelfer.selfservice.core.results import Detail
from selbsthelfer.selfservice.operations import report_done

_DAY_SECONDS: Final = 24 * 3_600
_ERASED: Final = "erased"
_YES, _NO = Words("ja", "yes"), Words("nein", "no")


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
        details = [Detail(text.title, _YES if p in chosen else _NO) for p, text in PURPOSES.items()]
        key, now = str(form.cleaned_data["key"]), now_of(request)
        with transaction.atomic():
            privacy.choose_consents(line, chosen, now=now)
            done = report_done(line, "priv.consents", key=key, now=now, details=details)
        return HttpResponseRedirect(reverse("receipt", args=[done.receipt]))
    context = {
        "form": form,
        "purposes": [(tell(text.title), tell(text.meaning)) for text in PURPOSES.values()],
    }
    return render(request, "portal/rights/consents.html", context, status=422 if form.is_bound else 200)


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
        report_done(line, "priv.export", key=str(form.cleaned_data["key"]), now=now)
        parts = privacy.export(line, now=now)
    response = JsonResponse(parts, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = f'attachment; filename="{settings.BRAND}.json"'
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
        request.session[_ERASED] = True
        return HttpResponseRedirect(reverse("erased"))
    context = {"form": form, "gone": _kept(is_erased=True), "stays": _kept(is_erased=False)}
    return render(request, "portal/rights/erase.html", context, status=422 if form.is_bound else 200)


@require_safe
def erased(request: HttpRequest) -> HttpResponse:
    """Say once more, to the browser in which it was wished, what has been erased and what can be done now."""
    if not request.session.get(_ERASED):
        raise Http404
    return render(request, "portal/rights/erased.html")


@require_safe
def privacy_page(request: HttpRequest) -> HttpResponse:
    """Say what is stored for self-service and rewards, why and for how long, and how one decides over it."""
    context = {
        "kept": [(tell(one.what), tell(one.purpose), tell(one.kept_for)) for one in KEPT],
        "cookies": [
            (name, tell(purpose), tell(Words(f"{days} Tage", f"{days} days")))
            for name, purpose, days in cookies()
        ],
    }
    return render(request, "portal/rights/privacy.html", context)


def cookies() -> Sequence[tuple[str, Words, int]]:
    """List every cookie that these pages set: its name, what it is for, and how many days it stays."""
    return [
        (
            settings.SESSION_COOKIE_NAME,
            Words(
                "angemeldet bleiben; Bestätigungen noch einmal zeigen",
                "staying signed in; showing confirmations again",
            ),
            settings.SESSION_COOKIE_AGE // _DAY_SECONDS,
        ),
        (
            settings.CSRF_COOKIE_NAME,
            Words("prüfen, dass ein Formular von hier kommt", "checking that a form comes from here"),
            settings.CSRF_COOKIE_AGE // _DAY_SECONDS,
        ),
        (
            LANGUAGE_COOKIE,
            Words("die gewählte Sprache", "the language you chose"),
            YEAR_SECONDS // _DAY_SECONDS,
        ),
    ]


def _kept(*, is_erased: bool) -> list[tuple[str, str]]:
    return [(tell(one.what), tell(one.kept_for)) for one in KEPT if one.is_erased_on_wish is is_erased]


urlpatterns = [
    *rights_declaring.urlpatterns,
    *rights_blocking.urlpatterns,
    path("consents", consents, name="consents"),
    path("export", export, name="export"),
    path("export/file", export_file, name="export_file"),
    path("erase", erase, name="erase"),
    path("erased", erased, name="erased"),
    path("privacy", privacy_page, name="privacy"),
]
