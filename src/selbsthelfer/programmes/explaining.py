"""Explain one line: every period, stage, contact and tranche of its enrolments, with the reasons.

The stages and contacts are judged here by the functions of `core`, not by the set statements: they alone can
name the facts behind each reason, they judge a past instant as well as now, and they ask the database for
nothing but the line's facts, so that a page stays within its number of queries. What was released is read,
never decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from selbsthelfer.allowances.core.included import Stretch
from selbsthelfer.allowances.queries import Allowance, allowance_of_line
from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.contacts.operations import CodingRow, ContactRow, ReclassificationRow
from selbsthelfer.contacts.queries import contacts_of_line
from selbsthelfer.kit.sql import statements
from selbsthelfer.programmes.alterations import parse_definition
from selbsthelfer.programmes.core import history as facts
from selbsthelfer.programmes.core.decision import Release
from selbsthelfer.programmes.core.history import History, Variant
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment
from selbsthelfer.programmes.core.wording_outline import PinnedVersion, Released, tell_enrolment
from selbsthelfer.subscribers.core.billing import BillingDayChange, billing_calendar, period_bounds
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from selbsthelfer.subscribers.queries import subjects_of_numbers

_SQL = statements("selbsthelfer.programmes")


class UnknownLineError(LookupError):
    """No line was known under this id at that instant."""

    code: ClassVar[str] = "unknown_line"


@dataclass(frozen=True, slots=True)
class Participation:
    """Where the enrolments of one line stand, as known at an instant.

    `period` is the billing period that contains it, `ended_at` the end of the line itself.
    """

    subject: str
    timezone: str
    language: str | None
    at: datetime
    period: Stretch
    ended_at: datetime | None
    enrolments: tuple[ToldEnrolment, ...]


@dataclass(frozen=True, slots=True)
class Explanation(Participation):
    """Where one line stands, with what volume it has."""

    allowance: Allowance


def explain_to_staff(
    cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime, programme: str | None = None
) -> Explanation:
    """Explain a line with all its enrolments, those in `control` included; raises `UnknownLineError`."""
    return _explain(cursor, line, at, programme)


def explain_to_subscriber(cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime) -> Explanation:
    """Explain a line to the person who has it: an enrolment in `control` does not exist for them.

    Raises `UnknownLineError`.
    """
    explanation = _explain(cursor, line, at, None)
    return replace(explanation, enrolments=_shown(explanation.enrolments))


def enrolments_to_subscriber(cursor: psycopg.Cursor[Any], line: UUID, *, at: datetime) -> Participation:
    """Explain the enrolments of a line to the person who has it, for a page that needs no more. Two queries.

    Raises `UnknownLineError`.
    """
    participation = _participation(cursor, line, at, None)
    return replace(participation, enrolments=_shown(participation.enrolments))


def _shown(enrolments: Iterable[ToldEnrolment]) -> tuple[ToldEnrolment, ...]:
    """Leave out what does not exist for the person who has the line."""
    return tuple(enrolment for enrolment in enrolments if enrolment.variant is Variant.TREATMENT)


def find_line(cursor: psycopg.Cursor[Any], text: str) -> UUID:
    """Find a line by the operator's own id of it or else by its MSISDN; raises `UnknownLineError`.

    A number may be written with blanks, a leading + or 00.
    """
    line = subscriber_id_of(text)
    if cursor.execute(_SQL["line_exists"], {"line": line}).fetchone() is not None:
        return line
    digits = "".join(sign for sign in text if sign not in " -/()").removeprefix("+").removeprefix("00")
    found = subjects_of_numbers(cursor, [text, digits, f"+{digits}"])
    if not found:
        raise UnknownLineError(f"there is no line “{text}”, neither as an id nor as a number")
    return subscriber_id_of(next(iter(found.values())))


class _Change(msgspec.Struct, frozen=True):
    """A fact that moved a line's periods or tariff, or ended it or one of its enrolments."""

    kind: str
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    billing_day: int | None
    tariff: str | None
    programme: str | None

    @property
    def place(self) -> tuple[datetime, str, str, datetime]:
        """The fact's place in the order of things, and when it was received."""
        return self.happened_at, self.id, self.source, self.received_at


class _Activity(msgspec.Struct, frozen=True):
    """A self-service activity that finished."""

    activity: str
    happened_at: datetime
    id: str
    source: str
    received_at: datetime
    succeeded: bool


class _Release(msgspec.Struct, frozen=True):
    """A row of what was released."""

    index: int
    window: int
    level: int
    bytes: int
    granted_at: datetime
    valid_until: datetime
    activity_source: str | None
    activity_id: str | None
    order_state: OrderState | None
    left_bytes: int | None


_decode_changes = msgspec.json.Decoder(tuple[_Change, ...]).decode
_decode_activities = msgspec.json.Decoder(tuple[_Activity, ...]).decode
_decode_releases = msgspec.json.Decoder(tuple[_Release, ...]).decode


class _LineRow(NamedTuple):
    """The line, with one of its enrolments or none; changes, activities and releases as JSON."""

    subject: str
    timezone: str
    language: str | None
    registered_tariff: str | None
    billing_day: int | None
    period_days: int | None
    period_anchor: date | None
    changes: str
    activities: str
    programme: str | None
    version: int
    variant: str
    enrolled_at: datetime
    known_from: datetime
    digest: str
    definition: str
    releases: str


def _explain(cursor: psycopg.Cursor[Any], line: UUID, at: datetime, programme: str | None) -> Explanation:
    told = _participation(cursor, line, at, programme)
    parts = {field.name: getattr(told, field.name) for field in fields(told)}
    return Explanation(**parts, allowance=allowance_of_line(cursor, line, at=at, period=told.period))


def _participation(
    cursor: psycopg.Cursor[Any], line: UUID, at: datetime, programme: str | None
) -> Participation:
    # The releases are read before the facts and the buckets: what released and what holds them is then there.
    parameters = {"line": line, "at": at, "programme": programme}
    rows = [_LineRow(*row) for row in cursor.execute(_SQL["line_to_explain"], parameters)]
    if not rows:
        raise UnknownLineError(f"no line was known as {line}")
    line_row, changes = rows[0], _decode_changes(rows[0].changes)
    enrolled = [row for row in rows if row.programme is not None]
    history = _history(cursor, line, line_row, changes, at) if enrolled else None
    return Participation(
        subject=line_row.subject,
        timezone=line_row.timezone,
        language=line_row.language,
        at=at,
        period=_period(line_row, changes, at),
        ended_at=min((c.happened_at for c in changes if c.kind == "ended"), default=None),
        enrolments=tuple(_enrolment(history, row, changes, at) for row in enrolled if history),
    )


def _enrolment(history: History, row: _LineRow, changes: Iterable[_Change], at: datetime) -> ToldEnrolment:
    """Tell one enrolment of the line whose facts are given."""
    own = replace(
        history,
        enrolment=facts.Enrolment(row.enrolled_at, row.known_from, Variant(row.variant)),
        withdrawals=tuple(
            facts.StopFact(*c.place)
            for c in changes
            if c.kind == "withdrawn" and c.programme == row.programme
        ),
    )
    version = PinnedVersion(row.version, row.digest, parse_definition(row.definition))
    releases = {released.index: _released(released) for released in _decode_releases(row.releases)}
    return tell_enrolment(own, version, releases, at)


def _released(row: _Release) -> Released:
    source, id_ = row.activity_source, row.activity_id
    return Released(
        release=Release(row.index, row.window, row.level, row.bytes, row.granted_at, row.valid_until, id_),
        activity=None if source is None or id_ is None else (source, id_),
        left_bytes=row.left_bytes,
        is_confirmed=row.order_state in (None, OrderState.CONFIRMED),
    )


def _period(row: _LineRow, changes: Sequence[_Change], at: datetime) -> Stretch:
    """Find the billing period of an instant, so that a page need not ask for it again."""
    calendar = billing_calendar(
        timezone=row.timezone,
        billing_day=row.billing_day,
        period_days=row.period_days,
        period_anchor=row.period_anchor,
        changes=(known.change for known in _billing_day_changes(changes)),
    )
    return Stretch(*period_bounds(calendar, containing=at, until=at)[:2])


def _history(
    cursor: psycopg.Cursor[Any], line: UUID, row: _LineRow, changes: Sequence[_Change], at: datetime
) -> History:
    """Load all facts of a line that had been received by an instant, without the withdrawals."""
    told = contacts_of_line(cursor, line, known_until=at)
    calendar = billing_calendar(
        timezone=row.timezone,
        billing_day=row.billing_day,
        period_days=row.period_days,
        period_anchor=row.period_anchor,
    )
    return History(
        timezone=row.timezone,
        cycle=calendar.cycle,
        tariff=row.registered_tariff,
        enrolment=facts.Enrolment(row.enrolled_at, row.known_from, Variant(row.variant)),
        billing_day_changes=tuple(_billing_day_changes(changes)),
        tariffs=tuple(facts.TariffFact(*c.place, c.tariff) for c in changes if c.tariff is not None),
        ends=tuple(facts.StopFact(*c.place) for c in changes if c.kind == "ended"),
        activities=tuple(
            facts.ActivityFact(a.happened_at, a.id, a.source, a.received_at, a.activity, a.succeeded)
            for a in _decode_activities(row.activities)
        ),
        contacts=tuple(_contact(c) for c in told.contacts),
        codings=tuple(
            facts.CodingFact(*_place(c), (c.contact_source, c.contact_id), c.topic) for c in told.codings
        ),
        reclassifications=tuple(
            facts.ReclassificationFact(*_place(r), (r.contact_source, r.contact_id), r.counts)
            for r in told.reclassifications
        ),
        crises=tuple(
            facts.Crisis(c.from_at, c.until_at, c.received_at, frozenset(c.topics or ())) for c in told.crises
        ),
    )


def _contact(row: ContactRow) -> facts.ContactFact:
    return facts.ContactFact(
        *_place(row), row.channel, row.direction, row.outcome, row.talk_seconds, row.topic
    )


def _place(row: ContactRow | CodingRow | ReclassificationRow) -> tuple[datetime, str, str, datetime]:
    """Take a fact's place in the order of things out of its row, and when it was received."""
    return row.happened_at, row.id, row.source, row.received_at


def _billing_day_changes(changes: Iterable[_Change]) -> Iterator[facts.KnownChange]:
    for change in changes:
        if change.billing_day is not None:
            moved = BillingDayChange(change.happened_at, change.id, change.source, change.billing_day)
            yield facts.KnownChange(moved, change.received_at)
