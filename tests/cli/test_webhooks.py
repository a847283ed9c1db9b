"""The commands that say where events go and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from selbsthelfer.cli.webhooks import app
from selbsthelfer.outbox.core.events import event_id_of
from tests.outbox.receiving import Receiver, deliver, receiver, tell
from tests.portal.life import now


@pytest.fixture(autouse=True)
def _database_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selbsthelfer.cli.telling.connect", lambda: None)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("SELBSTHELFER_WEBHOOKS_PRIVATE", "1")
    with receiver() as made:
        yield made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def as_json(*arguments: str, code: int = 0) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.mark.django_db
def test_bad_input_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELBSTHELFER_WEBHOOKS_PRIVATE", raising=False)
    refused = [
        run("add", "http://hooks.example.com/", "--event", "grant.released"),
        run("add", "https://192.168.0.1/", "--event", "grant.released"),
        run("disable", str(uuid4())),
        run("log", str(uuid4())),
        run("replay", str(uuid4())),
        run("replay", str(uuid4()), "--since", "yesterday"),
        run("replay", str(uuid4()), "--since", "2026-01-01T00:00:00Z", "--event", str(uuid4())),
    ]
    for result in refused:
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert run("add", "https://hooks.example.com/", "--event", "grant.taken").exit_code == 2
    assert "nowhere" in run("list").stdout


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_from_adding_it_to_sending_again(there: Receiver) -> None:
    made = as_json("add", there.url, "--event", "grant.released", "--description", "CRM")
    there.secrets = [made["secret"]]
    endpoint = made["id"]
    assert "arrived" in run("test", endpoint).stdout
    there.answers = [500]
    assert as_json("test", endpoint, code=1)["attempts"][0]["failure"] == "http_500"
    assert "failing since" in run("list").stdout
    assert run("test", endpoint).exit_code == 1
    run("disable", endpoint)
    assert "by_hand" in run("list").stdout
    assert run("test", endpoint).exit_code == 2
    assert as_json("enable", endpoint)["is_active"] is True
    there.secrets.append(as_json("rotate", endpoint)["secret"])
    there.answers = [204, 410]
    tell(now(), "a")
    for _ in range(3):
        deliver(now())
    run("enable", endpoint)
    log = as_json("log", endpoint)["attempts"]
    assert {row["status"] for row in log} >= {204, 500, 410}
    assert str(event_id_of("a")) in run("log", endpoint).stdout
    assert as_json("replay", endpoint, "--event", str(event_id_of("a")))["events"] == 1
    assert "events are sent again" in run("replay", endpoint, "--since", "2026-01-01T00:00:00Z").stdout
    assert there.unsigned == []
    assert [e["url"] for e in as_json("list")["endpoints"]] == [there.url]
    run("delete", endpoint)
    assert as_json("list")["endpoints"] == []


@pytest.mark.django_db(transaction=True)
def test_a_test_carries_nothing_of_what_waits_for_this_or_another_endpoint(there: Receiver) -> None:
    with receiver() as other:
        for to in (there, other):
            to.secrets = [as_json("add", to.url, "--event", "grant.released")["secret"]]
        tell(now(), "a", "b")
        endpoint = as_json("list")["endpoints"][0]
        assert endpoint["owner"] is None
        told = as_json("test", endpoint["id"])
        assert (there.ids, other.ids) == ([told["event"]], [])
        assert deliver(now()).sent == 4
