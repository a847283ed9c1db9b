from __future__ import annotations

import json
from datetime import timedelta

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from selbsthelfer.cli.explain import command
from tests.portal.life import Life, at, prepare

pytestmark = pytest.mark.django_db

app = Typer()
app.command()(command)


@pytest.fixture(autouse=True)
def one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line with a bit of everything, and one in control."""
    monkeypatch.setattr("selbsthelfer.cli.explain.connect", lambda: None)
    monkeypatch.setenv("COLUMNS", "80")
    prepare()
    one = Life("tel-1", msisdn="4915112345678", timezone="Europe/Berlin")
    one.enrolled()
    one.active_monthly(1, 5)
    one.called("2025-02-20T10:00", "fault")
    one.called("2025-04-20T10:00", "use.view")
    one.called("2025-04-21T10:00", "hardship")
    one.add("usage.recorded", "2025-05-11", {"bytes": 40_000_000})
    one.send()
    hidden = Life("tel-2", variant="control")
    hidden.enrolled()
    hidden.active_monthly()
    hidden.send()


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def told(*arguments: str) -> str:
    result = explain(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_it_reads_well_at_80_columns_without_colour() -> None:
    text = told("tel-1", "--at", "2025-05-20T12:00:00Z")
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    flowing = " ".join(text.split())
    for expected in (
        "Anschluss tel-1 Stand: 20. Mai 2025 um 14:00 Uhr (Europe/Berlin)",
        "Jetzt nutzbar: 5,06 GB",
        "o2-2017, Fassung 1",
        "Erhalten: 200 MB von höchstens 1,8 GB",
        "Stufe 1 bestanden 1. Januar – 31. März 2025 Bestanden: 3-mal etwas online erledigt",
        "Stufe 2 offen 1. April – 30. Juni 2025 Bisher 2-mal etwas online erledigt, ein Anruf, der zählt "
        "(20. April 2025).",
        "100 MB am 10. Mai 2025 um 14:00 Uhr durch „Mailbox einstellen“ gutgeschrieben; "
        "davon sind 60 MB übrig, nutzbar bis zum 31. Mai 2025.",
        "zählt nicht (fault): Bei einer Störung dürfen Sie sich immer melden, das zählt nie.",
        "zählt: „Verbrauch ansehen“ geht auch online, deshalb zählt dieser Anruf.",
        "zählt nicht (exempt): Ihr Anliegen ist vertraulich vermerkt und zählt nie.",
    ):
        assert expected in flowing, expected
    assert "hardship" not in text


def test_it_speaks_english_and_knows_numbers() -> None:
    flowing = " ".join(told("+49 151 12345678", "--language", "en", "--at", "2025-05-20").split())
    assert "Line tel-1 As known on 20 May 2025 at 02:00 (Europe/Berlin)" in flowing
    assert "Stage 2 open 1 April – 30 June 2025" in flowing
    assert "“View usage” can also be done online, so this call counts." in flowing


def test_staff_are_told_of_control_and_that_the_subscriber_is_not() -> None:
    flowing = " ".join(told("tel-2", "--at", "2026-01-01").split())
    assert "Variante control" in flowing
    assert "Wer diesen Anschluss hat, erfährt von diesem Programm nichts." in flowing
    assert "Vergleichsgruppe: am 10. April 2025 um 12:00 Uhr nur festgehalten, ohne Gutschrift." in flowing
    assert "Erhalten" not in flowing


def test_a_machine_gets_one_json_object() -> None:
    told_json = json.loads(told("tel-1", "--json", "--at", "2025-05-20", "--language", "en"))
    assert told_json["at"] == "2025-05-20T00:00:00Z"
    assert told_json["usable_bytes"] == 5_060_000_000
    (enrolment,) = told_json["enrolments"]
    assert (enrolment["programme"], enrolment["version"], enrolment["variant"]) == ("o2-2017", 1, "treatment")
    assert [stage["state"] for stage in enrolment["stages"]] == ["passed", "open", "open"]
    assert [period["index"] for period in enrolment["periods"]] == list(range(1, 13))
    tranche = enrolment["periods"][4]["tranche"]
    assert (tranche["state"], tranche["bytes"], tranche["left_bytes"]) == ("granted", 100_000_000, 60_000_000)
    assert tranche["granted_at"] == "2025-05-10T12:00:00Z"
    assert tranche["sentence"].startswith("100 MB credited on 10 May 2025 at 14:00 by “Set voicemail”")
    contacts = [(c["code"], c["counts"], c["topic"]) for c in enrolment["contacts"]]
    assert contacts == [("fault", False, "fault"), (None, True, "use.view"), ("exempt", False, "exempt")]
    assert all(c["sentence"] for c in enrolment["contacts"])


@pytest.mark.parametrize(
    "arguments",
    [("nobody",), ("tel-1", "--at", "2024-01-01"), ("tel-1", "--at", "yesterday"), ("",)],
)
def test_what_cannot_be_explained_ends_with_one_plain_line(arguments: tuple[str, ...]) -> None:
    result = explain(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_another_programme_is_not_explained() -> None:
    assert "Keine Teilnahme" in told("tel-1", "--programme", "other", "--at", "2025-05-20")
    assert "Stufe 1" in told("tel-1", "--programme", "o2-2017", "--at", "2025-05-20")


def test_an_instant_without_an_offset_is_utc() -> None:
    later = (at("2025-05-20") + timedelta(hours=0)).isoformat()
    assert told("tel-1", "--at", "2025-05-20T00:00") == told("tel-1", "--at", later)
