"""Messages are written once with what causes them, stay readable in the inbox, and do not stay for ever."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language
from selbsthelfer.outbox.core.messages import Channel
from selbsthelfer.outbox.operations import (
    KEPT_FOR,
    SECRETS_KEPT_FOR,
    MessageRow,
    erase_line,
    put_messages,
)
from selbsthelfer.outbox.queries import MAX_LISTED, export_of_line, failures
from tests.outbox.putting import BASE_URL, CODE, INBOX, LINE, NOW, count_waiting, put, read, send, state_of

pytestmark = pytest.mark.django_db
OTHER = UUID(int=8)


def test_a_message_is_written_once_per_key() -> None:
    put("a", "b", "a")
    put("b", "c", at=NOW + timedelta(hours=1))
    assert count_waiting() == (3, NOW)


def test_a_message_is_sent_once_oldest_first_and_a_repetition_does_not_revive_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    put("a", "b", "c")
    with caplog.at_level(logging.INFO):
        assert [send(limit=2).sent, send(limit=2).sent, send(limit=2).sent] == [2, 1, 0]
    ids = [int(record.getMessage().rsplit(" ", 1)[1]) for record in caplog.records]
    assert ids == sorted(set(ids))
    put("a")
    assert count_waiting() == (0, None)


def test_the_log_tells_kind_and_id_and_nothing_of_the_content(caplog: pytest.LogCaptureFixture) -> None:
    put("a", kind="test.kind", content={"text": "geheim"}, to="+4915112345678")
    with caplog.at_level(logging.INFO):
        send()
    assert "test.kind" in caplog.text
    assert "geheim" not in caplog.text
    assert "4915" not in caplog.text


def test_a_message_of_a_transaction_that_fails_does_not_exist() -> None:
    with transaction.atomic():
        put_messages(open_cursor(), [MessageRow("a", "test.kind", None, {}, NOW)])
        transaction.set_rollback(True)
    assert count_waiting() == (0, None)


def test_an_address_that_cannot_be_used_hinders_no_other_message_and_is_not_kept() -> None:
    with transaction.atomic():
        rows = [
            MessageRow(key, "case_answered", None, {}, NOW, to) for key, to in (("a", "sofa"), ("b", None))
        ]
        put_messages(open_cursor(), rows)
        assert failures(open_cursor()) == {"unusable_address": 1}
    assert (state_of("a")["address"], state_of("a")["failed_at"]) == (None, NOW)
    assert count_waiting().messages == 1


def test_the_inbox_shows_a_message_as_soon_as_it_is_written_newest_first_in_its_language() -> None:
    put("a", line=LINE)
    put("b", line=LINE, content={"number": "F-1", "language": "en"})
    put("c", line=OTHER)
    shown = read(subscriber_id=LINE)
    assert [message.text for message in shown] == [
        "We have replied to your request F-1. You can read the reply here:",
        "Wir haben Ihr Anliegen F-1234-5678 beantwortet. Die Antwort lesen Sie hier:",
    ]
    assert (shown[0].path, shown[0].channel, shown[0].sent_at) == ("/cases/F-1", Channel.INBOX, None)
    assert [m.subject for m in read(subscriber_id=LINE, language=Language.GERMAN, limit=1)] == [
        "Antwort auf Ihr Anliegen F-1"
    ]
    send()
    assert read(subscriber_id=LINE)[0].sent_at == NOW


def test_the_inbox_of_an_address_shows_what_went_there_and_without_either_everything() -> None:
    put("a", to="a@example.org", kind="sign_in_code", content=CODE)
    put("b", to="+4915112345678")
    put("c", kind="without.words")
    assert [m.to for m in read(to="a@example.org")] == ["a@example.org"]
    assert read(to="a@example.org")[0].text.startswith("482913 ist Ihr Code")
    assert [m.to for m in read()] == ["+4915112345678", "a@example.org"]
    assert read(to="nobody@example.org") == []


def test_the_inbox_shows_at_most_so_many() -> None:
    put(*(f"m{n}" for n in range(MAX_LISTED + 1)))
    assert len(read(limit=MAX_LISTED + 50)) == MAX_LISTED
    assert len(read(limit=3, base_url=BASE_URL + "/")) == 3


def test_a_code_is_emptied_after_a_day_and_any_message_after_some_time() -> None:
    put("code", to="+4915112345678", kind="sign_in_code", content=CODE)
    put("other", to="+4915112345678")
    send()
    day = NOW + SECRETS_KEPT_FOR
    send(now=day)
    assert state_of("code")["content"] != "{}"
    send(now=day + timedelta(seconds=1))
    assert (state_of("code")["content"], state_of("code")["address"]) == ("{}", None)
    assert [m.kind for m in read(to="+4915112345678")] == ["case_answered"]
    send(now=NOW + KEPT_FOR + timedelta(seconds=1))
    assert (state_of("other")["content"], state_of("other")["address"]) == ("{}", None)
    assert read() == []


def test_erasure_takes_content_and_address_of_a_line_and_what_waits_is_not_sent() -> None:
    put("sent", line=LINE, to="a@example.org")
    send()
    put("waits", line=LINE, to="a@example.org")
    put("other", line=OTHER, to="b@example.org")
    with transaction.atomic():
        assert erase_line(open_cursor(), LINE, now=NOW) == 2
        assert export_of_line(open_cursor(), LINE) == {"events": [], "messages": []}
    for key in ("sent", "waits"):
        assert (state_of(key)["content"], state_of(key)["address"]) == ("{}", None)
    assert (state_of("waits")["failure"], state_of("sent")["sent_at"]) == ("erased", NOW)
    assert send(INBOX).sent == 1
    assert state_of("other")["address"] == "b@example.org"


def test_the_export_tells_all_messages_of_a_line_without_codes() -> None:
    put("a", line=LINE, to="a@example.org")
    put("b", line=LINE, to="a@example.org", kind="sign_in_code", content=CODE)
    put("c", line=OTHER)
    with transaction.atomic():
        told = export_of_line(open_cursor(), LINE)
    assert told == {
        "events": [],
        "messages": [
            {
                "kind": kind,
                "channel": "email",
                "to": "a@example.org",
                "content": content,
                "written_at": NOW.isoformat(),
                "sent_at": None,
            }
            for kind, content in (("sign_in_code", {}), ("case_answered", {"number": "F-1234-5678"}))
        ],
    }
