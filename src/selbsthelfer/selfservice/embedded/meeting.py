"""Find a line as the embedded back end knows it, with all that nearly every answer needs, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from selbsthelfer.kit.sql import statements
from selbsthelfer.selfservice.embedded.models import EmbeddedLine
from selbsthelfer.subscribers.core.billing import BillingDayChange, Calendar, billing_calendar
from selbsthelfer.subscribers.core.lines import LineRef

_SQL = statements("selbsthelfer.selfservice")


class Met(NamedTuple):
    """A line that the back end knows, with how it is billed."""

    row: EmbeddedLine
    calendar: Calendar
    is_out_of_reach: bool = False


class _Billing(msgspec.Struct, frozen=True):
    """How a line is billed, as the statement tells it."""

    timezone: str
    billing_day: int | None
    period_days: int | None
    period_anchor: date | None
    changes: tuple[tuple[datetime, str, str, int], ...]


_decode_billing = msgspec.json.Decoder(_Billing).decode


def met_line(line: LineRef, outages: Sequence[str], *, now: datetime) -> Met | None:
    """Find a line that was met before, and whether one of the outages keeps it out of reach; else none."""
    parameters = {"line": line.subscriber_id, "asked": list(outages), "now": now}
    row = next(iter(EmbeddedLine.objects.raw(_SQL["line_as_met"], parameters)), None)
    if row is None:
        return None
    billing = _decode_billing(row.billing)
    calendar = billing_calendar(
        timezone=billing.timezone,
        billing_day=billing.billing_day,
        period_days=billing.period_days,
        period_anchor=billing.period_anchor,
        changes=[BillingDayChange(*change) for change in sorted(billing.changes)],
    )
    return Met(row, calendar, row.is_out_of_reach)
