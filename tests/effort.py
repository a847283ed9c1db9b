"""How hard properties try: with `TEST_EFFORT=20` twenty times more examples, and other ones in each run."""

from __future__ import annotations

import os

from hypothesis import settings

EFFORT = int(os.environ.get("TEST_EFFORT", "1"))


def tries(examples: int) -> settings:
    """Try so many examples, times the effort."""
    return settings(max_examples=examples * EFFORT)
