"""The commands `tasks settle` and `tasks remind`, and the choice of a back end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from selbsthelfer.cli.main import app
from selbsthelfer.selfservice.back_end import OutcomeUnknownError
from selbsthelfer.selfservice.back_ends import BackEndMisconfiguredError, the_back_end, use_back_end
from selbsthelfer.selfservice.core.orders import GoPaperless
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from tests.selfservice.test_settling import TroubledBackEnd
from tests.selfservice.world import do, facts_of, registered

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["tasks", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_settling_tells_what_it_did() -> None:
    line = registered()
    with use_back_end(TroubledBackEnd(before=OutcomeUnknownError())):
        do(line, GoPaperless(), now=datetime.now(UTC) - timedelta(minutes=2))
    assert json.loads(run("settle", "--json")) == {"asked": 1, "finished": 1}
    assert "0 tasks asked" in run("settle")
    assert facts_of(line) == [("bill.paperless", True)]


def test_reminding_tells_what_is_due() -> None:
    assert json.loads(run("remind", "--json")) == {"tranches": 0, "buckets": 0}
    assert "0 reminders are due" in run("remind")


def test_the_embedded_back_end_is_asked_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELBSTHELFER_BACK_END", raising=False)
    assert isinstance(the_back_end(), EmbeddedBackEnd)
    assert the_back_end() is the_back_end()
    other = TroubledBackEnd()
    with use_back_end(other):
        assert the_back_end() is other
    assert the_back_end() is not other


def test_the_environment_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELBSTHELFER_BACK_END", "tmf")
    with pytest.raises(BackEndMisconfiguredError, match="_URL"):
        the_back_end()
    monkeypatch.setenv("SELBSTHELFER_BACK_END_URL", "http://127.0.0.1:1")
    with pytest.raises(BackEndMisconfiguredError, match="token"):
        the_back_end()
    monkeypatch.setenv("SELBSTHELFER_BACK_END_TOKEN", "s3cret")
    assert the_back_end().name == "tmf"
    monkeypatch.setenv("SELBSTHELFER_BACK_END", "carrier-pigeon")
    with pytest.raises(BackEndMisconfiguredError, match="carrier-pigeon"):
        the_back_end()
    result = CliRunner().invoke(app, ["tasks", "settle"])
    assert result.exit_code == 2
    assert "carrier-pigeon" in result.output


def test_an_operator_names_an_adapter_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = f"{TroubledBackEnd.__module__}:{TroubledBackEnd.__name__}"
    monkeypatch.setenv("SELBSTHELFER_BACK_END", own)
    assert isinstance(the_back_end(), TroubledBackEnd)
    for wrong in (own + "s", "no.such.module:BackEnd"):
        monkeypatch.setenv("SELBSTHELFER_BACK_END", wrong)
        with pytest.raises(BackEndMisconfiguredError, match="names no class"):
            the_back_end()
