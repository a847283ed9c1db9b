"""What happens to one line, written down as the facts that the operator's systems would report."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

from selbsthelfer.demo.core.chance import stream
from selbsthelfer.demo.core.lines import Line, Operator
from selbsthelfer.intake.core import facts as kinds
from selbsthelfer.intake.core.facts import FactKey, LineFact

CRM: Final = "/musterfunk/crm"
NETWORK: Final = "/musterfunk/network"
HOTLINE: Final = "/musterfunk/contact-centre"
APP: Final = "/musterfunk/app"
PROGRAMME: Final = "o2-2017"
"""The preset that the made-up operator runs."""


class Diary:
    """The facts of one line in the order in which they were thought of.

    What lies outside the line's recorded life, or would be received after it, is left out.
    """

    def __init__(self, operator: Operator, line: Line) -> None:
        self.operator = operator
        self.line = line
        self.facts: list[LineFact] = []

    def stream(self, name: str) -> Random:
        """Open the line's own stream of chance for one side of its life, so that no other disturbs it."""
        return stream(self.operator.seed, self.line.ordinal, name)

    @property
    def starts_at(self) -> datetime:
        """The instant from which the line's life is recorded."""
        return max(self.operator.opened_at, self.line.registered_at)

    def activity(self, at: datetime, activity: str, *, succeeded: bool = True) -> None:
        """Note that an activity finished."""
        if self._is_outside(at):
            return
        data = kinds.SelfserviceFinished(activity=activity, outcome="succeeded" if succeeded else "failed")
        self.facts.append(
            kinds.ActivityFinished(
                id=self._id("task"), source=APP, time=at, subject=self.line.subject, data=data
            )
        )

    def contact(
        self, at: datetime, data: kinds.ContactEnded, *, received: datetime | None = None
    ) -> FactKey | None:
        """Note that a contact ended; give its key, or none if it is left out."""
        if self._is_outside(at) or self._is_outside(received or at):
            return None
        key = FactKey(source=HOTLINE, id=self._id("contact"))
        self.facts.append(
            kinds.ContactFinished(
                id=key.id, source=key.source, time=at, received=received, subject=self.line.subject, data=data
            )
        )
        return key

    def coding(self, at: datetime, contact: FactKey, topic: str, by: str) -> None:
        """Note that an agent gave a contact its topic."""
        if not self._is_outside(at):
            data = kinds.ContactCoded(contact=contact, topic=topic, by=by)
            self.facts.append(
                kinds.ContactCodedFact(
                    id=self._id("coding"), source=CRM, time=at, subject=self.line.subject, data=data
                )
            )

    def reclassification(self, at: datetime, contact: FactKey, by: str, *, counts: bool, reason: str) -> None:
        """Note that an agent decided whether a contact counts."""
        if not self._is_outside(at):
            data = kinds.ContactReclassified(contact=contact, counts=counts, reason=reason, by=by)
            self.facts.append(
                kinds.ContactReclassifiedFact(
                    id=self._id("decision"), source=CRM, time=at, subject=self.line.subject, data=data
                )
            )

    def usage(self, at: datetime, used_bytes: int) -> None:
        """Note what was used since the last record."""
        if not self._is_outside(at):
            self.facts.append(
                kinds.UsageFact(
                    id=self._id("usage"),
                    source=NETWORK,
                    time=at,
                    subject=self.line.subject,
                    data=kinds.UsageRecorded(bytes=used_bytes),
                )
            )

    def courtesy(self, at: datetime, given_bytes: int, reason: str, by: str) -> None:
        """Note that staff gave volume."""
        if not self._is_outside(at):
            data = kinds.CourtesyGranted(bytes=given_bytes, reason=reason, by=by)
            self.facts.append(
                kinds.CourtesyFact(
                    id=self._id("courtesy"), source=CRM, time=at, subject=self.line.subject, data=data
                )
            )

    def change(self, at: datetime, data: kinds.Changed) -> None:
        """Note that properties of the line changed."""
        if not self._is_outside(at):
            self.facts.append(
                kinds.SubscriberChanged(
                    id=self._id("change"), source=CRM, time=at, subject=self.line.subject, data=data
                )
            )

    def _id(self, kind: str) -> str:
        return f"{kind}-{self.line.ordinal:06d}-{len(self.facts) + 1:03d}"

    def _is_outside(self, at: datetime) -> bool:
        return not self.starts_at < at < self.line.lives_until


def minutes(random: Random, least: float, most: float) -> timedelta:
    """Draw a duration from `least` to `most` minutes, in whole seconds."""
    return timedelta(seconds=round(random.uniform(least, most) * 60))
