"""Codes of invitation: how they are made, written, read and kept.

A code has eight signs of Crockford's base 32, which has no letters that look like digits: 40 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 8
MAX_TYPED: Final = 40
"""Characters of what somebody types as a code; more is none."""

_LOOK_ALIKES: Final = str.maketrans("OIL", "011")
_SEPARATORS: Final = str.maketrans("", "", " -\u2010\u2011\u2013\u2014.\t\u00a0")


def make_code(choose: Callable[[str], str]) -> str:
    """Make a code of signs chosen at random, written `XXXX-XXXX`."""
    signs = "".join(choose(SIGNS) for _ in range(LENGTH))
    return f"{signs[:4]}-{signs[4:]}"


def normalise(typed: str) -> str | None:
    """Read a code as people type it, with small letters, blanks, hyphens, O for 0; none if it is no code."""
    if len(typed) > MAX_TYPED:
        return None
    signs = typed.translate(_SEPARATORS).upper().translate(_LOOK_ALIKES)
    return signs if len(signs) == LENGTH and set(signs) <= set(SIGNS) else None


def code_digest(programme: str, signs: str) -> str:
    """Compute under what a normalised code is kept: the SHA-256 with its programme, in hexadecimal."""
    return sha256(f"{programme}:{signs}".encode()).hexdigest()
