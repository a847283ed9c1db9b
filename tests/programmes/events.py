"""Facts told in the words of the trade: a line's life, written as the CloudEvents that enter by intake."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

BERLIN = "Europe/Berlin"
SOURCE = "/test"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact as it is sent; a crisis has no subject."""

    type: str
    id: str
    time: datetime
    data: Mapping[str, Any]
    subject: str | None = None
    received: datetime | None = None
    source: str = SOURCE

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Stand on one line where a property has failed."""
        received = f" received {self.received:%F %T.%f}" if self.received else ""
        printer.text(
            f"{self.subject} {self.type} {self.source} {self.id} {self.time:%F %T.%f}{received} {self.data}"
        )

    @property
    def received_at(self) -> datetime:
        """When the fact counts as received: never before it happened."""
        return max(self.received or self.time, self.time)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.subject or "", self.source, self.id

    def encode(self) -> bytes:
        event = {"specversion": "1.0", "type": self.type, "id": self.id, "source": self.source}
        if self.subject is not None:
            event["subject"] = self.subject
        if self.received is not None:
            event["received"] = self.received.isoformat()
        return json.dumps({**event, "time": self.time.isoformat(), "data": self.data}, default=str).encode()


def instant(text: str, zone: str = BERLIN) -> datetime:
    """Read a local date and time; an instant with an offset stands for itself."""
    told = datetime.fromisoformat(text)
    return (told if told.tzinfo else told.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


@dataclass
class Line:
    """A line, billed on the 1st in Berlin unless said, and everything that is told of it."""

    subject: str = "line"
    zone: str = BERLIN
    events: list[Event] = field(default_factory=list)
    _numbers: Iterable[int] = field(default_factory=lambda: count(1))

    def tell(
        self, type_: str, at: datetime | str, *, received: datetime | str | None = None, **data: Any
    ) -> Event:
        """Tell a fact and return it; `fact_id` and `source` may be given among the data."""
        number = next(iter(self._numbers))
        event = Event(
            type=type_,
            id=data.pop("fact_id", f"{self.subject}-{number:03}"),
            source=data.pop("source", SOURCE),
            subject=self.subject,
            time=self._instant(at),
            received=None if received is None else self._instant(received),
            data=data,
        )
        self.events.append(event)
        return event

    def _instant(self, at: datetime | str) -> datetime:
        return instant(at, self.zone) if isinstance(at, str) else at

    def registers(self, at: datetime | str = "2020-06-01", **data: Any) -> Event:
        if "period_days" not in data:
            data.setdefault("billing_day", 1)
        terms = {"timezone": self.zone, "language": "de", "tariff": "blue-m", "included_bytes": 10**9}
        return self.tell("subscriber.registered", at, **{**terms, **data})

    def enrols(self, at: datetime | str, programme: str, variant: str = "treatment", **more: Any) -> Event:
        return self.tell("programme.enrolled", at, programme=programme, variant=variant, **more)

    def withdraws(self, at: datetime | str, programme: str, **more: Any) -> Event:
        return self.tell("programme.withdrawn", at, programme=programme, **more)

    def ends(self, at: datetime | str, **more: Any) -> Event:
        return self.tell("subscriber.ended", at, **more)

    def changes_billing_day(self, at: datetime | str, day: int, **more: Any) -> Event:
        return self.tell("subscriber.billing_day_changed", at, billing_day=day, **more)

    def changes_tariff(self, at: datetime | str, tariff: str, **more: Any) -> Event:
        return self.tell("subscriber.changed", at, tariff=tariff, **more)

    def does(self, at: datetime | str, activity: str = "call.voicemail", **more: Any) -> Event:
        return self.tell("selfservice.finished", at, activity=activity, outcome="succeeded", **more)

    def fails(self, at: datetime | str, activity: str, **more: Any) -> Event:
        return self.tell("selfservice.finished", at, activity=activity, outcome="failed", **more)

    def calls(self, at: datetime | str, topic: str = "bill.iban", **more: Any) -> Event:
        """Call the hotline and talk to somebody; `topic` can be solved online unless said."""
        served = {"channel": "hotline", "direction": "inbound", "outcome": "answered", "talk_seconds": 240}
        return self.tell("contact.ended", at, **{**served, "topic": topic, **more})

    def coded(self, at: datetime | str, contact: Event, topic: str, **more: Any) -> Event:
        key = {"source": contact.source, "id": contact.id}
        return self.tell("contact.coded", at, contact=key, topic=topic, by="agent-7", **more)

    def reclassified(self, at: datetime | str, contact: Event, *, counts: bool, **more: Any) -> Event:
        key = {"source": contact.source, "id": contact.id}
        return self.tell(
            "contact.reclassified", at, contact=key, counts=counts, reason="checked", by="agent-7", **more
        )


def crisis(
    begins: datetime | str,
    ends: datetime | str,
    *,
    declared: datetime | str | None = None,
    received: datetime | str | None = None,
    topics: tuple[str, ...] = (),
    fact_id: str = "crisis",
) -> Event:
    """Declare a crisis, when it begins unless said."""
    begins, ends, declared = (
        instant(at) if isinstance(at, str) else at for at in (begins, ends, declared or begins)
    )
    return Event(
        type="crisis.declared",
        id=fact_id,
        time=declared,
        received=instant(received) if isinstance(received, str) else received,
        data={"from": begins.isoformat(), "until": ends.isoformat(), "topics": list(topics)},
        source="/operations",
    )


def known_at(event: Event, received: datetime) -> Event:
    """Tell the same fact at another instant of receipt."""
    return replace(event, received=received)
