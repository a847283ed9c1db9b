"""My account: everything about oneself on one page, and which reminders one wants."""

from __future__ import annotations

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.identity.core.numbers import written_number
from selbsthelfer.identity.queries import number_of
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level, user_of
from selbsthelfer.selfservice.core.reminders import ReminderKind
from selbsthelfer.selfservice.operations import choose_reminders
from selbsthelfer.selfservice.queries import reminders_of_line


class RemindersForm(forms.Form):
    """Which reminders somebody wants; nothing is ticked beforehand."""

    kinds = forms.MultipleChoiceField(
        label=both("Erinnern Sie mich,", "Remind me"),
        choices=[
            (
                ReminderKind.TRANCHE_WAITING.value,
                both(
                    "wenn Bonus bereitliegt und nur eine Erledigung fehlt: eine Woche, bevor er verfällt",
                    "when a bonus only waits for a task: a week before it lapses",
                ),
            ),
            (
                ReminderKind.BUCKET_ENDING.value,
                both(
                    "wenn Bonus übrig ist, der bald endet: drei Tage vorher",
                    "when there is bonus left that ends soon: three days before",
                ),
            ),
        ],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


@needs_level(1)
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show the ways to everything about oneself."""
    number = number_of(user_of(request))
    context = {"number": "" if number is None else written_number(number)}
    return render(request, "portal/account/account.html", context)


@needs_level(1)
@require_http_methods(["GET", "HEAD", "POST"])
def reminders(request: HttpRequest) -> HttpResponse:
    """Show and change which reminders somebody wants."""
    line = own_line(request)
    with transaction.atomic():
        chosen = reminders_of_line(open_cursor(), line.subscriber_id)
    form = RemindersForm(
        request.POST if request.method == "POST" else None, initial={"kinds": [kind.value for kind in chosen]}
    )
    if form.is_bound and form.is_valid():
        kinds = {ReminderKind(value) for value in form.cleaned_data["kinds"]}
        choose_reminders(line, kinds, now=now_of(request))
        return HttpResponseRedirect(f"{reverse('reminders')}?saved=1")
    context = {"form": form, "is_saved": "saved" in request.GET and not form.is_bound}
    return render(request, "portal/account/reminders.html", context, status=422 if form.is_bound else 200)


urlpatterns = [
    path("account", account, name="account"),
    path("settings/reminders", reminders, name="reminders"),
]
