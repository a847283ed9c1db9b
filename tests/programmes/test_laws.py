"""The laws of the decision, held against random facts."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.effort import tries
from tests.programmes.deliveries import deliver_all, deliveries
from tests.programmes.outcomes import decided_by_core, differences, publish_all, read_outcomes, undone
from tests.programmes.plots import Plot, plots

pytestmark = pytest.mark.django_db


from hypothesis import reproduce_failure
@reproduce_failure('6.170.15', b'AXicc2RkdGRgcMQB8ck5MqLRSJDBkQmrBmSlPGAeM5jNB7UHKgcATOkSLw==')
@tries(60)
@given(plots(), st.data())
def test_core_and_database_give_the_same_answer_however_facts_are_delivered(
    plot: Plot, data: st.DataObject
) -> None:
    assume(not _withdraws_before_it_is_enrolled(plot))
    batches = data.draw(deliveries(plot.known))
    with undone():
        publish_all(plot.definitions)
        deliver_all(batches, now=plot.now)
        found = read_outcomes({event.subject for event in plot.known if event.subject}, now=plot.now)
    assert not differences(found, decided_by_core(plot.events, plot.definitions, now=plot.now))


def _withdraws_before_it_is_enrolled(plot):
    for w in plot.events:
        if w.type == "programme.withdrawn":
            for e in plot.events:
                if e.type == "programme.enrolled" and e.subject == w.subject and e.received_at > w.received_at:
                    return True
    return False
