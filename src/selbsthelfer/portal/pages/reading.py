"""Tasks that are done by reading fresh data: bills, usage, the contract, the codes of the SIM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.allowances.queries import MAX_USAGE_DAYS, DayUsage, usage_by_day
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words, day, money, on_day, volume
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import language_now, tell
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.pages import reading_bills
from selbsthelfer.portal.pages.reading_fresh import opened, reads, told_success
from selbsthelfer.portal.presenting_home import present_home
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.portal.successes import panel_of
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.explaining import explain_to_subscriber
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.selfservice.core.records import OptionOffer, TariffOffer
from selbsthelfer.subscribers.core.billing import first_instant

_DAY: Final = timedelta(days=1)
_NO_WORD: Final = Words("noch keine Meldung", "no word yet")


@require_safe
@needs_level(1)
def usage(request: HttpRequest) -> HttpResponse:
    """Show what was used in the running period, day by day, and what is left."""
    line, now = own_line(request), now_of(request)
    done = opened(request, "use.view")
    with transaction.atomic():
        cursor = open_cursor()
        explanation = explain_to_subscriber(cursor, line.subscriber_id, at=now)
        bounds = day_bounds(explanation.period.starts_at, now, explanation.timezone)
        by_day = usage_by_day(cursor, line.subscriber_id, bounds=bounds)
    used = explanation.allowance.usage
    known_until = None if used is None else used.last_record_happened_at
    context = {
        "page": present_home(explanation, used, None, language_now()),
        "used": tell(_NO_WORD if used is None or known_until is None else volume(used.used_bytes)),
        "days": _day_rows(by_day, known_until, explanation.timezone),
        "most_bytes": max((entry.bytes for entry in by_day), default=0),
        "panel": panel_of(done, explanation) if done is not None and done.is_new else None,
    }
    return render(request, "portal/reading/usage.html", context)


def day_bounds(starts_at: datetime, at: datetime, zone: str) -> list[datetime]:
    """List the first instants of the local days of a period up to an instant, that day's end included.

    The newest `MAX_USAGE_DAYS` days where there are more.
    """
    local = ZoneInfo(zone)
    last = at.astimezone(local).date() + _DAY
    first = max(starts_at.astimezone(local).date(), last - MAX_USAGE_DAYS * _DAY)
    return [first_instant(zone, first + count * _DAY) for count in range((last - first).days + 1)]


def _day_rows(by_day: Sequence[DayUsage], known_until: datetime | None, zone: str) -> list[dict[str, object]]:
    """Lay out the days, newest first; of those after the newest record nobody knows how much it was."""
    return [
        {
            "day": tell(day(entry.starts_at, zone)),
            "volume": tell(
                _NO_WORD if known_until is None or known_until < entry.starts_at else volume(entry.bytes)
            ),
            "bytes": entry.bytes,
            "unmet": tell(volume(entry.unmet_bytes)) if entry.unmet_bytes else "",
        }
        for entry in reversed(by_day)
    ]


@require_safe
@needs_level(1)
@reads("con.view")
def contract(request: HttpRequest) -> HttpResponse:
    """Show what was agreed, and where to change it."""
    line, now = own_line(request), now_of(request)
    back_end = the_back_end()
    agreed, customer = back_end.contract(line, now=now), back_end.customer(line, now=now)
    under_way = back_end.pending(line, now=now)
    done = opened(request, "con.view")
    context = {
        "contract": agreed,
        "tariff": _offer(agreed.tariff),
        "options": [_offer(option) for option in agreed.options],
        "next_tariff": None if agreed.next_tariff is None else tell(agreed.next_tariff.name),
        "next_from": "" if agreed.next_tariff_from is None else tell(on_day(agreed.next_tariff_from)),
        "began_on": tell(on_day(agreed.began_on)),
        "may_end_on": tell(on_day(agreed.may_end_on)),
        "customer": customer,
        "pending": [(tell(activity_name(activity)), tell(told)) for activity, told in under_way.items()],
        "panel": told_success(request, done),
    }
    return render(request, "portal/reading/contract.html", context)


def _offer(offer: TariffOffer | OptionOffer) -> dict[str, object]:
    return {
        "name": tell(offer.name),
        "price": tell(money(offer.price_cents)),
        "facts": [tell(fact) for fact in offer.facts],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(2)
@reads("sim.puk")
def sim_secrets(request: HttpRequest) -> HttpResponse:
    """Show the codes of the SIM to whoever asks for them; each time is noted, and nothing is kept."""
    if request.method != "POST":
        return render(request, "portal/reading/sim_secrets.html", {"secrets": None})
    line, now = own_line(request), now_of(request)
    secrets = the_back_end().sim_secrets(line, now=now)
    done = opened(request, "sim.puk")
    context = {"secrets": secrets, "panel": told_success(request, done)}
    return render(request, "portal/reading/sim_secrets.html", context)


urlpatterns = [
    *reading_bills.urlpatterns,
    path("usage", usage, name="usage"),
    path("contract", contract, name="contract"),
    path("sim/codes", sim_secrets, name="sim_secrets"),
]
