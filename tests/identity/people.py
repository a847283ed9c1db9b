"""Lines with numbers, and what was sent to them: what the tests of signing in are fed with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from selbsthelfer.identity.models import User
from selbsthelfer.outbox.models import Message
from tests.portal.life import Life

NUMBER = "+491713920001"
AS_WRITTEN = "0171 3920001"
UNKNOWN = "0171 3920099"


def line(subject: str = "L-1", number: str = NUMBER, **registration: object) -> Life:
    """Register a line that has a number."""
    life = Life(subject, msisdn=number, **registration)
    life.send()
    return life


def ended_line(subject: str = "L-1", number: str = NUMBER) -> Life:
    """Register a line that ended long ago."""
    life = Life(subject, msisdn=number)
    life.add("subscriber.ended", "2025-03-01", {})
    life.send()
    return life


def messages(kind: str) -> list[dict[str, Any]]:
    """List the contents of the messages of a kind, the oldest first."""
    return [message.content for message in Message.objects.filter(kind=kind).order_by("message_id")]


def last_code(kind: str = "sign_in_code") -> str:
    """Read the code that was sent last."""
    return str(messages(kind)[-1]["code"])


def wrong(code: str) -> str:
    """Make a code that is surely another."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def now() -> datetime:
    return datetime.now(UTC)


def later(**span: float) -> datetime:
    return now() + timedelta(**span)


def only_user() -> User:
    return User.objects.get()
