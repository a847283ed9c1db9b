"""The network: prices abroad, known faults, reporting a fault, and the guided diagnosis."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.identity.limits import TooOftenError
from selbsthelfer.kit.wording import Words, moment, money
from selbsthelfer.portal.articles.diagnosing import BrokenWalkError, End, Walk, tried_sentences, walk
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, tell
from selbsthelfer.portal.lines import line_of, own_line
from selbsthelfer.portal.pages.reading_fresh import opened, reads, told_success
from selbsthelfer.portal.pages.writing_forms import MAX_POSTCODE_CHARACTERS, SYMPTOMS, FaultForm, KeyedForm
from selbsthelfer.portal.pages.writing_keeping import count_stranger, keep_written
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.selfservice.back_end import BackEndUnavailableError
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.records import FaultState, NetworkFault, RoamingPrice
from selbsthelfer.selfservice.operations import report_done

ZONE: Final = "Europe/Berlin"
"""In which times of faults are told."""
MAX_COUNTRY_CHARACTERS: Final = 60
"""The longest search for a country."""
_POSTCODE: Final = re.compile(rf"[0-9]{{{MAX_POSTCODE_CHARACTERS}}}", re.ASCII)


@require_safe
@reads("roam.info")
def roaming_prices(request: HttpRequest) -> HttpResponse:
    """Show what use abroad costs, for a country or for all."""
    country = request.GET.get("country", "")[:MAX_COUNTRY_CHARACTERS].strip()
    prices = the_back_end().roaming_prices()
    found = [price for price in prices if _is_in(price, country)] if country else list(prices)
    done = opened(request, "roam.info")
    context = {
        "country": country,
        "longest": MAX_COUNTRY_CHARACTERS,
        "is_found": bool(found),
        "zones": [_zone(price, country if found else "") for price in found or prices],
        "panel": told_success(request, done),
    }
    return render(request, "portal/network/roaming_prices.html", context)


def _is_in(price: RoamingPrice, country: str) -> bool:
    return any(_is_named(name, country) for name in (price.zone, *price.countries))


def _is_named(name: Words, searched: str) -> bool:
    wanted = searched.casefold()
    return wanted in name.de.casefold() or wanted in name.en.casefold()


def _zone(price: RoamingPrice, country: str) -> dict[str, Any]:
    named = [tell(name) for name in price.countries if country and _is_named(name, country)]
    return {
        "name": tell(price.zone),
        "countries": ", ".join(named or [tell(name) for name in price.countries]),
        "call": tell(_price(price.call_cents_per_minute)),
        "text": tell(_price(price.text_cents)),
        "data": tell(_price(price.data_cents_per_megabyte)),
        "note": tell(price.note),
    }


def _price(cents: int) -> Words:
    return money(cents) if cents else Words("wie zu Hause", "as at home")


class PlaceForm(forms.Form):
    """Where somebody wants to know about faults."""

    postcode = forms.RegexField(
        regex=_POSTCODE,
        label=both("Postleitzahl", "Postcode"),
        help_text=both("Fünf Ziffern", "Five digits"),
        max_length=MAX_POSTCODE_CHARACTERS,
        error_messages={
            name: both("Bitte geben Sie fünf Ziffern ein.", "Please enter five digits.")
            for name in ("required", "invalid", "max_length")
        },
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "postal-code", "class": "short"}
        ),
    )


@require_safe
@reads("net.status")
def network_status(request: HttpRequest) -> HttpResponse:
    """Tell which faults are known at a place; who is signed in sees their own place at once."""
    asked = request.GET.get("postcode")
    form = PlaceForm({"postcode": (own_postcode(request) if asked is None else asked).strip()})
    if asked is None and not form.is_valid():
        return render(request, "portal/network/status.html", {"form": PlaceForm()})
    if not form.is_valid():
        return _refused(request, {"form": form}, 422)
    postcode, now = form.cleaned_data["postcode"], now_of(request)
    try:
        count_stranger(request, "faults_from_address")
    except TooOftenError:
        return _refused(request, {"form": form, "is_too_often": True}, 429)
    faults = the_back_end().faults_at(postcode, now=now)
    done = opened(request, "net.status")
    context = {
        "form": form,
        "postcode": postcode,
        "is_asked": True,
        "faults": [_fault(fault) for fault in faults],
        "checked": tell(moment(now, ZONE)),
        "panel": told_success(request, done),
    }
    return render(request, "portal/network/status.html", context)


def _refused(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    """Say why there is no answer; a script puts only what it got with status 200 into the page."""
    status = 200 if request.headers.get("HX-Request") == "true" else status
    return render(request, "portal/network/status.html", context, status=status)


def own_postcode(request: HttpRequest) -> str:
    """Tell the postcode of whoever is signed in; empty for strangers and where it cannot be had."""
    line = line_of(request)
    if line is None:
        return ""
    try:
        return the_back_end().customer(line, now=now_of(request)).address.postcode
    except BackEndUnavailableError:
        return ""


def _fault(fault: NetworkFault) -> dict[str, Any]:
    return {
        "number": fault.number,
        "place": fault.place,
        "what": tell(fault.what),
        "is_over": fault.state is FaultState.REPAIRED,
        "began": tell(moment(fault.began_at, ZONE)),
        "expected": "" if fault.expected_at is None else tell(moment(fault.expected_at, ZONE)),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
def report_fault(request: HttpRequest) -> HttpResponse:
    """Take the report of a fault as a written case with number and promise (§ 58 TKG)."""
    walked = _walk_of(request.POST.get("walk") or request.GET.get("walk", ""))
    if request.method == "POST":
        form = FaultForm(request.POST)
        if form.is_valid():
            kept = keep_written(request, form, activity="net.report")
            if kept is not None:
                return kept
    else:
        form = FaultForm(initial={"postcode": own_postcode(request), "walk": walked.written})
        if walked.answers:
            form.initial["symptom"] = walked.answers[0] if walked.answers[0] in SYMPTOMS else "other"
        form.initial["text"] = "\n".join(tell(sentence) for sentence in tried_sentences(walked))
    context = {"form": form, "has_walked": bool(walked.answers)}
    status = 422 if form.is_bound else 200
    return render(request, "portal/network/report_fault.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
def diagnose(request: HttpRequest) -> HttpResponse:
    """Lead through the diagnosis; where somebody has been is told by the address alone."""
    walked = _walk_of(request.POST.get("walk") or request.GET.get("walk", ""))
    if request.method == "POST":
        form = KeyedForm(request.POST)
        if walked.end is End.WORKS and form.is_valid():
            key = str(form.cleaned_data["key"])
            done = report_done(own_line(request), "net.diagnose", key=key, now=now_of(request))
            return redirect("receipt", done.receipt)
        return redirect("diagnose")
    context = {
        "walk": walked,
        "is_start": not walked.answers,
        "number": len(walked.answers) + 1,
        "before": ".".join(walked.answers[:-1]),
        "tried": [(tell(what), tell(result)) for what, result in walked.tried],
        "key": uuid4(),
        "ends_working": walked.end is End.WORKS,
        "ends_with_person": walked.end is End.PERSON,
    }
    if walked.step is not None:
        context["title"] = tell(walked.step.title)
        context["text"] = "" if walked.step.text is None else tell(walked.step.text)
        context["answers"] = [(walked.after(answer), tell(answer.text)) for answer in walked.step.answers]
        context["task"] = walked.step.task
        context["task_name"] = "" if walked.step.task is None else tell(activity_name(walked.step.task))
    return render(request, "portal/network/diagnose.html", context)


def _walk_of(written: str) -> Walk:
    """Follow the answers in a request; raises `Http404` where they lead nowhere."""
    try:
        return walk(written)
    except BrokenWalkError as error:
        raise Http404 from error


urlpatterns = [
    path("roaming", roaming_prices, name="roaming_prices"),
    path("network", network_status, name="network_status"),
    path("network/report", report_fault, name="report_fault"),
    path("diagnose", diagnose, name="diagnose"),
]
