"""In which language a page speaks: as asked for, as chosen before, by the account, by the browser."""

from __future__ import annotations

from itertools import product

import pytest
from django.test import Client

from selbsthelfer.identity.models import User
from tests.portal.life import Life, prepare, sign_in
from tests.portal.pages import LANGUAGES, read_page

pytestmark = pytest.mark.django_db


def speaks(client: Client, path: str, browser: str) -> str:
    response = client.get(path, headers={"accept-language": browser})
    language = read_page(response.content.decode()).named("html")[0]["lang"]
    assert response["Content-Language"] == language
    return language


@pytest.mark.parametrize(
    ("asked", "kept", "account", "browser"),
    list(product(("", *LANGUAGES), ("", *LANGUAGES), ("", *LANGUAGES), LANGUAGES)),
)
def test_what_was_said_most_clearly_wins(
    client: Client, asked: str, kept: str, account: str, browser: str
) -> None:
    prepare()
    Life("line").send()
    sign_in(client, "line")
    User.objects.update(language=account)
    if kept:
        client.cookies["language"] = kept
    path = f"/imprint?language={asked}" if asked else "/imprint"
    expected = asked or kept or account or browser
    assert speaks(client, path, browser) == expected
    assert speaks(client, "/nowhere", browser) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_choice_is_kept_for_a_year_by_this_browser(client: Client, language: str) -> None:
    response = client.get(f"/imprint?language={language}")
    cookie = response.cookies["language"]
    assert (cookie.value, cookie["max-age"]) == (language, 365 * 24 * 3_600)
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert "language" not in client.get(f"/imprint?language={language}").cookies
    assert "language" not in Client().get("/imprint").cookies


@pytest.mark.parametrize("unknown", ["fr", "", "de-DE", "DE", "<b>", "x" * 5_000])
def test_a_language_that_we_do_not_speak_changes_nothing(client: Client, unknown: str) -> None:
    response = client.get("/imprint", {"language": unknown}, headers={"accept-language": "en"})
    assert response["Content-Language"] == "en"
    assert "language" not in response.cookies
    client.cookies["language"] = unknown.replace("<", "").replace(">", "")
    assert speaks(client, "/imprint", "en") == "en"


@pytest.mark.parametrize(
    ("browser", "language"),
    [("en-GB,de;q=0.5", "en"), ("fr, en;q=0.1", "en"), ("fr", "de"), ("", "de"), (";;", "de")],
)
def test_the_browser_is_asked_last_and_german_is_spoken_to_all_others(
    client: Client, browser: str, language: str
) -> None:
    assert speaks(client, "/imprint", browser) == language


def test_asking_for_the_language_of_the_account_costs_no_query(client: Client, queries: list[str]) -> None:
    prepare()
    Life("line").send()
    sign_in(client, "line")
    client.get("/imprint")
    queries.clear()
    client.get("/imprint")
    without = len(queries)
    client.cookies["language"] = "de"
    queries.clear()
    client.get("/imprint")
    assert len(queries) == without == 2
