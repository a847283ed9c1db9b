"""How to reach a person: the same for everybody, and what a call means for a stage that is running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from selbsthelfer.activities.queries import FailedActivity, failed_recently
from selbsthelfer.conversations.core.promising import PROMISE_HOURS, promised_at
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words, day, last_day, moment, quoted
from selbsthelfer.portal.articles.channels import CHANNELS, ZONE, Channel, hours, is_open
from selbsthelfer.portal.articles.helping import ARTICLES
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import tell
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages.helping import carried
from selbsthelfer.portal.presenting_terms_counting import free_terms
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import real_now
from selbsthelfer.portal.successes import excuses_failures
from selbsthelfer.programmes.core.counting import FAILED_ACTIVITY_REACH
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.core.wording_facts import Phase, ToldEnrolment, ToldStage
from selbsthelfer.programmes.explaining import UnknownLineError, enrolments_to_subscriber
from selbsthelfer.programmes.queries import versions_of

_HOTLINE: Final = "hotline"
_DAYS_AGO: Final = (
    Words("Heute", "Today"),
    Words("Gestern", "Yesterday"),
    Words("Vorgestern", "The day before yesterday"),
)


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
        rules = {enrolment.programme: _rules(cursor, enrolment) for enrolment in running}
        failures: Sequence[FailedActivity] = ()
        if excuses_failures(running):
            failures = failed_recently(cursor, line.subscriber_id, since=now - FAILED_ACTIVITY_REACH)
    zone = explanation.timezone
    return {
        "stages": [_stage(enrolment, rules[enrolment.programme], zone) for enrolment in running],
        "are_many": len(running) > 1,
        "is_only_hotline": all(set(enrolment.channels) <= {_HOTLINE} for enrolment in running),
        "failures": [tell(words) for words in failure_sentences(failures, now, zone)],
    }


def _stage(enrolment: ToldEnrolment, rules: Definition | None, zone: str) -> dict[str, Any]:
    """Say what a call means for one programme, and by what a call does not count in it."""
    is_counted = rules is not None and _HOTLINE in rules.channels
    return {
        "title": tell(enrolment.title),
        "sentence": tell(call_sentence(enrolment, zone)),
        "free": [tell(words) for words in free_terms(rules)] if rules is not None and is_counted else [],
    }


def _rules(cursor: psycopg.Cursor[Any], enrolment: ToldEnrolment) -> Definition | None:
    """Read the version that an enrolment is pinned to."""
    versions = versions_of(cursor, enrolment.programme)
    return next((v.definition for v in versions if v.version == enrolment.version), None)


def failure_sentences(failures: Iterable[FailedActivity], now: datetime, zone: str) -> list[Words]:
    """Say of each kind that failed until when a call about it is free."""
    return [_failure_sentence(failure, now, zone) for failure in failures]


def _failure_sentence(failure: FailedActivity, now: datetime, zone: str) -> Words:
    name = quoted(activity_name(failure.activity))
    until = moment(failure.happened_at + FAILED_ACTIVITY_REACH, zone)
    on = _day_of(failure.happened_at, now, zone)
    return Words(
        f"{on.de} hat {name.de} nicht geklappt. Rufen Sie deswegen bis {until.de} an, zählt der Anruf nicht.",
        f"{on.en} {name.en} did not work. If you call about it until {until.en}, that call does not count.",
    )


def _day_of(then: datetime, now: datetime, zone: str) -> Words:
    """Name the local day of an instant as people do, seen from now."""
    local = ZoneInfo(zone)
    days = (now.astimezone(local).date() - then.astimezone(local).date()).days
    if 0 <= days < len(_DAYS_AGO):
        return _DAYS_AGO[days]
    written = day(then, zone)
    return Words(f"Am {written.de}", f"On {written.en}")


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
