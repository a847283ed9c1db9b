"""One-time codes: how long they hold, and when a given one is right."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import Final

CODE_DIGITS: Final = 6
MAX_GUESSES: Final = 5
"""How often a code may be entered, the right time included."""
VALID_MINUTES: Final = 10


class Purpose(StrEnum):
    """What a code is for; one made for one purpose is worth nothing for another."""

    SIGN_IN = "sign_in"
    SECOND_PROOF = "second_proof"
    EMAIL = "email"


class Verdict(StrEnum):
    """What a given code turned out to be."""

    RIGHT = "right"
    WRONG = "wrong"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class CodeState:
    """A code as it is kept: never itself, only its digest."""

    digest: str
    guesses: int
    created_at: datetime
    is_used: bool


def new_code() -> str:
    """Draw a code of `CODE_DIGITS` digits that nobody can foresee."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def judge(state: CodeState, given_digest: str, *, now: datetime) -> Verdict:
    """Judge a given code by its digest; `OVER` when it is used, too old or guessed at too often."""
    is_old = now - state.created_at >= timedelta(minutes=VALID_MINUTES)
    if state.is_used or is_old or state.guesses >= MAX_GUESSES:
        return Verdict.OVER
    if compare_digest(state.digest, given_digest):
        return Verdict.RIGHT
    return Verdict.OVER if state.guesses + 1 >= MAX_GUESSES else Verdict.WRONG
