"""Somebody at the browser: signed in to a line, filling in the forms that a page really shows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from selbsthelfer.identity.models import User
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.pages import Page, assert_sound, read_page


@dataclass
class ShownForm:
    """A form with what it would send as it stands, and what its button says."""

    action: str
    sent: dict[str, str] = field(default_factory=dict)
    button: str = ""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[ShownForm] = []
        self._open: ShownForm | None = None
        self._in_button = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and found.get("method") == "post":
            self._open = ShownForm(found.get("action", ""))
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "button":
            self._in_button = True
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and "selected" in found:
            self._open.sent[self._select] = found["value"]
        elif tag == "input":
            is_choice = found.get("type") in ("radio", "checkbox")
            if not is_choice or "checked" in found:
                self._open.sent[found["name"]] = found.get("value", "on" if is_choice else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._in_button and self._open is not None:
            self._open.button = f"{self._open.button}{data}".strip()


def forms_of(response: HttpResponse) -> list[ShownForm]:
    """List the forms of the page's own content that send something."""
    parser = _Forms()
    parser.feed(response.content.decode())
    return [form for form in parser.forms if form.action != reverse("sign_out")]


def form_with(response: HttpResponse, button: str) -> ShownForm:
    found = [form for form in forms_of(response) if button in form.button]
    assert found, (button, [form.button for form in forms_of(response)])
    return found[0]


def sign_in_as(client: Client, line: LineRef, *, level: int = 2) -> User:
    """Sign in as the user of a line, with a second proof given just now for level 2."""
    user = User.objects.filter(subscriber_id=line.subscriber_id).first() or User.objects.create(
        name=f"user of {line.subject}", subscriber_id=line.subscriber_id, subject=line.subject
    )
    client.force_login(user)
    session = client.session
    proofs = [{"method": "code", "at": time.time() - 60}, {"method": "password", "at": time.time() - 30}]
    session["account_authentication_methods"] = proofs[:level]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return user


def open_page(client: Client, path: str, *, language: str = "de", status: int = 200) -> HttpResponse:
    """Open a page and check what every page owes to everybody."""
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == status, response.headers
    page_of(response)
    return response


def page_of(response: HttpResponse) -> Page:
    html = response.content.decode()
    assert "MISSING" not in html
    assert len(response.content) <= 60_000
    page = read_page(html)
    assert_sound(page)
    return page


def words_of(response: HttpResponse) -> str:
    return page_of(response).text


def send(client: Client, path: str, form: ShownForm, **typed: str) -> HttpResponse:
    """Send a form as it stands but for what is typed."""
    return client.post(form.action or path, {**form.sent, **typed}, headers={"accept-language": "de"})
