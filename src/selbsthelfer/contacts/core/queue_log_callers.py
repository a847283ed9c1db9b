"""Tell how the number of a caller may be written in the operator's own records."""

from __future__ import annotations

import re

MAX_NUMBER_DIGITS = 15
"""The longest international number (ITU-T E.164)."""

_FILLERS = re.compile(r"[\s()/.-]+")
_NUMBER = re.compile(r"(\+|00)?([0-9]{3,17})", re.ASCII)


def spellings_of(caller: str, country_code: str | None = None) -> tuple[str, ...]:
    """Return every way to write a caller's number, the one that was sent first.

    With a country code such as `49`, `0170…` is the same number as `+49170…` and `0049170…`. What is no
    number is returned as it was sent.
    """
    sent = caller.strip()
    match = _NUMBER.fullmatch(_FILLERS.sub("", sent))
    if match is None:
        return (sent,)
    prefix, digits = match.groups()
    spellings = [sent, match.group()]
    international = digits if prefix else _international(digits, country_code)
    if len(international) <= MAX_NUMBER_DIGITS:
        spellings += [f"+{international}", international, f"00{international}"]
        if country_code and international.startswith(country_code):
            spellings.append(f"0{international.removeprefix(country_code)}")
    return tuple(dict.fromkeys(spellings))


def _international(digits: str, country_code: str | None) -> str:
    """Write a number without an international prefix as one from abroad would dial it."""
    if country_code and digits.startswith("0"):
        return country_code + digits[1:]
    return digits
