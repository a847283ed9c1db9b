"""Numbers that people read out to each other: unguessable, without look-alikes, and with a check sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 signs: no I, L, O, U, which are mistaken for others."""
MAX_WRITTEN: Final = 40
"""Characters of a number as somebody types it, blanks and hyphens included."""

_BASE: Final = len(ALPHABET)
_BITS_PER_SIGN: Final = 5
_GROUP: Final = 4
_READ_AS: Final = str.maketrans("ILO", "110", " -\N{EN DASH}\N{NO-BREAK SPACE}")


class BrokenNumberError(ValueError):
    """A text is no number of this kind, or was mistyped."""

    code: ClassVar[str] = "broken_number"


@dataclass(frozen=True, slots=True)
class NumberKind:
    """A kind of number: a letter in front, then `signs` of which the last is a check."""

    prefix: str
    signs: int

    @property
    def bits(self) -> int:
        """How many bits of chance are in a number."""
        return (self.signs - 1) * _BITS_PER_SIGN

    def written(self, chance: int) -> str:
        """Write a number from `bits` bits of chance, such as `Q-7K3M-9PX2-4TR8`."""
        if not 0 <= chance < 1 << self.bits:
            raise ValueError(f"a number is made of {self.bits} bits")
        values = [chance >> _BITS_PER_SIGN * place & 31 for place in reversed(range(self.signs - 1))]
        return self._grouped("".join(ALPHABET[value] for value in [*values, _check_of(values)]))

    def read(self, typed: str) -> str:
        """Read a number as people type it; raises `BrokenNumberError`.

        Lower case, blanks, missing hyphens or a missing letter in front do not matter, and O, I, L are taken
        for 0, 1, 1.
        """
        if len(typed) > MAX_WRITTEN:
            raise BrokenNumberError("this is too long for a number")
        signs = typed.strip().upper().translate(_READ_AS)
        if len(signs) == self.signs + len(self.prefix):
            signs = signs.removeprefix(self.prefix)
        if len(signs) != self.signs or set(signs) - set(ALPHABET):
            raise BrokenNumberError(f"a number has {self.signs} signs behind {self.prefix}")
        values = [ALPHABET.index(sign) for sign in signs]
        if _check_of(values[:-1]) != values[-1]:
            raise BrokenNumberError("a sign of this number was mistyped")
        return self._grouped(signs)

    def _grouped(self, signs: str) -> str:
        groups = (signs[start : start + _GROUP] for start in range(0, self.signs, _GROUP))
        return "-".join([self.prefix, *groups])


def _check_of(values: list[int]) -> int:
    """Check as Luhn does, in base 32: finds any one wrong sign, and almost any two that changed places."""
    total = 0
    for place, value in enumerate(reversed(values)):
        weighted = value * (1 if place % 2 else 2)
        total += weighted // _BASE + weighted % _BASE
    return -total % _BASE
