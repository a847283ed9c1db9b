"""What is decided for lines, in one shape, by the pure core and by the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import groupby

from django.db import transaction

from selbsthelfer.intake.operations import Receipt, Terms, accept
from selbsthelfer.intake.sweeping import sweep
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.counting import counting_activities
from selbsthelfer.programmes.core.decision import Release, Stage, StageState, standing_at
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.windows import windows_of
from selbsthelfer.programmes.operations import publish
from selbsthelfer.programmes.queries import standings
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.programmes.events import Event
from tests.programmes.histories import histories_of

MB = 1_000_000
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)

Enrolled = tuple[str, str]
"""A line's own id and the programme it is enrolled in."""


@dataclass(frozen=True)
class Outcome:
    """Where one enrolment stands."""

    stages: tuple[Stage, ...]
    releases: tuple[Release, ...]
    contacts: tuple[tuple[str, str, int, str | None], ...]
    """Source, id, window and code of each judged contact."""
    activities: tuple[tuple[int, str, str], ...]
    """Index, source and id of each counting activity."""
    bounds: tuple[datetime, ...]
    stopped_at: datetime | None
    closes_at: datetime

    @property
    def grants(self) -> dict[int, float]:
        """The megabytes granted, by index."""
        return {release.index: release.bytes / MB for release in self.releases if release.bytes}

    @property
    def released(self) -> dict[int, Release]:
        return {release.index: release for release in self.releases}

    @property
    def states(self) -> list[str]:
        return [stage.state.value for stage in self.stages]

    @property
    def levels(self) -> list[int]:
        return [stage.level for stage in self.stages]

    @property
    def codes(self) -> dict[str, str | None]:
        """The code of each contact, by its id."""
        return {id_: code for _, id_, _, code in self.contacts}

    @property
    def counting(self) -> list[str]:
        """The ids of the activities that count."""
        return [id_ for _, _, id_ in self.activities]


def decided_by_core(
    events: Sequence[Event], definitions: Sequence[Definition], *, now: datetime
) -> dict[Enrolled, Outcome]:
    """Decide with the pure functions, from nothing but the facts."""
    by_name = {definition.name: definition for definition in definitions}
    outcomes = {}
    for (subject, programme), history in histories_of(events, now).items():
        definition = by_name[programme]
        standing = standing_at(history, definition, now)
        windows = windows_of(history, definition, now)
        known = history.known_at(min(now, windows.closes_at))
        outcomes[subject, programme] = Outcome(
            stages=standing.stages,
            releases=standing.releases,
            contacts=tuple((j.contact.source, j.contact.id, j.window, j.code) for j in standing.contacts),
            activities=tuple(
                (windows.index_of(a.happened_at), a.source, a.id) for a in counting_activities(known, windows)
            ),
            bounds=windows.bounds,
            stopped_at=known.stopped_at,
            closes_at=windows.closes_at,
        )
    return outcomes


def decided_in_database(
    events: Sequence[Event], definitions: Sequence[Definition], *, now: datetime
) -> dict[Enrolled, Outcome]:
    """Publish the programmes, deliver the facts in the order in which they were received, and read."""
    publish_all(definitions)
    deliver(in_order(events), now=now)
    sweep(now=now)
    return read_outcomes({event.subject for event in events if event.subject}, now=now)


def publish_all(definitions: Iterable[Definition]) -> None:
    for definition in definitions:
        publish(definition, now=LONG_AGO)


def in_order(events: Iterable[Event]) -> list[Event]:
    """Order facts by when they became known; a crisis before the facts of lines."""
    return sorted(events, key=lambda event: (event.received_at, event.subject or ""))


def deliver(events: Iterable[Event], *, now: datetime) -> Receipt:
    """Hand facts to intake as one batch of an import."""
    terms = Terms(now=now, may_backdate=True, is_history=True)
    return accept([event.encode() for event in events], terms=terms)


def together(events: Iterable[Event]) -> list[list[Event]]:
    """Cut facts into the smallest batches that never split what became known together."""
    ordered = in_order(events)
    return [list(group) for _, group in groupby(ordered, key=lambda e: (e.received_at, e.subject or ""))]


@contextmanager
def undone() -> Iterator[None]:
    """Take back everything done inside, so that each example meets an empty database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def read_outcomes(subjects: Iterable[str], *, now: datetime) -> dict[Enrolled, Outcome]:
    """Read where lines stand by the set statements."""
    names = {subscriber_id_of(subject): subject for subject in subjects}
    with transaction.atomic():
        found = standings(open_cursor(), list(names), now=now)

    def of(enrolled: Enrolled, rows: Iterable[object]) -> list[object]:
        return [row for row in rows if (names[row.subscriber_id], row.programme) == enrolled]

    outcomes: dict[Enrolled, Outcome] = {}
    for enrolment in found.enrolments:
        enrolled = names[enrolment.subscriber_id], enrolment.programme
        outcomes[enrolled] = Outcome(
            stages=tuple(
                Stage(s.window, s.level, StageState(s.state), s.activities, tuple(s.counting_contacts))
                for s in of(enrolled, found.stages)
            ),
            releases=tuple(
                Release(r.index, r.window, r.level, r.bytes, r.granted_at, r.valid_until, r.activity_id)
                for r in of(enrolled, found.releases)
            ),
            contacts=tuple((c.source, c.id, c.window, c.code) for c in of(enrolled, found.contacts)),
            activities=tuple((a.index, a.source, a.id) for a in of(enrolled, found.activities)),
            bounds=tuple(enrolment.period_bounds),
            stopped_at=enrolment.stopped_at,
            closes_at=enrolment.closes_at,
        )
    return outcomes


def differences(found: Mapping[Enrolled, Outcome], expected: Mapping[Enrolled, Outcome]) -> list[str]:
    """Name what two sets of outcomes do not agree on."""
    named = [f"{enrolled} is only in one of them" for enrolled in found.keys() ^ expected.keys()]
    for enrolled in found.keys() & expected.keys():
        for member in fields(Outcome):
            one, other = (getattr(outcomes[enrolled], member.name) for outcomes in (found, expected))
            if one != other:
                named.append(f"{enrolled} {member.name}: {one} is not {other}")
    return named
