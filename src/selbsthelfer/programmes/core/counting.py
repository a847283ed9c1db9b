"""Which activities and which contacts count, and why not."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.contacts.core.topics import exempt_code
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.history import (
    ActivityFact,
    ContactFact,
    Fact,
    History,
    ReclassificationFact,
)
from selbsthelfer.programmes.core.windows import Windows

F = TypeVar("F", bound=Fact)

FAILED_ACTIVITY_REACH = timedelta(hours=72)
"""A contact this soon after a failed activity on its topic, the distance included, does not count."""
REPEAT_REACH = timedelta(days=7)
"""A contact this soon after another on its topic, the distance included, does not count."""
ONCE_PER_183_DAYS_REACH = timedelta(days=183)
"""An activity of class `once_per_183_days` counts again after this distance, the distance included."""


@dataclass(frozen=True, slots=True)
class JudgedContact:
    """A contact inside a window; it counts against the stage when `code` is None."""

    contact: ContactFact
    window: int
    code: str | None

    @property
    def counts(self) -> bool:
        return self.code is None


def counting_activities(history: History, windows: Windows) -> tuple[ActivityFact, ...]:
    """List the activities that count, from the enrolment on, in order of time."""
    last_of_kind: dict[str, ActivityFact] = {}
    last_index_of_kind: dict[str, int] = {}
    counting = []
    for activity in sorted(history.activities):
        if not activity.succeeded or _is_stopped(activity, history) or activity.activity not in CATALOGUE:
            continue
        kind = CATALOGUE[activity.activity]
        earlier = last_of_kind.get(kind.id)
        last_of_kind[kind.id] = activity
        if activity.happened_at < history.enrolment.enrolled_at:
            continue
        index = windows.index_of(activity.happened_at)
        earlier_index = last_index_of_kind.get(kind.id)
        last_index_of_kind[kind.id] = index
        if _activity_counts(
            kind.counting_class, activity, earlier, is_first_in_period=index != earlier_index
        ):
            counting.append(activity)
    return tuple(counting)


def _activity_counts(
    counting_class: CountingClass,
    activity: ActivityFact,
    earlier: ActivityFact | None,
    *,
    is_first_in_period: bool,
) -> bool:
    match counting_class:
        case CountingClass.NEVER:
            return False
        case CountingClass.ONCE:
            return earlier is None
        case CountingClass.ONCE_PER_PERIOD:
            return is_first_in_period
        case CountingClass.ONCE_PER_183_DAYS:
            return earlier is None or activity.happened_at - earlier.happened_at >= ONCE_PER_183_DAYS_REACH
        case CountingClass.ALWAYS:
            return True


def _is_stopped(fact: Fact, history: History) -> bool:
    """Tell whether a fact happened at or after a withdrawal or the line's end, so that it does not count."""
    return history.stopped_at is not None and fact.happened_at >= history.stopped_at


def judge_contacts(history: History, windows: Windows, definition: Definition) -> tuple[JudgedContact, ...]:
    """Judge every contact inside a window, in order of time.

    The first condition that fails gives the code. Reclassified contacts use up no goodwill.
    """
    judge = ContactJudge(history, windows, definition)
    judged = []
    forgivable: dict[int, list[ContactFact]] = {}
    for contact in sorted(history.contacts):
        window = windows.window_of(contact.happened_at)
        if (
            contact.happened_at < history.enrolment.enrolled_at
            or window > definition.stage_count
            or _is_stopped(contact, history)
        ):
            continue
        reclassified = judge.effective_reclassification(contact, window)
        if reclassified is not None:
            judged.append(JudgedContact(contact, window, None if reclassified.counts else "reclassified"))
            continue
        code = judge.code_of(contact, window)
        if code is None:
            passing = forgivable.setdefault(window, [])
            if sum(earlier.comes_before(contact) for earlier in passing) < definition.goodwill_contacts:
                code = "goodwill"
            passing.append(contact)
        judged.append(JudgedContact(contact, window, code))
    return tuple(judged)


class ContactJudge:
    """The conditions on a contact, with what each needs to know of the line looked up once."""

    def __init__(self, history: History, windows: Windows, definition: Definition) -> None:
        self.history = history
        self.windows = windows
        self.definition = definition
        self.contacts = sorted(history.contacts)
        self.failures = [
            a for a in sorted(history.activities) if not a.succeeded and not _is_stopped(a, history)
        ]
        self.codings = [c for c in sorted(history.codings) if not _is_stopped(c, history)]
        self.reclassifications = [
            r
            for r in sorted(history.reclassifications, reverse=True)
            if r.happened_at >= history.enrolment.enrolled_at and not _is_stopped(r, history)
        ]

    def settles_at(self, window: int) -> datetime:
        return self.windows.window_end(window) + self.definition.settle_delay

    def effective_reclassification(self, contact: ContactFact, window: int) -> ReclassificationFact | None:
        """Find the newest reclassification that has an effect.

        One to "counts" has none when it, or the contact itself, was received after the window settled.
        """
        settles_at = self.settles_at(window)
        for newest in self.reclassifications:
            if newest.contact != contact.key:
                continue
            if not newest.counts or max(contact.received_at, newest.received_at) < settles_at:
                return newest
        return None

    def code_of(self, contact: ContactFact, window: int) -> str | None:
        """Tell the first of the conditions 1 to 10 that fails, or None."""
        if contact.channel not in self.definition.channels:
            return "channel"
        if contact.direction != "inbound":
            return "operator_initiated"
        if contact.outcome != "answered" or contact.talk_seconds is None:
            return "not_served"
        if contact.talk_seconds < self.definition.talk_seconds_min:
            return "not_served"
        if self.definition.exemptions == "fair":
            code = self._exemption(contact)
            if code is not None:
                return code
        return "late" if contact.received_at >= self.settles_at(window) else None

    def _exemption(self, contact: ContactFact) -> str | None:
        topic = self.topic_of(contact)
        if topic is None or (exempt_code(topic) is None and topic not in CATALOGUE):
            return "unclassified"
        exempt = exempt_code(topic)
        if exempt is not None:
            return exempt
        kind = CATALOGUE[topic]
        if kind.counting_class is CountingClass.NEVER:
            return topic
        if not kind.online or self._is_not_online(contact, topic):
            return "not_online"
        if self.failure_before(contact, topic) is not None:
            return "selfservice_failed"
        if self.contact_before(contact, topic) is not None:
            return "repeat"
        if any(crisis.covers(contact.happened_at, topic) for crisis in self.history.crises):
            return "crisis"
        return None

    def topic_of(self, contact: ContactFact) -> str | None:
        """Tell a contact's topic as known when its window settles: the newest coding, else its own.

        A contact from before the first window has until that window settles.
        """
        settles_at = self.settles_at(max(1, self.windows.window_of(contact.happened_at)))
        coded = [c for c in self.codings if c.contact == contact.key and c.received_at < settles_at]
        return coded[-1].topic if coded else contact.topic

    def _is_not_online(self, contact: ContactFact, topic: str) -> bool:
        tariff = self.history.tariff_at(contact.happened_at)
        return tariff is not None and topic in self.definition.not_online.get(tariff, ())

    def failure_before(self, contact: ContactFact, topic: str) -> ActivityFact | None:
        """Find the newest failed activity on the topic in the 72 hours before a contact."""
        since = contact.happened_at - FAILED_ACTIVITY_REACH
        for failure in reversed(_between(self.failures, since, contact)):
            if failure.activity == topic:
                return failure
        return None

    def contact_before(self, contact: ContactFact, topic: str) -> ContactFact | None:
        """Find the newest other contact on the topic in the 7 days before, unless it was abandoned."""
        since = contact.happened_at - REPEAT_REACH
        for earlier in reversed(_between(self.contacts, since, contact)):
            if earlier.outcome != "abandoned" and self.topic_of(earlier) == topic:
                return earlier
        return None


def _between(facts: Sequence[F], since: datetime, contact: ContactFact) -> list[F]:
    """List, of facts in order of time, those from `since` on that come before a contact."""
    first = bisect_left(facts, since, key=_happened_at)
    last = bisect_right(facts, contact.happened_at, key=_happened_at)
    return [fact for fact in facts[first:last] if fact.comes_before(contact)]


def _happened_at(fact: Fact) -> datetime:
    return fact.happened_at
