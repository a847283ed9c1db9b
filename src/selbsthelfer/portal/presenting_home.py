"""Lay out the first page of a subscriber: all that matters without a tap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from selbsthelfer.allowances.core.forecast import forecast
from selbsthelfer.allowances.queries import LineBucket, UsageNow
from selbsthelfer.kit.wording import Language, Words, last_day, moment, money, volume
from selbsthelfer.programmes.core.wording_facts import Phase, ToldEnrolment, TrancheState
from selbsthelfer.programmes.core.wording_stages import next_step, stage_sentence
from selbsthelfer.programmes.core.wording_success import release_preview
from selbsthelfer.programmes.core.wording_tranches import BUCKET_KINDS
from selbsthelfer.programmes.explaining import Explanation
from selbsthelfer.selfservice.core.records import CostSoFar

SOON: Final = timedelta(days=3)
"""A bucket that ends so soon, with something left, is pointed out."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HomeBucket:
    """A bucket with what is left of it; `note` tells what is special about it."""

    kind: str
    left: str
    size: str
    until: str
    left_bytes: int
    size_bytes: int
    note: str


@dataclass(frozen=True, slots=True)
class HomeProgramme:
    """Where a programme stands, in a few sentences; `steps` are its stages and what they are called."""

    title: str
    next_step: str
    stage: str
    preview: str
    earned: str
    cap: str
    earned_bytes: int
    cap_bytes: int
    steps: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HomePage:
    usable: str
    days_left: str
    forecast: str
    cost: str
    cost_as_of: str
    fresh: str
    is_resting: bool
    buckets: Sequence[HomeBucket]
    programmes: Sequence[HomeProgramme]


def present_home(
    explanation: Explanation, usage: UsageNow, cost: CostSoFar | None, language: Language
) -> HomePage:
    """Lay out where a line stands; `cost` is none where the back end did not answer."""
    return _Presenter(explanation, language).page(usage, cost)


class _Presenter:
    def __init__(self, explanation: Explanation, language: Language) -> None:
        self.explanation = explanation
        self.at = explanation.at
        self.zone = explanation.timezone
        self.language = language

    def tell(self, words: Words) -> str:
        return words.told(self.language)

    def page(self, usage: UsageNow, cost: CostSoFar | None) -> HomePage:
        allowance = self.explanation.allowance
        return HomePage(
            usable=self.usable(),
            days_left=self.tell(days_left(self.explanation.period.ends_at, self.at, self.zone)),
            forecast=self.forecast(usage),
            cost="" if cost is None else self.tell(money(cost.cents)),
            cost_as_of="" if cost is None else self.tell(ago(cost.counted_at, self.at, self.zone)),
            fresh=""
            if usage.last_received_at is None
            else self.tell(ago(usage.last_received_at, self.at, self.zone)),
            is_resting=any(bucket.is_resting for bucket in allowance.buckets),
            buckets=[self.bucket(bucket) for bucket in allowance.buckets],
            programmes=[self.programme(enrolment) for enrolment in self.explanation.enrolments],
        )

    def usable(self) -> str:
        usable = self.explanation.allowance.usable_bytes
        if usable is None:
            return self.tell(Words("unbegrenzt", "unlimited"))
        return self.tell(volume(usable))

    def forecast(self, usage: UsageNow) -> str:
        usable = self.explanation.allowance.usable_bytes
        if usable is None:
            return ""
        told = forecast(
            used_bytes=usage.used_bytes,
            left_bytes=usable,
            starts_at=usage.starts_at,
            ends_at=usage.ends_at,
            at=self.at,
        )
        if told is None:
            return ""
        if told.lasts_until is None:
            return self.tell(
                Words("Reicht voraussichtlich bis zum Ende.", "Should last until the end of the period.")
            )
        until = last_day(told.lasts_until, self.zone)
        return self.tell(
            Words(
                f"Reicht, wenn es so weitergeht, etwa bis zum {until.de}.",
                f"Lasts until about {until.en} if things go on like this.",
            )
        )

    def bucket(self, bucket: LineBucket) -> HomeBucket:
        day = last_day(bucket.valid_until, self.zone)
        return HomeBucket(
            kind=self.tell(BUCKET_KINDS[bucket.kind]),
            left=self.tell(volume(bucket.left_bytes)),
            size=self.tell(volume(bucket.size_bytes)),
            until=self.tell(Words(f"bis {day.de}", f"until {day.en}")),
            left_bytes=bucket.left_bytes,
            size_bytes=bucket.size_bytes,
            note=self.tell(self.note(bucket)),
        )

    def note(self, bucket: LineBucket) -> Words:
        if not bucket.is_confirmed:
            return Words("wird gebucht", "being credited")
        if bucket.is_resting:
            return Words("ruht", "resting")
        if bucket.left_bytes == 0:
            return Words("aufgebraucht", "used up")
        if bucket.kind == "bonus" and bucket.valid_until - self.at <= SOON:
            return Words("endet bald", "ends soon")
        return Words("", "")

    def programme(self, enrolment: ToldEnrolment) -> HomeProgramme:
        running = next((stage for stage in enrolment.stages if stage.phase is Phase.CURRENT), None)
        preview = release_preview(enrolment, self.at, self.zone)
        return HomeProgramme(
            title=self.tell(enrolment.title),
            next_step=self.tell(next_step(enrolment, self.zone)),
            stage=""
            if running is None or enrolment.stopped_at is not None
            else self.tell(_named(running.window, stage_sentence(running, enrolment, self.zone))),
            preview="" if preview is None else self.tell(preview),
            earned=self.tell(volume(enrolment.earned_bytes)),
            cap=self.tell(volume(enrolment.cap_bytes)),
            earned_bytes=enrolment.earned_bytes,
            cap_bytes=enrolment.cap_bytes,
            steps=[self.step(enrolment, index) for index in range(len(enrolment.tranches))],
        )

    def step(self, enrolment: ToldEnrolment, place: int) -> tuple[str, str]:
        tranche = enrolment.tranches[place]
        day = last_day(tranche.ends_at, self.zone)
        size = volume(tranche.bytes)
        if tranche.state in {TrancheState.GRANTED, TrancheState.EXPIRED}:
            return "granted", self.tell(
                Words(f"{size.de} bekommen, bis {day.de}", f"{size.en} received, until {day.en}")
            )
        if tranche.state in {TrancheState.NOT_EARNED, TrancheState.LAPSED}:
            return "missed", self.tell(Words(f"nichts, bis {day.de}", f"nothing, until {day.en}"))
        if tranche.state is TrancheState.WAITING_FOR_ACTIVITY:
            return "current", self.tell(
                Words(f"{size.de} liegen bereit, bis {day.de}", f"{size.en} ready, until {day.en}")
            )
        return "open", self.tell(Words(f"kommt noch, bis {day.de}", f"to come, until {day.en}"))


def days_left(ends_at: datetime, at: datetime, zone: str) -> Words:
    """Tell how many days a period still has, today included, and its last day."""
    days = -(-(ends_at - at) // _DAY)
    day = last_day(ends_at, zone)
    if days <= 1:
        return Words(f"letzter Tag, {day.de}", f"last day, {day.en}")
    return Words(f"noch {days} Tage, bis {day.de}", f"{days} days left, until {day.en}")


def ago(then: datetime, at: datetime, zone: str) -> Words:
    """Tell how long ago something was, exactly enough to judge how fresh it is."""
    span = at - then
    if span < _HOUR:
        minutes = max(1, span // timedelta(minutes=1))
        return Words(
            f"vor {minutes} Minute{'n' * (minutes > 1)}", f"{minutes} minute{'s' * (minutes > 1)} ago"
        )
    if span < _DAY:
        hours = span // _HOUR
        return Words(f"vor {hours} Stunde{'n' * (hours > 1)}", f"{hours} hour{'s' * (hours > 1)} ago")
    return moment(then, zone)


def _named(window: int, sentence: Words) -> Words:
    return Words(f"Stufe {window}: {sentence.de}", f"Stage {window}: {sentence.en}")
