"""The contacts of a line, what each means for its programmes, and what staff decide about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.deciding import refused
from selbsthelfer.api.lines import fact_key, line_asked, now_for, unknown_line
from selbsthelfer.api.once import ONCE, once
from selbsthelfer.api.pages import DEFAULT_PAGE, cut_page, read_cursor, write_cursor
from selbsthelfer.api.problems import refusals
from selbsthelfer.api.shapes.contacts import (
    ContactOut,
    ContactsOut,
    ReclassificationIn,
    ReclassificationOut,
    Verdicts,
    verdicts_of,
)
from selbsthelfer.api.shapes.parameters import Cursor, Limit, LineId
from selbsthelfer.api.shapes.values import FactKeyOut
from selbsthelfer.contacts.queries import ContactKey, contact_of_line, page_of_contacts
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.intake.by_hand import DecisionRefusedError, FactReusedError, reclassify
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.explaining import UnknownLineError, enrolments_to_subscriber

router = Router(tags=["contacts"])


@router.get(
    "/lines/{line}/contacts",
    auth=Needs(Scope.LINES_READ, of_line=True),
    summary="List the contacts of a line",
    response={200: ContactsOut, **refusals(400, 404)},
)
def list_contacts(
    request: HttpRequest, line: LineId, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> ContactsOut:
    """List the contacts of a line, newest first, with what each means for each of its programmes, and why."""
    place = read_cursor(cursor, datetime, str, str)
    asked = line_asked(request, line)
    now = now_for(asked)
    with transaction.atomic():
        reading = open_cursor()
        rows = page_of_contacts(
            reading,
            asked.subscriber_id,
            known_until=now,
            limit=limit + 1,
            before=None if place is None else ContactKey(*place),
        )
        verdicts = _verdicts(reading, asked.subscriber_id, now)
    page, last = cut_page(rows, limit)
    return ContactsOut(
        items=[ContactOut.of(contact, verdicts) for contact in page],
        next=None if last is None else write_cursor(*last.key),
    )


@router.post(
    "/lines/{line}/reclassifications",
    auth=Needs(Scope.CONTACTS_WRITE),
    summary="Decide whether a contact counts",
    response={201: ReclassificationOut, **refusals(400, 404, 422)},
    openapi_extra=dict(ONCE),
)
def reclassify_contact(request: HttpRequest, line: LineId, decision: ReclassificationIn) -> HttpResponse:
    """Decide whether a contact counts, as a fact `contact.reclassified`; the newest decision holds.

    The answer tells the contact as it stands after it. A contact that is not known yet may be decided about:
    the decision holds as soon as it arrives, since facts may come in any order. What was granted stays,
    whatever is decided. A decision that comes too late for its stage is kept and changes nothing.
    """

    def work() -> tuple[int, Schema]:
        asked = line_asked(request, line)
        now, key = now_for(asked), fact_key(request)
        try:
            reclassify(
                asked,
                contact=decision.contact.key(),
                counts=decision.counts,
                reason=decision.reason,
                by=decision.by,
                key=key,
                now=now,
            )
        except (DecisionRefusedError, FactReusedError) as error:
            raise refused(error) from error
        except UnknownLineError:
            raise unknown_line() from None
        cursor, told = open_cursor(), decision.contact
        contact = contact_of_line(
            cursor, asked.subscriber_id, source=told.source, contact_id=told.id, known_until=now
        )
        after = None
        if contact is not None:
            after = ContactOut.of(contact, _verdicts(cursor, asked.subscriber_id, now))
        fact = FactKeyOut(source=key.source, id=key.id)
        return 201, ReclassificationOut(fact=fact, is_known=after is not None, contact=after)

    return once(request, work)


def _verdicts(cursor: psycopg.Cursor[Any], line: UUID, now: datetime) -> Verdicts:
    try:
        return verdicts_of(enrolments_to_subscriber(cursor, line, at=now))
    except UnknownLineError:
        raise unknown_line() from None
