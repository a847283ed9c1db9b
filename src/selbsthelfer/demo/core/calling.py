"""Contacts: how often, about what, over which channel, and what agents say of them afterwards."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import Final

from selbsthelfer.demo.core import rhythm
from selbsthelfer.demo.core.chance import log_normal, pick, poisson
from selbsthelfer.demo.core.diary import Diary, minutes
from selbsthelfer.demo.core.lines import Role
from selbsthelfer.demo.core.parameters import (
    GIGABYTE,
    MONTH_DAYS,
    is_solvable_online,
    solvable_share,
    topic_weights,
)
from selbsthelfer.intake.core.facts import ContactEnded, FactKey
from selbsthelfer.programmes.core.variant import Variant

PERIODS_PER_STAGE: Final = 3
MAX_REPEATS: Final = 6
_ONE_WEEK = timedelta(days=7)
_TOPICS: Final = topic_weights()
_SOLVABLE: Final = solvable_share()
_MEAN_WAIT_SECONDS = 62
_MEAN_TALK_SECONDS = 193
_QUEUES: Final = {"net": "technik", "sim": "technik", "bill": "rechnung", "con": "vertrag"}


class Calls:
    """The contacts of one line."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self.line = diary.line
        self.parameters = diary.operator.parameters
        self.random = diary.stream("calls")
        self.is_quiet = self.line.role is not Role.ORDINARY

    def write(self) -> None:
        """Write every contact that the line makes or gets by itself."""
        rate = self.parameters.hotline_contacts_per_month * (1 - self.parameters.repeat_share)
        for _ in range(self._draw_number(rate)):
            at = self._draw_instant(rhythm.HOTLINE)
            if at is not None:
                self._want_to_call(at, pick(self.random, _TOPICS))
        self._write_other_channels()

    def call(self, at: datetime, topic: str, *, crowded: bool = False) -> FactKey | None:
        """Write one hotline call that is answered, with what comes before and after it; give its key."""
        random = self.random
        if random.random() < (0.4 if crowded else self.parameters.abandoned_share):
            self.give_up(at - minutes(random, 8, 40), crowded=crowded)
        true_topic = topic
        told = self._told(topic)
        seconds = round(log_normal(random, _MEAN_TALK_SECONDS, 0.8))
        talk = random.randrange(4, 30) if random.random() < 0.03 else min(max(seconds, 30), 3_600)
        key = self.diary.contact(
            at,
            ContactEnded(
                channel="hotline",
                direction=None if random.random() < 0.004 else "inbound",
                outcome="answered",
                wait_seconds=self._wait(crowded=crowded),
                talk_seconds=talk,
                topic=told,
                queue=_QUEUES.get(topic.partition(".")[0], "service"),
            ),
            received=self._received(at),
        )
        if key is not None:
            self._write_what_agents_say(at, key, true_topic, told)
        return key

    def call_plainly(self, at: datetime, topic: str) -> None:
        """Write a call of which everything is known at once and nothing is said afterwards."""
        self._write_contact(at, "hotline", "inbound", topic)

    def give_up(self, at: datetime, *, crowded: bool = False) -> None:
        """Write an attempt that ended in the queue."""
        data = ContactEnded(
            channel="hotline",
            direction="inbound",
            outcome="abandoned",
            wait_seconds=self._wait(crowded=crowded) + 20,
            talk_seconds=0,
            queue="service",
        )
        self.diary.contact(at, data)

    def _want_to_call(self, at: datetime, topic: str) -> None:
        """Call, or solve it online instead, which some do only for a while."""
        random = self.random
        if random.random() >= self._avoids(at, topic):
            self._call_until_settled(at, topic)
            return
        self.diary.activity(at, topic)
        if not self.is_quiet and random.random() < self.parameters.postponed_share:
            later = rhythm.HOTLINE.draw(random, at + timedelta(days=21), at + timedelta(days=90))
            if later is not None:
                self._call_until_settled(later, topic)

    def _avoids(self, at: datetime, topic: str) -> float:
        """Tell with which probability the programme turns a call into self-service."""
        line = self.line
        if not is_solvable_online(topic):
            return 0.0
        if self.is_quiet:
            return 1.0
        is_reached = line.is_keen and line.variant is Variant.TREATMENT
        stage = -(-bisect_right(line.bounds, at) // PERIODS_PER_STAGE)
        if not is_reached or not 1 <= stage <= len(self.parameters.effects):
            return 0.0
        return min(1.0, self.parameters.effects[stage - 1] / (self.parameters.uptake * _SOLVABLE))

    def _call_until_settled(self, at: datetime, topic: str) -> None:
        """Write a call and those that follow it within seven days, mostly about the same topic."""
        random = self.random
        if is_solvable_online(topic) and random.random() < 0.05:
            self.diary.activity(at - minutes(random, 5, 2_400), topic, succeeded=False)
        for _ in range(MAX_REPEATS):
            key = self.call(at, topic)
            if key is not None and topic in {"complaint", "objection"} and random.random() < 0.08:
                self._apologise(at, "Als Entschuldigung für Ihren Ärger")
            if random.random() >= self.parameters.repeat_share:
                return
            again = rhythm.HOTLINE.draw(random, at + minutes(random, 20, 180), at + _ONE_WEEK)
            if again is None:
                return
            at = again
            topic = topic if random.random() < 0.8 else pick(random, _TOPICS)
            if self.is_quiet and is_solvable_online(topic):
                return

    def _apologise(self, at: datetime, reason: str) -> None:
        given = self.random.choice((GIGABYTE // 2, GIGABYTE))
        self.diary.courtesy(at + minutes(self.random, 3, 2_000), given, reason, "team-kulanz")

    def _write_what_agents_say(self, at: datetime, key: FactKey, topic: str, told: str | None) -> None:
        random = self.random
        if told in {None, "unclassified"} and topic != "unclassified" and random.random() < 0.75:
            self.diary.coding(at + minutes(random, 5, 1_400), key, topic, "team-nacharbeit")
        elif random.random() < 0.02 and not self.is_quiet:
            self.diary.coding(at + minutes(random, 5, 2_800), key, pick(random, _TOPICS), "team-nacharbeit")
        if random.random() < 0.006 and not self.is_quiet:
            counts = random.random() < 0.2
            reason = "Anliegen war online lösbar" if counts else "Anliegen war online nicht lösbar"
            self.diary.reclassification(
                at + minutes(random, 600, 25_000), key, "team-kulanz", counts=counts, reason=reason
            )
        if random.random() < self.parameters.callback_share:
            after = rhythm.HOTLINE.draw(random, at + minutes(random, 60, 120), at + timedelta(days=4))
            if after is not None:
                self._write_contact(after, "hotline", "callback", topic)

    def _told(self, topic: str) -> str | None:
        """Draw what the contact centre tells of the topic at once."""
        drawn = self.random.random()
        if drawn < 0.06:
            return None
        return "unclassified" if drawn < 0.12 else topic

    def _received(self, at: datetime) -> datetime | None:
        """Draw when a call is reported: nearly always at once, else by the nightly file or days late."""
        drawn = self.random.random()
        if drawn < 0.92:
            return None
        nights = 1 if drawn < 0.99 else self.random.randint(2, 6)
        return rhythm.local_instant((at + timedelta(days=nights)).date(), 3, 15)

    def _wait(self, *, crowded: bool) -> int:
        """Draw the seconds in the queue; nobody waits in three calls of ten, unless the line is crowded."""
        if crowded:
            return round(min(self.random.expovariate(1 / 540), 3_000))
        if self.random.random() < 0.3:
            return 0
        return round(min(self.random.expovariate(0.7 / _MEAN_WAIT_SECONDS), 1_200))

    def _write_other_channels(self) -> None:
        parameters = self.parameters
        for rate, channel, direction, when in (
            (parameters.chats_per_month, "chat", "inbound", rhythm.CHAT),
            (parameters.shop_visits_per_month, "shop", "inbound", rhythm.SHOP),
            (parameters.outbound_per_month, "hotline", "outbound", rhythm.HOTLINE),
            (parameters.campaign_replies_per_month, "hotline", "campaign_reply", rhythm.HOTLINE),
        ):
            for _ in range(self._draw_number(rate)):
                at = self._draw_instant(when)
                if at is not None:
                    topic = "presales" if direction == "campaign_reply" else pick(self.random, _TOPICS)
                    self._write_contact(at, channel, direction, topic)

    def _write_contact(self, at: datetime, channel: str, direction: str, topic: str) -> None:
        """Write an answered contact with all that can be told of it."""
        queue = None if channel == "shop" else _QUEUES.get(topic.partition(".")[0], "service")
        data = ContactEnded(
            channel=channel,
            direction=direction,
            outcome="answered",
            wait_seconds=self._wait(crowded=False) if direction == "inbound" else 0,
            talk_seconds=round(min(max(log_normal(self.random, 300, 0.7), 30), 3_600)),
            topic=topic,
            queue=queue,
        )
        self.diary.contact(at, data)

    def _draw_number(self, per_month: float) -> int:
        days = (self.line.lives_until - self.diary.starts_at).total_seconds() / 86_400
        return poisson(self.random, per_month * self.line.contact_frailty * days / MONTH_DAYS)

    def _draw_instant(self, when: rhythm.Rhythm) -> datetime | None:
        return when.draw(self.random, self.diary.starts_at, self.line.lives_until)
