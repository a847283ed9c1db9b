"""Which contacts count against a stage, and the code of each that does not.

The contact in question ends on 10 February 2025 at nine in the morning in Berlin, in window 1, whose end is
1 April 2025 at midnight.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.programmes.deciding import Decide, participant
from tests.programmes.events import Event, Line, crisis, instant

pytestmark = pytest.mark.django_db

AT = instant("2025-02-10T09:00")
WINDOW_ENDS = instant("2025-04-01")
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
HOURS_72 = timedelta(hours=72)
DAYS_7 = timedelta(days=7)

Told = dict[str, Any]


def code_of(decide: Decide, line: Line, contact: Event, *others: Event, **settings: Any) -> str | None:
    return decide.line(line, *others, **settings).codes[contact.id]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        pytest.param({}, None, id="served on the hotline on a topic of the portal"),
        pytest.param({"channel": "chat"}, "channel", id="in the chat"),
        pytest.param({"channel": None}, "channel", id="on an unknown channel"),
        pytest.param({"direction": "outbound"}, "operator_initiated", id="outbound"),
        pytest.param({"direction": "callback"}, "operator_initiated", id="a callback"),
        pytest.param({"direction": "campaign_reply"}, "operator_initiated", id="a reply to a campaign"),
        pytest.param({"direction": None}, "operator_initiated", id="in an unknown direction"),
        pytest.param({"outcome": "abandoned"}, "not_served", id="abandoned"),
        pytest.param({"outcome": None}, "not_served", id="with an unknown outcome"),
        pytest.param({"talk_seconds": 29}, "not_served", id="of 29 seconds"),
        pytest.param({"talk_seconds": 30}, None, id="of 30 seconds"),
        pytest.param({"talk_seconds": None}, "not_served", id="of unknown length"),
        pytest.param({"topic": None}, "unclassified", id="without a topic"),
        pytest.param({"topic": "no.such"}, "unclassified", id="on a topic nobody knows"),
        pytest.param({"topic": "unclassified"}, "unclassified", id="on the topic of that name"),
        pytest.param({"topic": "fault"}, "fault", id="about a fault"),
        pytest.param({"topic": "objection"}, "objection", id="about a bill objection"),
        pytest.param({"topic": "accessibility"}, "exempt", id="by relay service"),
        pytest.param({"topic": "hardship"}, "exempt", id="in a bereavement"),
        pytest.param({"topic": "con.cancel"}, "con.cancel", id="on an activity that never counts"),
        pytest.param({"topic": "use.topup"}, "use.topup", id="never counts and is not online"),
        pytest.param({"topic": "bill.budget"}, "not_online", id="on what the portal does not do"),
    ],
)
def test_a_contact_counts_only_if_nothing_speaks_against_it(
    told: Told, code: str | None, decide: Decide
) -> None:
    line = participant()
    contact = line.calls(AT, **told)
    outcome = decide.line(line)
    assert outcome.contacts == ((contact.source, contact.id, 1, code),)
    assert outcome.stages[0].counting_contacts == (() if code else (contact.id,))


REASONS: list[tuple[Told, str | None]] = [
    ({}, "channel"),
    ({"channel": "hotline"}, "operator_initiated"),
    ({"direction": "inbound"}, "not_served"),
    ({"outcome": "answered"}, "unclassified"),
    ({"topic": "fault"}, "fault"),
    ({"topic": "bill.budget"}, "not_online"),
    ({"topic": "bill.iban"}, "selfservice_failed"),
    ({"failed": False}, "repeat"),
    ({"repeated": False}, "crisis"),
    ({"crisis": False}, "late"),
    ({"received": AT}, "goodwill"),
    ({"goodwill": 0}, None),
]
"""What takes the foregoing reason away, and the reason that is told then."""


@pytest.mark.parametrize("taken_away", range(len(REASONS)))
def test_of_several_reasons_the_first_is_told(taken_away: int, decide: Decide) -> None:
    situation: Told = {"failed": True, "repeated": True, "crisis": True, "goodwill": 1}
    told: Told = {"channel": "shop", "direction": "outbound", "outcome": "abandoned", "topic": "no.such"}
    told["received"] = WINDOW_ENDS + DAY
    for change, _ in REASONS[: taken_away + 1]:
        (situation if change.keys() <= situation.keys() else told).update(change)
    line = participant()
    if situation["failed"]:
        line.fails(AT - DAY, "bill.iban")
    if situation["repeated"]:
        line.calls(AT - DAY, told["topic"], channel="chat")
    contact = line.calls(AT, **told)
    others = [crisis(AT, AT + DAY)] if situation["crisis"] else []
    code = code_of(decide, line, contact, *others, goodwill_contacts=situation["goodwill"])
    assert code == REASONS[taken_away][1]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"topic": "fault"}, None),
        ({"topic": "con.cancel"}, None),
        ({"topic": "bill.budget"}, None),
        ({"topic": None}, None),
        ({"channel": "chat"}, "channel"),
        ({"direction": "outbound"}, "operator_initiated"),
        ({"talk_seconds": 10}, "not_served"),
        ({"received": WINDOW_ENDS + DAY}, "late"),
    ],
    ids=str,
)
def test_without_exemptions_every_served_call_to_the_hotline_counts(
    told: Told, code: str | None, decide: Decide
) -> None:
    line = participant()
    line.fails(AT - DAY, "fault" if told.get("topic") == "fault" else "bill.iban")
    line.calls(AT - DAY, topic="bill.iban", channel="shop")
    contact = line.calls(AT, **told)
    assert code_of(decide, line, contact, crisis(AT, AT + DAY), exemptions="none") == code


@pytest.mark.parametrize(
    ("at", "id_", "activity", "code"),
    [
        pytest.param(AT - HOURS_72, "z", "bill.iban", "selfservice_failed", id="exactly 72 hours before"),
        pytest.param(AT - HOURS_72 - TICK, "a", "bill.iban", None, id="longer before"),
        pytest.param(AT, "a", "bill.iban", "selfservice_failed", id="at the same instant, smaller id"),
        pytest.param(AT, "z", "bill.iban", None, id="at the same instant, greater id"),
        pytest.param(AT, "m", "bill.iban", None, id="at the same instant, same id of another source"),
        pytest.param(AT - DAY, "a", "use.view", None, id="on another topic"),
        pytest.param(AT + TICK, "a", "bill.iban", None, id="afterwards"),
    ],
)
def test_a_call_after_a_failed_attempt_is_spared(
    at: datetime, id_: str, activity: str, code: str | None, decide: Decide
) -> None:
    line = participant()
    line.fails(at, activity, fact_id=id_, source="/portal")
    contact = line.calls(AT, fact_id="m")
    assert code_of(decide, line, contact) == code


@pytest.mark.parametrize(
    ("at", "told", "code"),
    [
        pytest.param(AT - DAYS_7, {}, "repeat", id="exactly 7 days before"),
        pytest.param(AT - DAYS_7 - TICK, {}, None, id="longer before"),
        pytest.param(AT, {"fact_id": "a"}, "repeat", id="at the same instant, smaller id"),
        pytest.param(AT, {"fact_id": "z"}, None, id="at the same instant, greater id"),
        pytest.param(AT - DAY, {"channel": "shop"}, "repeat", id="in a shop"),
        pytest.param(AT - DAY, {"direction": "outbound"}, "repeat", id="outbound"),
        pytest.param(AT - DAY, {"outcome": "no_answer"}, "repeat", id="not answered"),
        pytest.param(AT - DAY, {"outcome": None}, "repeat", id="with an unknown outcome"),
        pytest.param(AT - DAY, {"outcome": "abandoned"}, None, id="abandoned"),
        pytest.param(AT - DAY, {"topic": "use.view"}, None, id="on another topic"),
        pytest.param(AT - DAY, {"received": WINDOW_ENDS + 9 * DAY}, "repeat", id="learned of much later"),
    ],
)
def test_another_contact_on_the_same_topic_in_the_week_before_spares_this_one(
    at: datetime, told: Told, code: str | None, decide: Decide
) -> None:
    line = participant()
    line.calls(at, **told)
    contact = line.calls(AT, fact_id="m")
    assert code_of(decide, line, contact) == code


def test_failures_and_contacts_from_before_the_enrolment_spare_as_well(decide: Decide) -> None:
    line = participant(enrolled="2025-01-15T12:00")
    line.fails("2025-01-14", "bill.iban")
    line.calls("2025-01-14", "use.view")
    after_failure = line.calls("2025-01-16", "bill.iban")
    repeated = line.calls("2025-01-16", "use.view")
    codes = decide.line(line).codes
    assert codes == {after_failure.id: "selfservice_failed", repeated.id: "repeat"}


def test_the_other_contact_has_the_topic_it_was_given_in_time(decide: Decide) -> None:
    line = participant()
    coded = line.calls("2025-02-05", "use.view")
    line.coded("2025-02-06", coded, "bill.iban")
    coded_too_late = line.calls("2025-03-03", "use.view")
    line.coded("2025-03-04", coded_too_late, "bill.iban", received=WINDOW_ENDS + DAY)
    repeated, not_repeated = line.calls(AT), line.calls("2025-03-05")
    codes = decide.line(line).codes
    assert (codes[repeated.id], codes[not_repeated.id]) == ("repeat", None)


@pytest.mark.parametrize(
    ("begins", "ends", "topics", "code"),
    [
        pytest.param(AT, AT + TICK, (), "crisis", id="begins with the contact"),
        pytest.param(AT - DAY, AT, (), None, id="ends with the contact"),
        pytest.param(AT + TICK, AT + DAY, (), None, id="begins after it"),
        pytest.param(AT - DAY, AT + DAY, ("bill.iban", "use.view"), "crisis", id="on this topic"),
        pytest.param(AT - DAY, AT + DAY, ("use.view",), None, id="on another topic"),
    ],
)
def test_a_crisis_spares_the_contacts_inside_it(
    begins: datetime, ends: datetime, topics: tuple[str, ...], code: str | None, decide: Decide
) -> None:
    line = participant()
    contact = line.calls(AT)
    assert code_of(decide, line, contact, crisis(begins, ends, topics=topics)) == code


@pytest.mark.parametrize(
    ("received", "code"),
    [
        (WINDOW_ENDS + timedelta(hours=23, minutes=59), None),
        (WINDOW_ENDS + DAY - TICK, None),
        (WINDOW_ENDS + DAY, "late"),
    ],
    ids=["after 23 h 59 min", "just in time", "after 24 h"],
)
def test_a_contact_that_arrives_a_day_after_its_window_takes_nothing_away(
    received: datetime, code: str | None, decide: Decide
) -> None:
    line = participant()
    contact = line.calls(AT, received=received)
    assert code_of(decide, line, contact) == code


def test_what_a_tariff_cannot_do_online_is_asked_for_the_time_of_the_contact(decide: Decide) -> None:
    line = participant(tariff="blue-s")
    line.changes_tariff("2025-02-20", "blue-m")
    line.changes_tariff("2025-02-01", "blue-s", received="2025-03-01")
    before, after = line.calls(AT), line.calls("2025-03-10")
    codes = decide.line(line, not_online={"blue-s": ["bill.iban"]}).codes
    assert codes == {before.id: "not_online", after.id: None}


@pytest.mark.parametrize(
    ("goodwill", "codes"),
    [(0, [None, None, None]), (1, ["goodwill", None, None]), (2, ["goodwill", "goodwill", None])],
)
def test_goodwill_forgives_the_first_contacts_of_each_window(
    goodwill: int, codes: list[str | None], decide: Decide
) -> None:
    line = participant()
    spared = line.calls("2025-02-01", "fault")
    contacts = [line.calls(f"2025-03-{day:02}", received=f"2025-03-{31 - day}") for day in (1, 10, 20)]
    next_window = line.calls("2025-04-05", "use.view")
    told = decide.line(line, goodwill_contacts=goodwill).codes
    assert [told[contact.id] for contact in contacts] == codes
    assert told[spared.id] == "fault"
    assert told[next_window.id] == ("goodwill" if goodwill else None)


@pytest.mark.parametrize(
    ("goodwill", "forgiven"), [(1, {"a/z"}), (2, {"a/z", "b/a"}), (3, {"a/z", "b/a", "c/a", "c/b"})]
)
def test_at_the_same_instant_goodwill_goes_by_id_and_to_all_of_the_same_id(
    goodwill: int, forgiven: set[str], decide: Decide
) -> None:
    line = participant()
    line.calls(AT, "use.view", fact_id="b", source="/a")
    line.calls(AT, "bill.iban", fact_id="a", source="/z")
    line.calls(AT, "sim.puk", fact_id="c", source="/a")
    line.calls(AT, "roam.info", fact_id="c", source="/b")
    contacts = decide.line(line, goodwill_contacts=goodwill).contacts
    assert {id_ + source for source, id_, _, code in contacts if code == "goodwill"} == forgiven
    assert {id_ + source for source, id_, _, code in contacts if code is None}.isdisjoint(forgiven)


def test_contacts_before_the_enrolment_after_a_withdrawal_and_in_the_last_quarter_are_not_judged(
    decide: Decide,
) -> None:
    line = participant(enrolled="2025-01-15T12:00")
    line.calls("2025-01-15T11:59:59")
    at_enrolment = line.calls("2025-01-15T12:00", "use.view")
    in_last_window = line.calls("2025-09-30T23:59:59")
    line.calls("2025-10-01", "use.view")
    assert list(decide.line(line).codes) == [at_enrolment.id, in_last_window.id]
    left = participant(subject="left")
    before, _ = left.calls("2025-02-10"), left.calls("2025-02-20", "use.view")
    left.withdraws("2025-02-20", "o2-2017")
    assert list(decide.line(left).codes) == [before.id]
