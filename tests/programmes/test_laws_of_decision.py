"""The laws of the decision itself, held against random facts by the pure core.

The database gives the same answers (`test_laws_of_deliveries`), so what holds here holds there.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from selbsthelfer.programmes.core.decision import Release
from tests.effort import tries
from tests.programmes.events import Event, Line, crisis
from tests.programmes.outcomes import Enrolled, Outcome, decided_by_core, differences
from tests.programmes.plots import DAY, Plot, plots, splits


def decided(plot: Plot, *more: Event) -> dict[Enrolled, Outcome]:
    return decided_by_core([*plot.events, *more], plot.definitions, now=plot.now)


@tries(150)
@given(plots(), st.data())
def test_grants_never_shrink_as_time_passes(plot: Plot, data: st.DataObject) -> None:
    """What was decided up to an instant is what is decided up to a later one, seen at the earlier."""
    received = st.sampled_from([event.received_at for event in plot.events])
    earlier = min(data.draw(received), plot.now)
    before = decided(replace(plot, now=earlier))
    for enrolled, outcome in decided(plot).items():
        releases = before[enrolled].releases if enrolled in before else ()
        assert releases == tuple(r for r in outcome.releases if r.granted_at <= earlier)


@tries(150)
@given(plots())
def test_no_tranche_is_released_twice_or_larger_than_promised_and_the_cap_holds(plot: Plot) -> None:
    definitions = {definition.name: definition for definition in plot.definitions}
    for (_, name), outcome in decided(plot).items():
        definition = definitions[name]
        indices = [release.index for release in outcome.releases]
        assert len(indices) == len(set(indices))
        assert sum(release.bytes for release in outcome.releases) <= definition.cap_bytes
        for release in outcome.releases:
            assert release.window == (release.index - 1) // definition.periods_per_stage
            assert 1 <= release.level <= release.window <= definition.stage_count
            assert 0 <= release.bytes <= definition.stages[release.level - 1].bytes
            assert release.granted_at < release.valid_until
            assert (release.activity is None) == (definition.release == "period_start")


@tries(100)
@given(plots(), st.integers(0, 100))
def test_the_order_and_the_repetition_of_facts_change_nothing(plot: Plot, seed: int) -> None:
    shuffled = [*plot.events, *plot.events[::2]]
    Random(seed).shuffle(shuffled)
    assert not differences(decided_by_core(shuffled, plot.definitions, now=plot.now), decided(plot))


@tries(100)
@given(plots(tells_twice=False), st.data())
def test_splitting_a_period_changes_nothing(plot: Plot, data: st.DataObject) -> None:
    assert not differences(decided(plot, *data.draw(splits(plot))), decided(plot))


@tries(100)
@given(plots())
def test_control_and_treatment_are_decided_alike(plot: Plot) -> None:
    swapped = tuple(
        replace(event, data={**event.data, "variant": _OTHER[event.data["variant"]]})
        if event.type == "programme.enrolled"
        else event
        for event in plot.events
    )
    one, other = decided(plot), decided(replace(plot, events=swapped))
    for enrolled, outcome in one.items():
        assert outcome.stages == other[enrolled].stages
        assert list(map(_without_volume, outcome.releases)) == list(
            map(_without_volume, other[enrolled].releases)
        )
        assert not (outcome.grants and other[enrolled].grants)


_OTHER = {"treatment": "control", "control": "treatment"}


def _without_volume(release: Release) -> Release:
    return replace(release, bytes=0)


@tries(150)
@given(plots(), st.data())
def test_nothing_in_the_customers_favour_costs_a_tranche(plot: Plot, data: st.DataObject) -> None:
    """A crisis, a contact that an agent forgives, one more activity: no tranche is lost by them."""
    contacts = [event for event in plot.events if event.type == "contact.ended"]
    assume(contacts)
    contact = data.draw(st.sampled_from(contacts))
    received = data.draw(st.sampled_from([event.received_at for event in plot.events]))
    line = Line(contact.subject or "")
    known_at = max(received, contact.time)
    favours = [
        crisis(contact.time - DAY, contact.time + DAY, received=known_at, fact_id="favour"),
        line.reclassified(known_at, contact, counts=False, received=known_at, fact_id="favour"),
        line.does(contact.time, received=known_at, fact_id="favour"),
    ]
    favour = data.draw(st.sampled_from(favours))
    before, after = decided(plot), decided(plot, favour)
    for enrolled, outcome in before.items():
        assert after[enrolled].released.keys() >= outcome.released.keys()


def test_the_laws_are_held_against_lives_in_which_something_happens() -> None:
    reached: set[str | None] = set()

    @tries(200)
    @given(plots())
    def look(plot: Plot) -> None:
        for outcome in decided(plot).values():
            reached.update(outcome.states, outcome.codes.values())
            reached.update("granted" for _ in outcome.grants)
            reached.update("level differs" for r in outcome.releases if r.level != r.window)

    look()
    assert reached >= {"open", "passed", "missed", "granted", "level differs", None}
    assert len(reached) > 15, "most codes are among what is reached"
