"""What holds for every page: both languages, nothing kept, nothing from elsewhere, failures told plainly."""

from __future__ import annotations

import pytest
from django.test import Client

from selbsthelfer.portal.pages import rewards
from tests.portal.life import prepare, recent_life, sign_in
from tests.portal.pages import LANGUAGES, open_page, read_page, sound_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "path", ["/lines/nobody", "/nowhere", "/assets/0000/portal.css", "/programmes/nothing"]
)
def test_what_does_not_exist_is_told_in_both_languages(client: Client, path: str, language: str) -> None:
    prepare()
    page = open_page(client, path, language, status=404)
    told = {"de": "Das gibt es hier nicht", "en": "There is nothing here"}[language]
    assert told in page.text


def test_the_language_switch_needs_no_script_and_stays(client: Client) -> None:
    prepare()
    response = client.get("/programmes/o2-2017?language=en", headers={"accept-language": "de"})
    assert response["Content-Language"] == "en"
    page = sound_page(response.content, "en")
    current = [a for a in page.named("a") if a.get("aria-current") == "true" and "lang" in a]
    assert [a["lang"] for a in current] == ["en"]
    assert open_page(client, "/imprint", "en").named("html")[0]["lang"] == "en"
    again = client.get("/imprint", headers={"accept-language": "de"})
    assert again["Content-Language"] == "en"
    unheard = Client().get("/imprint?language=fr", headers={"accept-language": "fr"})
    assert '<html lang="de"' in unheard.content.decode()


def test_any_id_of_the_operator_is_a_line(client: Client) -> None:
    prepare()
    for subject in ("tél 7/äß?&#<b>%2F", "a/b", "&lt;script&gt;", "x" * 200):
        recent_life(subject).send()
        sign_in(client, subject)
        assert "Stufe 1" in open_page(client, "/rewards").text


def test_other_host_names_are_refused(client: Client) -> None:
    assert client.get("/imprint", headers={"host": "evil.example"}).status_code == 400


def test_a_failure_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    prepare()
    recent_life().send()
    sign_in(client, "line")
    monkeypatch.setattr(rewards, "enrolments_to_subscriber", fail)
    client.raise_request_exception = False
    page = open_page(client, "/rewards", "en", status=500)
    assert "The fault is ours" in page.text


def test_what_pages_load_may_be_kept_for_ever_and_comes_from_here(client: Client) -> None:
    page = read_page(client.get("/imprint").content.decode())
    styles = [link["href"] for link in page.named("link") if link["rel"] == "stylesheet"]
    scripts = [script["src"] for script in page.named("script")]
    assert styles
    assert scripts
    for address in (*styles, *scripts):
        response = client.get(address)
        assert response.status_code == 200
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["X-Content-Type-Options"] == "nosniff"
    css = client.get(styles[0]).content
    assert b"http" not in css
    assert b"@import" not in css
    assert client.get("/assets/portal.../../settings.css").status_code == 404
