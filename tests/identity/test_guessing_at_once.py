"""Guesses that are made at the same moment count like guesses in turn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from selbsthelfer.identity.core.codes import MAX_GUESSES, Purpose, Verdict
from selbsthelfer.identity.models import Code
from selbsthelfer.identity.operations import check_code, enter, send_sign_in_code
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.identity.people import NUMBER, last_code, line, now, wrong

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 12


def test_guesses_at_once_are_no_more_than_five() -> None:
    line()
    code_id = send_sign_in_code(number=NUMBER, language="de", now=now())
    guess = wrong(last_code())

    def check(_: int) -> Verdict:
        try:
            return check_code(code_id=code_id, purpose=Purpose.SIGN_IN, given=guess, now=now()).verdict
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = list(pool.map(check, range(AT_ONCE)))
    assert verdicts.count(Verdict.WRONG) == MAX_GUESSES - 1
    assert Code.objects.get(pk=code_id).guesses == AT_ONCE


def test_a_right_code_given_twice_at_once_is_right_once() -> None:
    line()
    code_id = send_sign_in_code(number=NUMBER, language="de", now=now())
    code = last_code()

    def check(_: int) -> Verdict:
        try:
            return check_code(code_id=code_id, purpose=Purpose.SIGN_IN, given=code, now=now()).verdict
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(check, range(4)))
    assert verdicts.count(Verdict.RIGHT) == 1


def test_a_first_time_twice_at_once_makes_one_user() -> None:
    line()

    def come(_: int) -> bool:
        try:
            return enter(subscriber_id=subscriber_id_of("L-1"), now=now()).is_new
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(come, range(4))).count(True) == 1
