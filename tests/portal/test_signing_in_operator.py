"""Signing in by the operator's own OpenID Connect, against a small one of our own on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from selbsthelfer.identity.models import User
from tests.identity.people import ended_line, line
from tests.portal.life import prepare
from tests.portal.test_signing_in import is_signed_in, words_of
from tests.portal.test_signing_in_account import activities

pytestmark = pytest.mark.django_db

CLIENT_ID = "selbsthelfer"


class Issuer(ThreadingHTTPServer):
    """An OpenID Connect provider that says of everybody what `claims` holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, object] = {}
        self.asked: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def token(self) -> dict[str, object]:
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "person-1",
            "iat": now,
            "exp": now + 60,
            **self.claims,
        }
        signed = jwt.encode(said, self.key, algorithm="RS256", headers={"kid": "1"})
        return {"access_token": "access", "token_type": "Bearer", "id_token": signed}


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        url = self.server.url
        self.answer(
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "jwks_uri": f"{url}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.asked.append(parse_qs(self.rfile.read(length).decode()))
        self.answer(self.server.token())

    def answer(self, body: dict[str, object]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    cache.clear()
    prepare()
    with Issuer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.OIDC_ISSUER = server.url
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {
                "OAUTH_PKCE_ENABLED": True,
                "APPS": [
                    {
                        "provider_id": "operator",
                        "name": "Musterfunk",
                        "client_id": CLIENT_ID,
                        "secret": "secret",
                        "settings": {"server_url": server.url, "fetch_userinfo": False},
                    }
                ],
            }
        }
        yield server
        server.shutdown()


def come_back(browser: Client, state: str | None = None) -> Any:
    """Start at the sign-in page and come back from the operator's."""
    start = browser.post(reverse("openid_connect_login", args=["operator"]), {"next": "/account/security"})
    asked = parse_qs(urlsplit(start.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    back = urlsplit(asked["redirect_uri"][0]).path
    return browser.get(back, {"code": "given", "state": state or asked["state"][0]})


def test_the_operators_word_signs_in_its_line(issuer: Issuer) -> None:
    line()
    browser = Client()
    issuer.claims = {"line": "L-1", "name": "Anna Muster", "email": "anna@example.com"}
    assert "Musterfunk" in words_of(browser.get(reverse("sign_in")))
    assert come_back(browser).url == "/account/security"
    assert is_signed_in(browser)
    assert "code_verifier" in issuer.asked[0]
    assert activities() == ["acc.register"]
    user = User.objects.get()
    assert (user.subject, user.email) == ("L-1", "")
    assert SocialAccount.objects.get().extra_data == {}
    assert not SocialToken.objects.exists()


def test_it_is_the_same_user_as_by_number_and_the_word_holds_anew_each_time(issuer: Issuer) -> None:
    line()
    line("L-2", "+491713920002")
    for subject in ("L-1", "L-1", "L-2"):
        browser = Client()
        issuer.claims = {"line": subject}
        come_back(browser)
        assert browser.session["_auth_user_id"] == str(User.objects.get(subject=subject).pk)
    assert User.objects.count() == 2


@pytest.mark.parametrize("claims", [{}, {"line": "L-9"}, {"line": ""}, {"line": 7}, {"line": "L-2"}])
def test_without_a_running_line_nobody_comes_in(issuer: Issuer, claims: dict[str, object]) -> None:
    line()
    ended_line("L-2", "+491713920002")
    browser = Client()
    issuer.claims = claims
    assert come_back(browser).url == reverse("account_inactive")
    assert not is_signed_in(browser)
    assert not User.objects.exists()


@pytest.mark.parametrize("claims", [{"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}])
def test_a_word_for_or_from_somebody_else_is_refused(issuer: Issuer, claims: dict[str, object]) -> None:
    line()
    browser = Client()
    issuer.claims = {"line": "L-1", **claims}
    come_back(browser)
    assert not is_signed_in(browser)


def test_a_state_that_was_not_given_is_refused(issuer: Issuer) -> None:
    line()
    browser = Client(HTTP_ACCEPT_LANGUAGE="de")
    issuer.claims = {"line": "L-1"}
    response = come_back(browser, state="forged")
    assert "nicht geklappt" in words_of(response)
    assert not is_signed_in(browser)


def test_without_an_issuer_there_is_no_such_way(settings: Settings) -> None:
    assert Client().post(reverse("openid_connect_login", args=["operator"])).status_code == 404
