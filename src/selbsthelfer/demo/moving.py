"""Live one line of the demo on: do something online, call the hotline, or let the month pass.

What happens enters through `intake` at the time of the line's own clock, like everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.db import transaction

from selbsthelfer.demo.clock import move_on, now_of_line
from selbsthelfer.intake.core import facts as kinds
from selbsthelfer.intake.operations import Receipt, Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.subscribers.core.billing import period_end
from selbsthelfer.subscribers.core.lines import LineRef
from selbsthelfer.subscribers.queries import line_billings

SOURCE: Final = "/musterfunk/demo"
ACTIVITY: Final = "net.diagnose"
"""What the line does online: a success of this kind always counts."""
CALL_TOPICS: Final = ("bill.explain", "use.view", "con.view", "sim.puk", "fault", "objection")
"""What the line can call about: the last two never count."""
TALK_SECONDS: Final = 240
WAIT_SECONDS: Final = 97
DAILY_BYTES: Final = 60_000_000
"""What a line uses in a day that the clock passes over."""
_PAUSE: Final = timedelta(hours=26)
_MORNING: Final = timedelta(hours=9)
_DAY: Final = timedelta(days=1)


class UnknownTopicError(ValueError):
    """The demo does not know this topic to call about."""

    code = "unknown_topic"


class RefusedStepError(ValueError):
    """Intake refused what the line was to do; nothing has happened, and its clock stays."""

    code = "refused_step"


def do_something(line: LineRef, *, now: datetime) -> Receipt:
    """Have the line solve something online, and let a day pass."""
    at = now_of_line(line.subscriber_id, now=now)
    fact = kinds.ActivityFinished(
        id=str(uuid4()),
        source=SOURCE,
        time=at,
        subject=line.subject,
        data=kinds.SelfserviceFinished(activity=ACTIVITY, outcome="succeeded"),
    )
    return _take(line, [fact], at=at, until=at + _PAUSE, now=now)


def call(line: LineRef, topic: str, *, now: datetime) -> Receipt:
    """Have the line call the hotline about a topic, and let a day pass; raises `UnknownTopicError`."""
    if topic not in CALL_TOPICS:
        raise UnknownTopicError(f"the demo does not know “{topic}” to call about")
    at = now_of_line(line.subscriber_id, now=now)
    data = kinds.ContactEnded(
        channel="hotline",
        direction="inbound",
        outcome="answered",
        wait_seconds=WAIT_SECONDS,
        talk_seconds=TALK_SECONDS,
        topic=topic,
    )
    fact = kinds.ContactFinished(id=str(uuid4()), source=SOURCE, time=at, subject=line.subject, data=data)
    return _take(line, [fact], at=at, until=at + _PAUSE, now=now)


def next_month(line: LineRef, *, now: datetime) -> Receipt:
    """Move the line on to the morning of its next billing period, with the usage of the days between."""
    at = now_of_line(line.subscriber_id, now=now)
    with transaction.atomic():
        billing = line_billings(open_cursor(), [line.subscriber_id])[line.subscriber_id]
    end = period_end(billing.calendar, at)
    facts = []
    day = at + _DAY
    while day < end:
        data = kinds.UsageRecorded(bytes=DAILY_BYTES)
        facts.append(
            kinds.UsageFact(
                id=f"use-{day:%Y%m%d%H}", source=SOURCE, time=day, subject=line.subject, data=data
            )
        )
        day += _DAY
    return _take(line, facts, at=max(day - _DAY, at), until=end + _MORNING, now=now)


def _take(
    line: LineRef, facts: Sequence[kinds.Fact], *, at: datetime, until: datetime, now: datetime
) -> Receipt:
    """Take facts at the line's own time and move its clock on, both or neither; raises `RefusedStepError`."""
    with transaction.atomic():
        receipt = accept(facts, terms=Terms(now=at, may_backdate=False))
        if receipt.rejections:
            raise RefusedStepError(f"refused: {receipt.rejections[0][1].code}")
        move_on(line.subscriber_id, to=until, now=now)
    return receipt
