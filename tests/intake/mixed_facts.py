"""A year of made-up facts of every kind, sound and unsound, in no order: food for tests of the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

TOPICS = (
    "bill.view",
    "con.option",
    "fault",
    "unclassified",
    "hardship",
    "sim.activate",
    "acc.msisdn",
    "no.such",
)
ACTIVITIES = ("bill.view", "con.option", "use.view", "acc.address", "acc.password")
DAYS = 330
"""The facts reach back so far from now, so that the newest volume is still usable and orders its delivery."""


class MixedFacts:
    """Makes the facts of some lines; the same seed and now make the same facts."""

    def __init__(self, *, seed: int, now: datetime, lines: int) -> None:
        self._random = Random(seed)
        self._now = now.replace(microsecond=0)
        self._lines = lines
        self._number = 0

    def written(self) -> list[bytes]:
        """Return the lines of a file, shuffled, with repetitions and with rubbish among them."""
        written = [json.dumps(fact).encode() for fact in self._all()]
        written += self._random.sample(written, len(written) // 30)
        written += self._rubbish()
        self._random.shuffle(written)
        return written

    def _all(self) -> Iterator[dict[str, Any]]:
        for days in (200, 120):
            begun = self._now - timedelta(days=days)
            data: dict[str, Any] = {"topics": ["bill.view", "fault"]} if days == 120 else {}
            data |= {"from": _written(begun), "until": _written(begun + timedelta(days=12))}
            yield self._fact("crisis.declared", None, begun + timedelta(days=6), **data)
        for number in range(self._lines):
            yield from self._line(f"line-{number}", number)
        for number in range(6):
            for days in (300, 40, 5):
                yield self._activity(f"nobody-{number}", self._now - timedelta(days=days))

    def _line(self, subject: str, number: int) -> Iterator[dict[str, Any]]:
        chance = self._random
        joined = self._now - timedelta(days=DAYS - chance.randrange(12), hours=chance.randrange(24))
        # Half of the early facts of every tenth line wait for its registration, as long as a fact may wait.
        registered = joined + timedelta(days=20) if number % 10 == 0 else None
        yield self._fact("subscriber.registered", subject, joined, registered, **self._cycle(number))
        if number % 15 == 7:
            yield self._fact("subscriber.registered", subject, joined, **self._cycle(number + 1))
        programme = "o2-2017-automatic" if number % 4 == 3 else "o2-2017"
        variant: dict[str, Any] = (
            {"variant": chance.choice(["treatment", "treatment", "control"])} if number % 5 else {}
        )
        yield self._fact(
            "programme.enrolled", subject, joined + timedelta(hours=2), programme=programme, **variant
        )
        for day in range(1, DAYS - 12):
            at = joined + timedelta(days=day, seconds=chance.randrange(86_400))
            if chance.random() < 0.09:
                yield from self._something(subject, at)
        if number % 12 == 5:
            at = joined + timedelta(days=chance.randrange(60, 300))
            yield self._fact("programme.withdrawn", subject, at, programme=programme)
        if number % 17 == 3:
            yield self._fact("subscriber.ended", subject, joined + timedelta(days=chance.randrange(100, 310)))
        if number % 8 == 2:
            at = joined + timedelta(days=chance.randrange(20, 200))
            yield self._fact("subscriber.billing_day_changed", subject, at, billing_day=chance.randint(1, 31))

    def _cycle(self, number: int) -> dict[str, Any]:
        period_began = (self._now - timedelta(days=10)).date()
        told = {"timezone": "Europe/Berlin", "tariff": "flex", "included_bytes": 3_000_000_000}
        told["msisdn"] = f"+49170{number:07}"
        if number % 6 == 1:
            return told | {"period_days": 28, "period_anchor": str(period_began - timedelta(days=28 * 13))}
        return told | {"billing_day": min(28, period_began.day)}

    def _something(self, subject: str, at: datetime) -> Iterator[dict[str, Any]]:
        chance = self._random
        kind = chance.choices(["activity", "contact", "usage", "courtesy", "change"], [50, 25, 15, 3, 3])[0]
        received = at + timedelta(minutes=chance.randrange(4_000)) if chance.random() < 0.15 else None
        if kind == "activity":
            yield self._activity(subject, at, received)
        elif kind == "usage":
            yield self._fact("usage.recorded", subject, at, received, bytes=chance.randrange(900_000_000))
        elif kind == "courtesy":
            yield self._fact("courtesy.granted", subject, at, received, bytes=50_000_000, reason="sorry")
        elif kind == "change":
            yield self._fact(
                "subscriber.changed", subject, at, received, tariff=chance.choice(["flex", "max"])
            )
        else:
            yield from self._contact(subject, at, received)

    def _activity(self, subject: str, at: datetime, received: datetime | None = None) -> dict[str, Any]:
        outcome = "failed" if self._random.random() < 0.1 else "succeeded"
        activity = self._random.choice(ACTIVITIES)
        return self._fact("selfservice.finished", subject, at, received, activity=activity, outcome=outcome)

    def _contact(self, subject: str, at: datetime, received: datetime | None) -> Iterator[dict[str, Any]]:
        chance = self._random
        contact = self._fact(
            "contact.ended",
            subject,
            at,
            received,
            channel=chance.choice(["hotline", "hotline", "hotline", "chat"]),
            direction=chance.choice(["inbound", "inbound", "inbound", "callback"]),
            outcome=chance.choice(["answered", "answered", "answered", "abandoned"]),
            wait_seconds=chance.randrange(400),
            talk_seconds=chance.randrange(900),
            topic=chance.choice(TOPICS),
        )
        yield contact
        key = {"source": contact["source"], "id": contact["id"]}
        later = at + timedelta(hours=chance.randrange(100))
        if chance.random() < 0.3:
            yield self._fact("contact.coded", subject, later, contact=key, topic=chance.choice(TOPICS))
        if chance.random() < 0.2:
            yield self._fact(
                "contact.reclassified", subject, later, contact=key, counts=chance.random() < 0.4
            )

    def _fact(
        self, kind: str, subject: str | None, at: datetime, received: datetime | None = None, **data: Any
    ) -> dict[str, Any]:
        self._number += 1
        fact = {"specversion": "1.0", "type": kind, "source": "mixed", "id": f"f{self._number}"}
        fact["time"] = _written(min(at, self._now))
        if received is not None:
            fact["received"] = _written(min(received, self._now))
        return fact | ({} if subject is None else {"subject": subject}) | {"data": data}

    def _rubbish(self) -> list[bytes]:
        at = self._now - timedelta(days=50)
        wrong = [
            self._fact("contact.ended", "line-1", at, talk_seconds=-1),
            self._fact("contact.ended", "line-1", at, talk_seconds=90_000),
            self._fact("selfservice.finished", "line-2", at, activity="no.such", outcome="succeeded"),
            self._fact("programme.enrolled", "line-3", at, programme="no-such"),
            self._fact("something.else", "line-3", at),
            self._fact("subscriber.registered", "line-x", at, timezone="Mars/Base", billing_day=1),
            self._fact("usage.recorded", "line-4", at, bytes="much"),
        ]
        future = self._fact("subscriber.ended", "line-5", at) | {"time": "2190-01-01T00:00:00Z"}
        return [json.dumps(fact).encode() for fact in [*wrong, future]] + [b"{", b"null", b"\xff\xfe", b"  "]


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
