"""How to reach a person: the same for everybody, and what a call means for a stage that is running."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from selbsthelfer.conversations.core.promising import PROMISE_HOURS, promised_at
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words, last_day, moment
from selbsthelfer.portal.articles.channels import CHANNELS, ZONE, Channel, hours, is_open
from selbsthelfer.portal.articles.helping import ARTICLES
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import tell
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages.helping import carried
from selbsthelfer.portal.presenting_terms_counting import exempt_terms
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import real_now
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.definition import Exemptions
from selbsthelfer.programmes.core.wording_facts import Phase, ToldEnrolment, ToldStage
from selbsthelfer.programmes.explaining import UnknownLineError, enrolments_to_subscriber
from selbsthelfer.programmes.queries import versions_of

_HOTLINE = "hotline"


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    """Show every way to a person, with its hours and whether it is open."""
    article = ARTICLES.get(request.GET.get("article", ""))
    context = {
        "channels": [_channel(channel, request) for channel in CHANNELS],
        "promise": tell(moment(promised_at(real_now()), ZONE)),
        "promise_hours": PROMISE_HOURS,
        "article": None if article is None else {"id": article.id, "title": tell(article.title)},
        "missing": "" if article is None else carried(request, article.id),
        **_calling(request),
    }
    return render(request, "portal/helping/contact.html", context)


def _channel(channel: Channel, request: HttpRequest) -> dict[str, Any]:
    is_open_now = is_open(channel, now_of(request))
    return {
        "id": channel.id,
        "name": tell(channel.name),
        "note": tell(channel.note),
        "number": channel.number,
        "dialled": channel.dialled,
        "hours": tell(hours(channel)),
        "state": "good" if is_open_now else "wait",
        "state_word": tell(
            Words("jetzt geöffnet", "open now") if is_open_now else Words("jetzt geschlossen", "closed now")
        ),
    }


def _calling(request: HttpRequest) -> dict[str, Any]:
    """Say what a call means for the running programmes of whoever is signed in; in `control` nothing."""
    line, now = line_of(request), now_of(request)
    if line is None:
        return {}
    with transaction.atomic():
        cursor = open_cursor()
        try:
            explanation = enrolments_to_subscriber(cursor, line.subscriber_id, at=now)
        except UnknownLineError:
            return {}
        running = [e for e in explanation.enrolments if e.stopped_at is None and not e.is_closed]
        is_fair = any(_is_fair(cursor, enrolment) for enrolment in running)
    return {
        "stages": [tell(call_sentence(enrolment, explanation.timezone)) for enrolment in running],
        "is_only_hotline": all(set(enrolment.channels) <= {_HOTLINE} for enrolment in running),
        "never": [tell(words) for words in exempt_terms()] if is_fair else [],
    }


def _is_fair(cursor: psycopg.Cursor[Any], enrolment: ToldEnrolment) -> bool:
    """Tell whether the version that an enrolment is pinned to exempts topics."""
    versions = versions_of(cursor, enrolment.programme)
    pinned = next((v for v in versions if v.version == enrolment.version), None)
    return pinned is not None and pinned.definition.exemptions is Exemptions.FAIR


def call_sentence(enrolment: ToldEnrolment, zone: str) -> Words:
    """Say in one neutral line what a call means for the running stage."""
    stage = next((stage for stage in enrolment.stages if stage.phase is Phase.CURRENT), None)
    if _HOTLINE not in enrolment.channels:
        return Words("Ein Anruf zählt in diesem Programm nie.", "In this programme a call never counts.")
    if stage is None or stage.state is StageState.PASSED:
        return Words(
            "Ein Anruf ändert jetzt nichts: Es läuft keine Stufe, die noch offen ist.",
            "A call changes nothing now: no stage is running that is still open.",
        )
    return _about_stage(stage, zone)


def _about_stage(stage: ToldStage, zone: str) -> Words:
    until, number, spare = last_day(stage.ends_at, zone), stage.window, stage.contacts_to_spare
    if spare < 0:
        return Words(
            f"Stufe {number} läuft bis zum {until.de}. Ein weiterer Anruf ändert an ihr nichts mehr.",
            f"Stage {number} runs until {until.en}. Another call changes nothing about it any more.",
        )
    if spare > 0:
        return Words(
            f"Stufe {number} läuft bis zum {until.de}. Sie verträgt noch {spare}"
            f" {'Anruf, der zählt' if spare == 1 else 'Anrufe, die zählen'}.",
            f"Stage {number} runs until {until.en}. It can bear {spare} more"
            f" {'call that counts' if spare == 1 else 'calls that count'}.",
        )
    return Words(
        f"Stufe {number} läuft bis zum {until.de} und gelingt ohne einen Anruf, der zählt. Was Sie schon"
        " bekommen haben, bleibt Ihnen in jedem Fall.",
        f"Stage {number} runs until {until.en} and is passed without a call that counts. What you have"
        " received stays yours in any case.",
    )


urlpatterns = [path("contact", contact, name="contact")]
