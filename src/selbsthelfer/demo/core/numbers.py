"""Telephone numbers that nobody has or ever will have.

Source: Bundesnetzagentur, “Rufnummern für Medienproduktionen (Drama Numbers)”, notice 148/2021 in its gazette
7/2021: two mobile blocks of 100 numbers and 1,000 numbers in each of five cities.
"""

from __future__ import annotations

from typing import Final

BLOCKS: Final = (
    ("+4917139200", 2),
    ("+49176040690", 2),
    ("+493023125", 3),
    ("+496990009", 3),
    ("+494066969", 3),
    ("+492214710", 3),
    ("+498999998", 3),
)
"""The blocks, each with the digits that are free behind it; a city number is a line's number at home."""


def fictional_number(ordinal: int) -> str | None:
    """Give the number of the line with an ordinal from 1; none when the blocks are used up (5,200 lines)."""
    rest = ordinal - 1
    for prefix, digits in BLOCKS:
        size = 10**digits
        if rest < size:
            return f"{prefix}{rest:0{digits}d}"
        rest -= size
    return None
