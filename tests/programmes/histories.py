"""From facts as they were sent to the `History` that the rules see: the rules of intake, without its code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from selbsthelfer.programmes.core.history import (
    ActivityFact,
    CodingFact,
    ContactFact,
    Crisis,
    Enrolment,
    History,
    KnownChange,
    ReclassificationFact,
    StopFact,
    TariffFact,
    Variant,
)
from selbsthelfer.subscribers.core.billing import BillingDayChange, EveryDays, Monthly
from tests.programmes.events import Event

PARKED_FOR = timedelta(days=30)


def histories_of(events: Iterable[Event], now: datetime) -> dict[tuple[str, str], History]:
    """Gather what is known of each enrolment whose line and enrolment are known at `now`."""
    first_told = _first_of_each_key(events)
    crises = tuple(_crisis(event) for event in first_told if event.subject is None)
    by_line: dict[str, list[Event]] = defaultdict(list)
    for event in first_told:
        if event.subject is not None:
            by_line[event.subject].append(event)
    histories = {}
    for subject, told in by_line.items():
        for programme, history in _of_line(told, crises).items():
            if history.enrolment.known_from <= now:
                histories[subject, programme] = history
    return histories


def _first_of_each_key(events: Iterable[Event]) -> list[Event]:
    """Of a repeated key the first received holds; of several received at once the smallest content."""
    kept: dict[tuple[str, str, str], Event] = {}
    for event in sorted(events, key=lambda e: (e.received_at, e.time, e.encode())):
        kept.setdefault(event.key, event)
    return list(kept.values())


def _of_line(told: Sequence[Event], crises: tuple[Crisis, ...]) -> dict[str, History]:
    """Let a line's facts enter when it is registered; those that waited 30 days or more do not."""
    registrations = [event for event in told if event.type == "subscriber.registered"]
    if not registrations:
        return {}
    registration = registrations[0]
    entered = [event for event in told if event.received_at + PARKED_FOR > registration.received_at]
    enrolments: dict[str, Event] = {}
    for event in sorted(_of_type(entered, "programme.enrolled"), key=_place_of_enrolment):
        enrolments.setdefault(event.data["programme"], event)
    return {
        programme: _history(programme, enrolment, registration, entered, crises)
        for programme, enrolment in enrolments.items()
    }


def _place_of_enrolment(event: Event) -> tuple[datetime, datetime, str, str]:
    return event.received_at, event.time, event.id, event.source


def _history(
    programme: str,
    enrolment: Event,
    registration: Event,
    entered: Sequence[Event],
    crises: tuple[Crisis, ...],
) -> History:
    terms = registration.data
    withdrawals = [e for e in _of_type(entered, "programme.withdrawn") if e.data["programme"] == programme]
    return History(
        timezone=terms["timezone"],
        cycle=_cycle(terms),
        tariff=terms.get("tariff"),
        enrolment=Enrolment(
            enrolled_at=enrolment.time,
            known_from=max(enrolment.received_at, registration.received_at),
            variant=Variant(enrolment.data["variant"]),
        ),
        billing_day_changes=tuple(
            KnownChange(BillingDayChange(e.time, e.id, e.source, e.data["billing_day"]), e.received_at)
            for e in _of_type(entered, "subscriber.billing_day_changed")
        ),
        tariffs=tuple(
            TariffFact(*_place(e), e.data["tariff"])
            for e in _of_type(entered, "subscriber.changed")
            if e.data.get("tariff") is not None
        ),
        withdrawals=tuple(StopFact(*_place(e)) for e in withdrawals),
        ends=tuple(StopFact(*_place(e)) for e in _of_type(entered, "subscriber.ended")),
        activities=tuple(
            ActivityFact(*_place(e), e.data["activity"], e.data["outcome"] == "succeeded")
            for e in _of_type(entered, "selfservice.finished")
        ),
        contacts=tuple(
            ContactFact(
                *_place(e), *map(e.data.get, ("channel", "direction", "outcome", "talk_seconds", "topic"))
            )
            for e in _of_type(entered, "contact.ended")
        ),
        codings=tuple(
            CodingFact(*_place(e), _key(e), e.data["topic"]) for e in _of_type(entered, "contact.coded")
        ),
        reclassifications=tuple(
            ReclassificationFact(*_place(e), _key(e), e.data["counts"])
            for e in _of_type(entered, "contact.reclassified")
        ),
        crises=crises,
    )


def _of_type(events: Iterable[Event], type_: str) -> list[Event]:
    return [event for event in events if event.type == type_]


def _place(event: Event) -> tuple[datetime, str, str, datetime]:
    return event.time, event.id, event.source, event.received_at


def _key(event: Event) -> tuple[str, str]:
    contact: Any = event.data["contact"]
    return contact["source"], contact["id"]


def _cycle(terms: Any) -> Monthly | EveryDays:
    if "billing_day" in terms:
        return Monthly(terms["billing_day"])
    return EveryDays(terms["period_days"], date.fromisoformat(terms["period_anchor"]))


def _crisis(event: Event) -> Crisis:
    begins, ends = (datetime.fromisoformat(event.data[name]) for name in ("from", "until"))
    return Crisis(begins, ends, event.received_at, frozenset(event.data.get("topics") or ()))
