"""The commands that send messages and say what waits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from typer.testing import CliRunner, Result

from selbsthelfer.cli.outbox import app
from tests.outbox.gateways import sms_gateway
from tests.outbox.putting import count_waiting, put

NUMBER = "+4915112345678"
MAIN = "from selbsthelfer.cli.outbox import app; app()"


@pytest.fixture(autouse=True)
def _database_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selbsthelfer.cli.telling.connect", lambda: None)
    for name in ("SMS_URL", "SMS_TOKEN", "SMTP_URL", "MAIL_FROM"):
        monkeypatch.delenv(f"SELBSTHELFER_{name}", raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def as_json(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.django_db
def test_everything_that_waits_is_sent_by_the_gateway_and_what_failed_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime.now(UTC)
    put("a", "b", "c", to=NUMBER, at=now)
    put("d", to="erika@example.org", at=now)
    assert as_json("status")["messages"] == 4
    with sms_gateway() as gateway:
        gateway.statuses = [202, 503]
        monkeypatch.setenv("SELBSTHELFER_SMS_URL", gateway.url)
        monkeypatch.setenv("SELBSTHELFER_SMS_TOKEN", "t")
        assert run("send").stdout == "2 messages sent, 1 to be tried again, 1 failed for good.\n"
    told = as_json("status")
    assert (told["messages"], told["failed"]) == (1, {"no_email_gateway": 1})
    assert "1 failed for good: no_email_gateway" in run("status").stdout


@pytest.mark.django_db
def test_without_a_gateway_messages_stay_in_the_inbox() -> None:
    put("a", to=NUMBER)
    assert as_json("send") == {"sent": 1, "postponed": 0, "failed": 0}
    assert count_waiting().messages == 0


@pytest.mark.django_db
def test_a_setting_that_cannot_be_used_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELBSTHELFER_SMS_URL", "http://elsewhere.example")
    result = run("send")
    assert (result.exit_code, result.stderr) == (2, "SELBSTHELFER_SMS_URL must begin with https://\n")


@pytest.mark.django_db(transaction=True)
def test_following_sends_what_comes_until_it_is_stopped() -> None:
    put("a", to=NUMBER)
    command = [sys.executable, "-c", MAIN, "send", "--follow", "--json"]
    environ = os.environ | {"DATABASE_URL": url_of_database()}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        assert json.loads(sender.stdout.readline())["sent"] == 1
        put("b", "c", to=NUMBER)
        sent = 0
        while sent < 2:
            sent += json.loads(sender.stdout.readline())["sent"]
        sender.send_signal(signal.SIGINT)
        assert sender.wait(timeout=10) == 0
    assert count_waiting().messages == 0


def url_of_database() -> str:
    settings = connection.settings_dict
    account = settings["USER"] + (f":{settings['PASSWORD']}" if settings.get("PASSWORD") else "")
    place = f"host={settings['HOST']}" + (f"&port={settings['PORT']}" if settings.get("PORT") else "")
    return f"postgresql://{account}@/{settings['NAME']}?{place}"
