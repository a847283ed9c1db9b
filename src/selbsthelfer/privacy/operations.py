"""Give and withdraw consents; hand out everything about a line; erase what may be erased.

Each room knows its own data: here their parts are only put together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.activities import queries as activities
from selbsthelfer.allowances import queries as allowances
from selbsthelfer.charging import operations as ordering
from selbsthelfer.charging import queries as charging
from selbsthelfer.contacts import queries as contacts
from selbsthelfer.conversations import operations as conversing
from selbsthelfer.conversations import queries as conversations
from selbsthelfer.identity import operations as identifying
from selbsthelfer.identity import queries as identity
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox import operations as sending
from selbsthelfer.outbox import queries as outbox
from selbsthelfer.partners import filing
from selbsthelfer.partners import queries as partners
from selbsthelfer.privacy import queries as own
from selbsthelfer.privacy.core.purposes import Purpose
from selbsthelfer.privacy.models import Consent, Wish
from selbsthelfer.programmes import inviting
from selbsthelfer.programmes import queries as programmes
from selbsthelfer.selfservice import operations as doing
from selbsthelfer.selfservice import queries as selfservice
from selbsthelfer.subscribers import queries as subscribers
from selbsthelfer.subscribers.core.lines import LineRef

Part = Callable[[psycopg.Cursor[Any], UUID], Mapping[str, object]]

_PARTS: Mapping[str, Part] = {
    "line": subscribers.export_of_line,
    "access": identity.export_of_line,
    "activities": activities.export_of_line,
    "contacts": contacts.export_of_line,
    "programmes": programmes.export_of_line,
    "allowances": allowances.export_of_line,
    "charging": charging.export_of_line,
    "receipts": selfservice.export_of_line,
    "conversations": conversations.export_of_line,
    "messages": outbox.export_of_line,
    "partners": partners.export_of_line,
    "privacy": own.export_of_line,
}


def choose_consents(line: LineRef, chosen: Set[Purpose], *, now: datetime) -> None:
    """Have a line agree to the chosen purposes and to no others; what does not change keeps its instant."""
    with transaction.atomic():
        standing = Consent.objects.select_for_update().filter(
            subscriber_id=line.subscriber_id, withdrawn_at__isnull=True
        )
        given = {Purpose(purpose) for purpose in standing.values_list("purpose", flat=True)}
        standing.filter(purpose__in=[purpose.value for purpose in given - chosen]).update(withdrawn_at=now)
        Consent.objects.bulk_create(
            [
                Consent(subscriber_id=line.subscriber_id, purpose=purpose.value, given_at=now)
                for purpose in Purpose
                if purpose in chosen - given
            ],
            ignore_conflicts=True,
        )


def export(line: LineRef, *, now: datetime) -> Mapping[str, object]:
    """Hand out everything that is kept about a line, room by room, as plain values, and note that it was.

    Of a programme in which the line is held out as `control` nothing is told: knowing of it would spoil what
    is measured. The data protection officer hands that out on request once the test is over.
    Source of the right: Articles 15 and 20 GDPR.
    """
    with transaction.atomic():
        cursor = open_cursor()
        parts = {name: part(cursor, line.subscriber_id) for name, part in _PARTS.items()}
        Wish.objects.create(subscriber_id=line.subscriber_id, kind="export", wished_at=now, fulfilled_at=now)
    return {"subject": line.subject, "made_at": now.isoformat(), **parts}


def forget_expired(*, now: datetime) -> bool:
    """Forget what has outlived its term, a bounded number at a time; tell whether there may be more."""
    forgotten = identifying.forget_expired(now=now)
    erased = conversing.erase_overdue(now=now)
    documents = filing.forget_old(now=now)
    return (
        forgotten >= identifying.MAX_FORGOTTEN
        or erased >= conversing.MAX_ERASED
        or documents >= filing.MAX_FORGOTTEN
    )


def erase(line: LineRef, *, now: datetime) -> None:
    """Erase what may go while the contract runs: access, invitations, details of receipts, texts of cases.

    What was promised stays provable: `core/retention.py` says what is kept and for how long.
    Source of the right: Article 17 GDPR.
    """
    with transaction.atomic():
        cursor = open_cursor()
        Wish.objects.create(subscriber_id=line.subscriber_id, kind="erase", wished_at=now, fulfilled_at=now)
        inviting.erase_line(cursor, line.subscriber_id)
        ordering.erase_line(cursor, line.subscriber_id)
        doing.erase_line(cursor, line.subscriber_id, now=now)
        conversing.erase_line(cursor, line.subscriber_id, now=now)
        sending.erase_line(cursor, line.subscriber_id, now=now)
        filing.erase_line(cursor, line.subscriber_id)
        identifying.erase_line(cursor, line.subscriber_id, now=now)
        Consent.objects.filter(subscriber_id=line.subscriber_id, withdrawn_at__isnull=True).update(
            withdrawn_at=now
        )
