"""Messages go out by gateways, at least once, again after a failure, and not for ever."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections, transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.adapters.smtp import MailServer as Server
from selbsthelfer.outbox.adapters.smtp import SmtpNotifier
from selbsthelfer.outbox.core.messages import (
    MAX_ATTEMPTS,
    MAX_SECRET_AGE,
    Outgoing,
    PermanentFailureError,
    TemporaryFailureError,
    next_attempt_at,
)
from selbsthelfer.outbox.notifying import Notifiers, NotifierSettingError, notifiers_from
from selbsthelfer.outbox.operations import LEASE, Round
from tests.outbox.gateways import MailServer, SmsGateway, mail_server, sms_gateway
from tests.outbox.putting import (
    BASE_URL,
    CODE,
    LINE,
    NOW,
    carried_by,
    count_waiting,
    put,
    read,
    send,
    state_of,
)

pytestmark = pytest.mark.django_db

NUMBER = "+4915112345678"
EMAIL = "erika@example.org"


@pytest.fixture
def sms() -> Iterator[SmsGateway]:
    with sms_gateway() as gateway:
        yield gateway


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def notifiers(sms: SmsGateway, mail: MailServer) -> Notifiers:
    return notifiers_from(
        {
            "SELBSTHELFER_SMS_URL": sms.url,
            "SELBSTHELFER_SMS_TOKEN": "top-secret",
            "SELBSTHELFER_SMTP_URL": mail.url,
            "SELBSTHELFER_MAIL_FROM": "Kundenservice <service@example.de>",
            "SELBSTHELFER_BASE_URL": BASE_URL,
        }
    )


class Carrier:
    """Keeps what it is given, and fails as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.taken: list[Outgoing] = []

    def send(self, message: Outgoing) -> None:
        self.taken.append(message)
        if self.failures:
            raise self.failures.pop(0)


def test_a_short_message_reaches_the_gateway_with_its_text_its_link_and_its_reference(
    notifiers: Notifiers, sms: SmsGateway, mail: MailServer
) -> None:
    put("case/1", to=NUMBER)
    assert send(notifiers) == Round(1, 0, 0)
    ((headers, body),) = sms.requests
    assert body == {
        "to": NUMBER,
        "text": "Wir haben Ihr Anliegen F-1234-5678 beantwortet. Die Antwort lesen Sie hier: "
        "https://mein.example.de/cases/F-1234-5678",
        "reference": "case/1",
    }
    assert headers["authorization"] == "Bearer top-secret"
    assert headers["idempotency-key"] == "case/1"
    assert (mail.mails, count_waiting().messages) == ([], 0)


def test_an_email_reaches_the_mail_server_as_plain_text_with_subject_and_link(
    notifiers: Notifiers, mail: MailServer, sms: SmsGateway
) -> None:
    declared = [[{"de": "Name", "en": "Name"}, "Jörg Müller"], [{"de": "Vertrag", "en": "Contract"}, "K-1"]]
    content = {"number": "F-1", "received_at": "2026-05-01T12:00:00+00:00", "declared": declared}
    put("case/1", kind="cancellation_received", to=EMAIL, content=content)
    assert send(notifiers) == Round(1, 0, 0)
    (email,) = mail.mails
    assert (email["From"], email["To"]) == ("Kundenservice <service@example.de>", EMAIL)
    assert (email["Subject"], email["Auto-Submitted"]) == (
        "Ihre Kündigung ist eingegangen (F-1)",
        "auto-generated",
    )
    text = email.get_content().replace("\r\n", "\n")
    assert "am 1. Mai 2026 um 14:00 Uhr bei uns eingegangen" in text
    assert "Name: Jörg Müller\nVertrag: K-1" in text
    assert mail.recipients == [EMAIL]
    assert sms.requests == []


def test_every_attempt_of_an_email_has_the_same_message_id(notifiers: Notifiers, mail: MailServer) -> None:
    put("first", "second", to=EMAIL)
    send(notifiers)
    ids = [email["Message-ID"] for email in mail.mails]
    assert len(set(ids)) == 2
    put("third", to=EMAIL)
    mail.recipient_replies.append("450 later")
    assert send(notifiers) == Round(0, 1, 0)
    assert send(notifiers, now=NOW + timedelta(minutes=1)) == Round(1, 0, 0)
    assert mail.recipients[2:] == [EMAIL, EMAIL]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Round(1, 0, 0)),
        (409, Round(1, 0, 0)),
        (400, Round(0, 0, 1)),
        (422, Round(0, 0, 1)),
        (302, Round(0, 1, 0)),
        (401, Round(0, 1, 0)),
        (429, Round(0, 1, 0)),
        (503, Round(0, 1, 0)),
    ],
)
def test_what_the_gateway_answers_decides_what_comes_next(
    status: int, expected: Round, notifiers: Notifiers, sms: SmsGateway
) -> None:
    put("a", to=NUMBER)
    sms.statuses = [status]
    assert send(notifiers) == expected
    assert state_of("a")["failure"] == (None if expected.sent else f"sms_{status}")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [("550 no such mailbox", Round(0, 0, 1)), ("452 full", Round(0, 1, 0)), ("530 sign in", Round(0, 1, 0))],
)
def test_what_the_mail_server_answers_decides_what_comes_next(
    reply: str, expected: Round, notifiers: Notifiers, mail: MailServer
) -> None:
    put("a", to=EMAIL)
    mail.recipient_replies = [reply]
    assert send(notifiers) == expected
    assert state_of("a")["failure"] == f"smtp_{reply[:3]}"


def test_a_gateway_that_cannot_be_reached_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    unreachable = notifiers_from(
        {
            "SELBSTHELFER_SMS_URL": f"http://127.0.0.1:{port}/",
            "SELBSTHELFER_SMS_TOKEN": "t",
            "SELBSTHELFER_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "SELBSTHELFER_MAIL_FROM": "service@example.de",
        }
    )
    put("a", to=NUMBER)
    put("b", to=EMAIL)
    assert send(unreachable) == Round(0, 2, 0)
    assert (state_of("a")["failure"], state_of("b")["failure"]) == ("sms_unreachable", "smtp_unreachable")


def test_a_mail_server_elsewhere_gets_nothing_without_encryption(mail: MailServer) -> None:
    elsewhere = Server(host="127.0.0.1", port=int(mail.url.rpartition(":")[2]))
    put("a", to=EMAIL)
    assert send(carried_by(email=SmtpNotifier(elsewhere, "service@example.de"))) == Round(0, 1, 0)
    assert (mail.mails, mail.recipients) == ([], [])


def test_attempts_are_further_and_further_apart_and_then_end() -> None:
    put("a", to=NUMBER)
    carrier = Carrier(*(TemporaryFailureError("sms_503") for _ in range(MAX_ATTEMPTS)))
    notifiers, now, waits = carried_by(sms=carrier), NOW, []
    for attempt in range(1, MAX_ATTEMPTS):
        assert send(notifiers, now=now) == Round(0, 1, 0)
        due_at = next_attempt_at(attempt, now)
        assert due_at is not None
        assert send(notifiers, now=due_at - timedelta(seconds=1)) == Round(0, 0, 0)
        waits.append(due_at - now)
        now = due_at
    assert send(notifiers, now=now) == Round(0, 0, 1)
    assert send(notifiers, now=now + timedelta(days=1)) == Round(0, 0, 0)
    assert waits == sorted(waits)
    assert timedelta(hours=12) < sum(waits, timedelta()) < timedelta(hours=24)
    assert (state_of("a")["failure"], state_of("a")["attempts"]) == ("sms_503", MAX_ATTEMPTS)
    assert {message.reference for message in carrier.taken} == {"a"}


def test_codes_go_out_before_everything_else_and_what_failed_comes_last() -> None:
    put("failed", to=NUMBER)
    first = Carrier(TemporaryFailureError("sms_503"))
    send(carried_by(sms=first))
    later = NOW + timedelta(minutes=1)
    put("other", to=NUMBER, at=later)
    put("code", kind="sign_in_code", content=CODE, to=NUMBER, at=later)
    carrier = Carrier()
    send(carried_by(sms=carrier), now=later)
    assert [message.reference for message in carrier.taken] == ["code", "other", "failed"]


def test_whatever_an_author_writes_can_be_carried(
    notifiers: Notifiers, sms: SmsGateway, mail: MailServer
) -> None:
    content = {"number": "B-1", "what": "Zeile 1\r\nBcc: eve@example.org\n.\nZeile „2“"}
    put("schlüssel\n1", kind="receipt", content=content, to=NUMBER)
    put("schlüssel\n2", kind="receipt", content=content, to=EMAIL)
    assert send(notifiers) == Round(2, 0, 0)
    assert sms.requests[0][1]["reference"] == "schlüssel\n1"
    assert mail.recipients == [EMAIL]
    assert mail.mails[0]["Bcc"] is None
    assert "Bcc: eve@example.org" in mail.mails[0]["Subject"]
    assert "\n.\nZeile „2“" in mail.mails[0].get_content().replace("\r\n", "\n")


def test_a_message_that_fails_hinders_no_other() -> None:
    put("a", "b", "c", to=NUMBER)
    carrier = Carrier(TemporaryFailureError("sms_503"), PermanentFailureError("sms_400"))
    assert send(carried_by(sms=carrier)) == Round(1, 1, 1)


def test_a_sender_takes_one_message_at_a_time_also_where_the_planner_takes_the_table_for_empty() -> None:
    """A choice that is joined is made anew for each row then, and took them all."""
    put("a", "b", "c", to=NUMBER)
    put("d", "e", "f")
    with transaction.atomic():
        open_cursor().execute(
            "UPDATE pg_class SET relpages = 1, reltuples = 0 WHERE relname = 'outbox_message'"
        )
    carrier = Carrier(TemporaryFailureError("sms_503"), PermanentFailureError("sms_400"))
    rounds = [send(carried_by(sms=carrier), limit=1) for _ in range(6)]
    assert rounds == [Round(1, 0, 0)] * 3 + [Round(0, 1, 0), Round(0, 0, 1), Round(1, 0, 0)]


def test_a_message_without_words_or_with_a_wrong_content_fails_for_good() -> None:
    put("a", kind="without.words", to=NUMBER)
    put("b", kind="credited", content={"bytes": 1, "until": "soon"}, to=NUMBER)
    put("c", content={"number": "F-1", "path": "//elsewhere.example"}, to=NUMBER)
    carrier = Carrier()
    assert send(carried_by(sms=carrier)) == Round(0, 0, 3)
    assert carrier.taken == []


def test_a_message_without_an_address_never_leaves_the_house() -> None:
    put("a", line=LINE)
    carrier = Carrier()
    assert send(carried_by(sms=carrier, email=carrier)) == Round(1, 0, 0)
    assert carrier.taken == []
    assert len(read(subscriber_id=LINE)) == 1


def test_a_code_is_emptied_as_it_goes_out_and_its_log_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    put("a", kind="sign_in_code", content=CODE, to=NUMBER)
    carrier = Carrier()
    with caplog.at_level(logging.DEBUG):
        assert send(carried_by(sms=carrier)).sent == 1
    assert "482913" in carrier.taken[0].text
    assert (state_of("a")["content"], state_of("a")["address"], state_of("a")["emptied_at"]) == (
        "{}",
        None,
        NOW,
    )
    assert read() == []
    assert "482913" not in caplog.text
    assert NUMBER not in caplog.text


def test_a_code_that_has_run_out_is_not_sent() -> None:
    put("a", kind="sign_in_code", content=CODE, to=NUMBER)
    carrier = Carrier()
    late = NOW + MAX_SECRET_AGE + timedelta(seconds=1)
    assert send(carried_by(sms=carrier), now=late) == Round(0, 0, 1)
    assert carrier.taken == []


def test_one_gateway_without_the_other_refuses_what_it_cannot_carry(sms: SmsGateway) -> None:
    notifiers = notifiers_from({"SELBSTHELFER_SMS_URL": sms.url, "SELBSTHELFER_SMS_TOKEN": "t"})
    put("a", to=NUMBER)
    put("b", to=EMAIL)
    assert send(notifiers) == Round(1, 0, 1)
    assert state_of("b")["failure"] == "no_email_gateway"


@pytest.mark.parametrize(
    "environ",
    [
        {"SELBSTHELFER_SMS_URL": "ftp://sms.example.de", "SELBSTHELFER_SMS_TOKEN": "s3cret"},
        {"SELBSTHELFER_SMS_URL": "http://sms.example.de", "SELBSTHELFER_SMS_TOKEN": "s3cret"},
        {"SELBSTHELFER_SMS_URL": "https://sms.example.de"},
        {"SELBSTHELFER_SMTP_URL": "smtp://u:s3cret@mail.example.de"},
        {"SELBSTHELFER_SMTP_URL": "smtp://u:s3cret@mail.example.de:x", "SELBSTHELFER_MAIL_FROM": "a@b.de"},
    ],
)
def test_a_setting_that_cannot_be_used_is_named_without_its_value(environ: dict[str, str]) -> None:
    with pytest.raises(NotifierSettingError) as refused:
        notifiers_from(environ)
    assert "SELBSTHELFER_" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert "example" not in str(refused.value)


def test_without_settings_everything_stays_in_the_demo_inbox() -> None:
    put("a", to=NUMBER, kind="sign_in_code", content=CODE)
    put("b", to=EMAIL)
    assert notifiers_from({}).is_inbox
    assert send(notifiers_from({})) == Round(2, 0, 0)
    assert len(read()) == 2


@pytest.mark.django_db(transaction=True)
def test_two_senders_never_send_the_same_message() -> None:
    put(*(f"m{n}" for n in range(40)), to=NUMBER)
    started = threading.Barrier(2)
    rounds: list[Round] = []

    class Slow(Carrier):
        def send(self, message: Outgoing) -> None:
            if not self.taken:
                started.wait(timeout=10)
            super().send(message)

    carriers = [Slow(), Slow()]

    def run(carrier: Carrier) -> None:
        rounds.append(send(carried_by(sms=carrier)))
        connections.close_all()

    threads = [threading.Thread(target=run, args=[carrier]) for carrier in carriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = [message.reference for carrier in carriers for message in carrier.taken]
    assert sorted(sent) == sorted(f"m{n}" for n in range(40))
    assert all(carrier.taken for carrier in carriers)
    assert sum(done.sent for done in rounds) == 40


@pytest.mark.django_db(transaction=True)
def test_what_a_dead_sender_had_taken_is_sent_by_another_after_the_lease() -> None:
    class Crash(Carrier):
        def send(self, message: Outgoing) -> None:
            super().send(message)
            raise SystemExit

    put("a", to=NUMBER)
    dead = Crash()
    with pytest.raises(SystemExit):
        send(carried_by(sms=dead))
    second = Carrier()
    assert send(carried_by(sms=second), now=NOW + LEASE - timedelta(seconds=1)).taken == 0
    assert send(carried_by(sms=second), now=NOW + LEASE).sent == 1
    assert [message.reference for message in dead.taken + second.taken] == ["a", "a"]


@pytest.mark.django_db(transaction=True)
def test_a_message_that_ends_every_sender_is_given_up() -> None:
    class Crash(Carrier):
        def send(self, message: Outgoing) -> None:
            super().send(message)
            raise SystemExit

    put("a", to=NUMBER)
    deadly, now = Crash(), NOW
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(SystemExit):
            send(carried_by(sms=deadly), now=now)
        now += LEASE
    assert send(carried_by(sms=deadly), now=now) == Round(0, 0, 1)
    assert (len(deadly.taken), state_of("a")["failure"]) == (MAX_ATTEMPTS, "sender_died")


@pytest.mark.django_db(transaction=True)
def test_a_late_failure_does_not_undo_what_another_sender_has_done() -> None:
    class Overtaken(Carrier):
        def send(self, message: Outgoing) -> None:
            later = NOW + LEASE
            assert message.reference == "a"
            assert send(carried_by(), now=later).sent == 1
            raise PermanentFailureError("sms_400")

    put("a", to=NUMBER)
    send(carried_by(sms=Overtaken()))
    assert (state_of("a")["failed_at"], state_of("a")["failure"]) == (None, None)
    assert state_of("a")["sent_at"] is not None
