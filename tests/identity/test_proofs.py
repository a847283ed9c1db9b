"""What proofs allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.identity.core.proofs import Level, Means, Proof, Way, level_of_proofs, ways_to_confirm

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=90)


def proof(way: Way, minutes_ago: float) -> Proof:
    return Proof(way, NOW - timedelta(minutes=minutes_ago))


def test_one_proof_signs_in_and_no_more_however_fresh() -> None:
    assert level_of_proofs([proof(Way.PASSWORD, 0)], now=NOW) is Level.SIGNED_IN


@pytest.mark.parametrize(("minutes", "level"), [(0, 2), (14.99, 2), (15, 1), (600, 1)])
def test_a_second_proof_holds_fifteen_minutes(minutes: float, level: int) -> None:
    proofs = [proof(Way.CODE, 900), proof(Way.APP, minutes)]
    assert level_of_proofs(proofs, now=NOW) == level


@given(st.lists(st.tuples(st.sampled_from(Way), st.integers(0, 100)), min_size=1, max_size=5))
def test_more_proofs_never_lower_the_level(given_proofs: list[tuple[Way, int]]) -> None:
    proofs = [proof(way, minutes) for way, minutes in given_proofs]
    levels = [level_of_proofs(proofs[:count], now=NOW) for count in range(1, len(proofs) + 1)]
    assert levels == sorted(levels)


def test_who_has_set_up_nothing_confirms_by_a_fresh_code() -> None:
    assert ways_to_confirm([], [proof(Way.CODE, 1)]) == {Way.CODE}


def test_what_is_set_up_replaces_the_code() -> None:
    means = [Means(Way.PASSWORD, LONG_AGO), Means(Way.APP, LONG_AGO)]
    assert ways_to_confirm(means, [proof(Way.CODE, 1)]) == {Way.PASSWORD, Way.APP}


def test_the_password_does_not_prove_twice() -> None:
    assert ways_to_confirm([Means(Way.PASSWORD, LONG_AGO)], [proof(Way.PASSWORD, 1)]) == {Way.CODE}


def test_what_was_set_up_after_signing_in_does_not_confirm() -> None:
    means = [Means(Way.APP, NOW - timedelta(minutes=5))]
    assert ways_to_confirm(means, [proof(Way.CODE, 10)]) == {Way.CODE}
