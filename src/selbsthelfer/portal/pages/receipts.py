"""Receipts: for every task, as a page and as PDF."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from selbsthelfer.kit.numbers import BrokenNumberError
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language, moment
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import language_now, tell
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.pages.tasks_registry import REGISTERING
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.portal.successes import excuse_of_failure, panel_of
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.explaining import explain_to_subscriber
from selbsthelfer.selfservice.core.receipt_numbers import RECEIPT_NUMBER
from selbsthelfer.selfservice.core.results import OUTCOMES, Done, Outcome, Receipt
from selbsthelfer.selfservice.queries import ReceiptKey, receipt_key, receipt_of_line, receipts_of_line
from selbsthelfer.selfservice.receipt_pdf import receipt_pdf as written_pdf
from selbsthelfer.subscribers.core.lines import LineRef
from selbsthelfer.subscribers.queries import line_billings

PAGE_RECEIPTS: Final = 20
"""Receipts on one page of the list."""
LOOKS_AGAIN_SECONDS: Final = 2
"""How often a page looks whether a credit has been confirmed, or an order answered."""
_LOOKS_AGAIN_FOR: Final = timedelta(minutes=5)
"""For how long after the task it does so by itself; afterwards there is still the link."""

_BADGES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {Outcome.SUCCEEDED: "good", Outcome.REFUSED: "bad", Outcome.FAILED: "bad", Outcome.UNKNOWN: "wait"}
)


@needs_level(1)
@require_safe
def receipts(request: HttpRequest) -> HttpResponse:
    """List the receipts of the line, newest first."""
    line = own_line(request)
    before = _read_place(request.GET.get("before", ""), request.GET.get("beyond", ""))
    with transaction.atomic():
        cursor = open_cursor()
        found = receipts_of_line(cursor, line.subscriber_id, limit=PAGE_RECEIPTS + 1, before=before)
        billing = line_billings(cursor, [line.subscriber_id])[line.subscriber_id]
    shown = found[:PAGE_RECEIPTS]
    context = {
        "rows": [_row(receipt, billing.timezone) for receipt in shown],
        "older": _older(shown[-1]) if len(found) > PAGE_RECEIPTS else "",
        "is_first": before is None,
    }
    return render(request, "portal/receipts/list.html", context)


@needs_level(1)
@require_safe
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """Show a receipt with what the task brought; one of another line is not found."""
    line, now = own_line(request), now_of(request)
    with transaction.atomic():
        cursor = open_cursor()
        found = _find(line, number)
        explanation = explain_to_subscriber(cursor, line.subscriber_id, at=now)
    done = found.done
    panel = panel_of(done, explanation) if done.outcome is Outcome.SUCCEEDED else None
    is_waiting = done.outcome is Outcome.UNKNOWN or (panel is not None and panel.is_waiting)
    context = {
        **_row(found, explanation.timezone),
        "panel": panel,
        "is_waiting": is_waiting,
        "looks_again": LOOKS_AGAIN_SECONDS if is_waiting and _is_fresh(done, now) else 0,
        "is_welcome": panel is not None and done.activity == REGISTERING,
        "is_refused": done.outcome is Outcome.REFUSED,
        "is_failed": done.outcome is Outcome.FAILED,
        "is_unknown": done.outcome is Outcome.UNKNOWN,
        "reason": "" if done.reason is None else tell(done.reason),
        "excuse": excuse_of_failure(done, explanation) if done.outcome is Outcome.FAILED else "",
        "details": [(tell(detail.name), tell(detail.value)) for detail in done.details],
    }
    return render(request, "portal/receipts/receipt.html", context)


@needs_level(1)
@require_safe
def receipt_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Give a receipt as PDF; one of another line is not found."""
    line = own_line(request)
    with transaction.atomic():
        found = _find(line, number)
        billing = line_billings(open_cursor(), [line.subscriber_id])[line.subscriber_id]
    language = language_now()
    response = HttpResponse(
        written_pdf(found, zone=billing.timezone, language=language, brand=settings.BRAND),
        content_type="application/pdf",
    )
    name = {Language.GERMAN: "Beleg", Language.ENGLISH: "receipt"}[language]
    response["Content-Disposition"] = f'inline; filename="{name}-{found.number}.pdf"'
    return response


def _find(line: LineRef, number: str) -> Receipt:
    """Find a receipt of this line inside the running transaction; raises `Http404`."""
    found = receipt_of_line(open_cursor(), line.subscriber_id, number)
    if found is None:
        raise Http404
    return found


def _is_fresh(done: Done, now: datetime) -> bool:
    return now < done.finished_at + _LOOKS_AGAIN_FOR


def _row(receipt: Receipt, zone: str) -> dict[str, Any]:
    """Tell what stands on every receipt."""
    done = receipt.done
    return {
        "number": receipt.number,
        "activity": done.activity,
        "name": tell(activity_name(done.activity)),
        "at": tell(moment(done.finished_at, zone)),
        "outcome": tell(OUTCOMES[done.outcome]),
        "badge": _BADGES[done.outcome],
    }


def _older(last: Receipt) -> str:
    """Give the address of the page that follows one that ends with this receipt."""
    place = receipt_key(last)
    query = urlencode({"before": place.started_at.isoformat(), "beyond": place.number})
    return f"{reverse('receipts')}?{query}"


def _read_place(before: str, beyond: str) -> ReceiptKey | None:
    """Read where a page begins; whatever is no such place is the beginning."""
    try:
        at = datetime.fromisoformat(before)
        number = RECEIPT_NUMBER.read(beyond)
    except (ValueError, BrokenNumberError):
        return None
    return None if at.tzinfo is None else ReceiptKey(at, number)


urlpatterns = [
    path("receipts/", receipts, name="receipts"),
    path("receipts/<str:number>.pdf", receipt_pdf, name="receipt_pdf"),
    path("receipts/<str:number>", receipt, name="receipt"),
]
