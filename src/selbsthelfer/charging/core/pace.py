"""How long the steps of a delivery may take, and how long is waited between them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final, Self

SEND_WITHIN: Final = timedelta(seconds=20)
"""An order that is not on its way so long after it was taken is not sent, and can be taken again."""
CLOCK_SLACK: Final = timedelta(seconds=5)
"""How far the clocks of two machines may be apart."""
READ_AFTER: Final = timedelta(seconds=5)
"""How soon an order of unknown fate is read back for the first time; what is found is confirmed at once."""
READ_WITHIN: Final = timedelta(minutes=2)
"""For how long whoever reads an order back has it alone; longer than any system may keep it waiting."""
FIRST_WAIT: Final = timedelta(seconds=2)
"""How long after its first failure an order is tried again."""
MAX_WAIT: Final = timedelta(minutes=15)
"""The longest wait between two attempts: the end of a long outage is noticed within it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The times that a delivery keeps; a test on one machine, with one clock, can go through them quicker."""

    send_within: timedelta = SEND_WITHIN
    clock_slack: timedelta = CLOCK_SLACK
    read_after: timedelta = READ_AFTER
    read_within: timedelta = READ_WITHIN
    first_wait: timedelta = FIRST_WAIT
    max_wait: timedelta = MAX_WAIT

    def quickened(self, times: int) -> Self:
        """Divide each of the times."""
        return type(self)(*(getattr(self, field.name) / times for field in fields(self)))


PACE: Final = Pace()
