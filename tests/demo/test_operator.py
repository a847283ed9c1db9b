"""The made-up operator: the same whenever it is told, sound, alive, and nobody real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS
from selbsthelfer.demo.core.lines import MAX_LINES, SHOWN_INDEX, Line, Operator, Role, lines_of
from selbsthelfer.demo.core.numbers import fictional_number
from selbsthelfer.demo.core.operator import facts_of, outage_of, place_of
from selbsthelfer.demo.core.parameters import ACTIVITIES, solvable_share, topic_weights
from selbsthelfer.demo.core.rhythm import public_holidays
from selbsthelfer.intake.core.facts import (
    ActivityFinished,
    ContactFinished,
    CrisisFact,
    Fact,
    ProgrammeEnrolled,
    SubscriberBillingDayChanged,
    SubscriberEnded,
    SubscriberRegistered,
    UsageFact,
)
from selbsthelfer.intake.core.validation import check_fact
from selbsthelfer.programmes.core.variant import Variant, draw_variant
from selbsthelfer.subscribers.core.billing import (
    BillingDayChange,
    Calendar,
    EveryDays,
    Monthly,
    billing_calendar,
    period_bounds,
)

OPERATOR = Operator(seed=2017, size=800, ends_on=date(2026, 6, 16))
MONTH_SECONDS = 30.4375 * 86_400
BERLIN = ZoneInfo("Europe/Berlin")
FICTION = re.compile(
    r"\+49(17139200\d\d|176040690\d\d|3023125\d{3}|6990009\d{3}|4066969\d{3}|2214710\d{3}|8999998\d{3})"
)


@pytest.fixture(scope="module")
def facts() -> list[Fact]:
    return facts_of(OPERATOR)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(lines_of(OPERATOR))


def contacts_among(facts: Sequence[Fact], *, on_hotline: bool = False) -> list[ContactFinished]:
    found = [fact for fact in facts if isinstance(fact, ContactFinished)]
    if not on_hotline:
        return found
    return [c for c in found if (c.data.channel, c.data.outcome) == ("hotline", "answered") and is_inbound(c)]


def is_inbound(contact: ContactFinished) -> bool:
    return contact.data.direction in {"inbound", None}


def months_lived(lines: Sequence[Line], operator: Operator) -> float:
    spans = (line.lives_until - max(operator.opened_at, line.registered_at) for line in lines)
    return sum(span.total_seconds() for span in spans) / MONTH_SECONDS


def test_the_same_seed_size_and_day_tell_the_same_story_in_every_process() -> None:
    script = (
        "import hashlib, msgspec; from datetime import date; "
        "from selbsthelfer.demo.core.lines import Operator; "
        "from selbsthelfer.demo.core.operator import facts_of; "
        "facts = facts_of(Operator(7, 40, date(2026, 2, 28))); "
        "print(hashlib.sha256(msgspec.json.encode(facts)).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": timezone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, timezone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(told) == 1


def test_another_seed_tells_another_story() -> None:
    first, second = (facts_of(Operator(seed, 10, date(2026, 6, 16))) for seed in (1, 2))
    assert first != second


def test_a_line_lives_the_same_life_in_a_larger_operator(facts: list[Fact]) -> None:
    smaller = facts_of(Operator(OPERATOR.seed, 30, OPERATOR.ends_on))
    names = {fact.subject for fact in smaller if not isinstance(fact, CrisisFact)}
    assert smaller == [fact for fact in facts if isinstance(fact, CrisisFact) or fact.subject in names]


def test_every_fact_is_sound_and_unlike_every_other(facts: list[Fact]) -> None:
    assert [rejection for fact in facts if (rejection := check_fact(fact))] == []
    keys = Counter((place_of(fact)[1], fact.source, fact.id) for fact in facts)
    assert keys.most_common(1)[0][1] == 1


def test_facts_come_in_the_order_in_which_they_were_received_and_before_the_end(facts: list[Fact]) -> None:
    places = [place_of(fact) for fact in facts]
    assert places == sorted(places)
    assert places[-1][0] < OPERATOR.ends_at
    assert all(fact.time.tzinfo is UTC and fact.time.microsecond == 0 for fact in facts)


def test_nothing_is_told_of_a_line_before_it_is_registered_or_after_it_ended(facts: list[Fact]) -> None:
    registered: dict[str, datetime] = {}
    ended: set[str] = set()
    for fact in facts:
        if isinstance(fact, CrisisFact):
            continue
        if isinstance(fact, SubscriberRegistered):
            registered[fact.subject] = place_of(fact)[0]
            continue
        assert fact.subject in registered, fact
        assert fact.subject not in ended, fact
        if isinstance(fact, SubscriberEnded):
            ended.add(fact.subject)
    assert len(registered) == OPERATOR.size
    assert ended


@pytest.mark.parametrize("ends_on", ["2024-02-29", "2025-03-31", "2026-01-01", "2026-10-26", "2026-12-31"])
def test_twelve_complete_billing_periods_lie_behind_everyone_there_from_the_start(ends_on: str) -> None:
    operator = Operator(seed=3, size=150, ends_on=date.fromisoformat(ends_on))
    told = facts_of(operator)
    calendars = calendars_told(told)
    enrolled = {fact.subject: fact.time for fact in told if isinstance(fact, ProgrammeEnrolled)}
    founders = [line for line in lines_of(operator) if line.is_founder]
    assert len(founders) > 0.8 * operator.size
    for line in founders:
        if line.subject not in enrolled:
            assert line.tariff.included_bytes is None
            continue
        since = enrolled[line.subject]
        bounds = period_bounds(calendars[line.subject], containing=since, until=operator.ends_at)
        assert bounds[12] <= operator.ends_at
        assert line.registered_at < bounds[0]
        assert since - operator.opened_at > timedelta(days=90)


def calendars_told(facts: Sequence[Fact]) -> dict[str, Calendar]:
    changes = defaultdict(list)
    for fact in facts:
        if isinstance(fact, SubscriberBillingDayChanged):
            change = BillingDayChange(fact.time, fact.id, fact.source, fact.data.billing_day)
            changes[fact.subject].append(change)
    return {
        fact.subject: billing_calendar(
            timezone=fact.data.timezone,
            billing_day=fact.data.billing_day,
            period_days=fact.data.period_days,
            period_anchor=fact.data.period_anchor,
            changes=changes[fact.subject],
        )
        for fact in facts
        if isinstance(fact, SubscriberRegistered)
    }


@pytest.mark.parametrize("ends_on", ["2024-03-09", "2025-03-31", "2026-01-08", "2026-11-07"])
def test_the_lines_with_a_role_stand_where_they_are_to_be_seen(ends_on: str) -> None:
    operator = Operator(seed=1, size=20, ends_on=date.fromisoformat(ends_on))
    found = {line.role: line for line in lines_of(operator)}
    assert set(found) == set(Role)
    for role, index in SHOWN_INDEX.items():
        assert bisect_right(found[role].bounds, operator.ends_at) == index
    newcomer = found[Role.NEWCOMER].enrolled_at
    assert newcomer is not None
    assert operator.ends_at - newcomer < timedelta(days=10)
    assert all(line.variant is Variant.TREATMENT for role, line in found.items() if role is not Role.ORDINARY)


def test_billing_is_as_varied_as_with_a_real_operator(lines: list[Line]) -> None:
    cycles = [line.calendar.cycle for line in lines]
    assert {cycle.billing_day for cycle in cycles if isinstance(cycle, Monthly)} == set(range(1, 32))
    prepaid = sum(isinstance(cycle, EveryDays) for cycle in cycles)
    assert 0.1 < prepaid / len(lines) < 0.26
    zones = Counter(line.calendar.timezone for line in lines)
    assert 0.93 < zones["Europe/Berlin"] / len(lines) < 1
    assert {line.language for line in lines} == {"de", "en"}
    assert len({line.tariff.id for line in lines}) >= 6
    assert any(line.calendar.changes for line in lines)


def test_the_hold_out_group_is_drawn_by_the_programmes_own_draw(lines: list[Line]) -> None:
    enrolled = [line for line in lines if line.variant is not None]
    for line in enrolled:
        assert line.variant is draw_variant(
            salt=OPERATOR.parameters.salt,
            subject=line.account or line.subject,
            control_share=OPERATOR.parameters.control_share,
        )
    share = sum(line.variant is Variant.CONTROL for line in enrolled) / len(enrolled)
    assert 0.06 < share < 0.14
    together = defaultdict(set)
    for line in enrolled:
        together[line.account].add(line.variant)
    assert all(len(variants) == 1 for account, variants in together.items() if account)


def test_contacts_are_as_frequent_as_the_defaults_say(facts: list[Fact], lines: list[Line]) -> None:
    hotline = contacts_among(facts, on_hotline=True)
    assert 0.09 < len(hotline) / months_lived(lines, OPERATOR) < 0.17
    of_line = defaultdict(list)
    for contact in hotline:
        of_line[contact.subject].append(contact.time)
    numbers = sorted((len(times) for times in of_line.values()), reverse=True)
    assert 0.4 < sum(numbers[: len(lines) // 10]) / len(hotline) < 0.75
    again = sum(
        later - earlier < timedelta(days=7)
        for times in of_line.values()
        for earlier, later in pairwise(sorted(times))
    )
    assert 0.2 < again / len(hotline) < 0.45


def test_causes_add_up_and_seven_in_ten_can_be_solved_online(facts: list[Fact]) -> None:
    assert sum(topic_weights().values()) == pytest.approx(1)
    assert solvable_share() == pytest.approx(0.7, abs=0.005)
    assert set(topic_weights()) <= set(CATALOGUE) | set(EXEMPT_TOPICS)
    assert set(ACTIVITIES) <= set(CATALOGUE)
    told = Counter(c.data.topic for c in contacts_among(facts, on_hotline=True))
    assert len(told) > 30
    assert told[None] > 0


def test_every_kind_of_contact_and_of_fact_occurs(facts: list[Fact]) -> None:
    contacts = contacts_among(facts)
    assert {c.data.channel for c in contacts} == {"hotline", "chat", "shop"}
    assert {c.data.direction for c in contacts} >= {"inbound", "outbound", "callback", "campaign_reply"}
    assert {c.data.outcome for c in contacts} == {"answered", "abandoned"}
    assert any(c.received for c in contacts)
    assert len({type(fact) for fact in facts}) == 13


def test_the_hotline_rests_on_sundays_and_public_holidays(facts: list[Fact]) -> None:
    for contact in contacts_among(facts, on_hotline=True):
        local = contact.time.astimezone(BERLIN)
        assert local.weekday() != 6
        assert local.date() not in public_holidays(local.year)
        assert 8 <= local.hour < 20


@pytest.mark.parametrize(
    ("year", "day"), [(2025, (4, 21)), (2026, (5, 14)), (2027, (5, 17)), (2026, (10, 3)), (2038, (4, 23))]
)
def test_movable_holidays_are_found(year: int, day: tuple[int, int]) -> None:
    assert date(year, *day) in public_holidays(year)
    assert len(public_holidays(year)) == 9


def test_the_outage_makes_many_call_at_once(facts: list[Fact]) -> None:
    outage = outage_of(OPERATOR).data
    days = Counter(c.time.date() for c in contacts_among(facts))
    usual = sorted(days.values())[len(days) // 2]
    assert days[outage.from_at.date()] > 2.5 * usual


def test_keen_lines_do_more_online_and_some_tasks_fail(facts: list[Fact], lines: list[Line]) -> None:
    tasks = [fact for fact in facts if isinstance(fact, ActivityFinished)]
    failed = sum(task.data.outcome == "failed" for task in tasks)
    assert 0.03 < failed / len(tasks) < 0.12
    invited = [line for line in lines if line.variant is Variant.TREATMENT]
    assert 0.2 < sum(line.is_keen for line in invited) / len(invited) < 0.31
    keen = {line.subject for line in invited if line.is_keen}
    assert sum(task.subject in keen for task in tasks) > len(tasks) / 2


def test_lines_end_at_the_rate_of_churn(lines: list[Line]) -> None:
    ended = sum(line.has_ended for line in lines)
    months = sum((line.lives_until - line.bounds[0]).total_seconds() for line in lines) / MONTH_SECONDS
    assert 0.008 < ended / months < 0.017


def test_usage_takes_some_lines_beyond_their_included_volume(facts: list[Fact], lines: list[Line]) -> None:
    used: Counter[tuple[str, int]] = Counter()
    bounds = {line.subject: line.bounds for line in lines}
    for fact in facts:
        if isinstance(fact, UsageFact):
            used[fact.subject, bisect_right(bounds[fact.subject], fact.time)] += fact.data.bytes
    included = {line.subject: line.tariff.included_bytes for line in lines}
    shares = [n / limit for (subject, _), n in used.items() if (limit := included[subject]) is not None]
    assert 0.1 < sum(share > 1 for share in shares) / len(shares) < 0.4
    assert 0.2 < sum(share > 0.8 for share in shares) / len(shares) < 0.6


def test_every_number_is_reserved_for_fiction_and_belongs_to_one_line(facts: list[Fact]) -> None:
    numbers = [fact.data.msisdn for fact in facts if isinstance(fact, SubscriberRegistered)]
    assert all(number and FICTION.fullmatch(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert (
        "+49"
        not in msgspec.json.encode([f for f in facts if not isinstance(f, SubscriberRegistered)]).decode()
    )


def test_numbers_run_out_rather_than_become_real() -> None:
    numbers = [fictional_number(ordinal) for ordinal in range(1, MAX_LINES + 1)]
    known = [number for number in numbers if number is not None]
    assert len(set(known)) == len(known) == 5_200
    assert all(FICTION.fullmatch(number) for number in known)


@pytest.mark.parametrize("size", [0, -1, MAX_LINES + 1])
def test_an_operator_of_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="lines"):
        Operator(seed=1, size=size, ends_on=date(2026, 6, 16))
