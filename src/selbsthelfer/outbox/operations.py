"""Write messages with the facts that cause them, and send them afterwards."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.outbox.core.messages import (
    Channel,
    Outgoing,
    PermanentFailureError,
    TemporaryFailureError,
    UnusableAddressError,
    channel_of,
    is_too_late,
    is_used_up,
    next_attempt_at,
)
from selbsthelfer.outbox.core.wording import UntoldError
from selbsthelfer.outbox.core.wordings import SECRET_KINDS, word_message
from selbsthelfer.outbox.notifying import Notifiers

_SQL = statements("selbsthelfer.outbox")
_LOG = logging.getLogger(__name__)

MAX_SENT = 1_000
"""Messages sent in one round."""
LEASE: Final = timedelta(minutes=5)
"""For how long a message belongs to the sender that took it: longer than any gateway may keep it waiting."""
MAX_EMPTIED = 1_000
"""Messages emptied in one round."""
SECRETS_KEPT_FOR: Final = timedelta(hours=24)
"""How long a code stays readable in the demo inbox; elsewhere it is emptied when it has gone out."""
KEPT_FOR: Final = timedelta(days=90)
"""How long any message stays readable."""

_AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
_THEN: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""When new messages may be taken: codes, which somebody waits for, before all others, and all before those
that are tried again, also while a made-up clock runs ahead."""


class MessageRow(NamedTuple):
    """A message to go out once per `key`, which its author derives from what the message tells.

    `to` is a telephone number or an e-mail address; without one the message stays in the inbox of its line.
    `content` holds what the wording of the kind needs, and the `language`.
    """

    key: str
    kind: str
    subscriber_id: UUID | None
    content: Mapping[str, Any]
    created_at: datetime
    to: str | None = None


class Round(NamedTuple):
    """What became of the messages that a sender took: `postponed` ones are tried again later."""

    sent: int
    postponed: int
    failed: int

    @property
    def taken(self) -> int:
        return self.sent + self.postponed + self.failed


class _Taken(NamedTuple):
    message_id: int
    key: str
    kind: str
    channel: str
    address: str
    content: str
    is_secret: bool
    created_at: datetime
    attempts: int


def put_messages(cursor: psycopg.Cursor[Any], messages: Sequence[MessageRow]) -> None:
    """Write messages inside the running transaction; one whose key is known changes nothing.

    An address that cannot be used hinders nobody: its message is kept as failed, without the address.
    """
    if not messages:
        return
    placed = [_place(message.to) for message in messages]
    cursor.execute(
        _SQL["put_messages"],
        {
            "keys": [m.key for m in messages],
            "kinds": [m.kind for m in messages],
            "lines": [m.subscriber_id for m in messages],
            "channels": [channel for channel, _, _ in placed],
            "addresses": [address for _, address, _ in placed],
            "failures": [failure for _, _, failure in placed],
            "contents": [json.dumps(m.content) for m in messages],
            "created_at": [m.created_at for m in messages],
            "secret_kinds": list(SECRET_KINDS),
            "at_once": _AT_ONCE,
            "then": _THEN,
        },
    )


def _place(to: str | None) -> tuple[Channel, str | None, str | None]:
    """Return the channel, the address and, where that cannot be used, the code of the failure."""
    try:
        return channel_of(to), to, None
    except UnusableAddressError as error:
        return Channel.EMAIL if to and "@" in to else Channel.SMS, None, error.code


def send_waiting(*, limit: int, now: datetime, notifiers: Notifiers) -> Round:
    """Send up to `limit` waiting messages, oldest first, at most `MAX_SENT`; then empty old ones.

    Each message goes out at least once: whoever dies between handing it over and noting that leaves it to be
    sent again, with the same reference. The log has the kind and the id of a message, never what it says.
    """
    limit = min(limit, MAX_SENT)
    sent = _put_into_inbox(limit, now, notifiers)
    postponed = failed = 0
    while sent + postponed + failed < limit:
        with transaction.atomic(durable=True):
            message = _take_next(open_cursor(), now)
        if message is None:
            break
        failure = _hand_over(message, notifiers, now)
        with transaction.atomic(durable=True):
            due_at = _note(open_cursor(), message, failure, now)
        sent += failure is None
        postponed += due_at is not None
        failed += failure is not None and due_at is None
    _empty_old(now)
    return Round(sent, postponed, failed)


def _put_into_inbox(limit: int, now: datetime, notifiers: Notifiers) -> int:
    """Send what stays in the house: messages without an address, or all where nobody carries any."""
    with transaction.atomic(durable=True):
        parameters = {"now": now, "limit": limit, "all_channels": notifiers.is_inbox}
        sent = open_cursor().execute(_SQL["put_into_inbox"], parameters).fetchall()
    for message_id, kind in sorted(sent):
        _LOG.info("sent %s, message %s", kind, message_id)
    return len(sent)


def _take_next(cursor: psycopg.Cursor[Any], now: datetime) -> _Taken | None:
    """Take the message that has waited longest, for as long as a lease lasts."""
    row = cursor.execute(_SQL["take_next"], {"now": now, "leased_until": now + LEASE}).fetchone()
    return None if row is None else _Taken(*row)


def _hand_over(
    message: _Taken, notifiers: Notifiers, now: datetime
) -> TemporaryFailureError | PermanentFailureError | None:
    """Hand a message over; return what went wrong."""
    if is_too_late(is_secret=message.is_secret, created_at=message.created_at, now=now):
        return PermanentFailureError("too_late")
    if is_used_up(message.attempts):
        return PermanentFailureError("sender_died")
    try:
        outgoing = _outgoing(message, notifiers.base_url)
        notifier = notifiers.sms if outgoing.channel is Channel.SMS else notifiers.email
        notifier.send(outgoing)
    except UntoldError as error:
        return PermanentFailureError(error.code)
    except (TemporaryFailureError, PermanentFailureError) as error:
        return error
    return None


def _outgoing(message: _Taken, base_url: str) -> Outgoing:
    worded = word_message(message.kind, json.loads(message.content), base_url=base_url)
    return Outgoing(
        reference=message.key,
        channel=Channel(message.channel),
        to=message.address,
        subject=worded.subject,
        text=worded.text_with_link,
        letter=worded.letter,
        created_at=message.created_at,
    )


def _note(
    cursor: psycopg.Cursor[Any],
    message: _Taken,
    failure: TemporaryFailureError | PermanentFailureError | None,
    now: datetime,
) -> datetime | None:
    """Note what became of a message; return when it is tried again, if it is."""
    if failure is None:
        cursor.execute(_SQL["mark_sent"], {"message_id": message.message_id, "now": now})
        _LOG.info("sent %s, message %s", message.kind, message.message_id)
        return None
    is_temporary = isinstance(failure, TemporaryFailureError)
    due_at = next_attempt_at(message.attempts, now) if is_temporary else None
    cursor.execute(
        _SQL["mark_unsent"],
        {
            "message_id": message.message_id,
            "attempts": message.attempts,
            "due_at": due_at,
            "failure": failure.code,
            "now": now,
        },
    )
    outcome = "failed" if due_at is None else "postponed"
    _LOG.warning("%s %s, message %s: %s", outcome, message.kind, message.message_id, failure.code)
    return due_at


def _empty_old(now: datetime) -> None:
    """Take content and address from codes that are a day old and from what nobody needs any more."""
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        for name, kept in (("empty_old_secrets", SECRETS_KEPT_FOR), ("empty_old", KEPT_FOR)):
            cursor.execute(_SQL[name], {"before": now - kept, "now": now, "limit": MAX_EMPTIED})


def erase_line(cursor: psycopg.Cursor[Any], line: UUID, *, now: datetime) -> int:
    """Empty every message of a line in the running transaction and part it from the line; return how many.

    A message of it that still waits is never sent, nor is an event: events are deleted. The address of a
    message without a line is not known here.
    """
    cursor.execute(_SQL["erase_deliveries_of_line"], {"line": line})
    cursor.execute(_SQL["erase_events_of_line"], {"line": line})
    return cursor.execute(_SQL["erase_line"], {"line": line, "now": now}).rowcount
