"""What two browsers do at the same moment: nothing is spent twice, and nobody gets what another one has."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from selbsthelfer.conversations.models import Case
from selbsthelfer.identity.models import Code, User
from selbsthelfer.intake.inviting import invitation_codes
from selbsthelfer.programmes.models import Enrolment
from selbsthelfer.selfservice.models import Task
from selbsthelfer.subscribers.core.lines import LineRef
from tests.identity.people import last_code, now
from tests.portal.life import prepare, varied
from tests.portal.security_world import PROGRAMME, a_credential, plain_life
from tests.portal.task_pages import sign_in_as

pytestmark = [pytest.mark.django_db(transaction=True)]

LINES = [f"line-{number}" for number in range(4)]


def browsers(level: int = 2) -> list[Client]:
    """Sign in a few lines that could all do the same."""
    made = []
    for place, subject in enumerate(LINES):
        plain_life(subject, msisdn=f"+49171392000{place}").send()
        client = Client(raise_request_exception=False)
        user = sign_in_as(client, LineRef.of(subject), level=level)
        user.set_unusable_password()
        user.save()
        sign_in_as(client, LineRef.of(subject), level=level)
        made.append(client)
    return made


def at_once(*calls: Callable[[], HttpResponse]) -> list[Any]:
    """Send requests at the same moment, each on a connection of its own."""
    ready = Barrier(len(calls))

    def send(call: Callable[[], HttpResponse]) -> HttpResponse:
        try:
            ready.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [answer.result() for answer in [pool.submit(send, call) for call in calls]]


def test_a_code_of_invitation_is_spent_once() -> None:
    prepare(varied(join='"invitation"'))
    (code,) = invitation_codes(PROGRAMME, count=1, uses=1, now=now())
    path = f"/programmes/{PROGRAMME}/join"
    answers = at_once(*(lambda c=client: c.post(path, {"code": code}) for client in browsers()))
    assert sorted(answer.status_code for answer in answers) == [302, 422, 422, 422]
    assert Enrolment.objects.count() == 1


def test_an_email_address_comes_to_one_of_two() -> None:
    prepare()
    clients = browsers()[:2]
    codes = []
    for client in clients:
        client.post(reverse("email"), {"email": "same@example.org"})
        codes.append(last_code("email_confirmation_code"))
    answers = at_once(
        *(
            lambda c=client, n=code: c.post(reverse("email_code"), {"code": n})
            for client, code in zip(clients, codes, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [302, 422]
    assert User.objects.filter(email="same@example.org").count() == 1
    assert Task.objects.filter(activity="acc.contact").count() == 1


def test_a_form_sent_twice_at_once_is_done_once() -> None:
    prepare()
    client = browsers()[0]
    sent = {"key": str(uuid4()), "text": "Guten Tag", "on": "no"}
    for path in ("/write", "/tasks/use.autotopup"):
        answers = at_once(*(lambda p=path: client.post(p, sent) for _ in range(3)))
        assert {answer.status_code for answer in answers} == {302}
    assert Case.objects.count() == 1
    assert Task.objects.filter(activity="use.autotopup").count() == 1
    assert Task.objects.filter(activity="help.message").count() == 1


def test_a_password_and_a_passkey_at_once_are_not_two_means_without_a_second_proof() -> None:
    prepare()
    client = browsers(level=1)[0]
    user = User.objects.get(subject=LINES[0])
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "x", "credential": a_credential()}
    )
    answer = client.post(reverse("change_password"), {"new": "korrekt pferd batterie"})
    assert answer["Location"].startswith("/sign-in/confirm")
    assert not User.objects.get(pk=user.pk).has_usable_password()


def test_a_sign_in_code_sent_from_two_browsers_opens_each_its_own() -> None:
    prepare()
    plain_life(LINES[0], msisdn="+491713920000").send()
    first, second = Client(), Client()
    at_once(*(lambda c=c: c.post(reverse("sign_in"), {"number": "+491713920000"}) for c in (first, second)))
    assert Code.objects.count() == 2
    answers = at_once(
        *(lambda c=c: c.post(reverse("sign_in_code"), {"code": last_code()}) for c in (first, second))
    )
    assert sorted(answer.status_code for answer in answers) == [302, 422]
    assert User.objects.count() == 1
