"""What time it is for a page: now, but for a line of the demo, whose clock may have been moved on."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest

from selbsthelfer.demo.clock import now_of_line
from selbsthelfer.portal.lines import line_of
from selbsthelfer.subscribers.core.lines import LineRef


def now_for(line: LineRef) -> datetime:
    """Tell the time of a line, also one for which somebody else asks."""
    now = datetime.now(UTC)
    return now_of_line(line.subscriber_id, now=now) if settings.DEMO else now


def now_of(request: HttpRequest) -> datetime:
    """Tell the time at which a request is answered; the same instant for the whole request."""
    known: datetime | None = getattr(request, "_now", None)
    if known is None:
        line = line_of(request) if settings.DEMO else None
        known = datetime.now(UTC) if line is None else now_for(line)
        request._now = known  # type: ignore[attr-defined]
    return known
