"""A made-up operator's app: it knows who its customer is, and shows their rewards from Selbsthelfer.

One file and `httpx`. What matters is `OperatorApp.home`, which puts the panel into a frame, and
`OperatorApp.token`, by which the page's own script reads the API. The rest is what every app has already.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from html import escape
from http import HTTPStatus
from http.cookies import SimpleCookie
from socketserver import ThreadingMixIn
from typing import Any, Final
from urllib.parse import parse_qs, quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx

CUSTOMERS: Final = {"Ada": "M-000001", "Emil": "M-000002", "Toni": "M-000003"}
"""Who can sign in, with the operator's own id of their line; a real app knows this from its own sign-in."""
MAX_FORM_BYTES: Final = 1_000
MAX_SESSIONS: Final = 1_000
TIMEOUT_SECONDS: Final = 5.0
SESSION_COOKIE: Final = "app_session"

PAGE: Final = """<!doctype html>
<html lang="de">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Beispiel-App</title>
<link rel="stylesheet" href="/app.css">
<script src="/app.js" defer></script>
</head>
<body><header><h1>Beispiel-App</h1></header><main>{content}</main></body>
</html>
"""
SIGN_IN: Final = """<form method="post" action="/sign-in"><p><label for="customer">Wer sind Sie?</label>
<select id="customer" name="customer">{options}</select> <button>Anmelden</button></p></form>"""
HOME: Final = """<form method="post" action="/sign-out"><p>Hallo {name}! <button>Abmelden</button></p></form>
<h2>Datenvolumen und Bonus</h2>
<iframe src="{panel}" title="Datenvolumen und Bonus" referrerpolicy="no-referrer"></iframe>
<h2>Dasselbe als JSON</h2>
<p>Diese Seite liest die API selbst, mit einem Token nur für diesen Anschluss.</p>
<pre id="rewards" data-address="{address}" tabindex="0">…</pre>"""
AWAY: Final = "<p>Der Bonus ist gerade nicht zu sehen. Bitte versuchen Sie es gleich noch einmal.</p>"

STYLE: Final = """body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.5 sans-serif; }
iframe { width: 100%; height: 34rem; border: 1px solid #767676; border-radius: 0.5rem; }
pre { max-height: 20rem; overflow: auto; padding: 1rem; background: #f2f2f2; color: #1a1a1a; }
button, select { font: inherit; min-height: 2.75rem; }
"""
SCRIPT: Final = """const place = document.getElementById("rewards");
async function show() {
  const made = await fetch("/token", { method: "POST" });
  if (!made.ok) throw new Error("no token");
  const { token } = await made.json();
  const answer = await fetch(place.dataset.address, { headers: { Authorization: `Bearer ${token}` } });
  place.textContent = JSON.stringify(await answer.json(), null, 2);
}
const blocked = "Nicht zu lesen: Ist SELBSTHELFER_APP_ORIGINS gesetzt?";
if (place) show().catch(() => { place.textContent = blocked; });
"""

Environ = Mapping[str, Any]
Answer = tuple[HTTPStatus, dict[str, str], str]


class OperatorApp:
    """The app's server, a WSGI application; `key` is the key of a client with the scope `tokens:write`."""

    def __init__(self, *, portal: str, key: str, customers: Mapping[str, str] = CUSTOMERS) -> None:
        self.portal = portal.rstrip("/")
        self.api = httpx.Client(
            base_url=f"{self.portal}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT_SECONDS,
        )
        self.customers = customers
        self.sessions: dict[str, str] = {}

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        way = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        answers: dict[str, Callable[[Environ], Answer]] = {
            "GET /": self.home,
            "POST /sign-in": self.sign_in,
            "POST /sign-out": self.sign_out,
            "POST /token": self.token,
            "GET /app.css": lambda _environ: (HTTPStatus.OK, {"Content-Type": "text/css"}, STYLE),
            "GET /app.js": lambda _environ: (HTTPStatus.OK, {"Content-Type": "text/javascript"}, SCRIPT),
        }
        try:
            status, headers, body = answers.get(way, self.nothing)(environ)
        except httpx.HTTPError as error:
            # What went wrong is for the log; neither the key nor the customer stands in it.
            print(f"Selbsthelfer did not answer as asked: {type(error).__name__}", file=sys.stderr)  # noqa: T201
            status, headers, body = HTTPStatus.BAD_GATEWAY, {}, PAGE.format(content=AWAY)
        sent = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": f"default-src 'self'; frame-src {self.portal};"
            f" connect-src 'self' {self.portal}; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            **headers,
        }
        start_response(f"{status.value} {status.phrase}", list(sent.items()))
        return [body.encode()]

    def home(self, environ: Environ) -> Answer:
        """Show the panel of whoever is signed in; each page has a fresh link, as it holds for minutes."""
        name = self.customer(environ)
        if name is None:
            options = "".join(f"<option>{escape(customer)}</option>" for customer in self.customers)
            return HTTPStatus.OK, {}, PAGE.format(content=SIGN_IN.format(options=options))
        wanted = {"language": "de", "return_url": f"{_origin(environ)}/"}
        link = self.made(name, "panel-links", wanted)
        address = f"{self.portal}/api/v1/lines/{quote(self.customers[name], safe='')}/rewards"
        content = HOME.format(name=escape(name), panel=escape(link["url"]), address=escape(address))
        return HTTPStatus.OK, {}, PAGE.format(content=content)

    def token(self, environ: Environ) -> Answer:
        """Hand whoever is signed in a token for their own line; the key itself never leaves this server."""
        name = self.customer(environ)
        if name is None:
            return HTTPStatus.FORBIDDEN, {"Content-Type": "text/plain"}, "sign in first"
        made = self.made(name, "tokens", {"seconds_valid": 300})
        return HTTPStatus.OK, {"Content-Type": "application/json"}, f'{{"token": "{made["token"]}"}}'

    def made(self, name: str, what: str, wanted: Mapping[str, object]) -> Any:
        """Have Selbsthelfer make something for a customer's line; raises `httpx.HTTPError`."""
        line = quote(self.customers[name], safe="")
        return self.api.post(f"/lines/{line}/{what}", json=wanted).raise_for_status().json()

    def sign_in(self, environ: Environ) -> Answer:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), MAX_FORM_BYTES)
        form = parse_qs(environ["wsgi.input"].read(length).decode(errors="replace"))
        name = form.get("customer", [""])[0]
        if name not in self.customers:
            return self.nothing(environ)
        if len(self.sessions) >= MAX_SESSIONS:
            self.sessions.clear()
        session = secrets.token_urlsafe()
        self.sessions[session] = name
        return _back_home(f"{SESSION_COOKIE}={session}; HttpOnly; SameSite=Lax; Path=/")

    def sign_out(self, environ: Environ) -> Answer:
        self.sessions.pop(_session(environ), None)
        return _back_home(f"{SESSION_COOKIE}=; Max-Age=0; HttpOnly; SameSite=Lax; Path=/")

    def customer(self, environ: Environ) -> str | None:
        return self.sessions.get(_session(environ))

    def nothing(self, environ: Environ) -> Answer:  # noqa: ARG002 - as all answers are called
        return HTTPStatus.NOT_FOUND, {}, PAGE.format(content="<p>Das gibt es hier nicht.</p>")


def _session(environ: Environ) -> str:
    found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(SESSION_COOKIE)
    return "" if found is None else found.value


def _origin(environ: Environ) -> str:
    return f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}"


def _back_home(cookie: str) -> Answer:
    return HTTPStatus.SEE_OTHER, {"Location": "/", "Set-Cookie": cookie}, ""


class ThreadedServer(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread of its own, as browsers keep connections open that ask nothing."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Writes no log of requests."""

    def log_message(self, *args: object) -> None:
        """Write nothing."""


def serve(app: OperatorApp, port: int) -> WSGIServer:
    """Open the app on this machine; `serve_forever` answers until it is shut down."""
    return make_server("127.0.0.1", port, app, server_class=ThreadedServer, handler_class=QuietHandler)


def main() -> None:
    key = os.environ.get("SELBSTHELFER_KEY")
    if not key:
        sys.exit("Set SELBSTHELFER_KEY to the key of a client with the scope tokens:write.")
    portal = os.environ.get("SELBSTHELFER_URL", "http://127.0.0.1:8000")
    port = int(os.environ.get("PORT", "8020"))
    with serve(OperatorApp(portal=portal, key=key), port) as server:
        print(f"The app is at http://127.0.0.1:{port}/ (Ctrl-C stops it).")  # noqa: T201
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
