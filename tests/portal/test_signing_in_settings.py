"""What the settings promise about cookies, at home and behind HTTPS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.identity.people import line
from tests.portal.life import prepare
from tests.portal.test_signing_in import sign_in

NAMES = (
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_TRUSTED_ORIGINS",
    "SECURE_HSTS_SECONDS",
    "SECRET_KEY",
)
PRINT = f"""
import json
from selbsthelfer.project import settings
print(json.dumps({{name: getattr(settings, name) for name in {NAMES!r}}}))
"""


def settings_with(**environment: str) -> dict[str, Any]:
    told = subprocess.run(
        [sys.executable, "-c", PRINT],
        env={**os.environ, "DATABASE_URL": "postgresql:///x", **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def test_behind_https_cookies_belong_to_this_host_and_travel_encrypted_only() -> None:
    told = settings_with(SELBSTHELFER_HTTPS="1", SELBSTHELFER_HOSTS="portal.example")
    assert told["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert told["CSRF_COOKIE_NAME"].startswith("__Host-")
    assert told["SESSION_COOKIE_SECURE"]
    assert told["CSRF_COOKIE_SECURE"]
    assert told["CSRF_TRUSTED_ORIGINS"] == ["https://portal.example"]
    assert told["SECURE_HSTS_SECONDS"] > 0


def test_on_this_machine_cookies_work_without_https() -> None:
    told = settings_with(SELBSTHELFER_HTTPS="")
    assert not told["SESSION_COOKIE_SECURE"]
    assert told["CSRF_TRUSTED_ORIGINS"] == []


@pytest.mark.parametrize(
    ("environment", "is_given"),
    [
        ({}, True),
        ({"SELBSTHELFER_HOSTS": "localhost,127.0.0.1"}, True),
        ({"SELBSTHELFER_HTTPS": "1"}, False),
        ({"SELBSTHELFER_PROXIES": "1"}, False),
        ({"SELBSTHELFER_HOSTS": "localhost,portal.example"}, False),
        ({"SELBSTHELFER_HOSTS": "*"}, False),
    ],
)
def test_the_key_that_everybody_knows_signs_nothing_that_strangers_reach(
    environment: dict[str, str], is_given: bool
) -> None:
    told = settings_with(**{"SELBSTHELFER_SECRET_KEY": "", **environment})
    assert bool(told["SECRET_KEY"]) == is_given


@pytest.mark.django_db
def test_no_script_reads_the_cookies_and_no_other_site_sends_them() -> None:
    cache.clear()
    prepare()
    line()
    browser = Client()
    browser.get(reverse("sign_in"))
    sign_in(browser)
    for name in ("session", "csrf"):
        cookie = browser.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["domain"] == ""
        assert cookie["path"] == "/"
