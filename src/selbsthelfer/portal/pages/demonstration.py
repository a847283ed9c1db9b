"""For the demonstration only: the inbox of made-up people, and clocks that can be moved on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Final

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS
from selbsthelfer.demo import moving
from selbsthelfer.demo.clock import ClockTooFarError
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words, moment
from selbsthelfer.outbox.core.wording import DEFAULT_ZONE
from selbsthelfer.outbox.queries import inbox_of
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import language_now, tell
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.programmes.core.wording_contacts import topic_name
from selbsthelfer.selfservice.embedded.operations import begin_outage
from selbsthelfer.subscribers.core.lines import LineRef

MAX_MESSAGES: Final = 50
"""Messages on the page of the inbox."""
OUTAGE: Final = timedelta(minutes=2)
"""How long the made-up operator's systems fail."""

View = Callable[..., HttpResponseBase]


def in_demo_only(view: View) -> View:
    """Answer a view in the demonstration; anywhere else it does not exist."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@in_demo_only
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the newest messages that made-up people got: codes to sign in among them."""
    with transaction.atomic():
        messages = inbox_of(open_cursor(), limit=MAX_MESSAGES, language=language_now())
    shown = [(message, tell(moment(message.created_at, DEFAULT_ZONE))) for message in messages]
    return render(request, "portal/demonstration/inbox.html", {"messages": shown})


@in_demo_only
@needs_level(1)
@require_http_methods(["GET", "HEAD", "POST"])
def clock(request: HttpRequest) -> HttpResponse:
    """Live the line on: do something, call, let the month pass, or have the back end fail once."""
    line = own_line(request)
    if request.method == "POST":
        request.session["demo_told"] = _live_on(request, line)
        return HttpResponseRedirect(reverse("demo_clock"))
    context = {
        "told": request.session.pop("demo_told", ""),
        "now": tell(moment(now_of(request), DEFAULT_ZONE)),
        "topics": [(topic, tell(topic_name(topic)), topic in EXEMPT_TOPICS) for topic in moving.CALL_TOPICS],
    }
    return render(request, "portal/demonstration/clock.html", context)


def _live_on(request: HttpRequest, line: LineRef) -> str:
    now = datetime.now(UTC)
    step = request.POST.get("step")
    try:
        match step:
            case "activity":
                released = moving.do_something(line, now=now).released
            case "call":
                released = moving.call(line, request.POST.get("topic", ""), now=now).released
            case "month":
                released = moving.next_month(line, now=now).released
            case "outage":
                at = now_of(request)
                begin_outage(None, now=at, until=at + OUTAGE)
                return tell(
                    Words(
                        "Zwei Minuten lang scheitert jetzt jede Erledigung.",
                        "Every task will fail for the next two minutes.",
                    )
                )
            case _:
                return ""
    except ClockTooFarError:
        return tell(Words("Weiter lässt sich die Uhr nicht vorstellen.", "The clock cannot go further."))
    except moving.RefusedStepError:
        return tell(Words("Dieser Anschluss lebt nicht mehr weiter.", "This line does not live on any more."))
    except moving.UnknownTopicError:
        return tell(Words("Bitte wählen Sie ein Anliegen.", "Please choose a topic."))
    return _what_happened(step, released)


def _what_happened(step: str, released: int) -> str:
    done = {
        "activity": Words("Online erledigt, ein Tag ist vergangen.", "Done online; a day has passed."),
        "call": Words("Angerufen, ein Tag ist vergangen.", "Called; a day has passed."),
        "month": Words("Der nächste Abrechnungszeitraum hat begonnen.", "The next billing period has begun."),
    }[step]
    if not released:
        return tell(done)
    return tell(
        Words(f"{done.de} Dabei wurde Volumen gutgeschrieben.", f"{done.en} Volume was credited on the way.")
    )


urlpatterns = [
    path("demo/inbox", inbox, name="demo_inbox"),
    path("demo/clock", clock, name="demo_clock"),
]
