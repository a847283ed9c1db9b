"""Numbers of cases and receipts can be read out and typed, and a slip is found."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.kit.numbers import ALPHABET, MAX_WRITTEN, BrokenNumberError, NumberKind

KIND = NumberKind("F", 8)
chances = st.integers(0, 2**KIND.bits - 1)


def test_numbers_look_like_this() -> None:
    assert KIND.written(0) == "F-0000-0000"
    assert re.fullmatch(r"F-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", KIND.written(2**KIND.bits - 1))


@given(chances, chances)
def test_different_chance_gives_different_numbers(one: int, other: int) -> None:
    assert (KIND.written(one) == KIND.written(other)) == (one == other)


@given(chances)
def test_a_number_is_read_however_it_is_typed(chance: int) -> None:
    number = KIND.written(chance)
    signs = number.removeprefix("F-").replace("-", "")
    spoken = signs.replace("0", "o").replace("1", "l")
    for typed in (number, number.lower(), f" {number.replace('-', ' ')} ", signs, f"f{signs}", spoken):
        assert KIND.read(typed) == number


@given(chances, st.integers(0, 7), st.integers(1, 31))
def test_one_wrong_sign_is_always_found(chance: int, place: int, shift: int) -> None:
    signs = list(KIND.written(chance).removeprefix("F-").replace("-", ""))
    signs[place] = ALPHABET[(ALPHABET.index(signs[place]) + shift) % len(ALPHABET)]
    with pytest.raises(BrokenNumberError):
        KIND.read("".join(signs))


def test_nearly_every_swap_of_two_neighbours_is_found() -> None:
    pairs = [(a, b) for a in range(32) for b in range(32) if a != b]
    missed = 0
    for a, b in pairs:
        number = KIND.written(a << 30 | b << 25).removeprefix("F-").replace("-", "")
        try:
            KIND.read(number[1] + number[0] + number[2:])
        except BrokenNumberError:
            continue
        missed += 1
    assert missed <= 2


@pytest.mark.parametrize(
    "text",
    ["", "F-", "F-7K3M", "F-7K3M-2Q9U", "F-7K3M-2Q9DD", "ⅷ" * 8, "F-7K3M-2Q9\0", "0" * (MAX_WRITTEN + 1)],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BrokenNumberError):
        KIND.read(text)
