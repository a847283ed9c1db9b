"""The command `programme invite`: lists and codes, refusals in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from selbsthelfer.cli.programme import app
from selbsthelfer.intake.joining import join
from tests.portal.life import Life, at, prepare, varied

pytestmark = pytest.mark.django_db

NOW = at("2029-06-01")


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines, a programme by invitation and one that is open to all."""
    monkeypatch.setattr("selbsthelfer.cli.telling.connect", lambda: None)
    prepare(varied(join='"invitation"', name='"closed-shop"'))
    prepare()
    for subject in ("one", "two"):
        Life(subject).send()


def invite(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["invite", *arguments])


def test_a_list_of_lines_is_invited_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\ufeff# of the pilot\none\n\n  two \none\nnobody\n", encoding="utf-8")
    result = invite("closed-shop", "--lines", str(file))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "2 invited, 1 unknown line\n"
    assert json.loads(invite("closed-shop", "--lines", str(file), "--json").stdout) == {
        "invited already": 2,
        "unknown line": 1,
    }
    assert join("one", "closed-shop", code=None, now=NOW).is_new


def test_codes_are_printed_once_and_let_lines_in() -> None:
    result = invite("closed-shop", "--codes", "3", "--uses", "2")
    assert result.exit_code == 0, result.stderr
    codes = result.stdout.split()
    assert len(set(codes)) == 3
    assert "cannot be shown again" in result.stderr
    assert join("one", "closed-shop", code=codes[0], now=NOW).is_new
    assert join("two", "closed-shop", code=codes[0], now=NOW).is_new
    (code,) = json.loads(invite("closed-shop", "--codes", "1", "--json").stdout)
    assert code not in codes


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["closed-shop"], "either --lines or --codes"),
        (["closed-shop", "--codes", "1", "--lines", "x"], "either --lines or --codes"),
        (["closed-shop", "--lines", "/no/such/file"], "cannot be read"),
        (["closed-shop", "--codes", "0"], "1 to 10000 codes"),
        (["no-such", "--codes", "1"], "publish it first"),
        (["o2-2017", "--codes", "1"], "everybody may join"),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_2(arguments: list[str], expected: str) -> None:
    result = invite(*arguments)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert len(result.stderr.splitlines()) == 1
