"""Block a SIM at once: from any phone with number and customer code, or signed in with one tap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.identity.limits import TooOftenError, count_try
from selbsthelfer.identity.queries import line_of_number
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.clock import now_for
from selbsthelfer.portal.languages import both
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages.rights_forms import BlockSimForm, KeyedForm
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import real_now
from selbsthelfer.selfservice.back_end import BackEndUnavailableError
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.orders import BlockSim
from selbsthelfer.selfservice.core.results import Outcome
from selbsthelfer.selfservice.operations import carry_out
from selbsthelfer.subscribers.core.lines import LineRef

RESULT_SHOWN: Final = timedelta(hours=1)
"""How long the browser in which a SIM was blocked shows what became of it."""
_BLOCKED: Final = "blocked"

_TOO_OFTEN: Final = both(
    "Zu viele Versuche. Bitte rufen Sie die 116 116 an; sie sperrt Ihre SIM sofort.",
    "Too many tries. Please call 116 116; they block your SIM at once.",
)
_NO_MATCH: Final = both(
    "Rufnummer und Kundenkennzahl passen nicht zusammen. Ohne Kundenkennzahl sperrt die 116 116.",
    "Number and customer code do not match. Without the code, 116 116 will block the SIM.",
)
_UNAVAILABLE: Final = both(
    "Das können wir gerade nicht prüfen; der Fehler liegt bei uns. Bitte rufen Sie jetzt die 116 116 an.",
    "We cannot check this just now; the fault is ours. Please call 116 116 now.",
)


@require_http_methods(["GET", "HEAD", "POST"])
def block_sim(request: HttpRequest) -> HttpResponse:
    """Block the SIM of whoever is signed in, or of the number that is given with its code."""
    line = line_of(request)
    form = (KeyedForm if line else BlockSimForm)(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        owner = line or _owner(request, form)
        if owner is not None:
            done = carry_out(owner, BlockSim(), key=form.cleaned_data["key"], now=now_for(owner))
            if line is not None and done.outcome is Outcome.SUCCEEDED:
                return HttpResponseRedirect(reverse("receipt", args=[done.receipt]))
            request.session[_BLOCKED] = [done.outcome.value, done.receipt, real_now().isoformat()]
            return HttpResponseRedirect(reverse("blocked"))
    context = {"form": form, "is_own": line is not None}
    return render(request, "portal/rights/block_sim.html", context, status=422 if form.is_bound else 200)


@require_safe
def blocked(request: HttpRequest) -> HttpResponse:
    """Show what became of it to the browser that asked for it, and to no other."""
    outcome, receipt, at = request.session.get(_BLOCKED, ("", "", ""))
    if not outcome or real_now() - datetime.fromisoformat(at) > RESULT_SHOWN:
        raise Http404
    return render(request, "portal/rights/blocked.html", {"outcome": outcome, "receipt": receipt})


def _owner(request: HttpRequest, form: KeyedForm) -> LineRef | None:
    """Find the line by its number, if the code is the customer's; an unknown number gets the same answer."""
    number, code = form.cleaned_data["number"], form.cleaned_data["code"]
    try:
        count_try(request, "customer_code", key=number)
        with transaction.atomic():
            standing = line_of_number(open_cursor(), number, now=real_now())
        if standing is not None and the_back_end().is_customer_code(standing.line, code):
            return standing.line
        form.add_error(None, _NO_MATCH)
    except TooOftenError:
        form.add_error(None, _TOO_OFTEN)
    except BackEndUnavailableError:
        form.add_error(None, _UNAVAILABLE)
    return None


urlpatterns = [
    path("block-sim", block_sim, name="block_sim"),
    path("blocked", blocked, name="blocked"),
]
