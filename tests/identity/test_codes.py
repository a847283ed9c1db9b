"""Codes: sent, guessed at, used, run out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from selbsthelfer.identity.core.codes import MAX_GUESSES, VALID_MINUTES, Purpose, Verdict
from selbsthelfer.identity.models import Code, User
from selbsthelfer.identity.operations import (
    CODES_KEPT_HOURS,
    NobodyThereError,
    check_code,
    enter,
    send_second_proof_code,
    send_sign_in_code,
)
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.identity.people import NUMBER, ended_line, last_code, line, messages, now, wrong

pytestmark = pytest.mark.django_db
NOW = now()


def sent(number: str = NUMBER) -> UUID:
    return send_sign_in_code(number=number, language="de", now=NOW)


def check(code_id: UUID, given: str, minutes: float = 0, purpose: Purpose = Purpose.SIGN_IN) -> Verdict:
    at = NOW + timedelta(minutes=minutes)
    return check_code(code_id=code_id, purpose=purpose, given=given, now=at).verdict


def test_the_code_that_was_sent_is_right_once() -> None:
    line()
    code_id = sent()
    checked = check_code(code_id=code_id, purpose=Purpose.SIGN_IN, given=last_code(), now=NOW)
    assert (checked.verdict, checked.subscriber_id) == (Verdict.RIGHT, subscriber_id_of("L-1"))
    assert check(code_id, last_code()) is Verdict.OVER


def test_a_code_is_kept_as_a_digest_only() -> None:
    line()
    code = Code.objects.get(pk=sent())
    assert len(last_code()) == 6
    assert last_code() not in code.digest
    assert NUMBER not in str(vars(code))


@pytest.mark.parametrize(("minutes", "verdict"), [(9.99, Verdict.RIGHT), (VALID_MINUTES, Verdict.OVER)])
def test_a_code_runs_out(minutes: float, verdict: Verdict) -> None:
    line()
    assert check(sent(), last_code(), minutes) is verdict


def test_after_five_wrong_guesses_the_right_one_is_worth_nothing() -> None:
    line()
    code_id = sent()
    verdicts = [check(code_id, wrong(last_code())) for _ in range(MAX_GUESSES)]
    assert verdicts == [Verdict.WRONG] * (MAX_GUESSES - 1) + [Verdict.OVER]
    assert check(code_id, last_code()) is Verdict.OVER


def test_the_last_guess_may_be_right() -> None:
    line()
    code_id = sent()
    for _ in range(MAX_GUESSES - 1):
        check(code_id, wrong(last_code()))
    assert check(code_id, last_code()) is Verdict.RIGHT


def test_a_code_is_worth_nothing_for_another_purpose() -> None:
    line()
    assert check(sent(), last_code(), purpose=Purpose.SECOND_PROOF) is Verdict.OVER
    assert check(uuid4(), last_code()) is Verdict.OVER


def test_a_code_is_worth_nothing_for_another_request() -> None:
    line()
    first = sent()
    code = last_code()
    second = sent()
    assert last_code() == code or check(second, code) is Verdict.WRONG
    assert check(first, code) is Verdict.RIGHT


def test_nothing_is_sent_to_a_number_that_is_nobodys_and_nothing_given_is_right() -> None:
    code_id = sent()
    assert messages("sign_in_code") == []
    assert Code.objects.get(pk=code_id).subscriber_id is None
    assert check(code_id, "000000") is Verdict.WRONG


def test_nothing_is_sent_to_a_line_that_has_ended() -> None:
    ended_line()
    sent()
    assert messages("sign_in_code") == []
    with pytest.raises(NobodyThereError):
        enter(subscriber_id=subscriber_id_of("L-1"), now=NOW)


def test_a_number_that_moved_leads_to_its_new_line() -> None:
    line("OLD")
    new = line("NEW", "+491713920002")
    new.facts.clear()
    new.add("subscriber.changed", "2025-06-01", {"msisdn": NUMBER})
    new.send()
    code_id = sent()
    checked = check_code(code_id=code_id, purpose=Purpose.SIGN_IN, given=last_code(), now=NOW)
    assert checked.subscriber_id == subscriber_id_of("NEW")


def test_entering_makes_the_user_once() -> None:
    line(language="en")
    first = enter(subscriber_id=subscriber_id_of("L-1"), now=NOW)
    second = enter(subscriber_id=subscriber_id_of("L-1"), now=NOW)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.user == second.user
    assert (first.user.subject, first.user.language) == ("L-1", "en")
    assert not first.user.has_usable_password()


def test_the_code_of_a_second_proof_belongs_to_its_user() -> None:
    line()
    user: User = enter(subscriber_id=subscriber_id_of("L-1"), now=NOW).user
    code_id = send_second_proof_code(user=user, language="de", now=NOW)
    given = last_code("second_proof_code")
    checked = check_code(code_id=code_id, purpose=Purpose.SECOND_PROOF, given=given, now=NOW)
    assert checked.user_id == user.pk


def test_old_codes_go() -> None:
    line()
    old = sent()
    Code.objects.filter(pk=old).update(created_at=NOW - timedelta(hours=CODES_KEPT_HOURS, seconds=1))
    young = sent()
    assert set(Code.objects.values_list("pk", flat=True)) == {young}
