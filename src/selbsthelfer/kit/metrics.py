"""What a process counts about itself, for Prometheus; what the database knows is asked when it is scraped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import Counter, Histogram

FACTS: Final = Counter("selbsthelfer_facts", "Facts that came in, by what became of them.", ["result"])
INTAKE_SECONDS: Final = Histogram(
    "selbsthelfer_intake_seconds",
    "Time from a batch's arrival at intake until it was durably committed.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
"""Seconds of a whole transaction; a batch of 10,000 takes less than one on a quiet server."""
DUTIES_FAILED: Final = Counter(
    "selbsthelfer_duties_failed", "Rounds of background work that ended in an error.", ["duty"]
)


def count_batch(results: Mapping[str, int], seconds: float) -> None:
    """Count a batch that was committed: its facts by result, and how long it took."""
    for result, facts in results.items():
        FACTS.labels(result).inc(facts)
    INTAKE_SECONDS.observe(seconds)
