"""Telephone numbers as people write them, and as the operator does."""

from __future__ import annotations

from typing import Final

import phonenumbers

HOME_REGION: Final = "DE"
"""Where a number without a country code is."""
MAX_NUMBER_CHARACTERS: Final = 40


def read_number(text: str) -> str | None:
    """Read a number however it is written, as in 0176 …, +49 176 … or 0049176 …; none if it is not one.

    The answer is in E.164, with a leading plus sign.
    """
    if len(text) > MAX_NUMBER_CHARACTERS:
        return None
    try:
        number = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def spellings(number: str) -> list[str]:
    """List how an operator may have written a number in E.164: with its plus sign and without."""
    return [number, number.removeprefix("+")]


def shown_number(number: str) -> str:
    """Show where a code went without showing the number: its last three digits."""
    return f"… {number[-3:]}"


def written_number(number: str) -> str:
    """Write a number for people, in groups; what is no number stays as it is."""
    try:
        read = phonenumbers.parse(number, HOME_REGION)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
