from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment, TrancheState
from selbsthelfer.programmes.explaining import (
    Explanation,
    UnknownLineError,
    explain_to_staff,
    explain_to_subscriber,
    find_line,
)
from selbsthelfer.programmes.queries import standings
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.portal.life import Life, at, crisis, prepare, send, varied

pytestmark = pytest.mark.django_db

MB = 1_000_000
END = "2026-01-01"
GRANTED = {TrancheState.GRANTED, TrancheState.EXPIRED}


def told(subject: str, instant: str = END) -> ToldEnrolment:
    (enrolment,) = explained(subject, instant).enrolments
    return enrolment


def explained(subject: str, instant: str = END) -> Explanation:
    return explain_to_staff(open_cursor(), subscriber_id_of(subject), at=at(instant))


def granted(enrolment: ToldEnrolment) -> list[int]:
    return [tranche.bytes // MB for tranche in enrolment.tranches if tranche.state in GRANTED]


def life(subject: str = "line", *, months: range = range(1, 13), **registration: str) -> Life:
    one = Life(subject, **registration)
    one.enrolled()
    for month in months:
        one.did(f"2025-{month:02d}-10T12:00")
    return one


def nothing(_: Life) -> None:
    pass


def fault_each_month(one: Life) -> None:
    for month in range(1, 13):
        one.called(f"2025-{month:02d}-20", "fault")


def abandoned_only(one: Life) -> None:
    for month in range(1, 13):
        one.called(f"2025-{month:02d}-20", outcome="abandoned", talk_seconds=0)


GOLDEN: list[tuple[str, str, range, Callable[[Life], object], int]] = [
    ("perfect", "o2-2017", range(1, 13), nothing, 1800),
    ("call in window 2, calendar", "o2-2017", range(1, 13), lambda one: one.called("2025-05-20"), 1200),
    ("call in window 2, repeat", "o2-2017-repeat", range(1, 13), lambda one: one.called("2025-05-20"), 900),
    ("call in window 2, reset", "o2-2017-reset", range(1, 13), lambda one: one.called("2025-05-20"), 600),
    ("call in window 1", "o2-2017", range(1, 13), lambda one: one.called("2025-02-20"), 1500),
    ("call in window 3", "o2-2017", range(1, 13), lambda one: one.called("2025-08-20"), 900),
    ("fault each month", "o2-2017", range(1, 13), fault_each_month, 1800),
    ("fault each month, literal", "o2-2017-literal", range(1, 13), fault_each_month, 0),
    ("abandoned calls only", "o2-2017", range(1, 13), abandoned_only, 1800),
    ("no activity in period 12", "o2-2017", range(1, 12), nothing, 1500),
    ("no activity at all", "o2-2017", range(1, 1), nothing, 0),
    ("activity in 2, 5, 8, 11", "o2-2017", range(2, 12, 3), nothing, 600),
    ("call in period 10", "o2-2017", range(1, 13), lambda one: one.called("2025-10-20"), 1800),
    ("withdrawal in period 8", "o2-2017", range(1, 13), lambda one: one.withdrawn("2025-08-01"), 500),
]


@pytest.mark.parametrize(
    ("preset", "months", "also", "megabytes"), [case[1:] for case in GOLDEN], ids=[case[0] for case in GOLDEN]
)
def test_golden_cases_are_explained(
    preset: str, months: range, also: Callable[[Life], object], megabytes: int
) -> None:
    prepare(varied(preset, name='"o2-2017"'))
    one = life(months=months)
    also(one)
    one.send()
    enrolment = told("line")
    assert sum(granted(enrolment)) == megabytes
    assert enrolment.earned_bytes == megabytes * MB
    assert_agrees_with_set_statements("line", END)


def assert_agrees_with_set_statements(subject: str, instant: str) -> None:
    """The law: what is explained is what the set statements decide."""
    line, now = subscriber_id_of(subject), at(instant)
    with transaction.atomic():
        known = standings(open_cursor(), [line], now=now)
    (enrolment,) = explain_to_staff(open_cursor(), line, at=now).enrolments
    (state,) = known.enrolments
    assert (state.version, state.variant) == (enrolment.version, enrolment.variant)
    assert (state.enrolled_at, state.stopped_at, state.closes_at) == (
        enrolment.enrolled_at,
        enrolment.stopped_at,
        enrolment.closes_at,
    )
    assert list(state.period_bounds)[: len(enrolment.periods)] == [p.starts_at for p in enrolment.periods]
    assert [(s.window, s.level, s.state, s.activities, len(s.counting_contacts)) for s in known.stages] == [
        (s.window, s.level, s.state, s.activities, s.counting_contacts) for s in enrolment.stages
    ]
    assert [(c.window, c.source, c.id, c.code) for c in known.contacts] == [
        (c.window, c.source, c.id, c.code) for c in enrolment.contacts
    ]
    released = {r.index: (r.bytes, r.level, r.granted_at, r.activity_id) for r in known.releases}
    assert released == {
        t.index: (t.bytes, t.level, t.granted_at, t.released_by and t.released_by.id)
        for t in enrolment.tranches
        if t.granted_at is not None
    }


TOPICS = [*list(CATALOGUE)[:12], *EXEMPT_TOPICS, None, "no such topic"]


def random_life(dice: random.Random, subject: str) -> Life:
    one = Life(
        subject,
        variant=dice.choice(["treatment", "treatment", "control"]),
        timezone=dice.choice(["Europe/Berlin", "America/St_Johns", "UTC"]),
        billing_day=dice.randint(1, 31),
    )
    start = at("2025-01-01") + timedelta(hours=dice.randint(0, 24 * 60))
    one.enrolled(start)
    for _ in range(dice.randint(5, 60)):
        when = start + timedelta(minutes=dice.randint(-20_000, 560_000))
        match dice.randint(0, 5):
            case 0 | 1 | 2:
                outcome = dice.choice(["succeeded", "succeeded", "failed"])
                one.did(when, dice.choice(list(CATALOGUE)), outcome=outcome)
            case 3 | 4:
                late = (when + timedelta(minutes=dice.choice([0, 0, 5, 1_439, 9_999]))).isoformat()
                seconds, channel = dice.choice([5, 200]), dice.choice(["hotline", "hotline", "chat"])
                id_ = one.called(when, dice.choice(TOPICS), late, talk_seconds=seconds, channel=channel)
                if dice.random() < 0.2:
                    one.reclassified((when + timedelta(days=2)).isoformat(), id_, counts=dice.random() < 0.5)
            case 5 if dice.random() < 0.2:
                one.add("subscriber.billing_day_changed", when, {"billing_day": dice.randint(1, 31)})
    if dice.random() < 0.3:
        one.withdrawn((start + timedelta(days=dice.randint(1, 400))).isoformat())
    return one


@pytest.mark.parametrize("definition", [varied(), varied(goodwill_contacts="1", cap_bytes='"0.65 GB"')])
def test_explaining_agrees_with_the_set_statements(definition: Definition) -> None:
    prepare(definition)
    dice = random.Random(20_170_501)
    lives = [random_life(dice, f"line-{number}") for number in range(25)]
    shared = [crisis("2025-03-01", "2025-03-15"), crisis("2025-06-01", "2025-07-01", ("bill.view",))]
    send([*shared, *(fact for one in lives for fact in one.facts)])
    for one in lives:
        assert_agrees_with_set_statements(one.subject, "2027-06-01")


def test_a_past_instant_knows_nothing_of_what_came_later() -> None:
    prepare()
    one = life()
    one.called("2025-05-20")
    one.send()
    before = told("line", "2025-05-10T12:00")
    assert [s.state.value for s in before.stages] == ["passed", "open", "open"]
    assert before.contacts == ()
    assert [t.state.value for t in before.tranches][:3] == ["expired", "granted", "waiting_for_period"]
    assert before.earned_bytes == 200 * MB


def test_a_line_is_unknown_before_it_was_registered() -> None:
    prepare()
    life().send()
    with pytest.raises(UnknownLineError):
        explained("line", "2024-11-01")
    with pytest.raises(UnknownLineError):
        explained("nobody")


def test_only_the_asked_programme_is_explained() -> None:
    prepare()
    life().send()
    line = subscriber_id_of("line")
    assert explain_to_staff(open_cursor(), line, at=at(END), programme="other").enrolments == ()
    assert len(explain_to_staff(open_cursor(), line, at=at(END), programme="o2-2017").enrolments) == 1


def test_a_line_is_found_by_its_id_first_and_then_by_its_number() -> None:
    prepare()
    Life("one", msisdn="4915112345678").send()
    Life("4915112345678x").send()
    Life("+49177", msisdn="4915199").send()
    cursor = open_cursor()
    for text in ("one", "4915112345678", "+49 151 123-45678", "004915112345678"):
        assert find_line(cursor, text) == subscriber_id_of("one")
    assert find_line(cursor, "+49177") == subscriber_id_of("+49177")
    with pytest.raises(UnknownLineError):
        find_line(cursor, "4915100000000")


def test_control_is_told_to_staff_and_does_not_exist_for_the_subscriber() -> None:
    prepare()
    one = Life("line", variant="control")
    one.enrolled()
    one.active_monthly()
    one.send()
    enrolment = told("line")
    assert [s.state.value for s in enrolment.stages] == ["passed"] * 3
    assert {t.state for t in enrolment.tranches} == {TrancheState.RECORDED}
    assert enrolment.earned_bytes == 0
    line = subscriber_id_of("line")
    assert explain_to_subscriber(open_cursor(), line, at=at(END)).enrolments == ()


def states(subject: str, instant: str) -> dict[int, str]:
    return {tranche.index: tranche.state.value for tranche in told(subject, instant).tranches}


def test_a_tranche_waits_for_its_stage_then_for_its_period_then_for_an_activity() -> None:
    prepare()
    life(months=range(1, 4)).send()
    assert states("line", "2025-03-15")[4] == "waiting_for_stage"
    waiting = told("line", "2025-04-15").tranches
    assert [t.state.value for t in waiting[:2]] == ["waiting_for_activity", "waiting_for_period"]
    assert (waiting[0].starts_at, waiting[0].ends_at) == (at("2025-04-01"), at("2025-05-01"))
    assert states("line", "2025-05-15")[4] == "lapsed"


def test_a_missed_stage_earns_nothing() -> None:
    prepare()
    one = life()
    one.called("2025-02-20")
    one.send()
    enrolment = told("line", "2025-04-05")
    stage = enrolment.stages[0]
    assert (stage.state.value, stage.contacts_to_spare, stage.counted_at) == (
        "missed",
        -1,
        (at("2025-02-20"),),
    )
    assert [t.state.value for t in enrolment.tranches[:3]] == ["not_earned"] * 3


def test_what_is_left_is_that_of_the_bucket() -> None:
    prepare()
    one = life(months=range(1, 5))
    one.add("usage.recorded", "2025-04-12", {"bytes": 40 * MB})
    one.send()
    tranche = told("line", "2025-04-20").tranches[0]
    assert (tranche.state, tranche.bytes, tranche.left_bytes) == (TrancheState.GRANTED, 100 * MB, 60 * MB)
    assert tranche.released_by is not None
    assert tranche.released_by.activity == "call.voicemail"
    assert told("line", "2025-05-20").tranches[0].state is TrancheState.EXPIRED


def test_the_cap_cuts_a_tranche_and_then_leaves_nothing() -> None:
    prepare(varied(cap_bytes='"250 MB"'))
    life().send()
    tranches = told("line").tranches
    assert [(t.bytes // MB, t.is_cut) for t in tranches[:3]] == [(100, False), (100, False), (50, True)]
    assert {t.state for t in tranches[3:]} == {TrancheState.NOTHING_LEFT}


def test_the_cap_is_promised_once() -> None:
    """Tranches that are still to come share what is left, the earlier ones first."""
    prepare(varied(cap_bytes='"350 MB"'))
    life(months=range(1, 5)).send()
    tranches = told("line", "2025-04-20").tranches
    assert [t.bytes // MB for t in tranches] == [100, 100, 100, 50, 0, 0, 0, 0, 0]
    assert tranches[4].state is TrancheState.NOTHING_LEFT


def test_leaving_ends_what_was_still_to_come() -> None:
    prepare()
    one = life()
    one.withdrawn("2025-05-15")
    one.send()
    assert states("line", "2025-05-20") == {
        4: "expired", 5: "granted", 6: "stopped", 7: "stopped", 8: "stopped",
        9: "stopped", 10: "stopped", 11: "stopped", 12: "stopped",
    }  # fmt: skip


def test_the_end_of_the_line_ends_its_volume() -> None:
    prepare()
    one = life(months=range(1, 6))
    one.add("subscriber.ended", "2025-05-15", {})
    one.send()
    tranche = told("line", "2025-05-20").tranches[1]
    assert (tranche.state, tranche.usable_until) == (TrancheState.EXPIRED, at("2025-05-15"))
    assert told("line", "2025-05-20").ended_with_line
    assert explained("line", "2025-05-20").ended_at == at("2025-05-15")


def test_levels_that_may_still_rise_are_promised_as_the_least() -> None:
    prepare(varied("o2-2017-repeat", name='"o2-2017"'))
    life().send()
    enrolment = told("line", "2025-02-01")
    assert [(t.bytes // MB, t.may_rise) for t in enrolment.tranches[::3]] == [
        (100, False),
        (100, True),
        (100, True),
    ]


def test_volume_that_comes_by_itself_waits_for_no_activity() -> None:
    prepare(varied("o2-2017-automatic", name='"o2-2017"'))
    life(months=range(1, 4)).send()
    assert states("line", "2025-03-15")[4] == "waiting_for_stage"
    assert states("line", "2025-04-15")[4] == "being_granted"
    assert states("line", "2025-04-15")[5] == "waiting_for_period"


def test_a_topic_that_tells_of_the_person_is_never_named() -> None:
    prepare()
    one = life()
    for topic, channel in (("hardship", "hotline"), ("accessibility", "chat")):
        one.called("2025-02-20", topic, channel=channel)
    one.send()
    contacts = told("line").contacts
    assert {contact.topic for contact in contacts} == {"exempt"}
    assert "hardship" not in repr(contacts)
    assert "accessibility" not in repr(contacts)


def test_every_activity_that_is_a_right_is_a_reason_of_its_own() -> None:
    prepare()
    one = life()
    rights = [a.id for a in CATALOGUE.values() if a.counting_class is CountingClass.NEVER]
    for number, topic in enumerate(rights):
        one.called(at("2025-01-05") + timedelta(days=number), topic)
    one.send()
    assert [contact.code for contact in told("line").contacts] == rights


def test_an_explanation_is_a_value() -> None:
    prepare()
    life().send()
    explanation = explained("line")
    assert replace(explanation) == explained("line")
    assert isinstance(explanation.at, datetime)
