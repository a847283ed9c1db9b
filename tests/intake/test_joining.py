"""Joining, leaving and being invited, by facts through the one door."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from selbsthelfer.intake.inviting import (
    NotByInvitationError,
    TooManyCodesError,
    invitation_codes,
    invite_lines,
)
from selbsthelfer.intake.joining import (
    BudgetExhaustedError,
    InvitationNeededError,
    InvitationUnknownError,
    InvitationUsedError,
    JoinRefusedError,
    NotEligibleError,
    NotEnrolledError,
    NotOpenError,
    Offer,
    Standing,
    UnknownLineError,
    UnknownProgrammeError,
    WithdrawnBeforeError,
    join,
    leave,
    may_join,
    standing_of,
)
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.definition import Eligibility, Join
from selbsthelfer.programmes.core.variant import Obstacle, Variant, draw_variant
from selbsthelfer.programmes.core.wording_joining import OBSTACLES, REFUSALS, JoinRefusal
from selbsthelfer.programmes.explaining import explain_to_subscriber
from selbsthelfer.programmes.inviting import MAX_CODES
from selbsthelfer.programmes.operations import publish
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.programmes.deciding import PROGRAMME, programme
from tests.programmes.events import Line, instant
from tests.programmes.outcomes import LONG_AGO

pytestmark = pytest.mark.django_db

NOW = instant("2025-06-15T12:00")
DAY = timedelta(days=1)
HALF = {"control_share": Decimal("0.5"), "salt": "draw"}


def published(**settings: Any) -> None:
    publish(programme(**settings), now=LONG_AGO)


def by_invitation(**settings: Any) -> None:
    published(join=Join.INVITATION, **settings)


def register(*subjects: str, **terms: Any) -> None:
    lines = [Line(subject) for subject in subjects]
    for line in lines:
        line.registers("2025-01-01", **terms)
    take(*lines)


def take(*lines: Line) -> None:
    events = [event.encode() for line in lines for event in line.events]
    receipt = accept(events, terms=Terms(now=NOW, may_backdate=True, is_history=True))
    assert set(receipt.results) == {"accepted"}, receipt.rejections


def offers(subject: str, *, now: datetime = NOW, with_code: bool = False) -> list[Offer]:
    with transaction.atomic():
        return list(may_join(open_cursor(), subscriber_id_of(subject), now=now, with_code=with_code))


def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        return open_cursor().execute(query, parameters).fetchall()


def of_variant(variant: Variant) -> str:
    """Name a line whose variant is drawn so."""
    return next(
        subject
        for subject in (f"line-{number}" for number in range(1_000))
        if draw_variant(salt="draw", subject=subject, control_share=Decimal("0.5")) is variant
    )


def test_a_line_joins_from_now_on_and_joining_again_is_joining_once() -> None:
    published()
    register("line")
    joined = join("line", PROGRAMME, code=None, now=NOW)
    assert (joined.version, joined.enrolled_at, joined.is_new) == (1, NOW, True)
    again = join("line", PROGRAMME, code=None, now=NOW + DAY)
    assert (again.version, again.enrolled_at, again.is_new) == (1, NOW, False)
    assert rows("SELECT variant, enrolled_at, known_from FROM programmes_enrolment") == [
        ("treatment", NOW, NOW)
    ]
    (told,) = explain_to_subscriber(open_cursor(), subscriber_id_of("line"), at=NOW).enrolments
    assert told.programme == PROGRAMME


def test_a_line_enrolled_by_any_other_way_has_joined() -> None:
    published()
    line = Line("line")
    line.registers("2025-01-01")
    line.enrols("2025-02-01", PROGRAMME)
    take(line)
    assert not join("line", PROGRAMME, code=None, now=NOW).is_new


def test_what_does_not_exist_cannot_be_joined_or_left() -> None:
    register("line")
    with pytest.raises(UnknownProgrammeError):
        join("line", PROGRAMME, code=None, now=NOW)
    published()
    with pytest.raises(UnknownLineError):
        join("nobody", PROGRAMME, code=None, now=NOW)
    with pytest.raises(NotEnrolledError):
        leave("line", PROGRAMME, key="wish", now=NOW)
    with pytest.raises(UnknownProgrammeError):
        leave("line", "other", key="wish", now=NOW)


def test_a_line_that_has_ended_cannot_join() -> None:
    published()
    line = Line("line")
    line.registers("2025-01-01")
    line.ends("2025-06-01")
    take(line)
    with pytest.raises(UnknownLineError):
        join("line", PROGRAMME, code=None, now=NOW)


@pytest.mark.parametrize(
    ("settings", "error", "reason"),
    [
        ({"enrol_from": NOW + DAY}, NotOpenError, Obstacle.NOT_YET_OPEN),
        ({"enrol_until": NOW}, NotOpenError, Obstacle.CLOSED),
        ({"eligible": Eligibility(frozenset({"red"}), 0, False)}, NotEligibleError, Obstacle.TARIFF),
        ({"eligible": Eligibility(frozenset(), 400, False)}, NotEligibleError, Obstacle.TENURE),
    ],
)
def test_an_obstacle_is_named_and_nothing_is_offered(
    settings: dict[str, Any], error: type[JoinRefusedError], reason: Obstacle
) -> None:
    published(**settings)
    register("line")
    with pytest.raises(error) as refused:
        join("line", PROGRAMME, code=None, now=NOW)
    assert refused.value.reason is reason
    assert refused.value.words == OBSTACLES[reason]
    assert offers("line") == offers("line", with_code=True) == []
    assert rows("SELECT FROM programmes_enrolment") == []


def test_unlimited_lines_may_join_only_where_the_programme_says_so() -> None:
    published()
    line = Line("line")
    line.tell("subscriber.registered", "2025-01-01", timezone="UTC", billing_day=1)
    take(line)
    with pytest.raises(NotEligibleError) as refused:
        join("line", PROGRAMME, code=None, now=NOW)
    assert refused.value.reason is Obstacle.UNLIMITED


def test_a_full_programme_says_so_and_keeps_its_promises() -> None:
    published(budget_bytes=1_800_000_000)
    register("first", "second")
    join("first", PROGRAMME, code=None, now=NOW)
    with pytest.raises(BudgetExhaustedError) as refused:
        join("second", PROGRAMME, code=None, now=NOW)
    assert refused.value.code == "budget_exhausted"
    assert rows("SELECT code FROM intake_reject") == [("budget_exhausted",)], "what was refused is kept"


def test_a_control_line_meets_no_programme_anywhere() -> None:
    published(**HALF)
    hidden, shown = of_variant(Variant.CONTROL), of_variant(Variant.TREATMENT)
    register(hidden, shown)
    assert [offer.programme for offer in offers(shown)] == [PROGRAMME]
    assert offers(hidden) == []
    with pytest.raises(UnknownProgrammeError) as unknown:
        join(hidden, PROGRAMME, code=None, now=NOW)
    with pytest.raises(UnknownProgrammeError) as missing:
        join(hidden, "no-such", code=None, now=NOW)
    assert str(unknown.value).replace(PROGRAMME, "no-such") == str(missing.value), "word for word alike"


def test_an_enrolled_control_line_cannot_join_or_leave_either() -> None:
    published()
    line = Line("line")
    line.registers("2025-01-01")
    line.enrols("2025-02-01", PROGRAMME, "control")
    take(line)
    assert offers("line") == []
    with pytest.raises(UnknownProgrammeError):
        join("line", PROGRAMME, code=None, now=NOW)
    with pytest.raises(UnknownProgrammeError):
        leave("line", PROGRAMME, key="wish", now=NOW)


def test_a_page_learns_how_a_line_stands_to_a_programme() -> None:
    by_invitation(**HALF)
    published(name="early", enrol_from=NOW + DAY)
    hidden, shown = of_variant(Variant.CONTROL), of_variant(Variant.TREATMENT)
    register(hidden, shown)

    def standing(subject: str, name: str = PROGRAMME, now: datetime = NOW) -> Standing:
        with transaction.atomic():
            return standing_of(open_cursor(), subscriber_id_of(subject), name, now=now)

    assert standing(shown, "early").obstacle is Obstacle.NOT_YET_OPEN
    offer = standing(shown).offer
    assert offer is not None
    assert offer.needs_code
    invite_lines([shown], PROGRAMME, now=NOW)
    assert standing(shown).offer == replace(offer, needs_code=False)
    join(shown, PROGRAMME, code=None, now=NOW)
    assert standing(shown) == Standing(NOW, None, None, None)
    leave(shown, PROGRAMME, key="wish", now=NOW + DAY)
    assert standing(shown, now=NOW + DAY) == Standing(NOW, NOW + DAY, None, None)
    for subject, name in ((hidden, PROGRAMME), (shown, "no-such")):
        with pytest.raises(UnknownProgrammeError):
            standing(subject, name)


def test_leaving_twice_is_leaving_once_and_there_is_no_way_back() -> None:
    published()
    register("line")
    join("line", PROGRAMME, code=None, now=NOW)
    left = leave("line", PROGRAMME, key="one wish", now=NOW + DAY)
    assert (left.left_at, left.is_new) == (NOW + DAY, True)
    again = leave("line", PROGRAMME, key="another wish", now=NOW + 2 * DAY)
    assert (again.left_at, again.is_new) == (NOW + DAY, False)
    assert len(rows("SELECT FROM programmes_withdrawal")) == 1
    assert offers("line", now=NOW + 2 * DAY) == []
    with pytest.raises(WithdrawnBeforeError):
        join("line", PROGRAMME, code=None, now=NOW + 3 * DAY)


def test_the_same_wish_may_leave_two_programmes() -> None:
    published()
    publish(programme(name="other"), now=LONG_AGO)
    register("line")
    for name in (PROGRAMME, "other"):
        join("line", name, code=None, now=NOW)
        assert leave("line", name, key="wish", now=NOW + DAY).is_new


def test_without_an_invitation_there_is_no_way_in() -> None:
    by_invitation()
    register("line")
    assert offers("line") == []
    assert [offer.needs_code for offer in offers("line", with_code=True)] == [True]
    for nothing in (None, "", "  "):
        with pytest.raises(InvitationNeededError):
            join("line", PROGRAMME, code=nothing, now=NOW)
    for guess in ("0000-0000", "short", "x" * 5_000, "UUUU-UUUU", "\x00"):
        with pytest.raises(InvitationUnknownError):
            join("line", PROGRAMME, code=guess, now=NOW)


def test_who_is_on_the_list_joins_without_a_code() -> None:
    by_invitation()
    register("line", "other")
    assert invite_lines(["line", "nobody"], PROGRAMME, now=NOW) == {"invited": 1, "unknown line": 1}
    assert invite_lines(["line"], PROGRAMME, now=NOW) == {"invited already": 1}
    assert [offer.needs_code for offer in offers("line")] == [False]
    assert offers("other") == []
    assert join("line", PROGRAMME, code=None, now=NOW).is_new
    assert invite_lines(["line"], PROGRAMME, now=NOW) == {"enrolled already": 1}


def test_an_invitation_opens_no_other_programme_and_no_other_line() -> None:
    by_invitation()
    publish(programme(name="other", join=Join.INVITATION), now=LONG_AGO)
    register("line", "neighbour")
    invite_lines(["line"], PROGRAMME, now=NOW)
    (code,) = invitation_codes(PROGRAMME, count=1, uses=5, now=NOW)
    with pytest.raises(InvitationNeededError):
        join("line", "other", code=None, now=NOW)
    with pytest.raises(InvitationUnknownError):
        join("line", "other", code=code, now=NOW)
    with pytest.raises(InvitationNeededError):
        join("neighbour", PROGRAMME, code=None, now=NOW)


def test_lines_in_control_are_held_out_and_enrolled_for_measurement_before_anybody_is_invited() -> None:
    by_invitation(**HALF)
    hidden, shown = of_variant(Variant.CONTROL), of_variant(Variant.TREATMENT)
    register(hidden, shown)
    assert invite_lines([hidden, shown], PROGRAMME, now=NOW) == {"invited": 1, "held out": 1}
    assert rows("SELECT subscriber_id FROM programmes_invitation") == [(subscriber_id_of(shown),)]
    assert rows("SELECT subscriber_id, variant, enrolled_at FROM programmes_enrolment") == [
        (subscriber_id_of(hidden), "control", NOW)
    ]
    assert invite_lines([hidden], PROGRAMME, now=NOW + DAY) == {"enrolled already": 1}
    (code,) = invitation_codes(PROGRAMME, count=1, uses=5, now=NOW)
    with pytest.raises(UnknownProgrammeError):
        join(hidden, PROGRAMME, code=code, now=NOW)
    assert rows("SELECT uses_left FROM programmes_invitationcode") == [(5,)]


def test_who_may_not_take_part_is_not_invited() -> None:
    by_invitation(eligible=Eligibility(frozenset({"red"}), 0, False))
    register("line")
    assert invite_lines(["line"], PROGRAMME, now=NOW) == {"not eligible: tariff": 1}
    assert rows("SELECT FROM programmes_invitation") == []


def test_a_code_is_read_as_people_type_it_and_kept_only_as_a_digest() -> None:
    by_invitation()
    subjects = [f"line-{number}" for number in range(4)]
    register(*subjects)
    (code,) = invitation_codes(PROGRAMME, count=1, uses=4, now=NOW)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code)
    typed = [
        code,
        code.lower(),
        code.replace("-", " "),
        f" {code.replace('0', 'o').replace('1', 'l').replace('-', '')} ",
    ]
    for subject, text in zip(subjects, typed, strict=True):
        assert join(subject, PROGRAMME, code=text, now=NOW).is_new
    (kept,) = rows("SELECT programme, code_digest, uses, uses_left FROM programmes_invitationcode")
    assert kept[2:] == (4, 0)
    assert code.replace("-", "") not in repr(kept)


def test_a_code_is_used_up_by_joining_alone() -> None:
    """Who is enrolled already, on the list, or refused takes no use."""
    by_invitation(budget_bytes=2 * 1_800_000_000)
    register("listed", "first", "second", "third")
    invite_lines(["listed"], PROGRAMME, now=NOW)
    (one,) = invitation_codes(PROGRAMME, count=1, uses=1, now=NOW)
    (two,) = invitation_codes(PROGRAMME, count=1, uses=1, now=NOW)
    join("listed", PROGRAMME, code=one, now=NOW)
    join("first", PROGRAMME, code=one, now=NOW)
    assert not join("first", PROGRAMME, code=two, now=NOW).is_new
    with pytest.raises(InvitationUsedError):
        join("second", PROGRAMME, code=one, now=NOW)
    with pytest.raises(BudgetExhaustedError):
        join("second", PROGRAMME, code=two, now=NOW)
    assert sorted(rows("SELECT uses_left FROM programmes_invitationcode")) == [(0,), (1,)]


def test_only_a_programme_by_invitation_has_invitations() -> None:
    published()
    for attempt in (
        lambda: invite_lines(["line"], PROGRAMME, now=NOW),
        lambda: invitation_codes(PROGRAMME, count=1, uses=1, now=NOW),
    ):
        with pytest.raises(NotByInvitationError):
            attempt()
    with pytest.raises(UnknownProgrammeError):
        invite_lines(["line"], "other", now=NOW)


def test_codes_are_all_different_and_bounded_in_number() -> None:
    by_invitation()
    assert len(set(invitation_codes(PROGRAMME, count=2_000, uses=1, now=NOW))) == 2_000
    for count, uses in ((0, 1), (MAX_CODES + 1, 1), (1, 0), (1, 10**9)):
        with pytest.raises(TooManyCodesError):
            invitation_codes(PROGRAMME, count=count, uses=uses, now=NOW)


def test_every_refusal_and_every_obstacle_has_words_in_both_languages() -> None:
    assert set(REFUSALS) == set(JoinRefusal)
    assert set(OBSTACLES) == set(Obstacle)
    assert all(words.de and words.en and words.de != words.en for words in (*REFUSALS.values(),))
    errors = JoinRefusedError.__subclasses__()
    assert {error.refusal for error in errors} == set(JoinRefusal)
    assert {error().code for error in errors} == {refusal.value for refusal in JoinRefusal}


@pytest.mark.django_db(transaction=True)
def test_the_last_use_of_a_code_lets_exactly_one_line_in() -> None:
    by_invitation()
    subjects = [f"line-{number}" for number in range(8)]
    register(*subjects)
    (code,) = invitation_codes(PROGRAMME, count=1, uses=3, now=NOW)

    def attempt(subject: str) -> str:
        try:
            join(subject, PROGRAMME, code=code, now=NOW)
        except InvitationUsedError:
            return "used"
        else:
            return "in"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, subjects * 2))
    assert len(rows("SELECT FROM programmes_enrolment")) == 3
    assert results.count("in") >= 3
    assert rows("SELECT uses_left FROM programmes_invitationcode") == [(0,)]
