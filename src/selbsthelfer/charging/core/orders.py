"""What can have become of a credit order."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where a credit order stands; only what is confirmed may be called usable.

    `uncertain`: nobody knows whether the charging system took it. `refused`: it said no; somebody must look.
    """

    OPEN = "open"
    CONFIRMED = "confirmed"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"
