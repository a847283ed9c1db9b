"""What a line can be reminded of, by its own choice."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final


class ReminderKind(StrEnum):
    """What a reminder is about; the value is the kind of its message too."""

    TRANCHE_WAITING = "tranche_waiting"
    BUCKET_ENDING = "bucket_ending"


TRANCHE_REMINDED: Final = timedelta(days=7)
"""A tranche that waits is told of when no more than this is left of its period."""
BUCKET_REMINDED: Final = timedelta(days=3)
"""A bonus that ends is told of this long before."""
