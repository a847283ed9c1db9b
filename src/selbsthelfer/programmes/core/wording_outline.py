"""Lay out what there is to tell about one enrolment, from its facts and from what was released."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.contacts.core.topics import exempt_code
from selbsthelfer.kit.wording import Words
from selbsthelfer.programmes.core.counting import (
    ONCE_PER_183_DAYS_REACH,
    counting_activities,
    judge_contacts,
)
from selbsthelfer.programmes.core.decision import Release, Stage, StageState, decide_stages
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.history import ActivityFact, History, Variant
from selbsthelfer.programmes.core.windows import Windows, windows_of
from selbsthelfer.programmes.core.wording_facts import (
    CountedActivity,
    Period,
    Phase,
    ToldContact,
    ToldEnrolment,
    ToldStage,
    Tranche,
    TrancheState,
    UncountedActivity,
)
from selbsthelfer.programmes.core.wording_grounds import Grounds


@dataclass(frozen=True, slots=True)
class Released:
    """A release as it was recorded, with the (source, id) of its activity and what is left of its volume.

    `is_confirmed` is false while a charging system has not said that it took the volume.
    """

    release: Release
    activity: tuple[str, str] | None
    left_bytes: int | None
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class PinnedVersion:
    """The version that an enrolment is pinned to."""

    number: int
    digest: str
    definition: Definition


def tell_enrolment(
    history: History, version: PinnedVersion, releases: Mapping[int, Released], at: datetime
) -> ToldEnrolment:
    """Tell where an enrolment stands, as known at an instant, given what was released by then.

    What was released is not decided again: it was decided in its time and stands.
    """
    return _Outline(history, version.definition, releases, at).enrolment(version)


class _Outline:
    """The standing of one enrolment, with what every part of the outline needs looked up once."""

    def __init__(
        self, history: History, definition: Definition, releases: Mapping[int, Released], at: datetime
    ) -> None:
        self.definition = definition
        self.releases = releases
        self.granted_bytes = sum(released.release.bytes for released in releases.values())
        self.at = at
        self.windows: Windows = windows_of(history, definition, at)
        self.known = history.known_at(min(at, self.windows.closes_at))
        decided = {index: released.release for index, released in releases.items()}
        counting = counting_activities(self.known, self.windows)
        self.judged = judge_contacts(self.known, self.windows, definition)
        self.stages = decide_stages(counting, self.judged, self.windows, definition, at, decided)
        self.counting: dict[int, list[CountedActivity]] = defaultdict(list)
        for fact in counting:
            self.counting[self.windows.index_of(fact.happened_at)].append(_counted(fact))
        self.in_control = self.known.enrolment.variant is Variant.CONTROL

    def enrolment(self, version: PinnedVersion) -> ToldEnrolment:
        definition, enrolment = self.definition, self.known.enrolment
        contacts = tuple(self.contacts())
        tranches = {tranche.index: tranche for tranche in self.tranches()}
        return ToldEnrolment(
            programme=definition.name,
            version=version.number,
            digest=version.digest,
            title=Words(definition.title.de, definition.title.en),
            variant=enrolment.variant,
            channels=tuple(sorted(definition.channels)),
            releases_by_activity=definition.release == "activity",
            is_fair=definition.exemptions == "fair",
            enrolled_at=enrolment.enrolled_at,
            stopped_at=self.known.stopped_at,
            ended_with_line=any(fact.happened_at <= self.at for fact in self.known.ends),
            closes_at=self.windows.closes_at,
            is_closed=self.at > self.windows.closes_at,
            periods=tuple(self.periods(contacts, tranches)),
            stages=tuple(self.stage(stage, contacts) for stage in self.stages),
            contacts=contacts,
            uncounted=tuple(self.uncounted()),
            earned_bytes=self.granted_bytes,
            cap_bytes=definition.cap_bytes,
        )

    def contacts(self) -> Iterator[ToldContact]:
        grounds = Grounds(self.known, self.windows, self.definition)
        for judged in self.judged:
            topic = grounds.topic_of(judged.contact)
            yield ToldContact(
                source=judged.contact.source,
                id=judged.contact.id,
                window=judged.window,
                happened_at=judged.contact.happened_at,
                channel=judged.contact.channel,
                topic=None if topic is None else exempt_code(topic) or topic,
                code=judged.code,
                ground=grounds.ground_of(judged),
            )

    def uncounted(self) -> Iterator[UncountedActivity]:
        """Tell the successes since the enrolment that do not count, and when their kind may count again."""
        counted = {(fact.source, fact.id) for found in self.counting.values() for fact in found}
        stopped_at = self.known.stopped_at
        newest = {fact.activity: fact for fact in sorted(self.known.activities) if fact.succeeded}
        for fact in sorted(self.known.activities):
            kind = CATALOGUE.get(fact.activity)
            if not fact.succeeded or kind is None or fact.key in counted:
                continue
            if fact.happened_at < self.known.enrolment.enrolled_at:
                continue
            again_at = None
            if kind.counting_class is CountingClass.ONCE_PER_PERIOD:
                again_at = self.windows.period_end_at(fact.happened_at)
            elif kind.counting_class is CountingClass.ONCE_PER_183_DAYS:
                again_at = newest[fact.activity].happened_at + ONCE_PER_183_DAYS_REACH
            yield UncountedActivity(
                source=fact.source,
                id=fact.id,
                activity=fact.activity,
                happened_at=fact.happened_at,
                counting_class=kind.counting_class,
                is_after_stop=stopped_at is not None and fact.happened_at >= stopped_at,
                counts_again_at=again_at,
            )

    def stage(self, stage: Stage, contacts: tuple[ToldContact, ...]) -> ToldStage:
        first = (stage.window - 1) * self.definition.periods_per_stage + 1
        start, end = self.windows.period_start(first), self.windows.window_end(stage.window)
        return ToldStage(
            window=stage.window,
            level=stage.level,
            state=stage.state,
            phase=self.phase(start, end),
            starts_at=start,
            ends_at=end,
            settles_at=end + self.definition.settle_delay,
            activities=stage.activities,
            activities_min=self.definition.activities_min,
            counted_at=tuple(c.happened_at for c in contacts if c.counts and c.window == stage.window),
            contacts_max=self.definition.contacts_max,
            bytes=self.definition.stages[stage.level - 1].bytes,
        )

    def periods(self, contacts: tuple[ToldContact, ...], tranches: Mapping[int, Tranche]) -> Iterator[Period]:
        against = [self.windows.index_of(contact.happened_at) for contact in contacts if contact.counts]
        for index in range(1, self.definition.last_index + 1):
            start, end = self.windows.period_start(index), self.windows.period_start(index + 1)
            observed = index <= self.definition.observed_periods
            yield Period(
                index=index,
                window=self.windows.window_of(start) if observed else None,
                starts_at=start,
                ends_at=end,
                phase=self.phase(start, end),
                activities=tuple(self.counting[index]),
                counting_contacts=against.count(index),
                tranche=tranches.get(index),
            )

    def phase(self, start: datetime, end: datetime) -> Phase:
        if self.at < start:
            return Phase.COMING
        return Phase.CURRENT if self.at < end else Phase.PAST

    def tranches(self) -> Iterator[Tranche]:
        """Tell every tranche; what the cap leaves is promised to the earlier ones first."""
        rest = self.definition.cap_bytes - self.granted_bytes
        for stage in self.stages:
            for index in self.windows.paid_indices(stage.window):
                released = self.releases.get(index)
                tranche = self.released(released) if released else self.unreleased(index, stage, rest)
                if tranche.state in _PROMISED:
                    rest -= tranche.bytes
                yield tranche

    def released(self, released: Released) -> Tranche:
        release = released.release
        planned = self.definition.stages[release.level - 1].bytes
        ends = [fact.happened_at for fact in self.known.ends if fact.happened_at > release.granted_at]
        usable_until = min((release.valid_until, *ends))
        if self.in_control:
            state = TrancheState.RECORDED
        elif release.bytes == 0:
            state = TrancheState.NOTHING_LEFT if planned else TrancheState.NO_VOLUME
        else:
            state = TrancheState.GRANTED if released.is_confirmed else TrancheState.BEING_GRANTED
            state = state if self.at < usable_until else TrancheState.EXPIRED
        by = next((fact for fact in self.known.activities if fact.key == released.activity), None)
        return Tranche(
            index=release.index,
            window=release.window,
            level=release.level,
            state=state,
            bytes=release.bytes,
            is_cut=release.bytes < planned and not self.in_control,
            may_rise=False,
            starts_at=self.windows.period_start(release.index),
            ends_at=self.windows.period_start(release.index + 1),
            granted_at=release.granted_at,
            usable_until=usable_until,
            left_bytes=released.left_bytes if state in _WITH_VOLUME else None,
            released_by=None if by is None else _counted(by),
        )

    def unreleased(self, index: int, stage: Stage, rest: int) -> Tranche:
        start, end = self.windows.period_start(index), self.windows.period_start(index + 1)
        planned = self.definition.stages[stage.level - 1].bytes
        state = self.state_of(index, stage)
        size = min(planned, rest)
        if state in _PROMISED and size == 0:
            state = TrancheState.NOTHING_LEFT if planned else TrancheState.NO_VOLUME
        earlier = self.stages[: stage.window - 1]
        return Tranche(
            index=index,
            window=stage.window,
            level=stage.level,
            state=TrancheState.WITHHELD if self.in_control else state,
            bytes=0 if self.in_control else size,
            is_cut=size < planned,
            may_rise=self.definition.on_missed_stage != "calendar"
            and any(before.state is StageState.OPEN for before in earlier),
            starts_at=start,
            ends_at=end,
        )

    def state_of(self, index: int, stage: Stage) -> TrancheState:
        """Tell what a tranche waits for that has not been released."""
        if stage.state is StageState.MISSED:
            return TrancheState.NOT_EARNED
        start, end = self.windows.period_start(index), self.windows.period_start(index + 1)
        if stage.state is StageState.PASSED and self.is_due(index) and self.at <= self.windows.closes_at:
            return TrancheState.BEING_GRANTED
        if self.known.stopped_at is not None and self.known.stopped_at < end:
            return TrancheState.STOPPED
        if stage.state is StageState.OPEN:
            return TrancheState.WAITING_FOR_STAGE
        if self.at < start:
            return TrancheState.WAITING_FOR_PERIOD
        return TrancheState.WAITING_FOR_ACTIVITY if self.at < end else TrancheState.LAPSED

    def is_due(self, index: int) -> bool:
        """Tell whether a tranche of a passed window ought to be released already."""
        if self.definition.release == "activity":
            return bool(self.counting[index])
        start, stopped_at = self.windows.period_start(index), self.known.stopped_at
        return start <= self.at and (stopped_at is None or start < stopped_at)


def _counted(fact: ActivityFact) -> CountedActivity:
    return CountedActivity(fact.source, fact.id, fact.activity, fact.happened_at)


_WITH_VOLUME = frozenset({TrancheState.GRANTED, TrancheState.EXPIRED})
_PROMISED = frozenset(
    {
        TrancheState.WAITING_FOR_STAGE,
        TrancheState.WAITING_FOR_PERIOD,
        TrancheState.WAITING_FOR_ACTIVITY,
        TrancheState.BEING_GRANTED,
    }
)
