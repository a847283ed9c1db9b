"""Files at addresses that change with their content, the worker of the offline page, and the manifest."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.portal.assets import _SOURCES, asset_url, find_asset
from tests.portal.pages import LANGUAGES, open_page, read_page

pytestmark = pytest.mark.django_db

NAMES = sorted(_SOURCES)


@pytest.mark.parametrize("name", NAMES)
def test_the_address_of_a_file_names_its_content(client: Client, name: str) -> None:
    response = client.get(asset_url(name))
    assert response.status_code == 200
    assert asset_url(name) == f"/assets/{sha256(response.content).hexdigest()[:16]}/{name}"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["Content-Type"] == find_asset(name).content_type
    assert "Set-Cookie" not in response


@pytest.mark.parametrize("name", NAMES)
def test_it_is_sent_packed_to_those_who_can_unpack_it(client: Client, name: str) -> None:
    plain = client.get(asset_url(name))
    packed = client.get(asset_url(name), headers={"accept-encoding": "br, gzip"})
    assert "Content-Encoding" not in plain
    assert plain["Vary"] == packed["Vary"] == "Accept-Encoding"
    if packed.has_header("Content-Encoding"):
        assert packed["Content-Encoding"] == "gzip"
        assert len(packed.content) < len(plain.content)
        assert gzip.decompress(packed.content) == plain.content
    else:
        assert packed.content == plain.content
        assert len(plain.content) <= 1_000
    refused = client.get(asset_url(name), headers={"accept-encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused


@pytest.mark.parametrize(
    "path",
    [
        "/assets/0000000000000000/portal.css",
        f"/assets/{'0' * 16}/settings.py",
        "/assets/x/..%2F..%2Fsettings.py",
        "/assets/portal.css",
    ],
)
def test_no_other_address_leads_to_a_file(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_files_ask_nobody_who_they_are(client: Client, queries: list[str]) -> None:
    client.cookies["session"] = "abc"
    client.get(asset_url("portal.css"))
    assert queries == []


def test_the_worker_keeps_the_offline_page_and_what_that_needs(client: Client) -> None:
    response = client.get("/service-worker.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cache-Control"] == "max-age=3600"
    text = response.content.decode()
    assert not re.search(r"DIGEST|OFFLINE_PAGE|STYLESHEET|\bICON\b", text)
    kept = set(re.findall(r'"(/[^"]*)"', text)) - {"/assets/"}
    assert kept == {reverse("offline"), asset_url("portal.css"), asset_url("icon.svg")}
    for path in kept:
        assert client.get(path).status_code == 200
    assert 'credentials: "omit"' in text
    page = read_page(client.get(reverse("offline")).content.decode())
    styles = [a["href"] for a in page.named("link") if a["rel"] == "stylesheet"]
    assert set(styles) <= kept


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_offline_page_tells_nothing_about_anybody(client: Client, language: str) -> None:
    page = open_page(client, "/offline", language)
    assert "116 116" in page.text
    assert "csrfmiddlewaretoken" not in str(page.tags)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phone_can_install_it(client: Client, language: str) -> None:
    response = client.get("/manifest.webmanifest", headers={"accept-language": language})
    assert response["Content-Type"] == "application/manifest+json"
    told = response.json()
    assert (told["lang"], told["display"], told["start_url"]) == (language, "standalone", "/")
    assert told["name"]
    for icon in told["icons"]:
        assert client.get(icon["src"])["Content-Type"] == icon["type"]
