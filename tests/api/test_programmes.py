"""Programmes by the API: what there is, who takes part, joining and leaving."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.intake.inviting import invitation_codes
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.variant import draw_variant
from selbsthelfer.programmes.core.wording_joining import JoinRefusal
from tests.api.callers import Asking, asking, make_client, read, read_problem
from tests.api.life import (
    all_items,
    content_of_tables,
    forget_answers,
    fresh_key,
    rows,
    with_all,
    with_token,
)
from tests.portal.life import Life, ago, now, prepare, recent_life, varied

pytestmark = pytest.mark.django_db

PATH = "/lines/line/enrolments"
LEAVING = "/lines/line/enrolments/o2-2017/withdrawal"
WISH = {"programme": "o2-2017"}


def newcomer(subject: str = "line", **registration: Any) -> None:
    one = Life(subject, **registration)
    one.facts[0]["time"] = ago(300).isoformat()
    one.send()


def join(caller: Asking, *, code: str | None = None, once: str | None = None) -> Any:
    body = WISH if code is None else {**WISH, "code": code}
    return caller.post(PATH, body, once=once or fresh_key())


def leave(caller: Asking, once: str | None = None) -> Any:
    return caller.post(LEAVING, None, once=once or fresh_key())


def test_programmes_are_told_with_their_rules_and_without_their_secrets(client: Client) -> None:
    prepare(varied(control_share="0.25", salt='"very secret"'))
    prepare(varied(name='"another"'))
    caller = with_all(client)
    answer = caller.get("/programmes")
    assert [item["name"] for item in read(answer)["items"]] == ["another", "o2-2017"]
    one = read(caller.get("/programmes/o2-2017"))
    assert one == read(answer)["items"][1]
    assert (one["version"], one["is_open"], one["stages"], one["most_bytes"]) == (1, True, 3, 1_800_000_000)
    assert len(one["key_facts"]) > 4
    for secret in ("very secret", "0.25", "control", "budget"):
        assert secret not in answer.content.decode()
    assert all_items(caller, "/programmes", limit=1) == read(answer)["items"]
    assert caller.get("/programmes", if_none_match=answer.headers["ETag"]).status_code == 304
    read_problem(caller.get("/programmes/nothing"), 404, "programme_unknown")
    read_problem(with_token(client, "line").get("/programmes"), 403, "scope_missing")


def test_a_line_joins_and_leaves_once(client: Client) -> None:
    prepare()
    newcomer()
    caller = with_all(client)
    assert [offer["programme"] for offer in read(caller.get("/lines/line/offers"))["items"]] == ["o2-2017"]
    joined = read(join(caller), 201)
    assert (joined["programme"], joined["version"], joined["is_new"]) == ("o2-2017", 1, True)
    assert read(caller.get("/lines/line/offers"))["items"] == []
    assert read(join(caller), 200) == {**joined, "is_new": False}
    (enrolment,) = read(caller.get(PATH))["items"]
    assert (enrolment["enrolled_at"], enrolment["stopped_at"]) == (joined["enrolled_at"], None)
    left = read(leave(caller), 201)
    assert read(leave(caller), 200) == {**left, "is_new": False}
    (enrolment,) = read(caller.get(PATH))["items"]
    assert enrolment["stopped_at"] == left["left_at"]
    read_problem(join(caller), 409, JoinRefusal.WITHDRAWN)


def test_the_same_wish_is_one_even_when_the_answer_is_forgotten(client: Client) -> None:
    prepare()
    newcomer()
    caller, key = with_all(client), fresh_key()
    first = read(join(caller, once=key), 201)
    assert read(join(caller, once=key), 201) == first
    forget_answers()
    assert read(join(caller, once=key), 200)["enrolled_at"] == first["enrolled_at"]
    left = read(leave(caller, once="leave"), 201)
    forget_answers()
    assert read(leave(caller, once="leave"), 200)["left_at"] == left["left_at"]
    assert len(rows("SELECT id FROM programmes_withdrawal")) == 1


def control_of(definition: Definition) -> str:
    """Find an id that the draw holds out of a programme."""
    share = Decimal("0.5")
    return next(
        subject
        for subject in (f"line-{number}" for number in range(100))
        if draw_variant(salt=definition.salt, subject=subject, control_share=share) == "control"
    )


def test_to_a_line_that_is_held_out_a_programme_does_not_exist(client: Client) -> None:
    definition = varied(control_share="0.5", salt='"draw"')
    prepare(definition)
    subject = control_of(definition)
    newcomer(subject)
    caller, before = with_all(client), content_of_tables()
    for name in ("o2-2017", "nothing"):
        for path, body in (
            (f"/lines/{subject}/enrolments", {"programme": name}),
            (f"/lines/{subject}/enrolments/{name}/withdrawal", None),
        ):
            read_problem(caller.post(path, body, once=fresh_key()), 404, "programme_unknown")
    assert read(caller.get(f"/lines/{subject}/offers"))["items"] == []
    assert content_of_tables() == before


def refused(client: Client, status: int, code: str, **settings: str) -> dict[str, Any]:
    prepare(varied(**settings))
    newcomer(tariff="M")
    before = content_of_tables()
    problem: dict[str, Any] = read_problem(join(with_all(client)), status, code)
    assert content_of_tables() == before
    return problem


def test_what_stands_in_the_way_is_told_by_its_code(client: Client) -> None:
    problem = refused(client, 409, "not_eligible", **{"eligible.tariffs": '["L"]'})
    assert [fault["code"] for fault in problem["errors"]] == ["tariff"]


def test_a_programme_that_is_closed_is_not_open(client: Client) -> None:
    problem = refused(client, 409, "not_open", enrol_until="2020-05-01T00:00:00Z")
    assert [fault["code"] for fault in problem["errors"]] == ["closed"]


def test_a_budget_that_is_spent_refuses(client: Client) -> None:
    prepare(varied(budget_bytes="2_000_000_000"))
    newcomer()
    newcomer("first")
    caller = with_all(client)
    read(caller.post("/lines/first/enrolments", WISH, once=fresh_key()), 201)
    before = content_of_tables()
    read_problem(join(caller), 409, "budget_exhausted")
    assert content_of_tables() == before


def test_an_invitation_is_asked_for_and_used_up(client: Client) -> None:
    problem = refused(client, 422, "invitation_needed", join='"invitation"')
    assert [fault["pointer"] for fault in problem["errors"]] == ["/code"]
    newcomer("other")
    (code,) = invitation_codes("o2-2017", count=1, uses=1, now=now())
    caller = with_all(client)
    (offer,) = read(caller.get("/lines/line/offers"))["items"]
    assert offer["needs_code"]
    read_problem(join(caller, code="AAAA-AAAA"), 422, "invitation_unknown")
    read(join(caller, code=code.lower()), 201)
    body = {**WISH, "code": code}
    answer = caller.post("/lines/other/enrolments", body, once=fresh_key())
    read_problem(answer, 422, "invitation_used")


def test_codes_are_not_guessed_without_end(client: Client) -> None:
    prepare(varied(join='"invitation"'))
    newcomer()
    caller = with_all(client)
    answers = [join(caller, code=f"AAAA-AAA{number}") for number in range(11)]
    assert {answer.status_code for answer in answers[:-1]} == {422}
    problem = answers[-1]
    read_problem(problem, 429, "too_often")
    assert int(problem.headers["Retry-After"]) > 0


def test_an_ended_line_reads_but_neither_joins_nor_leaves(client: Client) -> None:
    prepare()
    one = recent_life(days=100)
    one.add("subscriber.ended", ago(1), {})
    one.send()
    caller, before = with_all(client), content_of_tables()
    assert read(caller.get(PATH))["items"][0]["stopped_at"] is not None
    assert read(caller.get("/lines/line/offers"))["items"] == []
    read_problem(join(caller), 409, "line_ended")
    read_problem(leave(caller), 409, "line_ended")
    assert content_of_tables() == before


def test_whoever_takes_no_part_cannot_leave(client: Client) -> None:
    prepare()
    newcomer()
    before = content_of_tables()
    read_problem(leave(with_all(client)), 409, "not_enrolled")
    assert content_of_tables() == before


BAD: list[tuple[object, int]] = [
    (b"", 422),
    (b"programme", 400),
    ([WISH], 422),
    ({}, 422),
    ({"programme": None}, 422),
    ({"programme": 10**18}, 422),
    ({"programme": ""}, 422),
    ({"programme": "x" * 101}, 422),
    ({"programme": "o2\n2017"}, 422),
    ({"programme": "o2\0"}, 400),
    ({"programme": "O2-2017"}, 404),
    ({"programme": "../o2-2017"}, 404),
    ({**WISH, "code": 5}, 422),
    ({**WISH, "code": "x" * 1_000}, 422),
    ({**WISH, "variant": "treatment"}, 422),
    ({**WISH, "time": "9999-12-31T23:59:59Z"}, 422),
]


@pytest.mark.parametrize(("body", "status"), BAD)
def test_bad_input_is_refused_and_changes_nothing(client: Client, body: object, status: int) -> None:
    prepare()
    newcomer()
    before = content_of_tables()
    answer = with_all(client).post(PATH, body, once=fresh_key())
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert content_of_tables() == before


@pytest.mark.parametrize("path", [PATH, LEAVING])
def test_joining_and_leaving_need_the_scope_and_a_line(client: Client, path: str) -> None:
    prepare()
    newcomer()
    before = content_of_tables()
    others = tuple(scope for scope in Scope if scope is not Scope.REWARDS_WRITE)
    for caller in (asking(client, make_client(*others)), with_token(client, "line")):
        read_problem(caller.post(path, WISH, once=fresh_key()), 403, "scope_missing")
    caller = with_all(client)
    read_problem(caller.post(path, WISH), 400, "idempotency_key_missing")
    elsewhere = path.replace("/line/", "/nobody/")
    read_problem(caller.post(elsewhere, WISH, once=fresh_key()), 404, "line_unknown")
    with transaction.atomic():
        assert content_of_tables() == before
