"""Staff answer and decide written cases on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from typer.testing import CliRunner, Result

from selbsthelfer.cli.cases import app
from selbsthelfer.conversations.core.cases import Decision
from selbsthelfer.demo.clock import move_on
from tests.conversations.test_disputes import disputed, missed_by_one_call
from tests.conversations.writing import LINE, read, texts, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _database_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selbsthelfer.cli.telling.connect", lambda: None)
    monkeypatch.setenv("COLUMNS", "120")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def told(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def as_json(*arguments: str) -> Any:
    return json.loads(told(*arguments, "--json"))


def test_what_waits_is_listed_with_its_promise() -> None:
    assert told("list") == "No case waits for an answer.\n"
    case = write(topic="bill.view")
    assert all(word in told("list") for word in (case.number, "Message", "bill.view", "2026-11-23 18:00"))
    assert [(row["number"], row["kind"]) for row in as_json("list")] == [(case.number, "message")]


def test_a_case_is_shown_with_all_that_was_written() -> None:
    case = write(to="erika@example.org", name="Erika Muster")
    told("answer", case.number, "--text", "Wegen der Gebühr.", "--by", "Frau Kern")
    shown = told("show", case.number.lower())
    for expected in (
        "Erika Muster",
        "erika@example.org",
        "Warum ist meine Rechnung höher?",
        "Frau Kern",
        "answered",
    ):
        assert expected in shown
    assert [m["text"] for m in as_json("show", case.number)["messages"]] == [
        text for _, _, text in texts(case)
    ]


def test_a_dispute_is_decided_for_the_customer() -> None:
    """Nothing is released any more, because the enrolment of that year is long over."""
    case = disputed(missed_by_one_call())
    done = as_json("reinstate", case.number, "--by", "Frau Kern", "--reason", "Es gab eine Störung.")
    assert (done["decision"], done["state"], done["released"]) == ("reinstated", "answered", 0)
    again = told("reinstate", case.number, "--by", "Frau Kern", "--reason", "Es gab eine Störung.")
    assert again == f"{case.number} is decided: the contact does not count. Released: 0.\n"


def test_a_dispute_is_upheld_and_closed() -> None:
    case = disputed(missed_by_one_call())
    told("uphold", case.number, "--by", "Frau Kern", "--text", "Es gab keine Störung.")
    assert read(case.number).decision is Decision.UPHELD
    assert as_json("close", case.number)["state"] == "closed"


@override_settings(DEMO=True)
def test_a_case_of_the_demo_is_answered_at_the_time_of_its_line() -> None:
    case, later = write(), datetime.now(UTC) + timedelta(days=30)
    move_on(LINE, to=later, now=datetime.now(UTC))
    told("answer", case.number, "--text", "Wegen der Gebühr.", "--by", "Frau Kern")
    answered_at = read(case.number).answered_at
    assert answered_at is not None
    assert later <= answered_at < later + timedelta(minutes=1)


def test_a_refusal_is_one_line_and_exit_code_2() -> None:
    case = write()
    for arguments in (
        ("show", "F-0000-0001"),
        ("answer", "sofa", "--text", "Hallo", "--by", "Frau Kern"),
        ("answer", case.number, "--text", " ", "--by", "Frau Kern"),
        ("answer", case.number, "--text", "Hallo", "--by", ""),
        ("reinstate", case.number, "--by", "Frau Kern", "--reason", "Stimmt."),
        ("uphold", case.number, "--by", "Frau Kern", "--text", "Nein."),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""
    assert len(texts(case)) == 1
