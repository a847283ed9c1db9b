"""The number of a case: unguessable, easy to read out, and checked when it is typed."""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 signs: no I, L, O, U, which are mistaken for others."""
NUMBER_BITS: Final = 35
"""Of chance in a number; the last of its eight signs is a check."""

_SIGNS: Final = 8
_BASE: Final = len(ALPHABET)
_READ_AS: Final = str.maketrans("ILO", "110", " -\N{EN DASH}\N{NO-BREAK SPACE}")


class CaseNumberError(ValueError):
    """A text is no number of a case, or was mistyped."""

    code = "case_number"


def number_of(chance: int) -> str:
    """Write a number from `NUMBER_BITS` bits of chance, such as `F-7K3M-2Q9D`."""
    if not 0 <= chance < 2**NUMBER_BITS:
        raise ValueError(f"a number is made of {NUMBER_BITS} bits")
    values = [chance >> (5 * place) & 31 for place in range(_SIGNS - 2, -1, -1)]
    signs = "".join(ALPHABET[value] for value in [*values, _check_of(values)])
    return f"F-{signs[:4]}-{signs[4:]}"


def read_number(text: str) -> str:
    """Read a number as people type it; raises `CaseNumberError`.

    Lower case, blanks, missing hyphens or a missing F do not matter, and O, I, L are taken for 0, 1, 1.
    """
    signs = text.strip().upper().translate(_READ_AS)
    if len(signs) == _SIGNS + 1:
        signs = signs.removeprefix("F")
    if len(signs) != _SIGNS or set(signs) - set(ALPHABET):
        raise CaseNumberError("this is no number of a case")
    values = [ALPHABET.index(sign) for sign in signs]
    if _check_of(values[:-1]) != values[-1]:
        raise CaseNumberError("a sign of this number was mistyped")
    return f"F-{signs[:4]}-{signs[4:]}"


def _check_of(values: list[int]) -> int:
    """Check as Luhn does, in base 32: finds any one wrong sign, and almost any two that changed places."""
    total = 0
    for place, value in enumerate(reversed(values)):
        doubled = value * (1 if place % 2 else 2)
        total += doubled // _BASE + doubled % _BASE
    return -total % _BASE
