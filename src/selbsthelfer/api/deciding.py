"""What staff decide, refused: as problem documents."""

from __future__ import annotations

from selbsthelfer.api.problems import Fault, Problem
from selbsthelfer.intake.by_hand import DecisionRefusedError, FactReusedError, LineEndedError


def refused(error: DecisionRefusedError | FactReusedError | LineEndedError) -> Problem:
    """Say why a decision was not taken; nothing was changed."""
    if isinstance(error, LineEndedError):
        return line_ended()
    if isinstance(error, FactReusedError):
        return Problem(
            422, "idempotency_key_reused", "This Idempotency-Key was used for another request before."
        )
    rejection = error.rejection
    where = "/" + (rejection.field or "").removeprefix("data.").replace(".", "/")
    fault = Fault(where.rstrip("/"), rejection.code, rejection.reason)
    return Problem(422, "request_invalid", "What was sent is not as this route takes it.", faults=[fault])


def line_ended() -> Problem:
    return Problem(409, "line_ended", "This line has ended.")
