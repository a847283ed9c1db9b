"""Facts that arrive behind what is decided for their line: what they may change is decided again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.intake.recording import Entering
from selbsthelfer.kit.sql import statements
from selbsthelfer.programmes.operations import Touch

_SQL = statements("selbsthelfer.intake")


def find_behind(entering: Sequence[Entering], frontiers: Mapping[UUID, datetime]) -> dict[UUID, datetime]:
    """Find the lines that learn something from behind their frontier, and the earliest instant of it."""
    behind: dict[UUID, datetime] = {}
    if frontiers:
        for line, received_at, _ in entering:
            if line in frontiers and received_at < frontiers[line]:
                behind[line] = min(received_at, behind.get(line, received_at))
    return behind


def later_instants(cursor: psycopg.Cursor[Any], behind: Mapping[UUID, datetime]) -> list[Touch]:
    """List the instants after a given one at which each line learned something.

    Facts that arrive behind what is decided may change what followed, so it is decided again.
    """
    if not behind:
        return []
    parameters = {"lines": list(behind), "after": list(behind.values())}
    return [Touch(line, at, at) for line, at in cursor.execute(_SQL["later_instants"], parameters)]
