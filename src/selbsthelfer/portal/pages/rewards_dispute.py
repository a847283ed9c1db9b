"""Dispute a contact that counts: the contact and a few words if one likes, then one button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from selbsthelfer.conversations.core.cases import MAX_TEXT_CHARACTERS, AboutContact, Case, CaseRefusedError
from selbsthelfer.conversations.disputes import UnknownContactError
from selbsthelfer.conversations.operations import CaseClosedError, KeyTakenError
from selbsthelfer.conversations.operations import dispute as open_dispute
from selbsthelfer.conversations.queries import disputes_of_line
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, language_now
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.presenting_contacts import ContactItem, present_contact
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import needs_level
from selbsthelfer.programmes.explaining import UnknownLineError, enrolments_to_subscriber
from selbsthelfer.subscribers.core.lines import LineRef


class DisputeForm(forms.Form):
    """What is wrong, in the person's own words if they like; sent twice under one key it is sent once."""

    text = forms.CharField(
        required=False,
        label=both("Was stimmt nicht? (freiwillig)", "What is not right? (optional)"),
        help_text=both(
            "Ein Satz genügt, zum Beispiel: „Das war eine Störung.“",
            "One sentence is enough, such as: “That was a fault.”",
        ),
        max_length=MAX_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "max_length": both(
                f"Bitte schreiben Sie höchstens {MAX_TEXT_CHARACTERS} Zeichen.",
                f"Please write at most {MAX_TEXT_CHARACTERS} characters.",
            )
        },
    )
    source = forms.CharField(widget=forms.HiddenInput)
    id = forms.CharField(widget=forms.HiddenInput)
    key = forms.UUIDField(widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class _Found:
    """A contact of the line, the programme it was judged in, and how the page shows it."""

    item: ContactItem
    programme: str


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
def dispute(request: HttpRequest) -> HttpResponse:
    """Show a contact that counts, and take the dispute about it."""
    line, now = own_line(request), now_of(request)
    asked = request.POST if request.method == "POST" else request.GET
    found = _find(line, AboutContact(asked.get("source", ""), asked.get("id", "")), now)
    if request.method != "POST":
        initial = {"source": found.item.source, "id": found.item.id, "key": uuid4()}
        return _page(request, found, DisputeForm(initial=initial))
    form = DisputeForm(request.POST)
    if not found.item.counts or not form.is_valid():
        return _page(request, found, form, status=422)
    try:
        case = open_dispute(
            line=line.subscriber_id,
            contact_source=found.item.source,
            contact_id=found.item.id,
            text=form.cleaned_data["text"],
            key=form.cleaned_data["key"],
            now=now,
            programme=found.programme,
            language=language_now(),
        )
    except UnknownContactError:
        raise Http404 from None
    except (CaseClosedError, CaseRefusedError, KeyTakenError):
        form.add_error(
            None,
            both(
                "Das konnten wir so nicht annehmen. Bitte schreiben Sie uns über „Hilfe und Kontakt“.",
                "We could not take it like this. Please write to us by “Help and contact”.",
            ),
        )
        return _page(request, found, form, status=422)
    return HttpResponseRedirect(reverse("case", args=[case.number]))


def _find(line: LineRef, about: AboutContact, now: datetime) -> _Found:
    """Find a contact in what the line is told; raises `Http404` for any other."""
    with transaction.atomic():
        cursor = open_cursor()
        disputes = disputes_of_line(cursor, line.subscriber_id)
        found = _find_in(cursor, line, about, disputes, now)
    if found is None:
        raise Http404
    return found


def contact_of_dispute(
    cursor: psycopg.Cursor[Any], line: LineRef, case: Case, now: datetime
) -> ContactItem | None:
    """Show the contact that a case is about; none where it disputes none, or none that the line is told."""
    if case.about is None:
        return None
    found = _find_in(cursor, line, case.about, {case.about: case}, now)
    return None if found is None else found.item


def _find_in(
    cursor: psycopg.Cursor[Any],
    line: LineRef,
    about: AboutContact,
    disputes: Mapping[AboutContact, Case],
    now: datetime,
) -> _Found | None:
    try:
        explanation = enrolments_to_subscriber(cursor, line.subscriber_id, at=now)
    except UnknownLineError:
        return None
    matching = [
        (contact, enrolment)
        for enrolment in explanation.enrolments
        for contact in enrolment.contacts
        if (contact.source, contact.id) == (about.source, about.id)
    ]
    if not matching:
        return None
    # A contact may stand in two programmes; the one in which it counts is meant.
    contact, enrolment = max(matching, key=lambda match: match[0].counts)
    item = present_contact(contact, enrolment, explanation.timezone, language_now(), disputes)
    return _Found(item, enrolment.programme)


def _page(request: HttpRequest, found: _Found, form: DisputeForm, *, status: int = 200) -> HttpResponse:
    context = {"disputed": found.item, "form": form}
    return render(request, "portal/rewards/dispute.html", context, status=status)
