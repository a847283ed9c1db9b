"""What an answer that is no success says about a credit."""

from __future__ import annotations

from typing import Final

from selbsthelfer.charging.adapters.calling import Answer, NoAnswerError, NotSentError
from selbsthelfer.charging.core.port import NotCredited, Outcome, Unknown

UNAUTHORISED: Final = frozenset({401, 403, 407})
"""How we sign in is wrong: the operator must mend that, and the order waits."""
MISDIRECTED: Final = frozenset({307, 308, 404, 405, 421})
"""Nobody is there who could credit: the address is wrong, and the order waits."""
TURNED_AWAY: Final = frozenset({425, 429})
"""Refused before anything was done."""
OPEN: Final = frozenset({408, 409})
"""A proxy may say 408 of a request that it passed on; a conflict may be with our own earlier attempt."""


def not_sent(error: NotSentError) -> NotCredited:
    return NotCredited(error.code, is_permanent=False)


def no_answer(error: NoAnswerError) -> Unknown:
    return Unknown(error.code)


def believed(outcome: Outcome, answer: Answer) -> Outcome:
    """Believe a refusal, for now or for good, only where it cannot be the answer to another request.

    It names no credit of ours. In a connection that was used before, a server that answers twice is answering
    somebody else; so what became of the credit is open, and it is read back.
    """
    if isinstance(outcome, NotCredited) and not answer.is_first:
        return Unknown("of_another")
    return outcome


def of_refusal(answer: Answer) -> Outcome:
    """Read a status beyond 299 as carefully as a second credit would be expensive.

    503 counts as refused before the effect only with `Retry-After`, by which a server says that it turned the
    request away; without, anything between may have said it after passing the request on.
    """
    status = answer.status
    if status in UNAUTHORISED:
        return NotCredited("unauthorised", is_permanent=False)
    if status in MISDIRECTED:
        return NotCredited("address_wrong", is_permanent=False)
    if status in TURNED_AWAY or (status == 503 and "retry-after" in answer.headers):
        return NotCredited("busy", is_permanent=False)
    if 400 <= status < 500 and status not in OPEN:
        return NotCredited(f"refused_{status}", is_permanent=True)
    return Unknown(f"status_{status}")
