"""The decision for one line: which stages are passed, and which tranches are released, at each instant.

The same rule runs over millions of lines as the set statements in `programmes/sql`; a property test demands
the same answers from both. This one explains a single line and drives previews.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from selbsthelfer.programmes.core.counting import JudgedContact, counting_activities, judge_contacts
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.history import ActivityFact, History, Variant
from selbsthelfer.programmes.core.windows import Windows, windows_of

JUST_BEFORE = timedelta(microseconds=1)
"""The clock decides before the facts received at the same instant are known."""


class StageState(StrEnum):
    OPEN = "open"
    PASSED = "passed"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Stage:
    """A window's standing: how many activities count, and which contacts count against it."""

    window: int
    level: int
    state: StageState
    activities: int
    counting_contacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """A tranche released. `bytes` is 0 in `control` and where the cap leaves nothing: no grant then."""

    index: int
    window: int
    level: int
    bytes: int
    granted_at: datetime
    valid_until: datetime
    activity: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is decided for a line, as known at an instant."""

    stages: tuple[Stage, ...]
    contacts: tuple[JudgedContact, ...]
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class _Moment:
    """An instant of decision and up to when facts are known to it."""

    decided_at: datetime
    known_until: datetime


def standing_at(history: History, definition: Definition, now: datetime) -> Standing:
    """Decide every instant up to `now` in order and tell where the line stands; all instants inclusive."""
    releases: dict[int, Release] = {}
    for moment in _moments(history, definition, now):
        known = history.known_at(moment.known_until)
        windows = windows_of(history, definition, moment.known_until)
        if moment.decided_at > windows.closes_at:
            break
        _release_due(known, windows, definition, moment.decided_at, releases)
    windows = windows_of(history, definition, now)
    known = history.known_at(min(now, windows.closes_at))
    contacts = judge_contacts(known, windows, definition)
    counting = counting_activities(known, windows)
    stages = decide_stages(counting, contacts, windows, definition, now, releases)
    return Standing(stages, contacts, tuple(releases[index] for index in sorted(releases)))


def _moments(history: History, definition: Definition, now: datetime) -> Iterator[_Moment]:
    """Yield the instants of decision from the moment the enrolment was known, the clock before the facts."""
    known_from = history.enrolment.known_from
    moments = {_Moment(at, at) for at in history.received_instants}
    if definition.release == "period_start":
        moments |= _clock_moments(history, definition, now)
    for moment in sorted(moments, key=lambda m: (m.decided_at, m.known_until)):
        if known_from <= moment.known_until and moment.decided_at <= now:
            yield moment


def _clock_moments(history: History, definition: Definition, now: datetime) -> set[_Moment]:
    """The first instants of the paying periods; a change of billing day moves those it is known before."""
    moments = set()
    for instant in (history.enrolment.known_from, *history.received_instants, now):
        windows = windows_of(history, definition, instant)
        for window in range(1, definition.stage_count + 1):
            for index in windows.paid_indices(window):
                start = windows.period_start(index)
                moments.add(_Moment(start, start - JUST_BEFORE))
    return moments


def _release_due(
    known: History,
    windows: Windows,
    definition: Definition,
    decided_at: datetime,
    releases: dict[int, Release],
) -> None:
    """Add every tranche that is due and has not been released yet, in order of index."""
    counting = counting_activities(known, windows)
    judged = judge_contacts(known, windows, definition)
    stages = decide_stages(counting, judged, windows, definition, decided_at, releases)
    for stage in stages:
        if stage.state is not StageState.PASSED:
            continue
        for index in windows.paid_indices(stage.window):
            first = next((a for a in counting if windows.index_of(a.happened_at) == index), None)
            if index in releases or not _is_due(index, first, known, windows, definition, decided_at):
                continue
            releases[index] = Release(
                index=index,
                window=stage.window,
                level=stage.level,
                bytes=_volume(stage.level, known, definition, releases),
                granted_at=decided_at,
                valid_until=windows.period_end_at(decided_at),
                activity=None if definition.release == "period_start" or first is None else first.id,
            )


def _is_due(
    index: int,
    first: ActivityFact | None,
    known: History,
    windows: Windows,
    definition: Definition,
    decided_at: datetime,
) -> bool:
    """Tell whether a tranche of a passed window may be released now."""
    if definition.release == "activity":
        return first is not None
    start = windows.period_start(index)
    return start <= decided_at and (known.stopped_at is None or start < known.stopped_at)


def _volume(level: int, known: History, definition: Definition, releases: dict[int, Release]) -> int:
    """Cut a tranche so that all grants of the enrolment stay within the cap; control gets none."""
    if known.enrolment.variant is Variant.CONTROL:
        return 0
    granted = sum(release.bytes for release in releases.values())
    return min(definition.stages[level - 1].bytes, definition.cap_bytes - granted)


def decide_stages(
    counting: Sequence[ActivityFact],
    judged: Sequence[JudgedContact],
    windows: Windows,
    definition: Definition,
    now: datetime,
    releases: Mapping[int, Release],
) -> tuple[Stage, ...]:
    """Decide each window at an instant; a window of which a tranche was released is passed for good."""
    counted = [windows.window_of(activity.happened_at) for activity in counting]
    released_windows = {release.window for release in releases.values()}
    stages: list[Stage] = []
    for window in range(1, definition.stage_count + 1):
        activities = counted.count(window)
        against = tuple(j.contact.id for j in judged if j.window == window and j.counts)
        state = StageState.PASSED
        if window not in released_windows:
            state = _state(windows.window_end(window), definition, now, activities, len(against))
        level = _level(window, definition, [stage.state for stage in stages])
        stages.append(Stage(window, level, state, activities, against))
    return tuple(stages)


def _state(
    window_end: datetime, definition: Definition, now: datetime, activities: int, contacts: int
) -> StageState:
    if now < window_end:
        return StageState.OPEN
    if activities >= definition.activities_min and contacts <= definition.contacts_max:
        return StageState.PASSED
    return StageState.OPEN if now < window_end + definition.settle_delay else StageState.MISSED


def _level(window: int, definition: Definition, before: list[StageState]) -> int:
    """Find the level of a window from the states of the windows before it."""
    match definition.on_missed_stage:
        case "repeat":
            return 1 + before.count(StageState.PASSED)
        case "reset":
            run = 0
            while run < len(before) and before[-1 - run] is StageState.PASSED:
                run += 1
            return 1 + run
        case _:
            return window
