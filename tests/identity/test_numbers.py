"""Numbers as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.identity.core.numbers import (
    MAX_NUMBER_CHARACTERS,
    read_number,
    shown_number,
    spellings,
    written_number,
)


@pytest.mark.parametrize(
    "written",
    [
        "01713920001",
        "0171 3920001",
        "0171/39-20-001",
        "(0171) 3920001",
        "+49 171 3920001",
        "0049 171 3920001",
        "+49 (0) 171 3920001",
        "  +491713920001 ",
    ],
)
def test_a_number_is_read_however_it_is_written(written: str) -> None:
    assert read_number(written) == "+491713920001"


@pytest.mark.parametrize("written", ["", "abc", "0", "+", "name@example.com", "1" * 41])
def test_what_is_no_number_is_none(written: str) -> None:
    assert read_number(written) is None


@given(st.text(max_size=MAX_NUMBER_CHARACTERS + 5))
def test_whatever_is_read_is_read_the_same_again(written: str) -> None:
    number = read_number(written)
    assert number is None or read_number(number) == number


def test_a_number_may_be_kept_without_its_plus_sign() -> None:
    assert spellings("+491713920001") == ["+491713920001", "491713920001"]


def test_a_page_shows_three_digits_only() -> None:
    assert shown_number("+491713920001") == "… 001"


@pytest.mark.parametrize(
    ("number", "written"), [("+491713920001", "+49 171 3920001"), ("", ""), ("abc", "abc")]
)
def test_a_number_is_written_for_people(number: str, written: str) -> None:
    assert written_number(number) == written
