"""The golden vectors: what a year of life gives under each preset, to the byte and by period.

Everybody is billed on the 1st in Berlin and enrolled on 15 January 2025, so that index and month agree, and
does one thing online in every month unless said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from selbsthelfer.programmes.core.definition import PRESETS, load_preset
from tests.programmes.deciding import Decide
from tests.programmes.events import Line, instant
from tests.programmes.outcomes import Outcome

FAIR, LITERAL, REPEAT, RESET, AUTOMATIC = PRESETS
NOW = instant("2026-03-01")
PERFECT = {4: 100, 5: 100, 6: 100, 7: 200, 8: 200, 9: 200, 10: 300, 11: 300, 12: 300}
NOTHING: dict[int, float] = {}

Grants = Mapping[int, float]


def participant(
    subject: str = "participant", *, active_in: Iterable[int] = range(1, 13), variant: str = "treatment"
) -> Line:
    """A line in all five presets at once."""
    line = Line(subject)
    line.registers()
    for preset in PRESETS:
        line.enrols("2025-01-15T12:00", preset, variant)
    for month in active_in:
        line.does(f"2025-{month:02}-20T12:00")
    return line


def without(grants: Grants, *indices: int) -> Grants:
    return {index: mb for index, mb in grants.items() if index not in indices}


def quarters(first: float, second: float, third: float) -> Grants:
    """The same tranche in each of the three paying periods of each window."""
    tranches = (first,) * 3 + (second,) * 3 + (third,) * 3
    return {index: mb for index, mb in enumerate(tranches, start=4) if mb}


def caller(*months: int, **told: object) -> Line:
    """One who also calls the hotline on the 10th of some months."""
    line = participant()
    for month in months:
        line.calls(f"2025-{month:02}-10T09:00", **told)
    return line


def leaver(at: str) -> Line:
    line = participant()
    for preset in PRESETS:
        line.withdraws(at, preset)
    return line


def alike(grants: Grants, **others: Grants) -> dict[str, Grants]:
    """Expect the same of every preset but those named by their last word."""
    return {preset: others.get(preset.rpartition("-")[2], grants) for preset in PRESETS}


GOLDEN = [
    pytest.param(participant(), alike(PERFECT), id="perfect"),
    pytest.param(
        caller(5),
        alike(quarters(100, 0, 300), repeat=quarters(100, 0, 200), reset=quarters(100, 0, 100)),
        id="a counting call in window 2",
    ),
    pytest.param(
        caller(2),
        alike(quarters(0, 200, 300), repeat=quarters(0, 100, 200), reset=quarters(0, 100, 200)),
        id="a counting call in window 1",
    ),
    pytest.param(caller(8), alike(quarters(100, 200, 0)), id="a counting call in window 3"),
    pytest.param(
        caller(*range(1, 13), topic="fault"), alike(PERFECT, literal=NOTHING), id="a fault each month"
    ),
    pytest.param(caller(*range(1, 13), outcome="abandoned"), alike(PERFECT), id="abandoned calls only"),
    *(
        pytest.param(
            participant(active_in=set(range(1, 13)) - {idle}),
            alike(without(PERFECT, idle), automatic=PERFECT),
            id=f"no activity in period {idle}",
        )
        for idle in (10, 11, 12)
    ),
    pytest.param(participant(active_in=()), alike(NOTHING), id="no activity at all"),
    pytest.param(
        participant(active_in=(2, 5, 8, 11)),
        alike({5: 100, 8: 200, 11: 300}, automatic=PERFECT),
        id="activity only in periods 2, 5, 8 and 11",
    ),
    pytest.param(caller(10), alike(PERFECT), id="a counting call in period 10"),
    pytest.param(participant(variant="control"), alike(NOTHING), id="control, perfect"),
    pytest.param(
        leaver("2025-08-01"),
        alike(without(quarters(100, 200, 0), 8, 9), automatic=without(quarters(100, 200, 0), 9)),
        id="withdrawal at the start of period 8",
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("line", "expected"), GOLDEN)
def test_a_year_gives_what_was_promised(line: Line, expected: Mapping[str, Grants], decide: Decide) -> None:
    outcomes = decide(line.events, [load_preset(preset) for preset in PRESETS], now=NOW)
    assert {preset: outcomes[line.subject, preset].grants for preset in PRESETS} == expected


@pytest.mark.django_db
def test_a_grant_is_born_with_its_activity_and_dies_with_its_period(decide: Decide) -> None:
    line = participant()
    outcome: Outcome = decide(line.events, [load_preset(preset) for preset in PRESETS], now=NOW)[
        line.subject, FAIR
    ]
    activities = {event.id: event for event in line.events}
    for index, release in outcome.released.items():
        assert release.activity is not None
        assert release.granted_at == activities[release.activity].time == instant(f"2025-{index:02}-20T12:00")
        following = f"2025-{index + 1:02}-01" if index < 12 else "2026-01-01"
        assert release.valid_until == instant(following)
        assert (release.window, release.level) == ((index - 1) // 3, (index - 1) // 3)


@pytest.mark.django_db
def test_control_is_decided_like_treatment_and_granted_nothing(decide: Decide) -> None:
    treated, control = participant("treated"), participant("control", variant="control")
    outcomes = decide(
        [*treated.events, *control.events], [load_preset(preset) for preset in PRESETS], now=NOW
    )
    for preset in PRESETS:
        granted, recorded = outcomes["treated", preset], outcomes["control", preset]
        assert recorded.grants == NOTHING
        assert recorded.stages == granted.stages
        assert [(r.index, r.window, r.level, r.granted_at) for r in recorded.releases] == [
            (r.index, r.window, r.level, r.granted_at) for r in granted.releases
        ]
