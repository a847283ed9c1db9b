"""What a page took, and what it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SIGN_IN: Final = "POST: have a code sent"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a visit may cost: statements, milliseconds as a rule, bytes of HTML."""

    queries: int
    milliseconds: float
    html_bytes: int


OF_PAGE: Final = Goal(8, 30, 60_000)
OF_CODE: Final = Goal(15, 30, 60_000)


@dataclass(frozen=True, slots=True)
class PageFigure:
    """What one kind of visit took: milliseconds, statements, bytes, and large tables that were read whole."""

    page: str
    visit: str
    median: float
    late: float
    ratio: float
    queries: int
    html_bytes: int
    zipped_bytes: int
    read_whole: tuple[str, ...]
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is kept and no large table is read whole; none where there is no goal."""
        if self.goal is None:
            return None
        return (
            self.queries <= self.goal.queries
            and self.median <= self.goal.milliseconds
            and self.html_bytes <= self.goal.html_bytes
            and not self.read_whole
        )
