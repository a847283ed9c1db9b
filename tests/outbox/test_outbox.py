"""Messages are written once with what causes them, and sent afterwards."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.operations import MessageRow, put_messages, send_waiting
from selbsthelfer.outbox.queries import Waiting, waiting

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def put(*keys: str, at: datetime = NOW) -> None:
    with transaction.atomic():
        put_messages(
            open_cursor(), [MessageRow(key, "test.kind", None, {"text": "geheim +49170"}, at) for key in keys]
        )


def count_waiting() -> Waiting:
    with transaction.atomic():
        return waiting(open_cursor())


def test_a_message_is_written_once_per_key() -> None:
    put("a", "b", "a")
    put("b", "c", at=NOW + timedelta(hours=1))
    assert count_waiting() == (3, NOW)


def test_a_message_is_sent_once_oldest_first_and_a_repetition_does_not_revive_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    put("a", "b", "c")
    with caplog.at_level(logging.INFO):
        assert [
            send_waiting(limit=2, now=NOW),
            send_waiting(limit=2, now=NOW),
            send_waiting(limit=2, now=NOW),
        ] == [2, 1, 0]
    ids = [int(record.getMessage().rsplit(" ", 1)[1]) for record in caplog.records]
    assert ids == sorted(set(ids))
    put("a")
    assert count_waiting() == (0, None)


def test_the_log_tells_kind_and_id_and_nothing_of_the_content(caplog: pytest.LogCaptureFixture) -> None:
    put("a")
    with caplog.at_level(logging.INFO):
        send_waiting(limit=10, now=NOW)
    assert "test.kind" in caplog.text
    assert "geheim" not in caplog.text
    assert "49170" not in caplog.text


def test_a_message_of_a_transaction_that_fails_does_not_exist() -> None:
    with transaction.atomic():
        put_messages(open_cursor(), [MessageRow("a", "test.kind", None, {}, NOW)])
        transaction.set_rollback(True)
    assert count_waiting() == (0, None)
