"""Every scenario is decided twice: by the pure core, and by facts that enter the database through intake."""

from __future__ import annotations

import pytest

from tests.programmes.deciding import Decide
from tests.programmes.outcomes import decided_by_core, decided_in_database


@pytest.fixture(params=["core", "database"])
def decide(request: pytest.FixtureRequest, db: None) -> Decide:
    """Decide by the core, and by the database; both must give what a test demands."""
    return Decide(decided_by_core if request.param == "core" else decided_in_database)
