"""Run a measurement beside its baseline, in turn, and keep the medians."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table: a value, its baseline, their ratio and the goal for it.

    `goal` reads like ">= 0.33"; without one the row is only information.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    goal: str | None = None

    @property
    def met(self) -> bool | None:
        """Tell whether the ratio, or the value where there is none, meets the goal."""
        if self.goal is None:
            return None
        sign, bound = self.goal.split()
        held = self.ratio if self.ratio is not None else self.value
        return held >= float(bound) if sign == ">=" else held <= float(bound)


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    ours: Callable[[int], object], baseline: Callable[[int], object], rounds: int
) -> tuple[float, float]:
    """Time both in turn, so that a drift of the machine meets both; return the medians in seconds."""
    times = [(seconds(lambda n=n: ours(n)), seconds(lambda n=n: baseline(n))) for n in range(rounds)]  # type: ignore[misc]
    return median(t for t, _ in times), median(t for _, t in times)


def peak_megabytes() -> float:
    """Tell the largest memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
