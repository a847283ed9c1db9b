"""Every scenario is decided twice: by the pure core, and by facts that enter the database through intake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import pytest

from selbsthelfer.programmes.core.definition import Definition
from tests.programmes.events import Event
from tests.programmes.outcomes import Enrolled, Outcome, decided_by_core, decided_in_database


class Decide(Protocol):
    def __call__(
        self, events: Sequence[Event], definitions: Sequence[Definition], *, now: datetime
    ) -> dict[Enrolled, Outcome]: ...


@pytest.fixture(params=["core", "database"])
def decide(request: pytest.FixtureRequest, db: None) -> Decide:
    """Decide by the core, and by the database; both must give what a test demands."""
    return decided_by_core if request.param == "core" else decided_in_database
