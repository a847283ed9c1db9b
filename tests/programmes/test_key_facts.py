"""The key facts are true of whatever a definition says: what they promise is what the rules give."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given

from selbsthelfer.kit.wording import Words, volume
from selbsthelfer.programmes.core.definition import PRESETS, Definition, Join, StageTerms, load_preset
from selbsthelfer.programmes.core.key_facts import key_facts, most_bytes
from tests.effort import tries
from tests.programmes.deciding import PROGRAMME, programme
from tests.programmes.events import Line
from tests.programmes.outcomes import decided_by_core
from tests.programmes.plots import definitions


def told(definition: Definition) -> str:
    return " ".join(fact.de for fact in key_facts(definition))


def levels(definition: Definition, passed: tuple[bool, ...]) -> list[int]:
    """Say the rule of levels once more, as the page of the rules has it."""
    found = []
    for window in (w for w, is_passed in enumerate(passed, start=1) if is_passed):
        before = passed[: window - 1]
        match definition.on_missed_stage:
            case "repeat":
                found.append(1 + sum(before))
            case "reset":
                found.append(
                    1 + len(before) - max((n for n, ok in enumerate(before, start=1) if not ok), default=0)
                )
            case _:
                found.append(window)
    return found


@tries(200)
@given(definitions("any"))
def test_the_most_is_that_of_the_best_way_to_pass_and_miss(definition: Definition) -> None:
    best = max(
        sum(definition.stages[level - 1].bytes for level in levels(definition, passed))
        for passed in product([False, True], repeat=definition.stage_count)
    )
    assert most_bytes(definition) == min(definition.cap_bytes, best * definition.periods_per_stage)


def test_a_missed_stage_may_be_the_best_way_under_reset() -> None:
    stages = tuple(StageTerms(mb * 1_000_000) for mb in (200, 1, 0))
    assert most_bytes(programme(stages=stages, on_missed_stage="reset")) == 3 * 400_000_000
    assert most_bytes(programme(stages=stages, on_missed_stage="repeat")) == 3 * 201_000_000


@pytest.mark.parametrize("preset", PRESETS)
def test_a_perfect_participant_gets_what_the_presets_name(preset: str) -> None:
    definition = replace(load_preset(preset), name=PROGRAMME)
    line = Line()
    line.registers()
    line.enrols("2025-01-15", PROGRAMME)
    for month in range(1, 13):
        line.does(f"2025-{month:02}-20T12:00")
    now = line.does("2026-02-20").time
    (outcome,) = decided_by_core(line.events, [definition], now=now).values()
    granted = sum(release.bytes for release in outcome.releases)
    first = min(release.index for release in outcome.releases)
    assert granted == most_bytes(definition) == 1_800_000_000
    facts = key_facts(definition)
    assert "3-mal 100 MB, 3-mal 200 MB und 3-mal 300 MB, insgesamt bis zu 1,8 GB" in facts[0].de
    assert "12 Abrechnungszeiträume" in facts[1].de
    assert f"frühestens im {first}." in facts[1].de


@tries(200)
@given(definitions("any"))
def test_no_sentence_is_empty_or_half_said_and_every_number_stands_in_both_languages(
    definition: Definition,
) -> None:
    facts = key_facts(definition)
    assert len(set(facts)) == len(facts) <= 12
    for fact in facts:
        for text in (fact.de, fact.en):
            assert text == text.strip()
            assert text.endswith(".")
            assert not re.search(r"[{}]|  | ,|\.\.|\bNone\b", text)
        assert fact.de != fact.en
        assert len(fact.de) < 420


@tries(200)
@given(definitions("any"))
def test_what_is_named_is_what_the_definition_says(definition: Definition) -> None:
    text, most = told(definition), most_bytes(definition)
    if most:
        assert f"bis zu {volume(most).de}." in text
        assert all(volume(stage.bytes).de in text for stage in definition.stages)
        assert ("von selbst, wenn der Zeitraum beginnt" in text) == (definition.release == "period_start")
    else:
        assert "bringt kein Datenvolumen" in text
    assert ("Störung oder kein Netz" in text) == (definition.exemptions == "fair")
    assert ("jedes Gespräch" in text) == (definition.exemptions == "none")
    assert ("frei" in text.replace("freigegeben", "")) == bool(definition.goodwill_contacts)
    assert ("von selbst bestanden" in text) == (not definition.activities_min and not definition.channels)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"channels": frozenset()}, "Kein Kontakt zählt gegen Sie."),
        ({"channels": frozenset(), "activities_min": 0}, "Jede Stufe ist von selbst bestanden."),
        ({"contacts_max": 2}, "höchstens 2 Kontakte zählen (Hotline)"),
        ({"channels": frozenset({"hotline", "chat"})}, "kein Kontakt zählt (Chat oder Hotline)"),
        ({"channels": frozenset({"written"})}, "keine schriftliche Anfrage zählt"),
        ({"activities_min": 3}, "mindestens 3-mal etwas online erledigen, das zählt, und kein Anruf"),
        ({"join": Join.INVITATION}, "nur mit Einladung"),
        ({"stages": (StageTerms(5_000_000),), "periods_per_stage": 1}, "Die eine Stufe umfasst einen davon"),
        (
            {"stages": tuple(StageTerms(n * 10**6) for n in range(1, 8)), "periods_per_stage": 2},
            "2-mal 1 MB bis 7 MB",
        ),
        ({"cap_bytes": 250_000_000}, "insgesamt bis zu 250 MB"),
        ({"on_missed_stage": "reset"}, "beginnt wieder bei 100 MB"),
        ({"on_missed_stage": "repeat"}, "so viel, wie sie gebracht hätte"),
    ],
)
def test_each_setting_that_matters_is_said(settings: dict[str, Any], expected: str) -> None:
    assert expected in told(programme(**settings))


def test_leaving_staying_open_and_what_is_stored_are_always_said() -> None:
    for preset in PRESETS:
        text = told(load_preset(preset))
        for always in (
            "Die Hotline bleibt für Sie offen",
            "jederzeit gehen",
            "nehmen wir nie zurück",
            "speichern wir",
        ):
            assert always in text


def test_key_facts_are_values() -> None:
    definition = programme(not_online=MappingProxyType({"blue-s": ["bill.iban"]}))
    assert key_facts(definition) == key_facts(definition)
    assert all(isinstance(fact, Words) for fact in key_facts(definition))
