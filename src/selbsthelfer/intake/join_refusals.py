"""Why a line cannot join or leave a programme: expected errors, each with a stable code and words."""

from __future__ import annotations

from typing import ClassVar

from selbsthelfer.kit.wording import Words
from selbsthelfer.programmes.core.variant import Obstacle
from selbsthelfer.programmes.core.wording_joining import OBSTACLES, REFUSALS, JoinRefusal


class JoinRefusedError(ValueError):
    """A line cannot join or leave; `code` is stable, `words` are for the subscriber."""

    refusal: ClassVar[JoinRefusal]

    def __init__(self, reason: Obstacle | None = None) -> None:
        self.reason = reason
        super().__init__(reason.value if reason else self.code)

    @property
    def code(self) -> str:
        return self.refusal.value

    @property
    def words(self) -> Words:
        return REFUSALS[self.refusal] if self.reason is None else OBSTACLES[self.reason]


class NotOpenError(JoinRefusedError):
    """Lines may not enrol yet, or not any more; `reason` says which."""

    refusal = JoinRefusal.NOT_OPEN


class NotEligibleError(JoinRefusedError):
    """The line may not take part; `reason` names the first obstacle."""

    refusal = JoinRefusal.NOT_ELIGIBLE


class InvitationNeededError(JoinRefusedError):
    """The programme is joined by invitation, the line is not on the list, and no code was given."""

    refusal = JoinRefusal.INVITATION_NEEDED


class InvitationUnknownError(JoinRefusedError):
    """There is no such code for this programme. Whoever lets people type codes limits how often."""

    refusal = JoinRefusal.INVITATION_UNKNOWN


class InvitationUsedError(JoinRefusedError):
    """The code has no use left."""

    refusal = JoinRefusal.INVITATION_USED


class BudgetExhaustedError(JoinRefusedError):
    """The programme's budget cannot keep another enrolment's promise."""

    refusal = JoinRefusal.BUDGET_EXHAUSTED


class WithdrawnBeforeError(JoinRefusedError):
    """The line has left the programme; its first enrolment and its earliest withdrawal hold."""

    refusal = JoinRefusal.WITHDRAWN


class NotEnrolledError(JoinRefusedError):
    """The line does not take part, so it cannot leave."""

    refusal = JoinRefusal.NOT_ENROLLED
