"""Hand e-mails to a mail server over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from selbsthelfer.outbox.core.messages import Outgoing, PermanentFailureError, TemporaryFailureError

TIMEOUT_SECONDS: Final = 10
"""For each answer of the server."""
_MAILBOX_REFUSED: Final = frozenset({550, 551, 553, 554})
"""The address does not exist or takes no mail; other refusals may be put right by the operator."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mails are handed over. Without encryption only where `may_be_plain`, on this machine."""

    host: str
    port: int
    is_tls: bool = False
    may_be_plain: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)


class SmtpNotifier:
    """Sends each e-mail over a connection of its own."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._tls = ssl.create_default_context()

    def send(self, message: Outgoing) -> None:
        """Hand a message over; raises `TemporaryFailureError`, `PermanentFailureError`."""
        try:
            with self._connected() as connection:
                connection.send_message(
                    compose(message, self._sender), from_addr=_bare(self._sender), to_addrs=[message.to]
                )
        except smtplib.SMTPRecipientsRefused as error:
            raise _failure(next(iter(error.recipients.values()))[0]) from error
        except smtplib.SMTPDataError as error:
            raise _failure(error.smtp_code) from error
        except smtplib.SMTPResponseException as error:
            raise TemporaryFailureError(f"smtp_{error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryFailureError("smtp_unreachable") from error

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.is_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_SECONDS, context=self._tls
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.ehlo()
            if not server.is_tls and (connection.has_extn("starttls") or not server.may_be_plain):
                connection.starttls(context=self._tls)
            if server.user is not None:
                connection.login(server.user, server.password or "")
        except BaseException:
            connection.close()
            raise
        return connection


def compose(message: Outgoing, sender: str) -> EmailMessage:
    """Write an e-mail in plain text; every attempt has the same Message-ID, so that a mailbox can tell."""
    email = EmailMessage()
    email["From"] = sender
    email["To"] = message.to
    email["Subject"] = message.subject
    email["Date"] = format_datetime(message.created_at)
    digest = sha256(message.reference.encode()).hexdigest()[:32]
    email["Message-ID"] = f"<{digest}@{_bare(sender).rpartition('@')[2]}>"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(message.letter)
    return email


def _failure(smtp_code: int) -> TemporaryFailureError | PermanentFailureError:
    code = f"smtp_{smtp_code}"
    return PermanentFailureError(code) if smtp_code in _MAILBOX_REFUSED else TemporaryFailureError(code)


def _bare(sender: str) -> str:
    """Return the address of a sender that may be written with a name: `Name <address>`."""
    return sender.rpartition("<")[2].removesuffix(">").strip()
