"""Choose who carries messages, by the settings of the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from selbsthelfer.outbox.adapters.inbox import InboxNotifier, MissingNotifier
from selbsthelfer.outbox.adapters.sms import HttpSmsNotifier
from selbsthelfer.outbox.adapters.smtp import MailServer, SmtpNotifier
from selbsthelfer.outbox.core.messages import Notifier

DEFAULT_BASE_URL: Final = "http://localhost:8000"
SUBMISSION_PORT: Final = 587
TLS_PORT: Final = 465


class NotifierSettingError(ValueError):
    """A setting of the outbox cannot be used; the message names the setting, never its value."""

    code = "notifier_setting"


@dataclass(frozen=True, slots=True)
class Notifiers:
    """Who carries messages, and where links lead. `is_inbox`: nobody does, the demo inbox shows them."""

    sms: Notifier
    email: Notifier
    base_url: str
    is_inbox: bool


def notifiers_from(environ: Mapping[str, str]) -> Notifiers:
    """Choose by `SELBSTHELFER_SMS_URL`, `_SMS_TOKEN`, `_SMTP_URL`, `_MAIL_FROM` and `_BASE_URL`.

    With neither gateway set, messages stay in the demo inbox. With one, the other refuses. Raises
    `NotifierSettingError`.
    """
    base_url = environ.get("SELBSTHELFER_BASE_URL") or DEFAULT_BASE_URL
    sms_url, smtp_url = environ.get("SELBSTHELFER_SMS_URL"), environ.get("SELBSTHELFER_SMTP_URL")
    if not sms_url and not smtp_url:
        return Notifiers(InboxNotifier(), InboxNotifier(), base_url, is_inbox=True)
    return Notifiers(
        sms=_sms(sms_url, environ) if sms_url else MissingNotifier(),
        email=_smtp(smtp_url, environ) if smtp_url else MissingNotifier(),
        base_url=base_url,
        is_inbox=False,
    )


def _sms(text: str, environ: Mapping[str, str]) -> HttpSmsNotifier:
    url = _split(text, "SELBSTHELFER_SMS_URL", {"http", "https"})
    if url.scheme == "http" and not _is_this_machine(url.hostname):
        raise NotifierSettingError("SELBSTHELFER_SMS_URL must begin with https://")
    token = environ.get("SELBSTHELFER_SMS_TOKEN")
    if not token or not token.isascii() or not token.isprintable():
        raise NotifierSettingError("SELBSTHELFER_SMS_TOKEN is missing or is no token")
    return HttpSmsNotifier(text, token)


def _smtp(text: str, environ: Mapping[str, str]) -> SmtpNotifier:
    url = _split(text, "SELBSTHELFER_SMTP_URL", {"smtp", "smtps"})
    sender = environ.get("SELBSTHELFER_MAIL_FROM", "")
    if "@" not in sender or not sender.isprintable():
        raise NotifierSettingError("SELBSTHELFER_MAIL_FROM is missing or is no e-mail address")
    is_tls = url.scheme == "smtps"
    server = MailServer(
        host=url.hostname or "",
        port=url.port or (TLS_PORT if is_tls else SUBMISSION_PORT),
        is_tls=is_tls,
        may_be_plain=_is_this_machine(url.hostname),
        user=None if url.username is None else unquote(url.username),
        password=None if url.password is None else unquote(url.password),
    )
    return SmtpNotifier(server, sender)


def _split(text: str, name: str, schemes: set[str]) -> SplitResult:
    problem = f"{name} is no address that begins with {' or '.join(sorted(schemes))}://"
    try:
        url = urlsplit(text)
        is_sound = url.scheme in schemes and bool(url.hostname) and url.port != 0
    except ValueError as error:
        raise NotifierSettingError(problem) from error
    if not is_sound:
        raise NotifierSettingError(problem)
    return url


def _is_this_machine(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
