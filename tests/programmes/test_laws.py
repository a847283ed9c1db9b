"""The laws of the decision, held against random facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from tests.programmes.deliveries import deliver_all, deliveries
from tests.programmes.outcomes import decided_by_core, publish_all, read_outcomes, undone
from tests.programmes.plots import Plot, plots

pytestmark = pytest.mark.django_db


@tries(60)
@given(plots(), st.data())
def test_core_and_database_give_the_same_answer_however_facts_are_delivered(
    plot: Plot, data: st.DataObject
) -> None:
    batches = data.draw(deliveries(plot.known))
    with undone():
        publish_all(plot.definitions)
        deliver_all(batches, now=plot.now)
        found = read_outcomes({event.subject for event in plot.known if event.subject}, now=plot.now)
    assert found == decided_by_core(plot.events, plot.definitions, now=plot.now)
