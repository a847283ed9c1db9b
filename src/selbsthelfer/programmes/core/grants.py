"""What was granted to a line, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.programmes.core.wording_status import TrancheStatus


@dataclass(frozen=True, slots=True)
class GrantMade:
    """A grant, usable from `granted_at` until `usable_until` once its order is confirmed.

    Without an `order_state` it needed no order, because it had ended when it was decided.
    """

    programme: str
    version: int
    index: int
    window: int
    level: int
    bytes: int
    granted_at: datetime
    usable_until: datetime
    credit_id: UUID
    order_state: OrderState | None

    @property
    def is_confirmed(self) -> bool:
        """Tell whether it may be called usable; before that it is being credited."""
        return self.order_state in (None, OrderState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class LedgerGrant:
    """A grant in the ledger of a line, with the activity that released it and what is left of it."""

    grant: GrantMade
    activity: str | None
    activity_source: str | None
    activity_id: str | None
    left_bytes: int
    status: TrancheStatus


def status_of_grant(grant: GrantMade, left_bytes: int, at: datetime) -> TrancheStatus:
    """Tell what has become of a grant at an instant."""
    if at >= grant.usable_until:
        return TrancheStatus.EXPIRED if left_bytes else TrancheStatus.USED
    if not grant.is_confirmed:
        return TrancheStatus.BEING_CREDITED
    return TrancheStatus.USABLE if left_bytes else TrancheStatus.USED
