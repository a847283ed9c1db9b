"""Lay out the contacts of an enrolment: what each was about, whether it counts, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from selbsthelfer.conversations.core.cases import AboutContact, Case, Decision
from selbsthelfer.kit.wording import Language, moment
from selbsthelfer.programmes.core.wording_consequences import contact_outcome
from selbsthelfer.programmes.core.wording_contacts import channel_name, contact_sentence, topic_name
from selbsthelfer.programmes.core.wording_facts import ToldContact, ToldEnrolment

MAX_CONTACTS: Final = 40
"""Contacts shown for one enrolment; those that count come before those that do not."""
_ANCHOR_DIGITS: Final = 12
RECLASSIFIED: Final = "reclassified"
"""The code of a contact that somebody looked at again and found not to count."""


@dataclass(frozen=True, slots=True)
class ContactItem:
    """A contact in the list; `case` is the number of its dispute, empty if nobody disputed it.

    `anchor` names its place on the page of rewards. `is_reinstated` and `is_upheld` tell how somebody decided
    that dispute.
    """

    source: str
    id: str
    anchor: str
    at: str
    instant: str
    channel: str
    topic: str
    counts: bool
    sentence: str
    case: str
    is_reinstated: bool
    is_upheld: bool

    @property
    def may_dispute(self) -> bool:
        return self.counts and not self.case


def present_contact(
    contact: ToldContact,
    enrolment: ToldEnrolment,
    zone: str,
    language: Language,
    disputes: Mapping[AboutContact, Case],
) -> ContactItem:
    """Put a contact into words of one language, with times of one zone: why, and what follows from it."""
    reason = contact_sentence(contact.ground, contact.channel, zone)
    case = disputes.get(AboutContact(contact.source, contact.id))
    decision = None if case is None else case.decision
    return ContactItem(
        source=contact.source,
        id=contact.id,
        anchor=_anchor(enrolment.programme, contact),
        at=moment(contact.happened_at, zone).told(language),
        instant=rfc3339(contact.happened_at),
        channel=channel_name(contact.channel).told(language),
        topic=topic_name(contact.topic).told(language),
        counts=contact.counts,
        sentence=contact_outcome(reason, contact, enrolment, zone).told(language),
        case="" if case is None else case.number,
        is_reinstated=decision is Decision.REINSTATED and contact.code == RECLASSIFIED,
        is_upheld=decision is Decision.UPHELD and contact.counts,
    )


def choose_contacts(contacts: Sequence[ToldContact]) -> list[ToldContact]:
    """Choose what one page can show: contacts that count first, then the newest; newest first."""
    kept = sorted(contacts, key=lambda c: (c.counts, c.happened_at), reverse=True)[:MAX_CONTACTS]
    return sorted(kept, key=lambda c: (c.happened_at, c.id), reverse=True)


def _anchor(programme: str, contact: ToldContact) -> str:
    """Name the place of a contact on a page; its id is the sender's, and may hold anything."""
    key = "\0".join((programme, contact.source, contact.id))
    return f"contact-{sha256(key.encode()).hexdigest()[:_ANCHOR_DIGITS]}"


def rfc3339(instant: datetime) -> str:
    """Write an instant for machines."""
    return instant.isoformat().replace("+00:00", "Z")
