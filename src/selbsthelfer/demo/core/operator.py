"""A made-up operator's life as facts: seeded, so that it is the same wherever and whenever it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from selbsthelfer.demo.core import rhythm
from selbsthelfer.demo.core.calling import Calls
from selbsthelfer.demo.core.diary import NETWORK, Diary, minutes
from selbsthelfer.demo.core.lines import Line, Operator, Role, lines_of
from selbsthelfer.demo.core.living import write_changes, write_membership, write_usage
from selbsthelfer.demo.core.parameters import GIGABYTE, OUTAGE_TOPICS
from selbsthelfer.demo.core.tending import Tasks
from selbsthelfer.intake.core.facts import CrisisDeclared, CrisisFact, Fact

OUTAGE_TOPIC_WEIGHTS: Final = (55, 25, 12, 8)
"""What the topics of the outage weigh, in the order of `OUTAGE_TOPICS`; assumed."""
_OUTAGE_LIES_BACK = timedelta(days=150)

OnLine = Callable[[int], None]


def facts_of(operator: Operator, on_line: OnLine = lambda _: None) -> list[Fact]:
    """Tell everything that happened, in the order of `received`, then of the line; `on_line` counts lines."""
    facts: list[Fact] = [outage_of(operator)]
    for line in lines_of(operator):
        facts.extend(_life_of(operator, line))
        on_line(1)
    facts.sort(key=lambda fact: (*place_of(fact), fact.time, fact.id))
    return facts


def place_of(fact: Fact) -> tuple[datetime, str]:
    """Tell where a fact stands in a file: when it was received, and its line; a crisis comes first."""
    received_at = max(fact.received or fact.time, fact.time)
    return received_at, "" if isinstance(fact, CrisisFact) else fact.subject


def outage_of(operator: Operator) -> CrisisFact:
    """Tell of the day on which the network was gone, declared three quarters of an hour after it began."""
    day = operator.ends_on - _OUTAGE_LIES_BACK
    while not (day.weekday() in {1, 2, 3} and rhythm.is_working_day(day)):
        day += timedelta(days=1)
    return CrisisFact(
        id=f"outage-{day.isoformat()}",
        source=NETWORK,
        time=rhythm.local_instant(day, 11, 5),
        data=CrisisDeclared(
            from_at=rhythm.local_instant(day, 10, 20),
            until_at=rhythm.local_instant(day, 19, 40),
            topics=OUTAGE_TOPICS,
        ),
    )


def _life_of(operator: Operator, line: Line) -> list[Fact]:
    diary = Diary(operator, line)
    write_membership(diary)
    calls = Calls(diary)
    calls.write()
    Tasks(diary, calls).write()
    _live_through_outage(diary, calls)
    _play_role(diary, calls)
    write_changes(diary)
    write_usage(diary)
    return list(diary.facts)


def _live_through_outage(diary: Diary, calls: Calls) -> None:
    """Let some call about the outage, in crowded queues; a few get volume for their trouble."""
    random, outage = diary.stream("outage"), outage_of(diary.operator).data
    if random.random() >= diary.operator.parameters.crisis_callers or calls.is_quiet:
        return
    topic = random.choices(OUTAGE_TOPICS, OUTAGE_TOPIC_WEIGHTS)[0]
    at = outage.from_at + (outage.until_at - outage.from_at) * random.betavariate(1.5, 3)
    at = at.replace(microsecond=0)
    if at < diary.starts_at:
        return
    if random.random() < 0.25:
        diary.activity(at - minutes(random, 3, 9), "net.status")
    calls.call(at, topic, crowded=True)
    if random.random() < 0.1:
        diary.courtesy(
            at + minutes(random, 1_500, 6_000), GIGABYTE // 2, "Ausgleich für den Netzausfall", "team-kulanz"
        )


def _play_role(diary: Diary, calls: Calls) -> None:
    """Add the one event that a line is there to show."""
    line, random = diary.line, diary.stream("role")
    if line.role is Role.SECOND_STAGE:
        begins, ends = list(pairwise(line.bounds))[1]
        at = rhythm.HOTLINE.draw(random, begins, ends)
        if at is not None:
            calls.call_plainly(at, "bill.explain")
    elif line.role is Role.FAILED_YESTERDAY:
        yesterday = diary.operator.ends_on - timedelta(days=1)
        diary.activity(rhythm.local_instant(yesterday, 18, 20), "bill.itemised", succeeded=False)
