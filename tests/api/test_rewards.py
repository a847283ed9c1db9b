"""Rewards by the API say what the explanation, the command and the page say, and hide what they hide."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from selbsthelfer.allowances.core.buckets import included_bucket_id
from selbsthelfer.api.shapes.values import read_instant
from selbsthelfer.cli.explain import to_json
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language
from selbsthelfer.portal.presenting import present
from selbsthelfer.programmes.explaining import Explanation, explain_to_staff, explain_to_subscriber
from selbsthelfer.programmes.queries import grants_of_line
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.api.callers import Asking, read
from tests.api.life import READS, all_items, eventful_life, with_all, with_token
from tests.portal.life import Life, ago, now, prepare, recent_life

pytestmark = pytest.mark.django_db


def explained(subject: str, *, to_staff: bool = False) -> Explanation:
    with transaction.atomic():
        explain = explain_to_staff if to_staff else explain_to_subscriber
        return explain(open_cursor(), subscriber_id_of(subject), at=now())


def rewards(caller: Asking, subject: str = "line") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = read(caller.get(f"/lines/{subject}/rewards"))["items"]
    return items


def random_life(number: int) -> Life:
    """Live a line with calls, failures, codings, reclassifications, withdrawals and gaps, drawn at random."""
    drawn = random.Random(number)
    days = drawn.randrange(30, 500)
    one = recent_life(f"line-{number}", days=days, tariff="M")
    for _ in range(drawn.randrange(6)):
        at = days * drawn.random()
        topic = drawn.choice(["bill.view", "use.view", "fault", "hardship", None, "unheard"])
        contact = one.called(ago(at), topic, talk_seconds=drawn.choice([5, 300]))
        if drawn.random() < 0.4:
            one.reclassified(ago(at * drawn.random()).isoformat(), contact, counts=drawn.random() < 0.5)
        if drawn.random() < 0.3:
            key = {"source": "/test", "id": contact}
            one.add("contact.coded", ago(at * 0.9), {"contact": key, "topic": "accessibility"})
        if drawn.random() < 0.3:
            one.did(ago(at) - timedelta(hours=5), "bill.view", outcome="failed")
    if drawn.random() < 0.3:
        one.withdrawn(ago(days * drawn.random()).isoformat())
    if drawn.random() < 0.2:
        one.add("subscriber.ended", ago(days * drawn.random() / 2), {})
    one.add("usage.recorded", ago(0.1), {"bytes": 55_000_000})
    return one


def lives() -> list[Life]:
    """Make up the histories that the law is tried on."""
    leaving = eventful_life("leaving")
    leaving.withdrawn(ago(20).isoformat())
    held_out = eventful_life("held-out", variant="control")
    # Something done in the running period, on whatever day of it these tests run.
    current = recent_life("current", days=130)
    current.did(ago(0.001))
    known = [eventful_life("eventful"), leaving, held_out, current]
    return [*known, *(random_life(number) for number in range(12))]


def test_rewards_and_contacts_say_what_the_explanation_says(client: Client) -> None:
    prepare()
    caller = with_all(client)
    seen: set[str] = set()
    for one in lives():
        one.send()
        told, asked = explained(one.subject), rewards(caller, one.subject)
        contacts = all_items(caller, f"/lines/{one.subject}/contacts", limit=3)
        assert [reward["programme"] for reward in asked] == [e.programme for e in told.enrolments]
        for language in Language:
            plain = to_json(told, language)["enrolments"]
            for reward, enrolment in zip(asked, plain, strict=True):
                assert_same_reward(reward, enrolment, language.value)
                assert_same_contacts(contacts, enrolment, language.value)
        assert_same_as_page(asked, told)
        seen |= {tranche["state"] for reward in asked for tranche in reward["tranches"]}
        seen |= {str(v["code"]) for contact in contacts for v in contact["verdicts"]}
    assert {"granted", "expired", "not_earned", "stopped", "None", "fault", "exempt", "reclassified"} <= seen


def assert_same_reward(reward: dict[str, Any], enrolment: dict[str, Any], language: str) -> None:
    """The API says what `selbsthelfer explain --json` says."""
    for name in ("version", "digest", "stopped_at", "enrolled_at", "closes_at", "earned_bytes", "cap_bytes"):
        assert reward[name] == enrolment[name], name
    assert reward["title"][language] == enrolment["title"]
    assert reward["next_step"][language] == enrolment["next_step"]
    for stage, known in zip(reward["stages"], enrolment["stages"], strict=True):
        assert stage["why"][language] == known["sentence"]
        for name in ("window", "level", "state", "phase", "activities", "bytes", "starts_at", "settles_at"):
            assert stage[name] == known[name], name
        assert stage["contacts"] == len(known["counted_at"])
    tranches = [period["tranche"] for period in enrolment["periods"] if period["tranche"]]
    for tranche, known in zip(reward["tranches"], tranches, strict=True):
        assert tranche["why"][language] == known["sentence"]
        for name in ("index", "window", "level", "state", "bytes", "starts_at", "ends_at"):
            assert tranche[name] == known[name], name
        grant = tranche["grant"]
        assert (grant is not None) == (known["granted_at"] is not None and known["bytes"] > 0)
        if grant is not None:
            assert (grant["granted_at"], grant["valid_until"], grant["left_bytes"], grant["activity"]) == (
                (known["granted_at"], known["usable_until"], known["left_bytes"], known["released_by"])
            )


def assert_same_contacts(contacts: list[dict[str, Any]], enrolment: dict[str, Any], language: str) -> None:
    verdicts = {
        (contact["source"], contact["id"]): verdict
        for contact in contacts
        for verdict in contact["verdicts"]
        if verdict["programme"] == enrolment["programme"]
    }
    assert len(verdicts) == len(enrolment["contacts"])
    for known in enrolment["contacts"]:
        verdict = verdicts[known["source"], known["id"]]
        assert (verdict["window"], verdict["counts"], verdict["code"]) == (
            (known["window"], known["counts"], known["code"])
        )
        assert verdict["why"][language] == known["sentence"]


def assert_same_as_page(asked: list[dict[str, Any]], told: Explanation) -> None:
    """The portal's page says the same of each stage and of what comes next."""
    for language in Language:
        for reward, block in zip(asked, present(told, language).enrolments, strict=True):
            assert block.next_step == reward["next_step"][language.value]
            assert [stage.sentence for stage in block.stages if stage.state] == [
                stage["why"][language.value] for stage in reward["stages"]
            ]
            cells = [cell.tranche for stage in block.stages for cell in stage.cells if cell.tranche]
            assert [cell.status for cell in cells] == [tranche["status"] for tranche in reward["tranches"]]


def test_grants_name_their_bucket_and_order(client: Client) -> None:
    prepare()
    eventful_life().send()
    caller = with_all(client)
    with transaction.atomic():
        ledger = grants_of_line(open_cursor(), subscriber_id_of("line"), at=now())
    known = {entry.grant.index: entry for entry in ledger}
    (reward,) = rewards(caller)
    told = {tranche["index"]: tranche["grant"] for tranche in reward["tranches"] if tranche["grant"]}
    assert told.keys() == known.keys() != set()
    entries = all_items(caller, "/lines/line/entries", limit=500)
    for index, grant in told.items():
        entry = known[index]
        assert grant["bucket_id"] == str(entry.grant.credit_id)
        assert grant["order_state"] == entry.grant.order_state
        assert read_instant(grant["granted_at"]) == entry.grant.granted_at
        credited = [e for e in entries if e["bucket_id"] == grant["bucket_id"] and e["ordinal"] == 1]
        assert [entry["amount_bytes"] for entry in credited] == [grant["bytes"]]


@pytest.mark.parametrize("is_app", [False, True])
def test_a_line_that_is_held_out_looks_as_if_it_took_no_part(client: Client, is_app: bool) -> None:
    """Word for word: only ids differ from what is told of a line in no programme."""
    prepare()
    held_out, stranger = Life("held-out", variant="control"), Life("stranger")
    for one in (held_out, stranger):
        one.facts[0]["time"] = ago(300).isoformat()
    held_out.enrolled(ago(200))
    stranger.add("selfservice.finished", ago(200), {"activity": "net.diagnose", "outcome": "failed"})
    calls = [ago(150), ago(120), ago(3)]
    for one in (held_out, stranger):
        for at in calls:
            one.did(at - timedelta(days=1))
            one.called(at, "use.view")
        one.send()
    assert [e.variant for e in explained("held-out", to_staff=True).enrolments] == ["control"]
    for path in READS:
        answers = []
        for one in (held_out, stranger):
            caller = with_token(client, one.subject) if is_app else with_all(client)
            told = json.dumps(read(caller.get(f"/lines/{one.subject}{path}")))
            answers.append(without_ids(told, one))
        if path == "/offers":
            # The one that is held out is offered nothing: an offer would be refused.
            assert '"items": []' in answers[0]
        else:
            assert answers[0] == answers[1]
        assert "o2-2017" not in answers[0]
        assert "control" not in answers[0]


def without_ids(told: str, one: Life) -> str:
    line = subscriber_id_of(one.subject)
    for month in range(1, 13):
        for year in (2024, 2025, 2026, 2027):
            start = read_instant(f"{year}-{month:02d}-01T00:00:00Z")
            told = told.replace(str(included_bucket_id(line, start)), f"included {year}-{month}")
    return told.replace(one.subject, "subject")


def test_what_a_tranche_waits_for_and_what_it_brought_stand_beside_each_other(client: Client) -> None:
    prepare()
    one = recent_life(days=100)
    one.send()
    (reward,) = rewards(with_all(client))
    assert [(s["window"], s["state"]) for s in reward["stages"]] == [(1, "passed"), (2, "open"), (3, "open")]
    assert len(reward["digest"]) == 64
    statuses = [tranche["status"] for tranche in reward["tranches"]]
    assert len(statuses) == 9
    assert set(statuses) <= {"usable", "waiting", "passed", "open"}
