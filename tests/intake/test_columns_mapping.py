"""What is said of a column mapping that is wrong."""

from __future__ import annotations

import pytest

from selbsthelfer.intake.core.columns import ColumnMappingErrors, read_mapping

from .tables import LINES, changed


def problems(text: str) -> dict[str, str]:
    """Return what is wrong with a mapping, by field."""
    with pytest.raises(ColumnMappingErrors) as refused:
        read_mapping(text)
    assert all(error.problem for error in refused.value.errors)
    return {error.field: error.problem for error in refused.value.errors}


def test_everything_wrong_with_a_mapping_is_said_at_once() -> None:
    found = problems(
        """
        kind = "contacts"
        colour = "red"
        [file]
        columns = ["a", "a", "b"]
        delimiter = ";;"
        encoding = "utf-99"
        [subject]
        column = "c"
        prefix = 5
        [time]
        column = "b"
        value = 2026-01-01T00:00:00Z
        zone = "Europe/Atlantis"
        [data.outcome]
        column = "d"
        colour = "red"
        [data.mood]
        value = "good"
        [data.topic]
        value = 7
        [data.queue]
        [data.direction]
        value = "inbound"
        skip = ["x"]
        [data.talk_seconds]
        column = "a"
        unit = "fortnights"
        default = "long"
        [data.wait_seconds]
        column = "e"
        map = { x = -1 }
        """
    )
    assert set(found) == {
        "colour",
        "source",
        "file.columns",
        "file.delimiter",
        "file.encoding",
        "subject.prefix",
        "id",
        "time",
        "time.zone",
        "data.outcome.colour",
        "data.mood",
        "data.topic.value",
        "data.queue",
        "data.direction.skip",
        "data.talk_seconds.unit",
        "data.wait_seconds",
        "data.wait_seconds.map.x",
    }


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('kind = "contacts"', 'kind = "calls"', "kind"),
        ('source = "acd"', 'source = ""', "source"),
        ('source = "acd"', 'source = "acd"\ndistinct = "yes"', "distinct"),
        ('column = "line"', 'column = "lines"', "subject"),
        ('columns = ["day", "number"]', 'columns = ["day", "numbers"]', "id"),
        ('columns = ["day", "number"]', "columns = []", "id.columns"),
        ('columns = ["day", "number"]', 'columns = ["day"]\nseparator = ""', "id.separator"),
        ('date_of = "began"', 'date_of = "start"', "time"),
        ('zone = "Europe/Berlin"', "", "time.zone"),
        ('zone = "Europe/Berlin"', 'zone = "../etc/passwd"', "time.zone"),
        ('date_format = "%d.%m.%Y"', 'date_format = "%d.%q"', "time.date_format"),
        ('date_format = "%d.%m.%Y"', 'date_format = "dd.mm.yyyy"', "time.date_format"),
        ('zone = "Europe/Berlin"', 'zone = "Europe/Berlin"\nformat = "unix"', "time.format"),
        ('zone = "Europe/Berlin"', 'zone = "Europe/Berlin"\nrepeated_hour = "both"', "time.repeated_hour"),
        ('{ column = "began" }', '{ column = "began", unset = { mood = "" } }', "time"),
        ('{ column = "began" }', '{ column = "began", colour = "red" }', "time.clocks"),
        ('value = "hotline"', 'value = "hotline"\ncolumn = "line"', "data.channel"),
        ('value = "hotline"', 'value = "hotline"\nunit = "seconds"', "data.channel.unit"),
        ('"bill.view"', f'"{"x" * 101}"', "data.topic.map.B"),
        ("[data.topic]", "[data.topic]\nspread = [1]", "data.topic"),
        ("[id]", "[identity]", "identity"),
    ],
)
def test_a_wrong_mapping_names_the_field(old: str, new: str, field: str) -> None:
    assert field in problems(changed((old, new)))


def test_a_text_that_is_no_toml_names_the_line() -> None:
    assert "line 2" in problems('kind = "contacts"\nsource = \n')
    assert "line 2" in problems('kind = "contacts"\n' + "a." * 3_000 + "b = 1")
    assert "line 1" in problems("#" * 65 + "\n" * 66_000)
    assert "line 1" in problems("a = " + "[" * 3_000)


def test_a_line_needs_its_billing_cycle() -> None:
    found = problems(LINES.replace("[data.billing_day]\nspread = [1, 8, 15, 22]\n", ""))
    assert set(found) == {"data.billing_day"}
    assert set(problems(LINES.replace("[data.timezone]", "[data.language]"))) == {"data.timezone"}
