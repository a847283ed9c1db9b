"""Bills: the list, one bill, its PDF, what it is made of, and every connection on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_safe

from selbsthelfer.conversations.core.promising import is_in_time, objection_until
from selbsthelfer.kit.wording import Words, days, moment, money, on_day, volume
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import language_now, tell
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.pages.reading_fresh import opened, reads, told_success
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.selfservice.back_end import MAX_RECORDS
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.bill_pdf import bill_pdf as written_pdf
from selbsthelfer.selfservice.core.explaining import ExplainedLine, LineChange, bill_explained
from selbsthelfer.selfservice.core.records import Bill, ConnectionKind, ConnectionRecord
from selbsthelfer.subscribers.core.lines import LineRef

ZONE: Final = "Europe/Berlin"
"""In which times stand on a bill."""

_CHANGES: Final = {
    LineChange.SAME: Words("gleich", "same"),
    LineChange.MORE: Words("mehr", "more"),
    LineChange.LESS: Words("weniger", "less"),
    LineChange.NEW: Words("neu", "new"),
    LineChange.GONE: Words("entfallen", "gone"),
}
_KINDS: Final = {
    ConnectionKind.CALL: Words("Anruf", "Call"),
    ConnectionKind.TEXT: Words("SMS", "Text message"),
    ConnectionKind.DATA: Words("Daten", "Data"),
}


@require_safe
@needs_level(1)
@reads("bill.view")
def bills(request: HttpRequest) -> HttpResponse:
    """List the bills, newest first."""
    line, now = own_line(request), now_of(request)
    found = the_back_end().bills(line, now=now)
    done = opened(request, "bill.view")
    context = {
        "bills": [_row(bill, now) for bill in found],
        "panel": told_success(request, done),
    }
    return render(request, "portal/reading/bills.html", context)


@require_safe
@needs_level(1)
@reads("bill.view")
def bill(request: HttpRequest, number: str) -> HttpResponse:
    """Show one bill with its lines."""
    line, now = own_line(request), now_of(request)
    shown, _ = find_bill(line, number, now)
    done = opened(request, "bill.view")
    context = {
        "bill": _row(shown, now),
        "lines": [
            {"name": tell(item.name), "quantity": item.quantity, "amount": tell(money(item.amount_cents))}
            for item in shown.lines
        ],
        "objection_until": tell(on_day(objection_until(shown.issued_on))),
        "may_object": is_in_time(shown.issued_on, now),
        "panel": told_success(request, done),
    }
    return render(request, "portal/reading/bill.html", context)


@require_safe
@needs_level(1)
@reads("bill.view")
def bill_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Give a bill as PDF."""
    line, now = own_line(request), now_of(request)
    shown, _ = find_bill(line, number, now)
    customer = the_back_end().customer(line, now=now)
    response = HttpResponse(
        written_pdf(shown, customer, language=language_now(), brand=settings.BRAND),
        content_type="application/pdf",
    )
    response["Content-Disposition"] = f'inline; filename="{shown.number}.pdf"'
    return response


@require_safe
@needs_level(1)
@reads("bill.explain")
def newest_explained(request: HttpRequest) -> HttpResponse:
    """Lead to the explanation of the newest bill."""
    return _lead_to_newest(request, "bill_explain")


@require_safe
@needs_level(1)
@reads("bill.explain")
def explained(request: HttpRequest, number: str) -> HttpResponse:
    """Explain a bill line by line, beside the one before it."""
    line, now = own_line(request), now_of(request)
    shown, previous = find_bill(line, number, now)
    difference = 0 if previous is None else shown.total_cents - previous.total_cents
    done = opened(request, "bill.explain")
    context = {
        "bill": _row(shown, now),
        "previous": None if previous is None else _row(previous, now),
        "summary": "" if previous is None else tell(_summary(difference)),
        "lines": [_explained(item) for item in bill_explained(shown, previous)],
        "panel": told_success(request, done),
    }
    return render(request, "portal/reading/bill_explained.html", context)


@require_safe
@needs_level(2)
@reads("bill.itemised")
def newest_itemised(request: HttpRequest) -> HttpResponse:
    """Lead to the itemised record of the newest bill."""
    return _lead_to_newest(request, "itemised")


@require_safe
@needs_level(2)
@reads("bill.itemised")
def itemised(request: HttpRequest, number: str) -> HttpResponse:
    """Show every connection that a bill is for."""
    line, now = own_line(request), now_of(request)
    shown, _ = find_bill(line, number, now)
    records = the_back_end().records(line, shown, now=now)
    done = opened(request, "bill.itemised")
    context = {
        "bill": _row(shown, now),
        "records": [_connection(record) for record in records],
        "is_cut": len(records) >= MAX_RECORDS,
        "most": MAX_RECORDS,
        "panel": told_success(request, done),
    }
    return render(request, "portal/reading/itemised.html", context)


def find_bill(line: LineRef, number: str, now: datetime) -> tuple[Bill, Bill | None]:
    """Find a bill of a line and the one before it; raises `Http404` where the line has no such bill."""
    found = the_back_end().bills(line, now=now)
    for place, shown in enumerate(found):
        if shown.number == number:
            return shown, found[place + 1] if place + 1 < len(found) else None
    raise Http404


def _lead_to_newest(request: HttpRequest, page: str) -> HttpResponse:
    found: Sequence[Bill] = the_back_end().bills(own_line(request), now=now_of(request))
    return redirect(page, number=found[0].number) if found else redirect("bills")


def _row(shown: Bill, now: datetime) -> dict[str, str]:
    is_due = shown.due_on > now.date()
    return {
        "number": shown.number,
        "days": tell(days_of(shown)),
        "issued": tell(on_day(shown.issued_on)),
        "due": tell(on_day(shown.due_on)),
        "total": tell(money(shown.total_cents)),
        "state": "waiting" if is_due else "done",
        "state_word": tell(
            Words("wird abgebucht", "to be debited") if is_due else Words("abgebucht", "debited")
        ),
    }


def days_of(shown: Bill) -> Words:
    """Write the days that a bill is for."""
    start = datetime.combine(shown.first_on, time(), UTC)
    end = datetime.combine(shown.last_on, time(), UTC) + timedelta(days=1)
    return days(start, end, "UTC")


def _summary(difference_cents: int) -> Words:
    """Say in one sentence how a bill compares with the one before."""
    amount = money(abs(difference_cents))
    if difference_cents == 0:
        return Words("Diese Rechnung ist so hoch wie die davor.", "This bill is as high as the one before.")
    if difference_cents > 0:
        return Words(
            f"Diese Rechnung ist {amount.de} höher als die davor.",
            f"This bill is {amount.en} higher than the one before.",
        )
    return Words(
        f"Diese Rechnung ist {amount.de} niedriger als die davor.",
        f"This bill is {amount.en} lower than the one before.",
    )


def _explained(item: ExplainedLine) -> dict[str, str]:
    is_gone = item.change is LineChange.GONE
    return {
        "name": tell(item.line.name),
        "quantity": "" if is_gone or item.line.quantity == "1" else item.line.quantity,
        "amount": tell(money(0 if is_gone else item.line.amount_cents)),
        "explanation": tell(item.line.explanation),
        "change": "" if item.change is None else item.change.value,
        "change_word": "" if item.change is None else tell(_CHANGES[item.change]),
        "told": "" if item.told is None else tell(item.told),
    }


def _talked(seconds: int) -> Words:
    """Write how long a call lasted, as on a clock."""
    minutes, rest = divmod(seconds, 60)
    return Words(f"{minutes}:{rest:02d} min", f"{minutes}:{rest:02d} min")


def _connection(record: ConnectionRecord) -> dict[str, str]:
    extents = {
        ConnectionKind.CALL: _talked(record.seconds),
        ConnectionKind.TEXT: Words("1 SMS", "1 message"),
        ConnectionKind.DATA: volume(record.bytes),
    }
    return {
        "at": tell(moment(record.started_at, ZONE)),
        "kind": tell(_KINDS[record.kind]),
        "other": record.other,
        "extent": tell(extents[record.kind]),
        "amount": tell(money(record.amount_cents)),
    }


urlpatterns = [
    path("bills", bills, name="bills"),
    path("bills/explained", newest_explained, name="bill_explain"),
    path("bills/itemised", newest_itemised, name="itemised"),
    path("bills/<str:number>.pdf", bill_pdf, name="bill_pdf"),
    path("bills/<str:number>", bill, name="bill"),
    path("bills/<str:number>/explained", explained, name="bill_explain"),
    path("bills/<str:number>/itemised", itemised, name="itemised"),
]
