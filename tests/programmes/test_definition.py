"""Definitions: what is written is what is read, and every mistake is named with its line."""

from __future__ import annotations

import dataclasses
import time
import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.programmes.core.definition import (
    MAX_CHARACTERS,
    PRESETS,
    Definition,
    DefinitionError,
    DefinitionErrors,
    Eligibility,
    Exemptions,
    Join,
    MissedStageRule,
    ReleaseRule,
    StageTerms,
    Title,
    UnknownPresetError,
    json_schema,
    load_preset,
    preset_text,
    read_definition,
)

NAMED = 'name = "mine"\ntitle = { de = "Meins", en = "Mine" }\n'

COMPLETE = """\
# a programme that writes every setting
name = "spring-2026"
title.de = "Frühling"
title.en = "Spring # not a comment"
stages = [
    { bytes = "100 MB" },  # the first
    { bytes = 200_000_000 },
]
periods_per_stage = 2
activities_min = 2
contacts_max = 1
settle_delay_hours = 48
close_after_days = 30
channels = [
    "hotline",
    "chat",
]
talk_seconds_min = 10
exemptions = "none"
goodwill_contacts = 1
on_missed_stage = "reset"
release = "period_start"
cap_bytes = "1.5 GB"
budget_bytes = "2 TB"
not_online."Free M" = ["con.view", "bill.view"]
eligible.tariffs = ["Free M", "Free L"]
eligible.tenure_days_min = 90
eligible.unlimited = true
enrol_from = 2026-03-01T00:00:00+01:00
enrol_until = 2026-06-01T00:00:00+02:00
join = "invitation"
control_share = 0.1
salt = "pepper"
"""


def problems(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(DefinitionErrors) as caught:
        read_definition(text)
    return [(error.line, error.field, error.problem) for error in caught.value.errors]


def test_every_setting_is_read() -> None:
    assert read_definition(COMPLETE) == Definition(
        name="spring-2026",
        title=Title(de="Frühling", en="Spring # not a comment"),
        stages=(StageTerms(100_000_000), StageTerms(200_000_000)),
        periods_per_stage=2,
        activities_min=2,
        contacts_max=1,
        settle_delay_hours=48,
        close_after_days=30,
        channels=frozenset({"hotline", "chat"}),
        talk_seconds_min=10,
        exemptions=Exemptions.NONE,
        goodwill_contacts=1,
        on_missed_stage=MissedStageRule.RESET,
        release=ReleaseRule.PERIOD_START,
        cap_bytes=1_500_000_000,
        budget_bytes=2_000_000_000_000,
        not_online={"Free M": frozenset({"con.view", "bill.view"})},
        eligible=Eligibility(frozenset({"Free M", "Free L"}), 90, True),
        enrol_from=datetime(2026, 2, 28, 23, tzinfo=UTC),
        enrol_until=datetime(2026, 5, 31, 22, tzinfo=UTC),
        join=Join.INVITATION,
        control_share=Decimal("0.1"),
        salt="pepper",
    )


def test_what_is_not_written_is_as_in_the_test_of_2017() -> None:
    preset = load_preset("o2-2017")
    text = f'name = "o2-2017"\n[title]\nde = "{preset.title.de}"\nen = "{preset.title.en}"\n'
    assert read_definition(text) == preset


def test_the_test_of_2017_gives_at_most_its_cap() -> None:
    preset = load_preset("o2-2017")
    assert [stage.bytes for stage in preset.stages] == [100_000_000, 200_000_000, 300_000_000]
    assert sum(stage.bytes for stage in preset.stages) * preset.periods_per_stage == preset.cap_bytes
    assert (preset.stage_count, preset.observed_periods, preset.last_index) == (3, 9, 12)
    assert (preset.settle_delay, preset.close_after) == (timedelta(hours=24), timedelta(days=90))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("o2-2017-literal", {"exemptions": Exemptions.NONE}),
        ("o2-2017-repeat", {"on_missed_stage": MissedStageRule.REPEAT}),
        ("o2-2017-reset", {"on_missed_stage": MissedStageRule.RESET}),
        ("o2-2017-automatic", {"release": ReleaseRule.PERIOD_START}),
    ],
)
def test_a_preset_differs_from_the_first_in_one_setting(name: str, change: dict[str, Any]) -> None:
    preset = load_preset(name)
    assert preset.name == name
    expected = dataclasses.replace(load_preset("o2-2017"), name=name, title=preset.title, **change)
    assert preset == expected


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_commented_and_bound_to_no_operator(name: str) -> None:
    preset = load_preset(name)
    assert "ifun.de" in preset_text(name)
    assert (preset.enrol_from, preset.enrol_until, preset.budget_bytes) == (None, None, None)
    assert not preset.eligible.tariffs
    assert not preset.control_share


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(UnknownPresetError):
        load_preset("../o2-2017")


@pytest.mark.parametrize(
    ("written", "broken", "line", "field", "problem"),
    [
        ('name = "spring-2026"', 'name = "Spring 2026"', 2, "name", "a-z"),
        ('name = "spring-2026"', "name = 2026", 2, "name", "a text, not a whole number"),
        ('title.de = "Frühling"', 'title.de = ""', 3, "title.de", "empty"),
        ('title.de = "Frühling"', "title.de = 3", 3, "title.de", "a text"),
        ('title.de = "Frühling"', 'title.de = " Frühling"', 3, "title.de", "blanks"),
        ('title.de = "Frühling"', 'title.d = "Frühling"', 3, "title.d", "did you mean 'de'"),
        ('{ bytes = "100 MB" }', '{ bytes = "100 Mb" }', 6, "stages[1].bytes", "MB"),
        ('{ bytes = "100 MB" }', '{ bytes = "1,8 GB" }', 6, "stages[1].bytes", '"1.8 GB"'),
        ('{ bytes = "100 MB" }', '{ bytes = "0.5 B" }', 6, "stages[1].bytes", "whole number of bytes"),
        ("{ bytes = 200_000_000 }", "{ bytes = -1 }", 7, "stages[2].bytes", "from 0 to 1000000000000"),
        ("{ bytes = 200_000_000 }", "{ bytes = 1.5 }", 7, "stages[2].bytes", "not a decimal number"),
        ("{ bytes = 200_000_000 }", "200_000_000", 7, "stages[2]", "a table"),
        ("{ bytes = 200_000_000 }", '{ bytes = "1.1 TB" }', 7, "stages[2].bytes", "from 0 to"),
        ("{ bytes = 200_000_000 }", "{ byte = 3 , bytes = 1 }", 7, "stages[2].byte", "did you mean 'bytes'"),
        ("{ bytes = 200_000_000 }", "{ }", 7, "stages[2].bytes", "is missing"),
        ("periods_per_stage = 2", "periods_per_stage = 0", 9, "periods_per_stage", "from 1 to 12"),
        ("periods_per_stage = 2", "periods_per_stage = 13", 9, "periods_per_stage", "from 1 to 12"),
        ("activities_min = 2", "activities_min = true", 10, "activities_min", "not true or false"),
        ("contacts_max = 1", "contacts_max = -1", 11, "contacts_max", "from 0 to 1000"),
        ("settle_delay_hours = 48", "settle_delay_hours = 8761", 12, "settle_delay_hours", "to 8760"),
        ("close_after_days = 30", "close_after_days = 3651", 13, "close_after_days", "to 3650"),
        ('    "chat",', "    7,", 16, "channels[2]", "a text"),
        ('    "chat",', '    "hotline",', 16, "channels[2]", "twice"),
        ("talk_seconds_min = 10", 'talk_seconds_min = "10"', 18, "talk_seconds_min", "not a text"),
        ('exemptions = "none"', 'exemptions = "fare"', 19, "exemptions", "did you mean 'fair'"),
        ('exemptions = "none"', "exemptions = false", 19, "exemptions", "fair, none"),
        ("goodwill_contacts = 1", "goodwill_contacts = 1.0", 20, "goodwill_contacts", "whole number"),
        ('on_missed_stage = "reset"', 'on_missed_stage = "restart"', 21, "on_missed_stage", "calendar"),
        ('release = "period_start"', 'release = "period"', 22, "release", "did you mean 'period_start'"),
        ('cap_bytes = "1.5 GB"', "cap_bytes = 0", 23, "cap_bytes", "from 1 to"),
        ('cap_bytes = "1.5 GB"', "cap-bytes = 1", 23, "cap-bytes", "did you mean 'cap_bytes'"),
        ('budget_bytes = "2 TB"', 'budget_bytes = "1 GB"', 24, "budget_bytes", "at least cap_bytes"),
        ('"con.view", "bill.view"', '"con.veiw"', 25, 'not_online.Free M[1]', "did you mean 'con.view'"),
        ('"con.view", "bill.view"', "1", 25, "not_online.Free M[1]", "the id of an activity"),
        ('not_online."Free M"', "not_online.Free.M", 25, "not_online.Free", "in quotes"),
        ('"Free M", "Free L"', '"Free M", 5', 26, "eligible.tariffs[2]", "a text"),
        ("tenure_days_min = 90", "tenure_days_min = -1", 27, "eligible.tenure_days_min", "from 0"),
        ("unlimited = true", 'unlimited = "yes"', 28, "eligible.unlimited", "true or false"),
        ("unlimited = true", "salt = 1", 28, "eligible.salt", "above the first line"),
        ("00:00:00+01:00", "00:00:00", 29, "enrol_from", "needs an offset"),
        ("2026-03-01T00:00:00+01:00", "2026-03-01", 29, "enrol_from", "a date without time"),
        ("2026-03-01T00:00:00+01:00", "0001-01-01T00:00:00+14:00", 29, "enrol_from", "2000 to 2199"),
        ("2026-06-01T00:00:00+02:00", "2026-03-01T00:00:00+01:00", 30, "enrol_until", "after enrol_from"),
        ('join = "invitation"', 'join = "invite"', 31, "join", "did you mean 'invitation'"),
        ("control_share = 0.1", "control_share = 1.1", 32, "control_share", "from 0 to 1"),
        ("control_share = 0.1", "control_share = nan", 32, "control_share", "from 0 to 1"),
        ("control_share = 0.1", "control_share = 1e99999999999999999999", 32, "control_share", "from 0 to 1"),
        ("control_share = 0.1", "control_share = 1e-999999", 32, "control_share", "six decimal places"),
        ("control_share = 0.1", 'control_share = "0.1"', 32, "control_share", "a number, not a text"),
        ('salt = "pepper"', 'salt = ""', 33, "salt", "needed when control_share"),
        ('salt = "pepper"', "", 32, "salt", "needed when control_share"),
        ('salt = "pepper"', "salt = 1", 33, "salt", "a text"),
    ],
)  # fmt: skip
def test_one_broken_setting_is_named_with_its_line(
    written: str, broken: str, line: int, field: str, problem: str
) -> None:
    assert COMPLETE.count(written) == 1
    found = problems(COMPLETE.replace(written, broken))
    assert (line, field) in [(at, name) for at, name, _ in found]
    assert [text for at, name, text in found if (at, name) == (line, field) and problem in text]
    also_missing = {"title.de", "stages[2].bytes"}
    assert {name for _, name, _ in found} <= {field} | also_missing


def test_the_settings_of_the_test_above_are_all_settings() -> None:
    schema: Any = json_schema()
    assert set(tomllib.loads(COMPLETE)) == set(schema["properties"])
    assert set(schema["properties"]) == {field.name for field in dataclasses.fields(Definition)}


def test_all_problems_are_told_at_once_in_order() -> None:
    text = "# nothing\nrelease = 1\n\nstages = []\nsalz = ''\n"
    assert [(line, field) for line, field, _ in problems(text)] == [
        (1, "name"),
        (1, "title"),
        (2, "release"),
        (4, "stages"),
        (5, "salz"),
    ]


def test_an_enrolment_lasts_at_most_sixty_periods() -> None:
    text = NAMED + "periods_per_stage = 12\n"
    stage = "[[stages]]\nbytes = 1\n"
    assert read_definition(text + stage * 4).last_index == 60
    [(line, field, problem)] = problems(text + stage * 5)
    assert (line, field) == (3, "periods_per_stage")
    assert "60" in problem


def test_too_many_stages_are_refused() -> None:
    found = problems(NAMED + "[[stages]]\nbytes = 1\n" * 13)
    assert [(line, field) for line, field, _ in found] == [(3, "stages")]


def test_a_setting_below_a_table_is_said_to_stand_in_it() -> None:
    [(line, field, problem)] = problems(NAMED + '[[stages]]\nbytes = "1 MB"\n\ncap_bytes = "1 GB"\n')
    assert (line, field) == (6, "stages[1].cap_bytes")
    assert "above the first line that begins with [" in problem


def test_a_cap_below_one_tranche_is_allowed() -> None:
    assert read_definition(NAMED + 'cap_bytes = "1 MB"\n').cap_bytes == 1_000_000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("release = activity\n", 3),
        ('\n\nrelease = "activity\njoin = "open"\n', 5),
        ("salt = 'a'\n# again\nsalt = 'b'\n", 5),
        ("[eligible]\n\n[eligible]\n", 5),
        ("enrol_from = 2026-02-30T00:00:00Z\n", 3),
        ("channels = [\n", 3),
        ("contacts_max\n", 3),
        ("\r\n\r\nsalt = \r\n", 5),
        ("a" * 5000 + " = 1\n", 3),
    ],
)
def test_a_syntax_error_is_told_with_its_line(text: str, line: int) -> None:
    assert [(at, field) for at, field, _ in problems(NAMED + text)] == [(line, "")]


@pytest.mark.parametrize(
    "text",
    [
        "x" * (MAX_CHARACTERS + 1),
        "a = " + "[" * 1900,
        "a = " + "\n".join(["["] * 20_000),
        "".join(f"k{number} = 1\n" for number in range(20_000)),
        "".join(".".join([f"k{number}"] + ["a"] * 900) + " = 1\n" for number in range(120)),
        "a = 0x" + "f" * 1900,
        "budget_bytes = 0x" + "f" * 1900,
        "a = " + "[\n" + "{}, " * 400 + "\n[" * 2000,
    ],
)
def test_nonsense_is_refused_in_seconds(text: str) -> None:
    started = time.perf_counter()
    assert problems(text)
    assert time.perf_counter() - started < 10


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    definition = read_definition(COMPLETE)
    assert read_definition("\ufeff" + COMPLETE.replace("\n", "\r\n")) == definition
    broken = COMPLETE.replace('"2 TB"', "0").replace("\n", "\r\n")
    assert [line for line, _, _ in problems(broken)] == [24]


def test_an_error_reads_as_one_sentence_a_line() -> None:
    with pytest.raises(DefinitionErrors) as caught:
        read_definition(NAMED + "join = []\nsalt = 1\n")
    assert str(caught.value).splitlines() == [
        "line 3: join: must be one of open, invitation, not a list",
        "line 4: salt: must be a text, not a whole number",
    ]
    assert DefinitionError(1, "a", "b") < DefinitionError(2, "a", "a")


@pytest.mark.parametrize("text", [COMPLETE, *map(preset_text, PRESETS)])
def test_the_canonical_text_reads_as_the_same_definition(text: str) -> None:
    definition = read_definition(text)
    again = read_definition(definition.to_toml())
    assert (again, again.digest(), again.to_toml()) == (definition, definition.digest(), definition.to_toml())
    assert hash(again) == hash(definition)


def test_the_digest_is_of_the_content_and_not_of_its_wording() -> None:
    digest = read_definition(COMPLETE).digest()
    reworded = COMPLETE
    for written, otherwise in {
        "= 0.1\n": "= 1.00e-1\n",
        '"con.view", "bill.view"': '"bill.view", "con.view"',
        "2026-03-01T00:00:00+01:00": "2026-02-28 23:00:00Z",
        '"1.5 GB"': "1_500_000_000",
    }.items():
        assert written in reworded
        reworded = reworded.replace(written, otherwise)
    assert read_definition(reworded).digest() == digest
    assert read_definition(COMPLETE.replace("pepper", "salt")).digest() != digest
    assert len({load_preset(name).digest() for name in PRESETS}) == len(PRESETS)


def test_a_definition_at_every_limit_reads_back() -> None:
    tariffs = frozenset(f"{number:03d}{chr(34) * 97}" for number in range(200))
    largest = dataclasses.replace(
        read_definition(COMPLETE),
        stages=(StageTerms(10**12),) * 12,
        channels=frozenset(f"{number:0100d}" for number in range(50)),
        not_online=dict.fromkeys(tariffs, frozenset(CATALOGUE)),
        eligible=Eligibility(tariffs, 36_500, False),
    )
    assert len(largest.to_toml()) < MAX_CHARACTERS
    assert read_definition(largest.to_toml()) == largest


def test_a_definition_cannot_be_changed() -> None:
    definition = read_definition(COMPLETE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        definition.cap_bytes = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        definition.not_online["x"] = frozenset()  # type: ignore[index]


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=20)


@given(
    title=words,
    salt=words,
    tariffs=st.frozensets(words, max_size=4),
    share=st.decimals(0, 1, places=6),
    stages=st.lists(st.integers(0, 10**12), min_size=1, max_size=12),
    ids=st.frozensets(st.sampled_from(sorted(CATALOGUE))),
)
def test_any_definition_survives_its_canonical_text(
    title: str, salt: str, tariffs: frozenset[str], share: Decimal, stages: list[int], ids: frozenset[str]
) -> None:
    definition = dataclasses.replace(
        load_preset("o2-2017"),
        title=Title(title, title),
        salt=salt,
        control_share=share,
        stages=tuple(map(StageTerms, stages)),
        not_online=dict.fromkeys(tariffs, ids),
        eligible=Eligibility(tariffs, 0, False),
    )
    assert read_definition(definition.to_toml()) == definition


@given(st.decimals(0, 999, places=6), st.sampled_from([("kB", 3), ("MB", 6), ("GB", 9)]))
def test_a_unit_is_decimal_and_exact(number: Decimal, unit: tuple[str, int]) -> None:
    word, power = unit
    volume = number * 10**power
    text = f'{NAMED}stages = [{{ bytes = "{number} {word}" }}]\n'
    if volume == volume.to_integral_value():
        assert read_definition(text).stages == (StageTerms(int(volume)),)
    else:
        assert problems(text)[0][1] == "stages[1].bytes"
