"""Writing to people: messages, complaints and objections, and everything that was written since."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.conversations import queries as conversations
from selbsthelfer.conversations.core.cases import (
    CASE_KINDS,
    CASE_STATES,
    Author,
    Case,
    CaseMessage,
    CaseRefusedError,
    CaseState,
)
from selbsthelfer.conversations.core.declarations import ObjectionDetails
from selbsthelfer.conversations.core.promising import is_in_time, objection_until, promised_at
from selbsthelfer.conversations.operations import CaseClosedError, UnknownCaseError, add_message
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words, moment, on_day
from selbsthelfer.portal.articles.helping import ARTICLES
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import tell
from selbsthelfer.portal.lines import line_of, own_line
from selbsthelfer.portal.pages.helping import carried
from selbsthelfer.portal.pages.reading_bills import days_of, find_bill
from selbsthelfer.portal.pages.reading_fresh import reads, told_success
from selbsthelfer.portal.pages.rewards_dispute import contact_of_dispute
from selbsthelfer.portal.pages.writing_forms import (
    ComplaintForm,
    MessageForm,
    ObjectionForm,
    ReplyForm,
    StrangerComplaintForm,
    StrangerMessageForm,
    WrittenForm,
)
from selbsthelfer.portal.pages.writing_keeping import RECEIPT_SHOWN, WRITTEN, keep_written, refuse
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level, real_now
from selbsthelfer.portal.successes import SuccessPanel
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.results import Receipt
from selbsthelfer.selfservice.queries import receipt_of_line

ZONE: Final = "Europe/Berlin"
"""In which promises are told: the zone of the people who answer."""
WRITING: Final = frozenset({"help.message", "help.complaint", "bill.object", "net.report"})
"""What is done by writing a case."""


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """Take a message of anybody."""
    kind: type[WrittenForm] = StrangerMessageForm if line_of(request) is None else MessageForm
    return _take(request, kind, "help.message", "portal/writing/write.html")


@require_http_methods(["GET", "HEAD", "POST"])
def complain(request: HttpRequest) -> HttpResponse:
    """Take a complaint of anybody."""
    kind: type[WrittenForm] = StrangerComplaintForm if line_of(request) is None else ComplaintForm
    return _take(request, kind, "help.complaint", "portal/writing/complain.html")


def _take(request: HttpRequest, kind: type[WrittenForm], activity: str, template: str) -> HttpResponse:
    form = kind(request.POST) if request.method == "POST" else kind(initial=_carried_over(request))
    if form.is_bound and form.is_valid():
        kept = keep_written(request, form, activity=activity)
        if kept is not None:
            return kept
    promise = tell(moment(promised_at(real_now()), ZONE))
    context = {"form": form, "promise": promise, "is_known": line_of(request) is not None}
    return render(request, template, context, status=422 if form.is_bound else 200)


def _carried_over(request: HttpRequest) -> dict[str, str]:
    """Take along what somebody wrote about a help article, so that they need not write it again."""
    article = ARTICLES.get(request.GET.get("article", ""))
    if article is None:
        return {"chosen_topic": "bill.view"} if request.GET.get("topic") == "bill" else {}
    title, text = tell(article.title), carried(request, article.id)
    told = Words(f"Zum Hilfeartikel „{title}“:\n{text}", f"About the help article “{title}”:\n{text}")
    return {"text": tell(told)}


@require_http_methods(["GET", "HEAD"])
@needs_level(1)
@reads("bill.object")
def choose_bill(request: HttpRequest) -> HttpResponse:
    """Ask which bill somebody objects to."""
    found = the_back_end().bills(own_line(request), now=now_of(request))
    context = {"bills": [(bill.number, tell(days_of(bill))) for bill in found]}
    return render(request, "portal/writing/choose_bill.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
@reads("bill.object")
def object_to_bill(request: HttpRequest, number: str) -> HttpResponse:
    """Take an objection to a bill, in time or not (§ 67 TKG)."""
    bill, _ = find_bill(own_line(request), number, now_of(request))
    form = ObjectionForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        details = ObjectionDetails(bill=bill.number, billed_on=bill.issued_on)
        kept = keep_written(request, form, activity="bill.object", details=details)
        if kept is not None:
            return kept
    context = {
        "form": form,
        "number": bill.number,
        "issued": tell(on_day(bill.issued_on)),
        "until": tell(on_day(objection_until(bill.issued_on))),
        "is_in_time": is_in_time(bill.issued_on, now_of(request)),
        "promise": tell(moment(promised_at(real_now()), ZONE)),
    }
    return render(request, "portal/writing/object.html", context, status=422 if form.is_bound else 200)


@require_safe
def written(request: HttpRequest) -> HttpResponse:
    """Show the receipt to the browser that has just written without signing in, and to no other."""
    with transaction.atomic():
        case = conversations.case_by_number(open_cursor(), request.session.get(WRITTEN, ""))
    if case is None or case.line is not None or real_now() - case.opened_at > RECEIPT_SHOWN:
        raise Http404
    return render(request, "portal/writing/written.html", {"case": _row(case)})


@require_safe
@needs_level(1)
def cases(request: HttpRequest) -> HttpResponse:
    """List everything that was written for a line."""
    with transaction.atomic():
        found = conversations.cases_of_line(open_cursor(), own_line(request).subscriber_id)
    return render(request, "portal/writing/cases.html", {"cases": [_row(case) for case in found]})


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
def case(request: HttpRequest, number: str) -> HttpResponse:
    """Show one case with what was written, and take one more message."""
    form = ReplyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        kept = _reply(request, form, number)
        if kept is not None:
            return kept
    line = own_line(request).subscriber_id
    with transaction.atomic():
        cursor = open_cursor()
        shown = conversations.case_of_line(cursor, number, line)
        if shown is None:
            raise Http404
        messages = conversations.messages_of_case(cursor, shown.case_id)
        receipt = receipt_of_line(cursor, line, request.GET.get("receipt", ""))
        disputed = contact_of_dispute(cursor, own_line(request), shown, now_of(request))
    if receipt is not None and receipt.done.activity not in WRITING:
        receipt = None
    context = {
        "case": _row(shown),
        "disputed": disputed,
        "is_closed": shown.state is CaseState.CLOSED,
        "is_new": receipt is not None,
        "messages": [_message(message) for message in messages],
        "form": form,
        "panel": _brought(request, receipt),
    }
    return render(request, "portal/writing/case.html", context, status=422 if form.is_bound else 200)


def _brought(request: HttpRequest, receipt: Receipt | None) -> SuccessPanel | None:
    """Say what writing has brought; of what never counts there is nothing to say but the receipt."""
    if receipt is None or CATALOGUE[receipt.done.activity].counting_class is CountingClass.NEVER:
        return None
    return told_success(request, receipt.done)


def _reply(request: HttpRequest, form: ReplyForm, number: str) -> HttpResponse | None:
    """Add a message to a case; none where it cannot be added: the form says why."""
    try:
        changed = add_message(
            line=own_line(request).subscriber_id,
            number=number,
            text=form.written,
            key=form.cleaned_data["key"],
            now=real_now(),
        )
    except UnknownCaseError as error:
        raise Http404 from error
    except CaseClosedError:
        return redirect("case", number)
    except CaseRefusedError as error:
        refuse(form, error)
        return None
    return redirect("case", changed.number)


def _row(case: Case) -> dict[str, Any]:
    """Lay out a case; whether the promise was kept is told once there is an answer, or it is late."""
    details = case.details
    return {
        "number": case.number,
        "kind": tell(CASE_KINDS[case.kind]),
        "bill": details.get("bill", ""),
        "state": "wait" if case.state is CaseState.OPEN else "good",
        "state_word": tell(CASE_STATES[case.state]),
        "opened": tell(moment(case.opened_at, ZONE)),
        "to": case.to or "",
        "is_open": case.state is CaseState.OPEN,
        "promised": tell(moment(case.promised_at, ZONE)),
        "answered": "" if case.answered_at is None else tell(moment(case.answered_at, ZONE)),
        "promise": tell(_promise(case)),
    }


def _promise(case: Case) -> Words:
    """Say honestly what became of the promise."""
    promised = moment(case.promised_at, ZONE)
    if case.state is CaseState.OPEN:
        if real_now() <= case.promised_at:
            return Words(f"Antwort bis {promised.de}.", f"Answer by {promised.en}.")
        return Words(
            f"Die Antwort war bis {promised.de} versprochen. Das haben wir nicht geschafft; wir sind dran.",
            f"The answer was promised by {promised.en}. We did not manage; we are on it.",
        )
    if case.answered_at is None:
        return Words("Abgeschlossen.", "Closed.")
    answered = moment(case.answered_at, ZONE)
    return Words(f"Zuerst beantwortet am {answered.de}.", f"First answered on {answered.en}.")


def _message(message: CaseMessage) -> dict[str, Any]:
    is_own = message.author is Author.SUBSCRIBER
    return {
        "is_own": is_own,
        "author": tell(Words("Sie", "You") if is_own else Words("Unser Team", "Our team")),
        "at": tell(moment(message.written_at, ZONE)),
        "text": message.text,
    }


urlpatterns = [
    path("write", write, name="write"),
    path("complain", complain, name="complain"),
    path("written", written, name="written"),
    path("object", choose_bill, name="object"),
    path("object/<str:number>", object_to_bill, name="object"),
    path("cases", cases, name="cases"),
    path("cases/<str:number>", case, name="case"),
]
