"""What the database decides does not depend on how facts are delivered, and is what the core decides."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from selbsthelfer.intake.sweeping import sweep
from tests.effort import tries
from tests.programmes.deliveries import Batch, deliver_all, deliveries, tells_a_lost_fact_again
from tests.programmes.outcomes import (
    Enrolled,
    Outcome,
    decided_by_core,
    decided_in_database,
    deliver,
    differences,
    publish_all,
    read_outcomes,
    together,
    undone,
)
from tests.programmes.plots import Plot, plots, splits

pytestmark = pytest.mark.django_db


@tries(60)
@given(plots(), st.data())
def test_core_and_database_give_the_same_answer_however_facts_are_cut_shuffled_and_repeated(
    plot: Plot, data: st.DataObject
) -> None:
    assume(not tells_a_lost_fact_again(plot.events))
    batches = data.draw(deliveries(plot.known))
    with undone():
        found = decided_from(plot, batches)
    assert not differences(found, decided_by_core(plot.events, plot.definitions, now=plot.now))


@tries(15)
@given(plots())
def test_the_facts_of_different_lines_may_come_in_any_order(plot: Plot) -> None:
    crises = [event for event in plot.known if event.subject is None]
    lines = [[e for e in plot.known if e.subject == line] for line in sorted(subjects(plot), reverse=True)]
    with undone():
        found = decided_from(plot, [Batch(tuple(events)) for events in (crises, *lines)])
    assert not differences(found, decided_by_core(plot.events, plot.definitions, now=plot.now))


@tries(15)
@given(plots(registers_late=False), st.integers(0, 100))
def test_told_again_a_fact_changes_nothing(plot: Plot, seed: int) -> None:
    with undone():
        once = decided_in_database(plot.known, plot.definitions, now=plot.now)
        again = list(plot.known)
        Random(seed).shuffle(again)
        receipt = deliver(again, now=plot.now)
        sweep(now=plot.now)
        twice = read_outcomes(subjects(plot), now=plot.now)
    assert receipt.released == 0
    assert not differences(twice, once)


@tries(20)
@given(plots(tells_twice=False), st.data())
def test_in_whatever_order_batches_come_no_tranche_is_lost_or_taken_back_and_the_cap_holds(
    plot: Plot, data: st.DataObject
) -> None:
    groups = together(plot.known)
    parts = data.draw(st.integers(1, 4))
    batches = [[event for group in groups[n::parts] for event in group] for n in range(parts)]
    caps = {definition.name: definition.cap_bytes for definition in plot.definitions}
    expected = decided_by_core(plot.events, plot.definitions, now=plot.now)
    seen: dict[Enrolled, Outcome] = {}
    with undone():
        publish_all(plot.definitions)
        for batch in data.draw(st.permutations(batches)):
            deliver(batch, now=plot.now)
            found = read_outcomes(subjects(plot), now=plot.now)
            assert all(set(found[line].releases) >= set(seen[line].releases) for line in seen)
            seen = found
        sweep(now=plot.now)
        found = read_outcomes(subjects(plot), now=plot.now)
    for enrolled, outcome in expected.items():
        assert found[enrolled].released.keys() >= outcome.released.keys()
        assert sum(release.bytes for release in found[enrolled].releases) <= caps[enrolled[1]]


@tries(15)
@given(plots(tells_twice=False), st.data())
def test_splitting_a_period_changes_nothing(plot: Plot, data: st.DataObject) -> None:
    with undone():
        whole = decided_in_database(plot.known, plot.definitions, now=plot.now)
    split = [*plot.known, *data.draw(splits(plot))]
    with undone():
        found = decided_in_database(split, plot.definitions, now=plot.now)
    assert not differences(found, whole)


def decided_from(plot: Plot, batches: list[Batch]) -> dict[Enrolled, Outcome]:
    publish_all(plot.definitions)
    deliver_all(batches, now=plot.now)
    return read_outcomes(subjects(plot), now=plot.now)


def subjects(plot: Plot) -> set[str]:
    return {event.subject for event in plot.known if event.subject}
