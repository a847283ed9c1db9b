"""Read an Asterisk `queue_log` as calls that have ended.

A line is `epoch|uniqueid|queue|member|EVENT|p1|p2|…`. Positions of the parameters follow the Asterisk
documentation ("Queue Logs") and `apps/app_queue.c` of Asterisk 22; lines of older versions, which lack the
later parameters, are read too. The member who took a call is never recorded.

A contact is one visit of one caller to one queue. Its id is `<uniqueid>/<queue>/<epoch of entry>`, all taken
from its `ENTERQUEUE` line, so a rotated file read again, or two files that overlap, give the same ids.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from selbsthelfer.contacts.core.queue_log_lines import (
    MAX_SECONDS,
    BrokenLineError,
    Event,
    Reason,
    caller_of,
    check_names,
    number_at,
    read_event,
    seconds_at,
)

__all__ = ["LogReject", "OpenCall", "QueueCall", "QueueTotals", "Totals", "read_queue_log"]

MAX_OPEN_HOURS = 12
"""A call without an exit ends as `expired` this long after it entered the queue."""
MAX_OPEN_CALLS = 100_000
"""About 70 MB; when more calls are open, the oldest ends as `lost`."""
MAX_COUNTED_NAMES = 1_000
"""Further names of events or queues are counted together as `OTHER`."""
OTHER = "OTHER"

Outcome = Literal[
    "answered", "abandoned", "timed_out", "unstaffed", "left_by_key", "withdrawn", "lost", "expired"
]
"""How a call ended. `unstaffed`: the queue had no agents left; `withdrawn`: taken out by a command; `lost` (a
restart, or a second entry into the same queue) and `expired`: the log has no end, so the talk is unknown."""


class QueueCall(Struct, frozen=True):
    """A visit to a queue that has ended; `position` is the one at entry, missing in older logs."""

    id: str
    uniqueid: str
    queue: str
    caller: str | None
    position: int | None
    entered_at: datetime
    connected_at: datetime | None
    ended_at: datetime
    wait_seconds: int | None
    talk_seconds: int | None
    outcome: Outcome
    transferred: bool = False


class OpenCall(Struct, frozen=True):
    """A visit to a queue whose end has not been read yet; it can be stored and given to the next reading."""

    id: str
    uniqueid: str
    queue: str
    caller: str | None
    position: int | None
    entered_at: datetime
    connected_at: datetime | None = None
    wait_seconds: int | None = None


class LogReject(Struct, frozen=True):
    """A line that was refused, by its number from 1; the text is left out because it names people."""

    line: int
    reason: Reason
    event: str | None = None


@dataclass
class QueueTotals:
    """What was read of one queue; calls and seconds by outcome."""

    entered: int = 0
    connected: int = 0
    unanswered_rings: int = 0
    unanswered_ring_milliseconds: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    wait_seconds: Counter[str] = field(default_factory=Counter)
    talk_seconds: int = 0


@dataclass
class Totals:
    """What was read so far, refused lines included; `left_open` is set when the reading comes to its end."""

    lines: int = 0
    blank_lines: int = 0
    events: Counter[str] = field(default_factory=Counter)
    unknown_events: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    queues: dict[str, QueueTotals] = field(default_factory=dict)
    left_open: tuple[OpenCall, ...] = ()

    def queue(self, name: str) -> QueueTotals:
        """Return the totals of the queue, or the common ones when there are too many queues."""
        if name not in self.queues and len(self.queues) >= MAX_COUNTED_NAMES:
            name = OTHER
        return self.queues.setdefault(name, QueueTotals())


_LONGEST_OPEN = timedelta(hours=MAX_OPEN_HOURS)
_EXITS: dict[str, tuple[Outcome, int]] = {
    "ABANDON": ("abandoned", 2),
    "EXITEMPTY": ("unstaffed", 2),
    "EXITWITHTIMEOUT": ("timed_out", 2),
    "EXITWITHKEY": ("left_by_key", 3),
    "WITHDRAW": ("withdrawn", 2),
}
_TRANSFERS = frozenset({"TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER"})
_COMPLETIONS = frozenset({"COMPLETEAGENT", "COMPLETECALLER"}) | _TRANSFERS
# A caller whom AGENTDUMP leaves goes on waiting; after SYSCOMPAT an ABANDON follows.
_WITHOUT_EFFECT = frozenset(
    {"ADDMEMBER", "REMOVEMEMBER", "PAUSE", "PAUSEALL", "UNPAUSE", "UNPAUSEALL", "PENALTY", "RINGINUSE"}
    | {"AGENTLOGIN", "AGENTLOGOFF", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF", "AGENTDUMP"}
    | {"CALLSTATUS", "CONFIGRELOAD", "DID", "INFO", "OUTCALL", "RINGCANCELED", "SYSCOMPAT"}
)


def read_queue_log(
    lines: Iterable[str], *, totals: Totals | None = None, open_calls: Iterable[OpenCall] = ()
) -> Iterator[QueueCall | LogReject]:
    """Yield every call as it ends, and every line that had to be refused.

    `open_calls` are those left open by an earlier reading (`Totals.left_open`); lines read twice do no harm.
    Lines may come with or without their line ends.
    """
    counted = Totals() if totals is None else totals
    reader = _Reader(counted, open_calls)
    has_line_ends = False
    for number, line in enumerate(lines, start=1):
        counted.lines += 1
        is_unfinished = has_line_ends and not line.endswith("\n")
        has_line_ends = has_line_ends or line.endswith("\n")
        name = None
        try:
            if is_unfinished:
                raise BrokenLineError("unfinished")
            event = read_event(line)
            if event is None:
                counted.blank_lines += 1
                continue
            name = event.name
            yield from reader.take(event)
        except BrokenLineError as broken:
            counted.rejects[broken.reason] += 1
            yield LogReject(number, broken.reason, name)
    counted.left_open = tuple(reader.open_calls.values())


def _elapsed(earlier: datetime, later: datetime) -> int:
    return max(0, int((later - earlier).total_seconds()))


class _Reader:
    """The calls that are open between two lines."""

    def __init__(self, totals: Totals, open_calls: Iterable[OpenCall]) -> None:
        self.totals = totals
        self.open_calls: OrderedDict[str, OpenCall] = OrderedDict()
        self.visits: dict[tuple[str, str], list[str]] = {}
        self.second = 0
        self.entries_of_second: Counter[tuple[str, str]] = Counter()
        self.handlers: dict[str, Callable[[Event], Iterable[QueueCall]]] = {
            "ENTERQUEUE": self._enter,
            "CONNECT": self._connect,
            "RINGNOANSWER": self._ring,
            "QUEUESTART": self._restart,
            **dict.fromkeys(_EXITS, self._leave),
            **dict.fromkeys(_COMPLETIONS, self._complete),
        }
        for call in sorted(open_calls, key=lambda call: (call.entered_at, call.id)):
            self._open(call)

    def take(self, event: Event) -> Iterator[QueueCall]:
        """Yield the calls that end with this event or had expired before it."""
        yield from self._expired(event.at)
        self._count(event.name)
        handler = self.handlers.get(event.name)
        if handler is None:
            return
        if event.name != "QUEUESTART":
            check_names(event)
        yield from handler(event)

    def _count(self, name: str) -> None:
        events = self.totals.events
        known = name in self.handlers or name in _WITHOUT_EFFECT
        counted = name if known or name in events or len(events) < MAX_COUNTED_NAMES else OTHER
        events[counted] += 1
        if not known:
            self.totals.unknown_events[counted] += 1

    def _expired(self, now: datetime) -> Iterator[QueueCall]:
        while self.open_calls:
            oldest = next(iter(self.open_calls.values()))
            end = oldest.entered_at + _LONGEST_OPEN
            if end > now:
                return
            yield self._end_unknown(oldest, "expired", end)

    def _enter(self, event: Event) -> Iterator[QueueCall]:
        position = number_at(event.parameters, 2)
        place = (event.uniqueid, event.queue)
        identity = f"{event.uniqueid}/{event.queue}/{event.epoch}"
        if identity in self.open_calls:
            return
        if event.epoch != self.second:
            self.second = event.epoch
            self.entries_of_second.clear()
        self.entries_of_second[place] += 1
        if (nth := self.entries_of_second[place]) > 1:
            identity = f"{identity}.{nth}"
        for call in self._visits_until(event):
            if call.connected_at is None:
                yield self._end_unknown(call, "lost", event.at)
        if len(self.open_calls) >= MAX_OPEN_CALLS:
            yield self._end_unknown(next(iter(self.open_calls.values())), "lost", event.at)
        self.totals.queue(event.queue).entered += 1
        self._open(OpenCall(identity, *place, caller_of(event.parameters), position, event.at))

    def _connect(self, event: Event) -> Iterable[QueueCall]:
        wait = seconds_at(event.parameters, 0)
        visits = self._visits_until(event)
        waiting = [call for call in visits if call.connected_at is None]
        if waiting:
            call = waiting[-1]
            wait = _elapsed(call.entered_at, event.at) if wait is None else wait
            self.open_calls[call.id] = replace(call, connected_at=event.at, wait_seconds=wait)
            self.totals.queue(event.queue).connected += 1
        elif not any(call.connected_at == event.at for call in visits):
            raise BrokenLineError("no_entry")
        return ()

    def _ring(self, event: Event) -> Iterable[QueueCall]:
        milliseconds = number_at(event.parameters, 0) or 0
        if milliseconds > MAX_SECONDS * 1_000:
            raise BrokenLineError("number_too_large")
        queue = self.totals.queue(event.queue)
        queue.unanswered_rings += 1
        queue.unanswered_ring_milliseconds += milliseconds
        return ()

    def _restart(self, event: Event) -> Iterator[QueueCall]:
        for call in [call for call in self.open_calls.values() if call.entered_at <= event.at]:
            yield self._end_unknown(call, "lost", event.at)

    def _leave(self, event: Event) -> Iterator[QueueCall]:
        outcome, index = _EXITS[event.name]
        wait = seconds_at(event.parameters, index)
        waiting = [call for call in self._visits_until(event) if call.connected_at is None]
        if not waiting:
            raise BrokenLineError("no_entry")
        call = waiting[-1]
        wait = _elapsed(call.entered_at, event.at) if wait is None else wait
        yield self._end(call, outcome, event.at, wait, 0)

    def _complete(self, event: Event) -> Iterator[QueueCall]:
        first = _hold_index(event)
        hold, talk = seconds_at(event.parameters, first), seconds_at(event.parameters, first + 1)
        visits = self._visits_until(event)
        if not visits:
            raise BrokenLineError("no_entry")
        began = event.at - timedelta(seconds=talk or 0)
        call = min(visits, key=lambda visit: _distance(visit, began))
        if talk is None:
            talk = None if call.connected_at is None else _elapsed(call.connected_at, event.at)
        wait = hold if call.wait_seconds is None else call.wait_seconds
        yield self._end(call, "answered", event.at, wait, talk, transferred=event.name in _TRANSFERS)

    def _visits_until(self, event: Event) -> list[OpenCall]:
        """Return the open visits of this caller to this queue; an exit older than the entry is another's."""
        visits = self.visits.get((event.uniqueid, event.queue), ())
        return [call for call in map(self.open_calls.__getitem__, visits) if call.entered_at <= event.at]

    def _open(self, call: OpenCall) -> None:
        self.open_calls[call.id] = call
        self.visits.setdefault((call.uniqueid, call.queue), []).append(call.id)

    def _end_unknown(self, call: OpenCall, outcome: Outcome, at: datetime) -> QueueCall:
        return self._end(call, outcome, at, call.wait_seconds, None)

    def _end(
        self,
        call: OpenCall,
        outcome: Outcome,
        at: datetime,
        wait_seconds: int | None,
        talk_seconds: int | None,
        transferred: bool = False,
    ) -> QueueCall:
        del self.open_calls[call.id]
        place = (call.uniqueid, call.queue)
        self.visits[place].remove(call.id)
        if not self.visits[place]:
            del self.visits[place]
        queue = self.totals.queue(call.queue)
        queue.calls[outcome] += 1
        queue.wait_seconds[outcome] += wait_seconds or 0
        queue.talk_seconds += talk_seconds or 0
        known = asdict(replace(call, wait_seconds=wait_seconds))
        return QueueCall(
            **known, ended_at=at, talk_seconds=talk_seconds, outcome=outcome, transferred=transferred
        )


def _hold_index(event: Event) -> int:
    """Return where the hold time stands; an attended transfer by `LINK` names two channels, not one."""
    if event.name not in _TRANSFERS:
        return 0
    return 3 if event.name == "ATTENDEDTRANSFER" and event.parameters[0] == "LINK" else 2


def _distance(visit: OpenCall, began: datetime) -> float:
    """Return how badly the visit fits a talk that began then; one not known to be connected fits worst."""
    if visit.connected_at is None:
        return float("inf")
    return abs((visit.connected_at - began).total_seconds())
