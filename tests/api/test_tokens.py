"""An app of the operator's is let in to one line: by a token of its own, for some minutes, and no further."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from selbsthelfer.identity import known_keys
from selbsthelfer.identity.clients import revoke_keys
from selbsthelfer.identity.core.line_tokens import LineToken, PanelLink
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import read_panel_link, read_token, write_token
from selbsthelfer.identity.models import Answer
from selbsthelfer.kit.wording import Language
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.api.callers import Asking, asking, make_client, read, read_problem
from tests.portal.life import prepare, recent_life

pytestmark = pytest.mark.django_db

TOKENS, LINKS = "/lines/line/tokens", "/lines/line/panel-links"
ORIGIN = "https://app.example"
READ = ("/lines/line", "/lines/line/rewards", "/lines/line/entries", "/lines/line/contacts")


@pytest.fixture
def server(client: Client) -> Asking:
    """The operator's own server, which may make tokens and nothing else."""
    prepare()
    recent_life("line").send()
    recent_life("other").send()
    return asking(client, make_client(Scope.TOKENS_WRITE, name="app-server"))


def token_for(server: Asking, line: str = "line", **wanted: object) -> Asking:
    made = read(server.post(f"/lines/{line}/tokens", wanted), 201)
    return asking(server.client, made["token"])


def test_a_token_reads_its_line_from_the_phone(server: Asking) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    made = read(server.post(TOKENS, {}), 201)
    until = datetime.fromisoformat(made["valid_until"])
    assert made["token"].startswith("slt_")
    assert made["line"] == "line"
    assert timedelta(seconds=600) <= until - before <= timedelta(seconds=605)
    phone = asking(server.client, made["token"])
    for path in READ:
        answer = phone.get(path)
        assert answer.status_code == 200, (path, answer.content)
    assert read(phone.get("/lines/line/rewards"))["subject"] == "line"
    assert read_token(made["token"], now=before) == LineToken("app-server", "line", until)


def test_another_line_is_not_there_for_it(server: Asking) -> None:
    """Word for word as a line that does not exist."""
    phone = token_for(server)
    for path in READ:
        answers = [
            read_problem(
                phone.get(path.replace("/line", f"/{line}", 2).replace(f"/{line}s", "/lines", 1)),
                404,
                "line_unknown",
            )
            for line in ("other", "nobody")
        ]
        for answer in answers:
            del answer["request_id"]
        assert answers[0] == answers[1]


def test_it_writes_nothing_and_makes_no_other_tokens(server: Asking) -> None:
    phone = token_for(server)
    for path, body in ((TOKENS, {}), (LINKS, {"language": "de"}), ("/facts", [])):
        read_problem(phone.post(path, body), 403, "scope_missing")


def test_when_its_time_is_over_it_says_so(server: Asking) -> None:
    over = LineToken("app-server", "line", datetime.now(UTC) - timedelta(seconds=1))
    problem = read_problem(asking(server.client, write_token(over)).get(READ[1]), 401, "token_expired")
    assert "token" in problem["title"]


def test_an_altered_one_is_no_key(server: Asking) -> None:
    token = token_for(server).key
    other = write_token(LineToken("app-server", "other", datetime(2200, 1, 1, tzinfo=UTC)))
    mixed = f"{other.partition('.')[0]}.{token.partition('.')[2]}"
    for altered in (mixed, token[:-1], token + "x", "slt_", "slt_nonsense"):
        answer = asking(server.client, altered).get(READ[1])
        read_problem(answer, 401, "key_invalid")
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_it_ends_with_the_client_that_made_it(server: Asking) -> None:
    phone = token_for(server)
    read(phone.get(READ[1]))
    revoke_keys(name="app-server", now=datetime.now(UTC))
    known_keys.forget_known()
    read_problem(phone.get(READ[1]), 401, "key_invalid")


@pytest.mark.parametrize("path", [TOKENS, LINKS])
def test_only_who_may_makes_one(server: Asking, path: str) -> None:
    body = {"language": "de"} if path == LINKS else {}
    others = [scope for scope in Scope if scope is not Scope.TOKENS_WRITE]
    read_problem(asking(server.client, make_client(*others)).post(path, body), 403, "scope_missing")
    read_problem(asking(server.client, "").post(path, body), 401, "key_invalid")
    read_problem(server.post(path.replace("/line/", "/nobody/"), body), 404, "line_unknown")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (TOKENS, {"seconds_valid": 29}, "/seconds_valid"),
        (TOKENS, {"seconds_valid": 3_601}, "/seconds_valid"),
        (TOKENS, {"seconds_valid": "soon"}, "/seconds_valid"),
        (TOKENS, {"line": "other"}, "/line"),
        (LINKS, {}, "/language"),
        (LINKS, {"language": "fr"}, "/language"),
        (LINKS, {"language": "de", "appearance": "pink"}, "/appearance"),
        (LINKS, {"language": "de", "seconds_valid": 601}, "/seconds_valid"),
        (LINKS, {"language": "de", "return_url": "javascript:alert(1)"}, "/return_url"),
        (LINKS, {"language": "de", "return_url": "https://app.example/" + "a" * 300}, "/return_url"),
    ],
)
def test_what_is_asked_wrongly_is_pointed_at(server: Asking, path: str, body: Any, pointer: str) -> None:
    problem = read(server.post(path, body), 422)
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


def test_a_link_opens_the_panel_as_asked(server: Asking) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    wanted = {"language": "en", "appearance": "dark", "seconds_valid": 60, "return_url": f"{ORIGIN}/back"}
    made = read(server.post(LINKS, wanted), 201)
    assert made["url"].startswith("http://testserver/panel/")
    until = datetime.fromisoformat(made["valid_until"])
    assert timedelta(seconds=60) <= until - before <= timedelta(seconds=65)
    link = read_panel_link(made["url"].rpartition("/")[2])
    line = subscriber_id_of("line")
    assert link == PanelLink("app-server", line, until, Language.ENGLISH, "dark", f"{ORIGIN}/back")
    page = server.client.get(made["url"])
    assert page.status_code == 200
    assert b'<html lang="en" data-appearance="dark">' in page.content


def test_a_link_leads_to_where_people_reach_the_portal(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELBSTHELFER_BASE_URL", "https://portal.example/")
    made = read(server.post(LINKS, {"language": "de"}), 201)
    assert made["url"].startswith("https://portal.example/panel/")


def test_asking_again_makes_another_token_and_keeps_none(server: Asking) -> None:
    """Nothing is written, so an `Idempotency-Key` has nothing to guard."""
    answers = [server.post(TOKENS, {"seconds_valid": seconds}, once="a") for seconds in (60, 60, 90)]
    tokens = [read(answer, 201)["token"] for answer in answers]
    assert tokens[2] not in tokens[:2]
    assert not Answer.objects.exists()
    for answer, token in zip(answers, tokens, strict=True):
        assert answer["Cache-Control"] == "no-store"
        read(asking(server.client, token).get(READ[1]))


# What scripts of an app's own pages may do (CORS).


def ask_beforehand(client: Client, path: str, method: str = "GET", origin: str = ORIGIN) -> HttpResponse:
    headers = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization",
    }
    return client.options(f"/api/v1{path}", headers=headers)  # type: ignore[return-value]


@pytest.fixture
def _origins(settings: Settings) -> None:
    settings.APP_ORIGINS = [ORIGIN]


def cors_of(answer: HttpResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")}


@pytest.mark.usefixtures("_origins")
def test_scripts_of_a_named_origin_may_read(server: Asking) -> None:
    question = ask_beforehand(server.client, READ[1])
    assert question.status_code == 204
    assert question["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in question["Access-Control-Allow-Headers"]
    assert "POST" not in question["Access-Control-Allow-Methods"]
    phone = token_for(server)
    for answer in (
        phone.get(READ[1], origin=ORIGIN),
        asking(server.client, "slt_x").get(READ[1], origin=ORIGIN),
    ):
        assert answer["Access-Control-Allow-Origin"] == ORIGIN
        assert "Origin" in answer["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer
        assert json.loads(answer.content)


@pytest.mark.usefixtures("_origins")
def test_nobody_else_may_and_nothing_else(server: Asking) -> None:
    client = server.client
    assert cors_of(ask_beforehand(client, READ[1], origin="https://evil.example")) == {}
    assert cors_of(ask_beforehand(client, READ[1], origin="null")) == {}
    assert cors_of(ask_beforehand(client, TOKENS, method="POST")) == {}
    assert cors_of(ask_beforehand(client, "/facts", method="POST")) == {}
    assert cors_of(token_for(server).get(READ[1], origin="https://evil.example")) == {}
    assert cors_of(server.post(TOKENS, {}, origin=ORIGIN)) == {}
    assert cors_of(client.get("/", headers={"origin": ORIGIN})) == {}


def test_unless_an_origin_is_named_no_script_may(server: Asking) -> None:
    assert cors_of(ask_beforehand(server.client, READ[1])) == {}
    answer = token_for(server).get(READ[1], origin=ORIGIN)
    assert answer.status_code == 200
    assert cors_of(answer) == {}
    assert "Origin" not in answer.headers.get("Vary", "")
