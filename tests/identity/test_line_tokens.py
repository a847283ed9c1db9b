"""Tokens for one line and links of panels: what was signed comes back, what was altered never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from selbsthelfer.identity import known_keys
from selbsthelfer.identity.clients import add_client, revoke_keys, rotate_key
from selbsthelfer.identity.core.line_tokens import (
    MAX_RETURN_URL_CHARACTERS,
    MAX_SIGNED_CHARACTERS,
    TOKEN_PREFIX,
    BrokenTokenError,
    ExpiredTokenError,
    LineToken,
    PanelLink,
    WrongReturnUrlError,
    check_return_url,
)
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import (
    maker_of,
    read_panel_link,
    read_token,
    write_panel_link,
    write_token,
)
from selbsthelfer.identity.models import Client
from selbsthelfer.kit.wording import Language

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TOKEN = LineToken("app", "line-4711", NOW + timedelta(minutes=10))
LINK = PanelLink("app", uuid4(), TOKEN.valid_until, Language.GERMAN, "dark", "https://app.example/bonus?a=1")

whole_seconds = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(client=st.text(max_size=100), subject=st.text(max_size=200), until=whole_seconds)
def test_a_token_says_what_was_signed(client: str, subject: str, until: datetime) -> None:
    token = LineToken(client, subject, until)
    text = write_token(token)
    assert len(text) <= MAX_SIGNED_CHARACTERS
    assert read_token(text, now=until - timedelta(seconds=1)) == token


@given(
    line=st.uuids(),
    until=whole_seconds,
    language=st.sampled_from(Language),
    appearance=st.sampled_from(("system", "light", "dark")),
    return_url=st.text(max_size=MAX_RETURN_URL_CHARACTERS),
)
def test_a_link_says_what_was_signed(**said: object) -> None:
    link = PanelLink(
        "app", said["line"], said["until"], said["language"], said["appearance"], said["return_url"]
    )  # type: ignore[arg-type]
    assert read_panel_link(write_panel_link(link)) == link


def test_both_fit_into_a_header_and_an_address_as_they_are() -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert set(write_token(TOKEN)) | set(write_panel_link(LINK)) <= allowed


def test_a_link_does_not_tell_the_operators_own_id() -> None:
    """An address stands in logs; what is in it must not be a number of somebody's."""
    assert not hasattr(LINK, "subject")


@given(st.data())
def test_no_altered_character_passes(data: st.DataObject) -> None:
    for text, read in ((write_token(TOKEN), _read_token), (write_panel_link(LINK), read_panel_link)):
        place = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(st.characters().filter(lambda character, old=text[place]: character != old))
        with pytest.raises(BrokenTokenError):
            read(text[:place] + other + text[place + 1 :])


def _read_token(text: str) -> LineToken:
    return read_token(text, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TOKEN_PREFIX,
        "slt_a.b",
        "slt_ü.b",
        "shk_0000000000_x",
        "." * 10,
        "slt_" + "a" * MAX_SIGNED_CHARACTERS,
    ],
)
def test_nonsense_is_no_token(text: str) -> None:
    with pytest.raises(BrokenTokenError):
        _read_token(text)
    with pytest.raises(BrokenTokenError):
        read_panel_link(text)


def test_the_one_is_never_taken_for_the_other() -> None:
    with pytest.raises(BrokenTokenError):
        _read_token(TOKEN_PREFIX + write_panel_link(LINK))
    with pytest.raises(BrokenTokenError):
        read_panel_link(write_token(TOKEN).removeprefix(TOKEN_PREFIX))


def test_another_secret_key_signs_otherwise_and_an_old_one_is_still_believed(settings: Settings) -> None:
    text, old = write_token(TOKEN), settings.SECRET_KEY
    settings.SECRET_KEY = "another"  # noqa: S105 - made up
    with pytest.raises(BrokenTokenError):
        _read_token(text)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert _read_token(text) == TOKEN


def test_time_is_over_at_the_instant_itself() -> None:
    text = write_token(TOKEN)
    assert read_token(text, now=TOKEN.valid_until - timedelta(microseconds=1)) == TOKEN
    with pytest.raises(ExpiredTokenError):
        read_token(text, now=TOKEN.valid_until)
    # A link is read all the same, as the page of an expired one knows language and way back by it.
    assert not read_panel_link(write_panel_link(LINK)).holds(LINK.valid_until)


@pytest.mark.django_db
def test_what_a_client_made_ends_with_it_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    clock = [100.0]
    monkeypatch.setattr(known_keys, "monotonic", lambda: clock[0])
    known_keys.forget_known()
    assert maker_of(TOKEN) is None
    add_client(name="app", scopes=[Scope.TOKENS_WRITE], now=now)
    clock[0] += known_keys.KNOWN_SECONDS
    assert maker_of(TOKEN) == maker_of(LINK) is not None
    revoke_keys(name="app", now=now)
    clock[0] += known_keys.KNOWN_SECONDS
    assert maker_of(TOKEN) is None
    assert maker_of(LINK) is None
    known_keys.forget_known()


@pytest.mark.django_db
def test_a_new_key_ends_nothing_and_a_scope_taken_away_does() -> None:
    now = datetime.now(UTC)
    add_client(name="app", scopes=[Scope.TOKENS_WRITE], now=now)
    rotate_key(name="app", overlap=timedelta(0), now=now)
    known_keys.forget_known()
    assert maker_of(TOKEN) is not None
    Client.objects.update(scopes=[Scope.LINES_READ])
    known_keys.forget_known()
    assert maker_of(TOKEN) is None
    known_keys.forget_known()


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://app.example/bonus?from=panel#top",
        "https://app.example:8443/",
        "http://localhost:9000/",
        "http://127.0.0.1:9000/back",
        "http://[::1]:9000/",
    ],
)
def test_a_panel_leads_back_to_pages(url: str) -> None:
    assert check_return_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/bonus",
        "//app.example",
        "https:",
        "https://",
        "https:///bonus",
        "http://app.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "musterfunk://bonus",
        "https://app.example@evil.example/",
        "https://app.example\\@evil.example/",
        "https://app.example/ ",
        "https://app.example/\n",
        "https://äpp.example/",
        "https://[::1",
        "https://app.example:port/",
        "https://app.example/" + "a" * MAX_RETURN_URL_CHARACTERS,
    ],
)
def test_it_leads_nowhere_else(url: str) -> None:
    with pytest.raises(WrongReturnUrlError):
        check_return_url(url)
