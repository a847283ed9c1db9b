"""Which proofs somebody has given, and what they allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

SECOND_PROOF_MINUTES: Final = 15
"""How long a second proof holds."""


class Level(IntEnum):
    """How well somebody has proved who they are."""

    NOBODY = 0
    SIGNED_IN = 1
    CONFIRMED = 2


class Way(StrEnum):
    """How somebody proves who they are; `app` is an authenticator app or a recovery code."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105 - a name
    PASSKEY = "passkey"
    APP = "app"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that was given."""

    way: Way
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Means:
    """A way that somebody has set up, and when."""

    way: Way
    set_up_at: datetime


def level_of_proofs(proofs: Sequence[Proof], *, now: datetime) -> Level:
    """Tell the level that proofs give, in the order in which they were given.

    The first signs in. Every later one is a second proof, which holds for `SECOND_PROOF_MINUTES`.
    """
    if not proofs:
        return Level.SIGNED_IN
    holds_since = now - timedelta(minutes=SECOND_PROOF_MINUTES)
    is_confirmed = any(holds_since < proof.given_at <= now for proof in proofs[1:])
    return Level.CONFIRMED if is_confirmed else Level.SIGNED_IN


def ways_to_confirm(means: Sequence[Means], proofs: Sequence[Proof]) -> frozenset[Way]:
    """Choose the ways by which a second proof may be given; a fresh code where there is no other.

    What was proved first does not prove a second time. What was set up after signing in does not count until
    the next time: whoever holds somebody else's session could have set it up.
    """
    if not proofs:
        return frozenset((Way.CODE,))
    first = proofs[0]
    ways = {m.way for m in means if m.set_up_at < first.given_at and m.way is not first.way}
    return frozenset(ways or (Way.CODE,))
