"""Random lives of lines under random programmes, leaning towards the instants at which something turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from selbsthelfer.programmes.core.definition import Definition, StageTerms, load_preset
from selbsthelfer.subscribers.core.billing import Calendar, EveryDays, Monthly, first_instant, period_bounds
from tests.programmes.events import Event, Line, crisis

Draw = Callable[[st.SearchStrategy[Any]], Any]

TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ZONES = (
    "Europe/Berlin",
    "UTC",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/St_Johns",
    "America/Havana",
)
ENROLLED_ON = (
    date(2025, 1, 15),
    date(2024, 2, 29),
    date(2023, 12, 31),
    date(2024, 10, 31),
    date(2018, 8, 30),
    date(2011, 10, 1),
)
ACTIVITIES = ("call.voicemail", "use.view", "bill.iban", "bill.paperless", "acc.lang")
"""One of each counting class."""
TOPICS = ("bill.iban", "use.view", "fault", "hardship", "acc.lang", "bill.budget", "no.such", None)
ODDITIES: tuple[dict[str, Any], ...] = (
    {"channel": "chat"},
    {"channel": None},
    {"direction": "callback"},
    {"outcome": "abandoned"},
    {"outcome": None},
    {"talk_seconds": 29},
)
"""What keeps a contact from counting before its topic is asked for."""
TARIFFS = ("blue-s", "blue-m")


@dataclass(frozen=True)
class Plot:
    """Programmes, the facts of some lines, and the instant at which to look."""

    definitions: tuple[Definition, ...]
    events: tuple[Event, ...]
    now: datetime

    @property
    def known(self) -> list[Event]:
        """What was received by now."""
        return [event for event in self.events if event.received_at <= self.now]


def definitions(name: str, **fixed: Any) -> st.SearchStrategy[Definition]:
    """Draw every setting that decides something; short programmes make short lives."""
    settings: dict[str, st.SearchStrategy[Any]] = {
        "stages": st.lists(
            st.sampled_from([100, 200, 250, 1, 0]).map(lambda mb: StageTerms(mb * 1_000_000)),
            min_size=1,
            max_size=3,
        ).map(tuple),
        "periods_per_stage": st.sampled_from([2, 1, 3]),
        "activities_min": st.sampled_from([1, 1, 0, 2]),
        "contacts_max": st.sampled_from([0, 0, 1]),
        "settle_delay_hours": st.sampled_from([24, 24, 0, 100]),
        "close_after_days": st.sampled_from([90, 0, 20]),
        "channels": st.sampled_from([frozenset({"hotline"}), frozenset({"hotline", "chat"})]),
        "exemptions": st.sampled_from(["fair", "fair", "none"]),
        "goodwill_contacts": st.sampled_from([0, 0, 1, 2]),
        "on_missed_stage": st.sampled_from(["calendar", "repeat", "reset"]),
        "release": st.sampled_from(["activity", "period_start"]),
        "cap_bytes": st.sampled_from([1_800, 350, 100]).map(lambda mb: mb * 1_000_000),
        "not_online": st.sampled_from([{}, {"blue-s": frozenset({"bill.iban"})}]).map(MappingProxyType),
    }
    settings |= {setting: st.just(value) for setting, value in fixed.items()}
    return st.builds(_vary, st.just(name), **settings)


def _vary(name: str, **settings: Any) -> Definition:
    return replace(load_preset("o2-2017"), name=name, **settings)


@st.composite
def plots(draw: Draw, *, tells_twice: bool = True, registers_late: bool = True, **fixed: Any) -> Plot:
    """Draw one or two programmes and the lives of one to three lines in them."""
    names = draw(st.sampled_from([("one",), ("one", "two")]))
    programmes = [draw(definitions(name, **fixed)) for name in names]
    events: list[Event] = []
    for number in range(draw(st.integers(1, 3))):
        life = _Life(
            draw, f"line-{number}", programmes, tells_twice=tells_twice, registers_late=registers_late
        )
        events += life.events()
        events += life.crises
    last = max(event.received_at for event in events)
    chosen = draw(st.sampled_from([event.received_at for event in events]))
    now = draw(st.sampled_from([*(last,) * 6, last + 400 * DAY, last + TICK, chosen, chosen + 3 * HOUR]))
    return Plot(tuple(programmes), tuple(events), now)


class _Life:
    """One line's life, drawn step by step."""

    def __init__(
        self,
        draw: Draw,
        subject: str,
        programmes: Sequence[Definition],
        *,
        tells_twice: bool,
        registers_late: bool,
    ) -> None:
        self.draw = draw
        self.tells_twice = tells_twice
        self.registers_late = registers_late
        self.programmes = programmes
        self.line = Line(subject, draw(st.sampled_from(ZONES)))
        self.crises: list[Event] = []
        self.enrolled_at = self._enrolled_at()
        self.cycle = self._cycle()
        self.bounds = period_bounds(
            Calendar(self.line.zone, self.cycle),
            containing=self.enrolled_at,
            until=self.enrolled_at + (max(p.last_index for p in programmes) + 2) * 31 * DAY,
        )[: max(p.last_index for p in programmes) + 2]

    def events(self) -> list[Event]:
        self._register_and_enrol()
        self._be_active()
        for _ in range(self.draw(st.integers(0, 6))):
            self.draw(st.sampled_from(self._incidents()))()
        self._group()
        return self.line.events

    def _incidents(self) -> list[Callable[[], None]]:
        calls = [self._call] * 8
        usual = [self._do_something, self._change_billing_day] * 2
        seldom = [self._change_tariff, self._withdraw, self._end, *[self._repeat] * self.tells_twice]
        return [*calls, *usual, *seldom]

    def _enrolled_at(self) -> datetime:
        begins = first_instant(self.line.zone, self.draw(st.sampled_from(ENROLLED_ON)))
        return begins + self.draw(st.sampled_from([12 * HOUR, timedelta(), TICK, -TICK, 30 * HOUR]))

    def _cycle(self) -> Monthly | EveryDays:
        day = self.draw(st.sampled_from([1, 31, 15, 29, 30, None]))
        if day is not None:
            return Monthly(day)
        return EveryDays(self.draw(st.sampled_from([28, 30, 7])), date(2017, 5, 6))

    def _time(self, last: int = 100) -> datetime:
        """Draw an instant in some period up to the last, often its first or last."""
        n = self.draw(st.integers(0, min(last, len(self.bounds) - 2)))
        start, end = self.bounds[n], self.bounds[n + 1]
        return self.draw(
            st.sampled_from(
                [
                    start + (end - start) / 2,
                    start,
                    end - TICK,
                    start + TICK,
                    end - SECOND,
                    start + (end - start) / 7,
                ]
            )
        )

    def _lag(self, time: datetime) -> datetime | None:
        """Draw when a fact is received, often where that turns something."""
        definition = self.draw(st.sampled_from(self.programmes))
        window_ends = self.bounds[definition.periods_per_stage :: definition.periods_per_stage]
        next_bound = next((b for b in self.bounds if b >= time), time)
        window_end = next((b for b in window_ends if b >= time), next_bound)
        settled = window_end + definition.settle_delay
        last = self.bounds[min(definition.last_index, len(self.bounds) - 1)]
        closes_at = last + definition.close_after
        return self.draw(
            st.sampled_from(
                [
                    *(None,) * 8,
                    time + 5 * HOUR,
                    next_bound,
                    settled - TICK,
                    settled,
                    time + 9 * DAY,
                    time + 45 * DAY,
                    closes_at,
                    closes_at + TICK,
                ]
            )
        )

    def _told(self, time: datetime) -> dict[str, Any]:
        """Draw when a fact is received, its id and its source."""
        letter = self.draw(st.sampled_from("mZa0"))
        return {
            "received": self._lag(time),
            "fact_id": f"{letter}{len(self.line.events)}",
            "source": self.draw(st.sampled_from(["/app", "/centre"])),
        }

    def _register_and_enrol(self) -> None:
        terms: dict[str, Any] = {"tariff": self.draw(st.sampled_from(TARIFFS))}
        if isinstance(self.cycle, Monthly):
            terms["billing_day"] = self.cycle.billing_day
        else:
            terms |= {
                "period_days": self.cycle.period_days,
                "period_anchor": self.cycle.period_anchor.isoformat(),
            }
        early = self.enrolled_at - 100 * DAY
        late = self.enrolled_at + self.draw(st.sampled_from([timedelta(), DAY, 30 * DAY, 40 * DAY]))
        self.line.registers(
            early,
            received=self.draw(st.sampled_from([None, None, None, *[late] * self.registers_late])),
            **terms,
        )
        for definition in self.programmes:
            at = self.enrolled_at + self.draw(st.sampled_from([timedelta(), timedelta(), 20 * DAY]))
            variant = self.draw(st.sampled_from(["treatment", "treatment", "control"]))
            received = self.draw(st.sampled_from([None, None, None, at + 10 * DAY, at + 50 * DAY]))
            self.line.enrols(at, definition.name, variant, received=received)

    def _be_active(self) -> None:
        """Do something in most periods."""
        idle = self.draw(st.sets(st.integers(0, len(self.bounds) - 2), max_size=3))
        for n, (start, end) in enumerate(pairwise(self.bounds)):
            if n not in idle:
                at = max(start + (end - start) * 2 / 3, min(self.enrolled_at, end - TICK))
                self.line.does(at, fact_id=f"k{n}")

    def _do_something(self) -> None:
        time = self.draw(st.sampled_from([self._time(), self.enrolled_at - 2 * DAY]))
        activity = self.draw(st.sampled_from(ACTIVITIES))
        tell = self.draw(st.sampled_from([self.line.does, self.line.does, self.line.fails]))
        tell(time, activity, **self._told(time))
        if self.draw(st.booleans()):
            again = time + self.draw(st.sampled_from([183 * DAY, 183 * DAY - TICK, 20 * DAY, timedelta()]))
            self.line.does(again, activity, **self._told(again))

    def _call(self) -> None:
        observed = min(definition.observed_periods for definition in self.programmes)
        time = self._time(observed)
        contact = self._contact(time, self.draw(st.sampled_from(("bill.iban",) * 10 + TOPICS)))
        follow_ups = [self._call_before, self._fail_before, self._crisis, self._reclassify, self._code]
        for _ in range(self.draw(st.sampled_from([0, 1, 2, 2]))):
            self.draw(st.sampled_from(follow_ups))(contact)

    def _contact(self, time: datetime, topic: str | None) -> Event:
        oddity = self.draw(st.sampled_from(({},) * 20 + ODDITIES))
        return self.line.calls(time, topic, **oddity, **self._told(time))

    def _call_before(self, contact: Event) -> None:
        before = contact.time - self.draw(st.sampled_from([7 * DAY, 7 * DAY + TICK, timedelta(), DAY]))
        self._contact(before, self.draw(st.sampled_from([contact.data["topic"], "use.view"])))

    def _fail_before(self, contact: Event) -> None:
        before = contact.time - self.draw(st.sampled_from([72 * HOUR, 72 * HOUR + TICK, timedelta(), HOUR]))
        self.line.fails(before, contact.data["topic"] or "use.view", **self._told(before))

    def _code(self, contact: Event) -> None:
        at = contact.time + self.draw(st.sampled_from([HOUR, timedelta(), 20 * DAY]))
        topic = self.draw(st.sampled_from([topic for topic in TOPICS if topic]))
        self.line.coded(at, contact, topic, **self._told(at))

    def _reclassify(self, contact: Event) -> None:
        at = contact.time + self.draw(st.sampled_from([HOUR, -HOUR, 20 * DAY]))
        counts = self.draw(st.booleans())
        self.line.reclassified(at, contact, counts=counts, **self._told(at))

    def _crisis(self, contact: Event) -> None:
        begins, ends = self.draw(
            st.sampled_from(
                [
                    (contact.time, contact.time + DAY),
                    (contact.time - DAY, contact.time),
                    (contact.time - DAY, contact.time + TICK),
                ]
            )
        )
        declared = contact.time + self.draw(st.sampled_from([-DAY, HOUR, 40 * DAY]))
        topics = self.draw(st.sampled_from([(), ("bill.iban",), ("roam.info",)]))
        number = f"{self.line.subject}-{len(self.crises)}"
        self.crises.append(
            crisis(
                begins, ends, declared=declared, received=self._lag(declared), topics=topics, fact_id=number
            )
        )

    def _change_billing_day(self) -> None:
        at = self._time()
        self.line.changes_billing_day(at, self.draw(st.sampled_from([15, 31, 1, 28])), **self._told(at))

    def _change_tariff(self) -> None:
        at = self._time()
        self.line.changes_tariff(at, self.draw(st.sampled_from(TARIFFS)), **self._told(at))

    def _withdraw(self) -> None:
        at = self.draw(st.sampled_from([self._time(), self.enrolled_at - DAY, self.enrolled_at]))
        self.line.withdraws(at, self.draw(st.sampled_from(self.programmes)).name, **self._told(at))

    def _end(self) -> None:
        at = self._time()
        self.line.ends(at, **self._told(at))

    def _repeat(self) -> None:
        """Tell a fact again, the same or altered, later or earlier."""
        event = self.draw(st.sampled_from(self.line.events[1:]))
        time = event.time + self.draw(st.sampled_from([timedelta(), timedelta(), -DAY, 10 * DAY]))
        received = self.draw(st.sampled_from([event.received_at, event.received_at + 10 * DAY, time]))
        self.line.events.append(replace(event, time=time, received=received))

    def _group(self) -> None:
        """Let two facts become known together."""
        if len(self.line.events) > 3 and self.draw(st.booleans()):
            numbers = st.integers(1, len(self.line.events) - 1)
            one, other = self.draw(numbers), self.draw(numbers)
            at = max(self.line.events[one].received_at, self.line.events[other].received_at)
            for n in (one, other):
                self.line.events[n] = replace(self.line.events[n], received=at)


@st.composite
def splits(draw: Draw, plot: Plot) -> list[Event]:
    """Draw changes of billing day to the day that is in force: a period ends where it ends anyway."""
    moved = {event.subject for event in plot.events if event.type == "subscriber.billing_day_changed"}
    changes = []
    for event in plot.known:
        if event.type != "subscriber.registered" or event.subject in moved or "billing_day" not in event.data:
            continue
        times = st.sampled_from([other.time for other in plot.known if other.subject == event.subject])
        for number, time in enumerate(draw(st.lists(times, min_size=1, max_size=2))):
            received = max(time, event.received_at)
            line = Line(event.subject, event.data["timezone"])
            changes.append(
                line.changes_billing_day(
                    time, event.data["billing_day"], received=received, fact_id=f"split-{number}"
                )
            )
    return changes
