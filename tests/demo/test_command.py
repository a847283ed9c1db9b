"""The command: in a database of its own, refusing plainly, quick when repeated."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from selbsthelfer.cli.demo import command
from selbsthelfer.demo.wording import code_name, euros, gigabytes, language_of, listed, number
from selbsthelfer.intake.core.validation import Rejection, read_fact
from selbsthelfer.kit import embedded
from selbsthelfer.kit.wording import Language

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from typer.testing import CliRunner
from tests.demo.test_command import app

for arguments in json.load(sys.stdin):
    result = CliRunner().invoke(app, arguments)
    print(json.dumps([result.exit_code, result.stdout, result.stderr]))
"""
"""Runs one command after the other in a process whose settings nobody has read yet."""

app = typer.Typer()
app.command()(command)


def run(commands: Sequence[Sequence[str]], *, home: Path) -> list[tuple[int, str, str]]:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    places = {"SELBSTHELFER_HOME": str(home), "LANG": "C.UTF-8", "LC_ALL": "", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(commands),
        env={**environment, **places, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that the server's own user may enter; its demo ends with the test."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path
        embedded.stop(path / "demo")


def test_it_loads_once_shows_again_and_begins_anew_when_asked(home: Path) -> None:
    first, again, other, fresh = run(
        [
            ["--lines", "12", "--no-portal"],
            ["--json"],
            ["--lines", "13"],
            ["--lines", "6", "--seed", "1", "--fresh", "--language", "de", "--no-portal"],
        ],
        home=home,
    )
    assert first[0] == 0, first
    assert "made-up operator: 12 lines" in first[1]
    assert "earned it all: 1.8 GB" in first[1]
    assert f"SELBSTHELFER_HOME={home}/demo " in first[1]
    assert "selbsthelfer explain M-0000" in first[1]
    figures = json.loads(again[1])
    assert (figures["lines"], figures["seed"], figures["given"]["lines_full"] >= 1) == (12, 2017, True)
    assert "Taking in" not in again[2]
    assert other[:2] == (2, "")
    assert "--fresh" in other[2]
    assert fresh[0] == 0, fresh
    assert "erfundener Betreiber: 6 Anschlüsse" in fresh[1]
    assert sorted(entry.name for entry in home.iterdir()) == ["demo"]


def test_volume_reaches_a_played_charging_system_once(home: Path) -> None:
    ((code, told, errors),) = run([["--lines", "60", "--charging", "tmf654", "--no-portal"]], home=home)
    assert code == 0, errors
    found = re.search(r"(\d+) credits are in a played TMF654, (\d+) different ones", told)
    assert found is not None, told
    assert int(found[1]) == int(found[2]) > 0


def test_it_never_touches_a_database_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///operator")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "DATABASE_URL" in result.stderr
    assert result.stdout == ""


def test_it_writes_a_file_without_any_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///operator")
    path = tmp_path / "facts.jsonl"
    result = CliRunner().invoke(app, ["--lines", "3", "--write", str(path), "--language", "de"])
    assert result.exit_code == 0
    assert "3 Anschlüssen" in result.stdout
    facts = [read_fact(line) for line in path.read_bytes().splitlines()]
    assert facts
    assert not any(isinstance(fact, Rejection) for fact in facts)


def test_a_file_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--lines", "1", "--write", str(tmp_path / "missing" / "facts.jsonl")])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_AT", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "fr_FR"}, "en"),
        ({"LC_MESSAGES": "de", "LANG": "en"}, "de"),
    ],
)
def test_the_language_is_that_of_the_user(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


def test_figures_are_written_as_the_language_does() -> None:
    german, english = Language.GERMAN, Language.ENGLISH
    assert (number(1234567, german), euros(14_890, german)) == ("1.234.567", "148,90 €")
    assert (gigabytes(744_500_000_000, english), euros(14_890, english)) == ("744.5 GB", "EUR 148.90")
    assert listed({"hotline": 1200, "fax": 3}, german) == "1.200 Hotline, 3 fax"


def test_every_reason_for_not_counting_has_a_name() -> None:
    for code in ("channel", "repeat", "fault", "con.change", "exempt", "unclassified", "reclassified"):
        assert code_name(code).de != code
    assert code_name("fault").de == "Störung oder kein Netz"
    assert code_name("con.change").en == "Change tariff"
    assert code_name("something_new").en == "something_new"
