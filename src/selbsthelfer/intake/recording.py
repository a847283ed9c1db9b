"""Hand each kind of fact to the room that records it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.activities import operations as activities
from selbsthelfer.allowances import operations as allowances
from selbsthelfer.contacts import operations as contacts
from selbsthelfer.intake.core import facts as kinds
from selbsthelfer.intake.core.facts import CrisisFact, Fact
from selbsthelfer.programmes import operations as programmes
from selbsthelfer.programmes.alterations import alter_lines
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.operations import Touch
from selbsthelfer.subscribers import operations as subscribers

Entering = tuple[UUID, datetime, Fact]
"""A line, the instant the fact counts as received, and the fact."""


def register(cursor: psycopg.Cursor[Any], entering: Sequence[Entering]) -> None:
    """Register lines."""
    subscribers.register(cursor, [_registration(*entry) for entry in entering])


def record(
    cursor: psycopg.Cursor[Any],
    entering: Sequence[Entering],
    versions: Mapping[str, tuple[int, Definition]],
) -> None:
    """Record new facts, each kind as one set; registrations were recorded before."""
    by_kind: dict[type, list[tuple[UUID, datetime, Any]]] = defaultdict(list)
    for entry in entering:
        by_kind[type(entry[2])].append(entry)
    activities.record(cursor, [_activity(*e) for e in by_kind[kinds.ActivityFinished]])
    contacts.record_contacts(cursor, [_contact(*e) for e in by_kind[kinds.ContactFinished]])
    if coded := by_kind[kinds.ContactCodedFact]:
        contacts.record_codings(cursor, [_coding(*e) for e in coded])
    if reclassified := by_kind[kinds.ContactReclassifiedFact]:
        contacts.record_reclassifications(cursor, [_reclassification(*e) for e in reclassified])
    if changed := by_kind[kinds.SubscriberChanged]:
        subscribers.record_changes(cursor, [_change(*e) for e in changed])
    if enrolled := by_kind[kinds.ProgrammeEnrolled]:
        programmes.enrol(cursor, [enrolment_row(*e) for e in enrolled], versions)
    _record_alterations(cursor, by_kind)


def record_few_activities(cursor: psycopg.Cursor[Any], entering: Sequence[Entering]) -> None:
    """Record a few finished activities."""
    activities.record_few(cursor, [_activity(*entry) for entry in entering])


def _record_alterations(
    cursor: psycopg.Cursor[Any], by_kind: Mapping[type, Sequence[tuple[UUID, datetime, Any]]]
) -> None:
    """Record what moves the boundaries or the end of enrolments."""
    moved = by_kind[kinds.SubscriberBillingDayChanged]
    ended = by_kind[kinds.SubscriberEnded]
    if moved:
        subscribers.record_billing_day_changes(
            cursor,
            [
                subscribers.BillingDayRow(line, f.time, f.id, f.source, received_at, f.data.billing_day)
                for line, received_at, f in moved
            ],
        )
    if ended:
        subscribers.record_ends(
            cursor, [subscribers.EndRow(line, f.time, f.id, f.source, at) for line, at, f in ended]
        )
    if moved or ended:
        alter_lines(cursor, list({line for line, _, _ in (*moved, *ended)}))
    if withdrawn := by_kind[kinds.ProgrammeWithdrawn]:
        programmes.withdraw(
            cursor,
            [
                programmes.WithdrawalRow(line, f.data.programme, f.time, f.id, f.source, at)
                for line, at, f in withdrawn
            ],
        )


_NO_NEWS = frozenset({kinds.UsageFact, kinds.CourtesyFact})
"""Facts that no programme looks at."""


def touches_of(entering: Iterable[Entering], behind: Container[UUID] = ()) -> list[Touch]:
    """List the instants at which lines learned something, and when the earliest of that happened.

    News other than activities and contacts may concern any time, so it has no such instant; nor has any news
    of a line that learns something from behind what is decided for it.
    """
    touches: dict[tuple[str, datetime], Touch] = {}
    for line, received_at, fact in entering:
        kind = type(fact)
        if kind in _NO_NEWS:
            continue
        news_at, may_release = None, True
        if kind is kinds.ContactFinished:
            news_at, may_release = fact.time, False
        elif kind is kinds.ActivityFinished:
            news_at, may_release = fact.time, fact.data.outcome == "succeeded"  # type: ignore[union-attr]
        if line in behind:
            news_at, may_release = None, True
        key = (fact.subject, received_at)  # type: ignore[union-attr]
        known = touches.get(key)
        if known is not None:
            news_at = min(news_at, known.news_at) if news_at and known.news_at else None
            may_release = may_release or known.may_release
        touches[key] = Touch(line, received_at, received_at, news_at, may_release)
    return list(touches.values())


def move_volume(cursor: psycopg.Cursor[Any], entering: Iterable[Entering], *, now: datetime) -> None:
    """Hand courtesy volume and usage to the allowances room; what is given first may be used at once."""
    courtesies, usage = [], []
    for line, received_at, fact in entering:
        if type(fact) is kinds.UsageFact:
            usage.append(_usage(line, received_at, fact))
        elif type(fact) is kinds.CourtesyFact:
            courtesies.append(_courtesy(line, received_at, fact))
    if courtesies:
        allowances.grant_courtesies(cursor, courtesies, now=now)
    if usage:
        allowances.record_usage(cursor, usage, now=now)


def _usage(line: UUID, received_at: datetime, fact: kinds.UsageFact) -> allowances.UsageRow:
    return allowances.UsageRow(line, fact.time, fact.id, fact.source, received_at, fact.data.bytes)


def _courtesy(line: UUID, received_at: datetime, fact: kinds.CourtesyFact) -> allowances.CourtesyRow:
    data = fact.data
    return allowances.CourtesyRow(
        line, fact.time, fact.id, fact.source, received_at, data.bytes, data.reason, data.by
    )


def crisis_row(fact: Fact, received_at: datetime) -> contacts.CrisisRow:
    assert isinstance(fact, CrisisFact)  # noqa: S101 - the caller has sorted the kinds
    data = fact.data
    topics = list(data.topics) if data.topics else None
    return contacts.CrisisRow(
        fact.source, fact.id, fact.time, received_at, data.from_at, data.until_at, topics
    )


def _registration(line: UUID, received_at: datetime, fact: Any) -> subscribers.Registration:
    data = fact.data
    return subscribers.Registration(
        subscriber_id=line,
        subject=fact.subject,
        account=data.account,
        msisdn=data.msisdn,
        timezone=data.timezone,
        billing_day=data.billing_day,
        period_days=data.period_days,
        period_anchor=data.period_anchor,
        language=data.language,
        tariff=data.tariff,
        included_bytes=data.included_bytes,
        registered_tariff=data.tariff,
        registered_included_bytes=data.included_bytes,
        registered_at=fact.time,
        received_at=received_at,
    )


def _activity(line: UUID, received_at: datetime, fact: Any) -> activities.ActivityRow:
    return activities.ActivityRow(
        line,
        fact.data.activity,
        fact.time,
        fact.id,
        fact.source,
        received_at,
        fact.data.outcome == "succeeded",
    )


def _contact(line: UUID, received_at: datetime, fact: Any) -> contacts.ContactRow:
    data = fact.data
    return contacts.ContactRow(
        line,
        fact.time,
        fact.id,
        fact.source,
        received_at,
        data.channel,
        data.direction,
        data.outcome,
        data.wait_seconds,
        data.talk_seconds,
        data.topic,
        data.queue,
    )


def _coding(line: UUID, received_at: datetime, fact: Any) -> contacts.CodingRow:
    data = fact.data
    return contacts.CodingRow(
        line,
        data.contact.source,
        data.contact.id,
        fact.time,
        fact.id,
        fact.source,
        received_at,
        data.topic,
        data.by,
    )


def _reclassification(line: UUID, received_at: datetime, fact: Any) -> contacts.ReclassificationRow:
    data = fact.data
    return contacts.ReclassificationRow(
        line,
        data.contact.source,
        data.contact.id,
        fact.time,
        fact.id,
        fact.source,
        received_at,
        data.counts,
        data.reason,
        data.by,
    )


def _change(line: UUID, received_at: datetime, fact: Any) -> subscribers.ChangeRow:
    data = fact.data
    return subscribers.ChangeRow(
        line,
        fact.time,
        fact.id,
        fact.source,
        received_at,
        data.msisdn,
        data.language,
        data.tariff,
        data.included_bytes,
        data.suspended,
    )


def enrolment_row(line: UUID, received_at: datetime, fact: Any) -> programmes.EnrolmentRow:
    """Name what enrolling needs of a fact."""
    return programmes.EnrolmentRow(
        line,
        fact.subject,
        fact.data.programme,
        fact.time,
        fact.id,
        fact.source,
        received_at,
        fact.data.variant,
    )
