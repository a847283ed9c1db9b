"""Lay out the first page of a subscriber: all that matters without a tap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.activities.queries import FailedActivity
from selbsthelfer.allowances.core.forecast import forecast
from selbsthelfer.allowances.queries import LineBucket, UsageNow
from selbsthelfer.kit.wording import Language, Words, days, last_day, moment, money, volume
from selbsthelfer.portal.successes import excuses_failures
from selbsthelfer.programmes.core.counting import FAILED_ACTIVITY_REACH
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.core.wording_facts import Phase, ToldEnrolment, Tranche
from selbsthelfer.programmes.core.wording_promise import prospect_words
from selbsthelfer.programmes.core.wording_stages import next_step, stage_sentence
from selbsthelfer.programmes.core.wording_status import TrancheStatus, status_words, tranche_status
from selbsthelfer.programmes.core.wording_success import release_preview
from selbsthelfer.programmes.core.wording_tranches import BUCKET_KINDS
from selbsthelfer.programmes.explaining import Explanation
from selbsthelfer.selfservice.core.records import CostSoFar

SOON: Final = timedelta(days=3)
"""A bucket that ends so soon, with something left, is pointed out."""
_LOOKS: Final[Mapping[TrancheStatus, str]] = MappingProxyType(
    {
        TrancheStatus.OPEN: "open",
        TrancheStatus.PASSED: "passed",
        TrancheStatus.WAITING: "current",
        TrancheStatus.BEING_CREDITED: "current",
        TrancheStatus.USABLE: "granted",
        TrancheStatus.USED: "granted",
        TrancheStatus.EXPIRED: "granted",
        TrancheStatus.MISSED: "missed",
        TrancheStatus.LAPSED: "missed",
        TrancheStatus.ENDED: "ended",
        TrancheStatus.NOTHING: "ended",
    }
)
_WITHOUT_VOLUME: Final = frozenset(
    {TrancheStatus.MISSED, TrancheStatus.LAPSED, TrancheStatus.ENDED, TrancheStatus.NOTHING}
)
_INSTANT: Final = timedelta(microseconds=1)
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
class HomeStep:
    """A tranche in the row of all: how it looks, and what it is for those who do not see it."""

    look: str
    words: str


@dataclass(frozen=True, slots=True)
class HomeProgramme:
    """Where a programme stands, in a few sentences.

    `prospect` is what the running stage gives first, `legend` counts the steps by what became of them.
    """

    title: str
    next_step: str
    stage: str
    prospect: str
    preview: str
    earned: str
    cap: str
    earned_bytes: int
    cap_bytes: int
    steps: Sequence[HomeStep]
    legend: str


@dataclass(frozen=True, slots=True)
class HomeFailure:
    """What failed lately; `activity` is empty where the portal does not do it.

    `excuse` tells whoever takes part until when a call about it is free.
    """

    name: str
    activity: str
    excuse: str


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
    explanation: Explanation, usage: UsageNow | None, cost: CostSoFar | None, language: Language
) -> HomePage:
    """Lay out where a line stands; `cost` is none where the back end did not answer."""
    return _Presenter(explanation, language).page(usage, cost)


def present_failures(
    failures: Iterable[FailedActivity], explanation: Explanation, language: Language
) -> Sequence[HomeFailure]:
    """Lay out what failed lately, each task once with its newest failure; they come newest first."""
    newest: dict[str, FailedActivity] = {}
    for failure in failures:
        newest.setdefault(failure.activity, failure)
    is_free = excuses_failures(explanation.enrolments)
    return [
        HomeFailure(
            name=activity_name(failure.activity).told(language),
            activity=failure.activity if CATALOGUE[failure.activity].online else "",
            excuse=_excuse(failure, explanation.timezone).told(language) if is_free else "",
        )
        for failure in newest.values()
    ]


def takes_part(explanation: Explanation) -> bool:
    """Tell whether a line takes part in a programme that still runs for it."""
    return any(e.stopped_at is None and not e.is_closed for e in explanation.enrolments)


def _excuse(failure: FailedActivity, zone: str) -> Words:
    until = moment(failure.happened_at + FAILED_ACTIVITY_REACH, zone)
    return Words(
        f"Rufen Sie deswegen bis zum {until.de} an, zählt dieser Anruf nicht.",
        f"If you call about it until {until.en}, that call does not count.",
    )


class _Presenter:
    def __init__(self, explanation: Explanation, language: Language) -> None:
        self.explanation = explanation
        self.at = explanation.at
        self.zone = explanation.timezone
        self.language = language

    def tell(self, words: Words) -> str:
        return words.told(self.language)

    def page(self, usage: UsageNow | None, cost: CostSoFar | None) -> HomePage:
        allowance = self.explanation.allowance
        return HomePage(
            usable=self.usable(),
            days_left=self.tell(days_left(self.explanation.period.ends_at, self.at, self.zone)),
            forecast=self.forecast(usage),
            cost="" if cost is None else self.tell(money(cost.cents)),
            cost_as_of="" if cost is None else self.tell(ago(cost.counted_at, self.at, self.zone)),
            fresh=self.fresh(usage),
            is_resting=any(bucket.is_resting for bucket in allowance.buckets),
            buckets=[self.bucket(bucket) for bucket in allowance.buckets],
            programmes=[self.programme(enrolment) for enrolment in self.explanation.enrolments],
        )

    def usable(self) -> str:
        usable = self.explanation.allowance.usable_bytes
        if usable is None:
            return self.tell(Words("unbegrenzt", "unlimited"))
        return self.tell(volume(usable))

    def fresh(self, usage: UsageNow | None) -> str:
        """Tell until when use is counted, not when the network last reported: that may be about last week."""
        if usage is None or usage.last_record_happened_at is None:
            return ""
        return self.tell(ago(usage.last_record_happened_at, self.at, self.zone))

    def forecast(self, usage: UsageNow | None) -> str:
        usable = self.explanation.allowance.usable_bytes
        if not usable or usage is None:
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
        prospect = prospect_words(enrolment, self.zone)
        preview = release_preview(enrolment, self.at, self.zone)
        return HomeProgramme(
            title=self.tell(enrolment.title),
            next_step=self.tell(next_step(enrolment, self.zone)),
            stage=""
            if running is None or enrolment.stopped_at is not None
            else self.tell(_named(running.window, stage_sentence(running, enrolment, self.zone))),
            prospect="" if prospect is None else self.tell(prospect),
            preview="" if preview is None else self.tell(preview),
            earned=self.tell(volume(enrolment.earned_bytes)),
            cap=self.tell(volume(enrolment.cap_bytes)),
            earned_bytes=enrolment.earned_bytes,
            cap_bytes=enrolment.cap_bytes,
            steps=[self.step(tranche) for tranche in enrolment.tranches],
            legend=self.legend(enrolment.tranches),
        )

    def legend(self, tranches: Sequence[Tranche]) -> str:
        counts = Counter(tranche_status(tranche) for tranche in tranches)
        told = [(number, status_words(status)) for status, number in counts.items()]
        return self.tell(
            Words(
                f"{len(tranches)} Gutschriften: " + ", ".join(f"{n} × {word.de}" for n, word in told),
                f"{len(tranches)} credits: " + ", ".join(f"{n} × {word.en}" for n, word in told),
            )
        )

    def step(self, tranche: Tranche) -> HomeStep:
        status = tranche_status(tranche)
        word, size = status_words(status), volume(tranche.bytes)
        span = days(tranche.starts_at, tranche.ends_at, self.zone)
        if status in _WITHOUT_VOLUME:
            return HomeStep(
                _LOOKS[status], self.tell(Words(f"{span.de}: {word.de}", f"{span.en}: {word.en}"))
            )
        told = Words(f"{span.de}: {size.de}, {word.de}", f"{span.en}: {size.en}, {word.en}")
        return HomeStep(_LOOKS[status], self.tell(told))


def days_left(ends_at: datetime, at: datetime, zone: str) -> Words:
    """Tell how many local days a period still has, today included, and its last one."""
    local = ZoneInfo(zone)
    last = (ends_at - _INSTANT).astimezone(local).date()
    left, written = (last - at.astimezone(local).date()).days + 1, last_day(ends_at, zone)
    if left <= 1:
        return Words(f"letzter Tag, {written.de}", f"last day, {written.en}")
    return Words(f"noch {left} Tage, bis {written.de}", f"{left} days left, until {written.en}")


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
