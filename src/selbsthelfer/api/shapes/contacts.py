"""What is told of a line's contacts: what each was, and what it means for each programme and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ninja import Schema
from pydantic import Field

from selbsthelfer.api.shapes.base import Sent, YesOrNo
from selbsthelfer.api.shapes.values import NEXT, NO_CONTROL, FactKeyIn, FactKeyOut, Instant, WordsOut
from selbsthelfer.contacts.queries import LineContact
from selbsthelfer.programmes.core.wording_contacts import contact_sentence
from selbsthelfer.programmes.core.wording_facts import ToldContact
from selbsthelfer.programmes.explaining import Participation

Verdicts = Mapping[tuple[str, str], Sequence["VerdictOut"]]
"""What contacts mean, by their source and id."""


class VerdictOut(Schema):
    """What a contact means for one programme that the line takes part in."""

    programme: str = Field(description="The programme's name.", examples=["o2-2017"])
    version: int = Field(description="The version of its rules.", examples=[1])
    window: int = Field(description="The stage in which the contact lies.", examples=[2])
    counts: bool = Field(description="Whether it counts against that stage.", examples=[False])
    code: str | None = Field(
        description="Why it does not count, as a stable code; null where it counts.", examples=["fault"]
    )
    why: WordsOut = Field(description="The reason in one sentence.")


class ContactOut(Schema):
    """A contact. What the contact centre did not tell is null. Free text and agents are never told."""

    source: str = Field(description="The `source` of its fact.", examples=["/contact-centre"])
    id: str = Field(description="The `id` of its fact.", examples=["call-2026-11-03-0817"])
    happened_at: Instant = Field(description="When it ended.")
    received_at: Instant = Field(description="When it became known.")
    channel: str | None = Field(description="The channel.", examples=["hotline"])
    direction: str | None = Field(description="Who began it.", examples=["inbound"])
    outcome: str | None = Field(description="What came of it.", examples=["answered"])
    wait_seconds: int | None = Field(description="How long the person waited.", examples=[40])
    talk_seconds: int | None = Field(description="How long they talked.", examples=[180])
    topic: str | None = Field(
        description="The topic, as an agent coded it last. `exempt` stands for those that would tell "
        "something about the person.",
        examples=["fault"],
    )
    verdicts: list[VerdictOut] = Field(
        description="What it means for each programme in one of whose stages it lies; empty where in none."
    )

    @classmethod
    def of(cls, contact: LineContact, verdicts: Verdicts) -> ContactOut:
        found = verdicts.get((contact.source, contact.id), ())
        return cls(**contact._asdict(), verdicts=list(found))


class ContactsOut(Schema):
    """A page of contacts, newest first."""

    items: list[ContactOut] = Field(description="The contacts on this page.")
    next: str | None = NEXT


class ReclassificationIn(Sent):
    """What an agent decided about a contact."""

    contact: FactKeyIn = Field(description="The key of the contact's own fact.")
    counts: YesOrNo = Field(description="Whether the contact counts from now on.", examples=[False])
    reason: str | None = Field(
        None,
        description="Why, in free text; kept, and told to nobody but the person who asks for their data.",
        max_length=2_000,
        strict=True,
        pattern=r"^[^\x00]*$",
        examples=["The call was about a fault in the region."],
    )
    by: str | None = Field(
        None,
        description="Which member of staff decided, by the operator's own name of them.",
        min_length=1,
        max_length=100,
        strict=True,
        pattern=NO_CONTROL,
        examples=["agent-17"],
    )


class ReclassificationOut(Schema):
    """A contact after a decision about it."""

    fact: FactKeyOut = Field(description="The key of the fact `contact.reclassified` that was taken.")
    is_known: bool = Field(
        description="Whether the contact itself is known yet. If not, the decision holds as soon as it is."
    )
    contact: ContactOut | None = Field(
        description="The contact as it stands now; null while it is not known."
    )


def verdicts_of(told: Participation) -> Verdicts:
    """Gather what each contact means for each programme."""
    found: dict[tuple[str, str], list[VerdictOut]] = {}
    for enrolment in told.enrolments:
        for contact in enrolment.contacts:
            verdict = _verdict(contact, enrolment.programme, enrolment.version, told.timezone)
            found.setdefault((contact.source, contact.id), []).append(verdict)
    return found


def _verdict(contact: ToldContact, programme: str, version: int, zone: str) -> VerdictOut:
    return VerdictOut(
        programme=programme,
        version=version,
        window=contact.window,
        counts=contact.counts,
        code=contact.code,
        why=WordsOut.of(contact_sentence(contact.ground, contact.channel, zone)),
    )
