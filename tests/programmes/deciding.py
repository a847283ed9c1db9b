"""A participant of the year 2025, and what is decided for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from selbsthelfer.programmes.core.definition import Definition, load_preset
from tests.programmes.events import BERLIN, Event, Line, instant
from tests.programmes.outcomes import Enrolled, Outcome

PROGRAMME = "o2-2017"
YEAR = range(1, 13)
NEXT_YEAR = "2026-03-01"


@dataclass(frozen=True)
class Decide:
    """Decides by one of the two engines."""

    engine: Callable[..., dict[Enrolled, Outcome]]

    def __call__(
        self, events: Sequence[Event], definitions: Sequence[Definition], *, now: datetime
    ) -> dict[Enrolled, Outcome]:
        return self.engine([e for e in events if e.received_at <= now], definitions, now=now)

    def line(self, line: Line, *others: Event, now: datetime | str = NEXT_YEAR, **settings: Any) -> Outcome:
        """Decide for one line in the preset of 2017, with some settings changed; `now` is in Berlin."""
        at = instant(now) if isinstance(now, str) else now
        return self([*line.events, *others], [programme(**settings)], now=at)[line.subject, PROGRAMME]


def programme(
    *, not_online: Mapping[str, Iterable[str]] = MappingProxyType({}), **settings: Any
) -> Definition:
    """Read the preset of 2017 and change some settings."""
    exceptions = MappingProxyType({tariff: frozenset(topics) for tariff, topics in not_online.items()})
    return replace(load_preset(PROGRAMME), not_online=exceptions, **settings)


def participant(
    *,
    active_in: Iterable[int] = (),
    subject: str = "line",
    enrolled: str = "2025-01-15T12:00",
    variant: str = "treatment",
    zone: str = BERLIN,
    **registration: Any,
) -> Line:
    """Register and enrol a line, billed on the 1st unless said; active on the 20th of some months of 2025."""
    line = Line(subject, zone)
    line.registers(**registration)
    line.enrols(enrolled, PROGRAMME, variant)
    be_active(line, active_in)
    return line


def be_active(line: Line, months: Iterable[int]) -> list[Event]:
    """Do one thing online on the 20th of some months of 2025."""
    return [line.does(f"2025-{month:02}-20T12:00") for month in months]
