"""What a message is on its way out: its channel, its address, and when it is tried again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

MAX_ATTEMPTS: Final = 8
"""How often a message is tried; the last time about 13 hours after the first."""
FIRST_WAIT: Final = timedelta(seconds=30)
MAX_WAIT: Final = timedelta(hours=6)
"""The longest wait between two attempts."""
MAX_SECRET_AGE: Final = timedelta(minutes=15)
"""A code is not sent later than so long after it was written: by then it has run out."""
MAX_ADDRESS_CHARACTERS: Final = 254

_WAIT_GROWS: Final = 4
_NUMBER = re.compile(r"\+?[0-9]{3,15}", re.ASCII)
_LOCAL_PART = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_DOMAIN_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_LOCAL_PART}@{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})+", re.ASCII)


class Channel(StrEnum):
    """How a message reaches its reader; in the inbox it is shown and never leaves the house."""

    SMS = "sms"
    EMAIL = "email"
    INBOX = "inbox"


class UnusableAddressError(ValueError):
    """An address is neither a telephone number nor an e-mail address."""

    code = "unusable_address"


class TemporaryFailureError(Exception):
    """A message was not handed over and is worth another attempt; `code` says why, without any content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PermanentFailureError(Exception):
    """A message will never be handed over; `code` says why, without any content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as a notifier gets it; `reference` is the same for every attempt.

    `text` is short, with its link; `letter` is the whole text of an e-mail.
    """

    reference: str
    channel: Channel
    to: str
    subject: str
    text: str
    letter: str
    created_at: datetime


class Notifier(Protocol):
    """Hands a message over to what carries it."""

    def send(self, message: Outgoing) -> None:
        """Hand a message over once; raises `TemporaryFailureError`, `PermanentFailureError`.

        A message may come again with the same reference, after a failure that left it open whether it went.
        """


def channel_of(to: str | None) -> Channel:
    """Tell how an address is reached; without one, by the inbox. Raises `UnusableAddressError`.

    A telephone number has 3 to 15 digits, after a + or not.
    """
    if to is None:
        return Channel.INBOX
    if _NUMBER.fullmatch(to):
        return Channel.SMS
    if len(to) <= MAX_ADDRESS_CHARACTERS and _EMAIL.fullmatch(to):
        return Channel.EMAIL
    raise UnusableAddressError("this is neither a telephone number nor an e-mail address")


def next_attempt_at(attempts: int, failed_at: datetime) -> datetime | None:
    """Tell when to try again after so many attempts, or None if that was the last."""
    if attempts >= MAX_ATTEMPTS:
        return None
    wait: timedelta = FIRST_WAIT * int(_WAIT_GROWS ** (attempts - 1))
    return failed_at + min(wait, MAX_WAIT)


def is_used_up(attempts: int) -> bool:
    """Tell whether a message that is taken again ended more senders than it may, without a word."""
    return attempts > MAX_ATTEMPTS


def is_too_late(*, is_secret: bool, created_at: datetime, now: datetime) -> bool:
    """Tell whether a message is of no use any more."""
    return is_secret and now - created_at > MAX_SECRET_AGE
