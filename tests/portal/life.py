"""A line's life, told fact by fact: what the tests of explanations and pages are fed with."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count

from django.db import transaction
from django.test import Client

from selbsthelfer.activities.operations import copy_catalogue
from selbsthelfer.contacts.operations import copy_exempt_topics
from selbsthelfer.identity.operations import enter
from selbsthelfer.intake.operations import Receipt, Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.definition import Definition, load_preset, preset_text, read_definition
from selbsthelfer.programmes.operations import publish
from selbsthelfer.subscribers.core.lines import subscriber_id_of

SOURCE = "/test"
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """Read an instant, in UTC where it names no offset."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def prepare(definition: Definition | None = None) -> None:
    """Copy the reference tables and publish a programme."""
    with transaction.atomic():
        copy_catalogue(open_cursor())
        copy_exempt_topics(open_cursor())
    publish(definition or load_preset("o2-2017"), now=EPOCH)


def varied(preset: str = "o2-2017", **settings: str) -> Definition:
    """Read a preset with some settings written anew, as TOML."""
    text = preset_text(preset)
    for name, value in settings.items():
        one_line, many_lines = rf"^{re.escape(name)} = .*[^\[]\n", rf"^{re.escape(name)} = \[\n(?s:.*?)^\]\n"
        text = re.sub(many_lines, "", text, flags=re.MULTILINE)
        text = re.sub(one_line, "", text, flags=re.MULTILINE) + f"{name} = {value}\n"
    return read_definition(text)


class Life:
    """The facts of one line, in UTC with a billing day of 1 unless said; `send` hands them to intake."""

    def __init__(self, subject: str, *, variant: str = "treatment", **registration: object) -> None:
        self.subject = subject
        self.variant = variant
        self.numbers = count(1)
        self.facts: list[dict[str, object]] = []
        self.add(
            "subscriber.registered",
            "2024-12-01",
            {"timezone": "UTC", "billing_day": 1, "included_bytes": 5_000_000_000, **registration},
        )

    def add(
        self, type_: str, time: str | datetime, data: dict[str, object], received: str | None = None
    ) -> str:
        """Add a fact and return its id."""
        id_ = f"{self.subject[:40]}-{next(self.numbers):04d}"
        happened_at = at(time) if isinstance(time, str) else time
        fact: dict[str, object] = {
            "specversion": "1.0",
            "id": id_,
            "source": SOURCE,
            "type": type_,
            "subject": self.subject,
            "time": happened_at.isoformat(),
            "data": data,
        }
        if received is not None:
            fact["received"] = at(received).isoformat()
        self.facts.append(fact)
        return id_

    def enrolled(self, time: str | datetime = "2025-01-01T08:00", programme: str = "o2-2017") -> None:
        self.add("programme.enrolled", time, {"programme": programme, "variant": self.variant})

    def withdrawn(self, time: str, programme: str = "o2-2017") -> None:
        self.add("programme.withdrawn", time, {"programme": programme})

    def did(
        self, time: str | datetime, activity: str = "call.voicemail", *, outcome: str = "succeeded"
    ) -> str:
        return self.add("selfservice.finished", time, {"activity": activity, "outcome": outcome})

    def called(
        self,
        time: str | datetime,
        topic: str | None = "bill.view",
        received: str | None = None,
        **data: object,
    ) -> str:
        """Add a hotline call that was answered."""
        told = {"channel": "hotline", "direction": "inbound", "outcome": "answered", "talk_seconds": 180}
        return self.add("contact.ended", time, {**told, "topic": topic, **data}, received)

    def reclassified(self, time: str, contact: str, *, counts: bool) -> None:
        key = {"source": SOURCE, "id": contact}
        self.add("contact.reclassified", time, {"contact": key, "counts": counts, "reason": "nur intern"})

    def active_monthly(self, first: int = 1, last: int = 12) -> None:
        """Do one thing online in each period of 2025 from `first` to `last`."""
        for month in range(first, last + 1):
            self.did(f"2025-{month:02d}-10T12:00")

    def send(self) -> Receipt:
        return send(self.facts)


def send(facts: list[dict[str, object]]) -> Receipt:
    """Hand facts to intake in the order in which they were received; all must be taken."""
    ordered = sorted(facts, key=lambda fact: at(str(fact.get("received") or fact["time"])))
    terms = Terms(now=at("2030-01-01"), may_backdate=True, is_history=True)
    receipt = accept([json.dumps(fact).encode() for fact in ordered], terms=terms)
    assert set(receipt.results) == {"accepted"}, receipt.rejections
    return receipt


def crisis(start: str, end: str, topics: tuple[str, ...] = ()) -> dict[str, object]:
    """Tell of a crisis."""
    return {
        "specversion": "1.0",
        "id": f"crisis-{start}",
        "source": SOURCE,
        "type": "crisis.declared",
        "time": at(start).isoformat(),
        "data": {"from": at(start).isoformat(), "until": at(end).isoformat(), "topics": list(topics)},
    }


def days_later(instant: datetime, days: float) -> datetime:
    return instant + timedelta(days=days)


def sign_in(client: Client, subject: str) -> None:
    """Sign in the user of a line."""
    client.force_login(enter(subscriber_id=subscriber_id_of(subject), now=datetime.now(UTC)).user)


def now() -> datetime:
    return datetime.now(UTC)


def ago(days: float) -> datetime:
    return now() - timedelta(days=days)


def recent_life(
    subject: str = "line", *, days: int = 200, variant: str = "treatment", **registration: object
) -> Life:
    """Live a line that was enrolled some days ago, and does something online every twenty days."""
    one = Life(subject, variant=variant, timezone="Europe/Berlin", billing_day=3, **registration)
    one.facts[0]["time"] = ago(days + 100).isoformat()
    one.enrolled(ago(days))
    for day in range(days - 1, 0, -20):
        one.did(ago(day), "net.diagnose")
    return one
