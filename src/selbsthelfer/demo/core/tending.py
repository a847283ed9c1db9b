"""Self-service: who does what online, how often, and what follows where it fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.demo.core import rhythm
from selbsthelfer.demo.core.calling import Calls
from selbsthelfer.demo.core.chance import pick, poisson
from selbsthelfer.demo.core.diary import Diary, minutes
from selbsthelfer.demo.core.lines import Role
from selbsthelfer.demo.core.parameters import ACTIVITIES, MONTH_DAYS, is_solvable_online

ALWAYS_WORTH_A_LOOK: Final = ("use.view", "bill.view")
"""What a devoted line does once in every period; either counts once per period."""


class Tasks:
    """The self-service of one line; `calls` takes what it could not solve."""

    def __init__(self, diary: Diary, calls: Calls) -> None:
        self.diary = diary
        self.line = diary.line
        self.parameters = diary.operator.parameters
        self.calls = calls
        self.random = diary.stream("tasks")
        self.done_once: set[str] = set()

    def write(self) -> None:
        """Write the activities before the enrolment, then billing period by billing period."""
        start = self.line.enrolled_at or self.line.bounds[0]
        months = (start - self.diary.starts_at).total_seconds() / 86_400 / MONTH_DAYS
        self._write_between(self.diary.starts_at, start, self.parameters.seldom_activities * months)
        mean = self._draw_mean()
        for begins, ends in pairwise(self.line.bounds):
            first, last = max(begins, start), min(ends, self.line.lives_until)
            if first < last:
                self._write_period(first, last, mean)

    def _draw_mean(self) -> float:
        """Draw the line's own mean number of activities in a period."""
        if self.line.is_keen:
            return self.random.uniform(*self.parameters.keen_activities)
        return self.random.gammavariate(0.7, self.parameters.seldom_activities / 0.7)

    def _write_period(self, first: datetime, last: datetime, mean: float) -> None:
        if self.line.role is Role.NEWCOMER:
            return
        if self.line.role is Role.READY and last == self.line.lives_until:
            return
        if self.line.is_devoted:
            soon = min(last, first + timedelta(days=9))
            if self.line.role in {Role.HALF_USED, Role.USED_UP}:
                soon = min(last, first + timedelta(days=1))
            at = rhythm.ONLINE.draw(self.random, first, soon)
            self.diary.activity(at or first, self.random.choice(ALWAYS_WORTH_A_LOOK))
            mean -= 1
        self._write_between(first, last, mean)

    def _write_between(self, first: datetime, last: datetime, mean: float) -> None:
        for _ in range(poisson(self.random, mean)):
            at = rhythm.ONLINE.draw(self.random, first, last)
            if at is not None:
                self._write_task(at, self._draw_kind())

    def _draw_kind(self) -> str:
        """Draw an activity; what is done once in a life is not done again."""
        kind = pick(self.random, ACTIVITIES)
        if CATALOGUE[kind].counting_class is CountingClass.ONCE:
            if kind in self.done_once:
                return "use.view"
            self.done_once.add(kind)
        return kind

    def _write_task(self, at: datetime, kind: str) -> None:
        """Write an activity; where it fails, some try again and some call."""
        random = self.random
        if self.line.role is not Role.ORDINARY or random.random() >= self.parameters.failed_share:
            self.diary.activity(at, kind)
            return
        self.diary.activity(at, kind, succeeded=False)
        if random.random() < 0.5:
            self.diary.activity(at + minutes(random, 2, 90), kind)
        elif random.random() < self.parameters.failed_then_call_share / 0.5 and is_solvable_online(kind):
            calls_at = rhythm.HOTLINE.draw(random, at + minutes(random, 5, 20), at + timedelta(hours=70))
            if calls_at is not None:
                self.calls.call(calls_at, kind)
