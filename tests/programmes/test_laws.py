"""The laws of the decision, held against random facts."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.effort import tries
from tests.programmes.outcomes import (
    decided_by_core,
    decided_in_database,
    undone,
)
from tests.programmes.plots import Plot, plots

pytestmark = pytest.mark.django_db


@tries(60)
@given(plots())
def test_core_and_database_give_the_same_answer(plot: Plot) -> None:
    with undone():
        found = decided_in_database(plot.known, plot.definitions, now=plot.now)
    assert found == decided_by_core(plot.events, plot.definitions, now=plot.now)
