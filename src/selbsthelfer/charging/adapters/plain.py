"""Read what charging systems write: instants, amounts, our own ids. What is odd is not guessed at."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from selbsthelfer.charging.adapters.calling import SystemAddressError

MAX_BYTES: Final = 2**53
"""Beyond it some systems, which count in floating point, cannot tell one byte from the next."""
MAX_SETTLE_SECONDS: Final = 86_400
UNITS: Final = {
    "b": 1,
    "byte": 1,
    "bytes": 1,
    "octet": 1,
    "octets": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}


class OddAnswerError(ValueError):
    """An answer was readable and makes no sense."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def credit_id_of(text: str | None) -> UUID | None:
    """Read the id of a credit of ours; none where the text is anything else."""
    if text is None or len(text) != 36:
        return None
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def instant_of(text: str | None) -> datetime | None:
    """Read an RFC 3339 instant; one without a zone is UTC. Raises `OddAnswerError`."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise OddAnswerError("instant_odd") from None


def bytes_of(amount: int | float, units: str | None = "octets") -> int:
    """Read an amount as whole bytes; raises `OddAnswerError` for one that is not whole, or of other units."""
    factor = UNITS.get((units or "").lower())
    if factor is None:
        raise OddAnswerError("units_odd")
    found = amount * factor
    if isinstance(found, float):
        if not found.is_integer():
            raise OddAnswerError("amount_odd")
        found = int(found)
    if abs(found) > MAX_BYTES:
        raise OddAnswerError("amount_odd")
    return found


def written(instant: datetime) -> str:
    """Write an instant in UTC as RFC 3339, to the millisecond."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def basic(user: str, password: str) -> str:
    """Write a user and a password as the header that RFC 7617 wants; raises `SystemAddressError`."""
    if not user or not password or ":" in user:
        raise SystemAddressError("the charging system needs a user without colon and a password")
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def bearer(token: str) -> str:
    """Write a token as the header that RFC 6750 wants; raises `SystemAddressError`."""
    if not token or " " in token:
        raise SystemAddressError("the charging system needs a token without blanks")
    return f"Bearer {token}"


def settle(seconds: int | None) -> int | None:
    """Check the seconds after which an attempt can no longer land; raises `SystemAddressError`."""
    if seconds is not None and not 0 <= seconds <= MAX_SETTLE_SECONDS:
        raise SystemAddressError(f"the settle time must be 0 to {MAX_SETTLE_SECONDS:,} seconds, or none")
    return seconds
