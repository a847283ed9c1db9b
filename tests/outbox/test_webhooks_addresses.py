"""Events go only where they may: never into the operator's own network unless that is allowed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from selbsthelfer.outbox.adapters.posting import Poster
from selbsthelfer.outbox.core.webhooks import (
    MAX_URL_CHARACTERS,
    UrlRefusedError,
    checked_url,
    is_allowed,
    is_public,
)
from tests.outbox.receiving import receiver

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address that is refused
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff0e::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "::7f00:1",
    "2001:0:1:1:1:1:f5ff:fffe",
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_known_as_such_also_where_they_are_wrapped(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not is_allowed(address, private=False, local_only=False)
    assert is_allowed(address, private=True, local_only=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed_with_tls_only(address: str) -> None:
    assert is_allowed(address, private=False, local_only=False)
    assert not is_allowed(address, private=True, local_only=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com/#there",
        "https:///nowhere",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com\\@10.0.0.1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\n",
        "https://hööks.example.com/",
        "https://[::1",
        "hooks.example.com",
        "",
        "https://hooks.example.com/" + "a" * MAX_URL_CHARACTERS,
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_addresses_that_are_never_taken(url: str, private: bool) -> None:
    with pytest.raises(UrlRefusedError):
        checked_url(url, private=private)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "https://10.0.0.1/",
        "https://[fe80::1]/",
    ],
)
def test_addresses_that_are_taken_only_where_private_ones_are_allowed(url: str) -> None:
    assert checked_url(url, private=True) == url
    with pytest.raises(UrlRefusedError):
        checked_url(url, private=False)


def test_a_public_address_is_taken() -> None:
    for url in ("https://hooks.example.com/a?b=c", "https://8.8.8.8:8443/"):
        assert checked_url(url, private=False) == url


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1"])
def test_what_a_name_resolves_to_is_checked_when_connecting(host: str) -> None:
    """Numbers that only the resolver knows as addresses are names here."""
    with receiver() as there:
        port = there.url.split(":")[2].split("/")[0]
        poster = Poster(private=False, connections=1, timeout_seconds=1)
        for scheme in ("http", "https"):
            answer = poster.post(f"{scheme}://{host}:{port}/", b"{}", {"webhook-id": "1"})
            assert (answer.status, answer.failure) == (None, "address_refused")
        poster.close()
        assert there.bodies == []


def test_a_redirect_is_not_followed() -> None:
    with receiver() as there, receiver() as elsewhere:
        there.always, there.headers = 307, {"Location": elsewhere.url}
        poster = Poster(private=True, connections=1, timeout_seconds=1)
        answer = poster.post(there.url, b"{}", {"webhook-id": "1"})
        poster.close()
        assert answer.failure == "http_307"
        assert elsewhere.bodies == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `localhost`, and only that, that nobody trusts unless told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure_port(certificate: Path) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A handshake that breaks is part of the test."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_is_demanded_for_the_name_although_the_address_is_pinned(
    secure_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Poster(private=True, connections=1, timeout_seconds=1)
    assert stranger.post(f"https://localhost:{secure_port}/", b"{}", {}).failure == "tls"
    stranger.close()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusting = Poster(private=True, connections=1, timeout_seconds=1)
    assert trusting.post(f"https://localhost:{secure_port}/", b"{}", {}).status == 204
    assert trusting.post(f"https://127.0.0.1:{secure_port}/", b"{}", {}).failure == "tls"
    trusting.close()
