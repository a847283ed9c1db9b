"""Who may take part, and in which variant."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.history import Variant

__all__ = ["Obstacle", "Variant", "draw_variant", "reasons_against"]


class Obstacle(StrEnum):
    """Why a line may not take part."""

    NOT_YET_OPEN = "not_yet_open"
    CLOSED = "closed"
    TARIFF = "tariff"
    TENURE = "tenure"
    UNLIMITED = "unlimited"


def draw_variant(*, salt: str, subject: str, control_share: Decimal) -> Variant:
    """Draw the variant that a subject has for ever under one salt.

    The first eight bytes of SHA-256(salt + ":" + subject), as a big-endian fraction of 2^64, are compared
    with the share in whole numbers, because the nearest binary fraction of 0.1 is not 0.1.
    """
    drawn = int.from_bytes(sha256(f"{salt}:{subject}".encode()).digest()[:8], "big")
    numerator, denominator = control_share.as_integer_ratio()
    return Variant.CONTROL if drawn * denominator < numerator << 64 else Variant.TREATMENT


def reasons_against(
    definition: Definition,
    *,
    tariff: str | None,
    tenure_days: int | None,
    included_bytes: int | None,
    now: datetime,
) -> tuple[Obstacle, ...]:
    """List why a line may not enrol at `now`, none if it may.

    `included_bytes` of `None` means unlimited; a tariff or tenure that is not known does not fulfil a demand.
    """
    eligible = definition.eligible
    checks = {
        Obstacle.NOT_YET_OPEN: definition.enrol_from is not None and now < definition.enrol_from,
        Obstacle.CLOSED: definition.enrol_until is not None and now >= definition.enrol_until,
        Obstacle.TARIFF: bool(eligible.tariffs) and tariff not in eligible.tariffs,
        Obstacle.TENURE: (tenure_days or 0) < eligible.tenure_days_min,
        Obstacle.UNLIMITED: included_bytes is None and not eligible.unlimited,
    }
    return tuple(obstacle for obstacle, stands in checks.items() if stands)
