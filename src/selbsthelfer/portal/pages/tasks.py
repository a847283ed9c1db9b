"""The list of tasks, and the one address of each: the page of its order, or of the area that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.activities.core.catalogue import CATALOGUE, Activity
from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import tell
from selbsthelfer.portal.lines import line_of, own_line
from selbsthelfer.portal.pages import tasks_forms_account as account
from selbsthelfer.portal.pages import tasks_forms_calls as calls
from selbsthelfer.portal.pages import tasks_forms_contract as contract
from selbsthelfer.portal.pages import tasks_forms_sim as sim
from selbsthelfer.portal.pages.reading_fresh import UNAVAILABLE, failed_attempt
from selbsthelfer.portal.pages.tasks_appearance import appearance
from selbsthelfer.portal.pages.tasks_forms import YES, Offered, SecondLook, TaskForm
from selbsthelfer.portal.pages.tasks_registry import (
    MAX_SEARCHED,
    PAGES,
    elsewhere_found,
    listed_name,
    names,
    tasks_found,
)
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.selfservice.back_end import BackEndUnavailableError
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.results import Detail, Outcome
from selbsthelfer.selfservice.operations import carry_out

FORMS: Final[Mapping[str, type[TaskForm[Any]]]] = MappingProxyType(
    {
        form.activity: form
        for form in (
            account.AddressForm,
            account.PaperlessForm,
            account.BankAccountForm,
            account.ThirdPartiesForm,
            account.AutomaticTopUpForm,
            contract.TariffForm,
            contract.OptionForm,
            sim.ActivateForm,
            sim.UnblockForm,
            sim.ReplacementForm,
            calls.ForwardingForm,
            calls.VoicemailForm,
            calls.BarringForm,
            calls.RoamingForm,
        )
    }
)
"""The form of each activity that has its page here."""


@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """List all tasks, or those that fit what somebody looks for."""
    searched, is_known = request.GET.get("q", "")[:MAX_SEARCHED].strip(), line_of(request) is not None
    groups = [
        {"id": group.id, "name": tell(group.name), "tasks": [_link(activity) for activity in activities]}
        for group, activities in tasks_found(searched, is_known=is_known)
    ]
    elsewhere = [
        {"page": found.page, "name": tell(found.name)}
        for found in elsewhere_found(searched, is_known=is_known)
    ]
    context = {"groups": groups, "elsewhere": elsewhere, "searched": searched, "longest": MAX_SEARCHED}
    return render(request, "portal/tasks/list.html", context)


def task(request: HttpRequest, activity: str) -> HttpResponseBase:
    """Do a task, here or on the page of its area; whatever the portal does not do is not found."""
    row = CATALOGUE.get(activity)
    if row is None or not row.online:
        raise Http404
    if activity in PAGES:
        return HttpResponseRedirect(reverse(PAGES[activity]))
    return _AT_LEVEL[row.login](request, activity)


@require_http_methods(["GET", "HEAD", "POST"])
def order_page(request: HttpRequest, activity: str) -> HttpResponse:
    """Show how something stands and have it changed."""
    line, now = own_line(request), now_of(request)
    kind, back_end = FORMS[activity], the_back_end()
    try:
        reading = kind.read(back_end, line, now)
        pending = None if kind.tells_pending else back_end.pending(line, now=now).get(activity)
    except BackEndUnavailableError:
        return _out_of_order(request, activity)
    if request.method != "POST":
        return _show(request, kind(reading=reading), pending=pending)
    form = kind(request.POST, reading=reading)
    if not form.is_valid():
        return _show(request, form, pending=pending, status=422)
    look = form.second_look()
    if look is not None and request.POST.get("confirmed") != YES:
        return _show_again(request, form, look)
    key = form.order_key()
    done = carry_out(line, form.made, key=key, now=now, details=form.details())
    if done.outcome is not Outcome.REFUSED or done.reason is None:
        return HttpResponseRedirect(reverse("receipt", args=[done.receipt]))
    form = form.renewed()
    form.refuse(done.reason, done.field)
    return _show(request, form, pending=pending, status=422)


_AT_LEVEL: Final[Mapping[int, Callable[[HttpRequest, str], HttpResponseBase]]] = MappingProxyType(
    {level: needs_level(level)(order_page) for level in (1, 2)}
)


def _show(
    request: HttpRequest, form: TaskForm[Any], *, pending: Words | None, status: int = 200
) -> HttpResponse:
    """Show the page of an order with all that is wrong with it."""
    nothing = form.nothing_to_do()
    context = {
        "name": tell(names(CATALOGUE[form.activity])),
        "lead": tell(form.lead),
        "form": form,
        "form_title": tell(form.form_title),
        "submit": tell(form.submit),
        "pending": None if pending is None else tell(pending),
        "nothing_to_do": None if nothing is None else tell(nothing),
        "facts": told_details(form.facts()),
        "offered": [_told_offer(offered) for offered in form.offered()],
        "notes": [tell(note) for note in form.notes()],
        "related": [_link(CATALOGUE[activity]) for activity in form.related],
    }
    return render(request, "portal/tasks/task.html", context, status=status)


def _show_again(request: HttpRequest, form: TaskForm[Any], look: SecondLook) -> HttpResponse:
    """Show an order once more, with all that must be known before it is placed."""
    context = {
        "title": tell(look.title),
        "facts": told_details(look.facts),
        "notes": [tell(note) for note in look.notes],
        "button": tell(look.button),
        "sent": [(name, form.cleaned_data[name]) for name in form.fields],
        "activity": form.activity,
    }
    return render(request, "portal/tasks/second_look.html", context)


def _out_of_order(request: HttpRequest, activity: str) -> HttpResponse:
    """Say plainly that the back end failed, and keep the attempt if somebody made one."""
    failed = failed_attempt(request, activity)
    if failed is not None and request.method == "POST":
        return HttpResponseRedirect(reverse("receipt", args=[failed.receipt]))
    context = {
        "name": tell(names(CATALOGUE[activity])),
        "receipt": failed.receipt if failed else "",
        "activity": activity,
        "excuse": failed.excuse if failed else "",
    }
    return render(request, "portal/tasks/out_of_order.html", context, status=UNAVAILABLE)


def told_details(details: Sequence[Detail]) -> list[tuple[str, str]]:
    """Give names and values in the reader's language."""
    return [(tell(detail.name), tell(detail.value)) for detail in details]


def _told_offer(offered: Offered) -> dict[str, Any]:
    return {
        "button": tell(offered.button),
        "sent": offered.sent,
        "title": None if offered.title is None else tell(offered.title),
        "facts": told_details(offered.facts),
        "notes": [tell(note) for note in offered.notes],
        "is_second": offered.is_second,
    }


def _link(activity: Activity) -> dict[str, str]:
    return {"id": activity.id, "name": tell(listed_name(activity))}


urlpatterns = [
    path("tasks/", tasks, name="tasks"),
    path("tasks/<str:activity>", task, name="task"),
    path("settings/appearance", appearance, name="appearance"),
]
