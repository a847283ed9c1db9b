"""`selbsthelfer client`: a key is shown once, lists show none, and what cannot be done is one line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from selbsthelfer.cli.client import app
from selbsthelfer.identity.clients import client_of_key
from selbsthelfer.identity.known_keys import forget_known

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selbsthelfer.cli.telling.connect", lambda: None)
    forget_known()


def run(*words: str) -> Result:
    forget_known()
    return CliRunner().invoke(app, words)


def test_a_key_is_printed_alone_so_that_a_script_can_take_it() -> None:
    done = run("add", "app", "--scope", "lines:read", "--scope", "facts:write", "--requests-per-minute", "7")
    client = client_of_key(done.stdout.strip())
    assert client is not None
    assert (client.name, client.requests_per_minute) == ("app", 7)
    assert {str(scope) for scope in client.scopes} == {"lines:read", "facts:write"}
    assert "cannot be shown again" in done.stderr


def test_lists_show_everything_but_the_key() -> None:
    key = run("add", "app", "--scope", "lines:read").stdout.strip()
    client_of_key(key)
    text, listed = run("list").stdout, json.loads(run("list", "--json").stdout)
    assert key.split("_")[2] not in text + json.dumps(listed)
    (client,) = listed["clients"]
    assert (client["name"], client["is_live"], client["scopes"]) == ("app", True, ["lines:read"])
    assert client["keys"][0]["key_id"] == key.split("_")[1]
    assert client["keys"][0]["last_used_on"] is not None
    assert "app: live" in text


def test_rotating_and_revoking() -> None:
    old = run("add", "app", "--scope", "lines:read").stdout.strip()
    new = json.loads(run("rotate", "app", "--overlap", "1", "--json").stdout)["key"]
    assert client_of_key(old) == client_of_key(new) is not None
    revoked = json.loads(run("revoke", "app", "--key", old.split("_")[1], "--json").stdout)
    assert revoked == {"name": "app", "revoked": [old.split("_")[1]]}
    assert client_of_key(old) is None
    assert client_of_key(new) is not None
    assert "1 keys of app" in run("revoke", "app").stdout
    forget_known()
    assert client_of_key(new) is None
    assert "app: revoked" in run("list").stdout


@pytest.mark.parametrize(
    "words",
    [
        ["add", "With Blank", "--scope", "lines:read"],
        ["add", "app", "--scope", "lines:eat"],
        ["add", "app"],
        ["add", "taken", "--scope", "lines:read"],
        ["rotate", "nobody"],
        ["rotate", "taken", "--overlap", "99999999999"],
        ["revoke", "nobody"],
        ["revoke", "taken", "--key", "none"],
    ],
)
def test_what_cannot_be_done_is_told_with_exit_code_2(words: list[str]) -> None:
    run("add", "taken", "--scope", "lines:read")
    done = run(*words)
    assert done.exit_code == 2
    assert not done.stdout
    assert "Traceback" not in done.stderr
