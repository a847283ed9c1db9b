"""Take interactions as TMF683 tells them, and turn those that have ended into contacts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import psycopg
from django.db import transaction

from selbsthelfer.identity.core.numbers import read_number
from selbsthelfer.intake.arrivals import OWN_SOURCES
from selbsthelfer.intake.core.facts import (
    ContactCoded,
    ContactCodedFact,
    ContactEnded,
    ContactFinished,
    FactKey,
)
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.partners.core.interactions import (
    Interaction,
    is_status,
    read_interaction,
    read_topic,
    shown_topic,
)
from selbsthelfer.partners.core.keeping import kept
from selbsthelfer.partners.core.refusals import ConflictError, UnknownError
from selbsthelfer.partners.filing import (
    Answered,
    Filing,
    Partner,
    Request,
    change,
    digest_of,
    file,
    own_document,
    repetition,
)
from selbsthelfer.partners.listening import PartnerEvent, tell
from selbsthelfer.partners.queries import Filed, read_filed, standing_of_account, subject_of_number
from selbsthelfer.partners.showing import shown
from selbsthelfer.partners.volume import enter
from selbsthelfer.subscribers.core.lines import subscriber_id_of

SOURCE: Final = f"{OWN_SOURCES}tmf683"
"""The source of every fact that TMF683 brings."""
KIND: Final = "partyInteraction"
_FIXED: Final = frozenset({"channel", "direction", "interactionDate", "relatedParty"})
"""What a contact is made of; once it is one, this stays."""


def take(request: Request, *, now: datetime) -> Answered:
    """Take an interaction, once; if it has ended and its customer is known, it is a contact from now on.

    Raises `RefusedError` where intake refuses the contact, and `ConflictError`; nothing has changed then.
    """
    id_ = request.new_id()
    reading = read_interaction(request.body)
    content = _content(request.body, reading)
    digest = digest_of(content)
    with transaction.atomic():
        cursor = open_cursor()
        filed = repetition(cursor, request, id_, digest)
        if filed is not None:
            return Answered(shown(filed), is_new=False)
        subject = None if request.partner.is_sandbox else _subject(cursor, reading.party)
        is_contact = subject is not None and reading.has_ended
        filing = Filing(
            id_,
            {**content, **_customer(subject)},
            digest,
            status=content.get("status"),
            line=None if subject is None else subscriber_id_of(subject),
            fact_source=SOURCE if is_contact else None,
        )
        if (earlier := file(cursor, request, filing, now=now)) is not None:
            return Answered(shown(earlier), is_new=False)
        if subject is not None and is_contact:
            _enter_contact(id_, subject, reading, now=now)
        filed = read_filed(cursor, KIND, id_, is_sandbox=request.partner.is_sandbox)
        assert filed is not None  # noqa: S101 - it was just filed
        if not request.partner.is_sandbox:
            tell(cursor, filed, PartnerEvent.INTERACTION_CREATED, now=now)
    return Answered(shown(filed), is_new=True)


def alter(partner: Partner, id_: str, body: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """Learn more of an interaction of this partner's: that it has ended, or another topic.

    Raises `UnknownError`, `RefusedError`, and `ConflictError` where a contact would have to be another one.
    """
    is_sandbox = partner.is_sandbox
    with transaction.atomic():
        cursor = open_cursor()
        filed = own_document(cursor, partner, KIND, id_)
        if not filed.content:
            raise UnknownError(KIND)
        told = {name: value for name, value in body.items() if name in filed.content or name in _LEARNED}
        if filed.fact_source is not None and any(told.get(name) is not None for name in _FIXED):
            raise ConflictError(
                "contact_is_fact", "this interaction has ended; of a fact only the topic can change"
            )
        learned = _learn(cursor, filed, told, is_sandbox=is_sandbox, now=now)
        change(
            cursor,
            learned,
            is_sandbox=is_sandbox,
            status=learned.status,
            content=learned.content,
            fact_source=learned.fact_source,
            line=learned.subscriber_id,
            now=now,
        )
        known, filed = filed, learned._replace(changed_at=now, changes=filed.changes + 1)
        if not is_sandbox:
            _tell_changes(cursor, known, filed, now=now)
    return shown(filed)


_LEARNED: Final = _FIXED | {"status", "reason", "interactionItem"}


def _learn(
    cursor: psycopg.Cursor[Any], filed: Filed, told: Mapping[str, Any], *, is_sandbox: bool, now: datetime
) -> Filed:
    """Put together what is known now, and enter the facts that follow from it."""
    merged = {**filed.content, **told}
    reading = read_interaction(merged)
    content = _content(merged, reading)
    learned = filed._replace(status=content.get("status"))
    if filed.fact_source is not None:
        topic = read_topic(told)
        if topic is None:
            content["reason"] = filed.content["reason"]
        elif content["reason"] != filed.content["reason"]:
            _enter_coding(filed, topic, now=now)
        return learned._replace(content={**content, "relatedParty": filed.content["relatedParty"]})
    subject = None if is_sandbox else _subject(cursor, reading.party)
    learned = learned._replace(content={**content, **_customer(subject)})
    if subject is None:
        return learned
    learned = learned._replace(subscriber_id=subscriber_id_of(subject))
    if not reading.has_ended:
        return learned
    _enter_contact(filed.id, subject, reading, now=now)
    return learned._replace(fact_source=SOURCE)


def _tell_changes(cursor: psycopg.Cursor[Any], known: Filed, filed: Filed, *, now: datetime) -> None:
    """Tell those that listen what is new: the status, and whatever else."""
    if filed.status != known.status:
        tell(cursor, filed, PartnerEvent.INTERACTION_STATUS_CHANGED, now=now)
    if {**filed.content, "status": None} != {**known.content, "status": None}:
        tell(cursor, filed, PartnerEvent.INTERACTION_ALTERED, now=now)


def _content(body: Mapping[str, Any], reading: Interaction) -> dict[str, Any]:
    """Keep of an interaction what is no free text; of its parties only the customer, once that is known."""
    content = kept(body, KIND)
    content.pop("relatedParty", None)
    content["reason"] = shown_topic(reading.topic)
    # One word can be somebody's name: only words of the trade stay.
    if reading.direction is None:
        content.pop("direction", None)
    if not is_status(content.get("status")):
        content.pop("status", None)
    if reading.channel is not None:
        channels = content.setdefault("channel", [{"id": reading.channel}])
        content["channel"] = [{**channel, "name": reading.channel} for channel in channels]
    return content


def _subject(cursor: psycopg.Cursor[Any], party: str | None) -> str | None:
    """Find the line of a customer: by the operator's id, or by number.

    An id that is no number may be of a line that is registered later; intake lets the fact wait for it.
    """
    if party is None or standing_of_account(cursor, party) is not None:
        return party
    return subject_of_number(cursor, party) if read_number(party) is not None else party


def _customer(subject: str | None) -> dict[str, Any]:
    if subject is None:
        return {}
    return {"relatedParty": [{"id": subject, "role": "customer", "@referredType": "Individual"}]}


def _enter_contact(id_: str, subject: str, reading: Interaction, *, now: datetime) -> None:
    enter(
        ContactFinished(
            id=f"{KIND}/{id_}",
            source=SOURCE,
            time=reading.happened_at or now,
            subject=subject,
            data=ContactEnded(
                channel=reading.channel,
                direction=reading.direction,
                outcome=reading.outcome,
                talk_seconds=reading.talk_seconds,
                topic=reading.topic,
            ),
        ),
        now=now,
    )


def _enter_coding(filed: Filed, topic: str, *, now: datetime) -> None:
    subject = filed.content["relatedParty"][0]["id"]
    enter(
        ContactCodedFact(
            id=f"{KIND}/{filed.id}/{filed.changes + 1}",
            source=SOURCE,
            time=now,
            subject=subject,
            data=ContactCoded(contact=FactKey(source=SOURCE, id=f"{KIND}/{filed.id}"), topic=topic),
        ),
        now=now,
    )
