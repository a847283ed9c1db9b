"""An SMS gateway and a mail server on this machine that keep what they are given, and refuse when told to."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class SmsGateway:
    """Answers each request with the next of `statuses`, then with 202."""

    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    url: str = ""


@contextmanager
def sms_gateway() -> Iterator[SmsGateway]:
    gateway = SmsGateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            gateway.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(gateway.statuses.pop(0) if gateway.statuses else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        gateway.url = f"http://127.0.0.1:{port}/messages"
        yield gateway


@dataclass
class MailServer:
    """Answers RCPT with the next of `recipient_replies`, then with 250."""

    recipient_replies: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    url: str = ""


class _MailTalk(socketserver.StreamRequestHandler):
    """One connection of a mail server that `kept` belongs to."""

    kept: MailServer

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"QUIT":
                self.say("221 bye")
                return
            self.answer(word, line)

    def answer(self, word: bytes, line: bytes) -> None:
        if word == b"RCPT":
            replies = self.kept.recipient_replies
            self.kept.recipients.append(line.decode().partition("<")[2].partition(">")[0])
            self.say(replies.pop(0) if replies else "250 ok")
        elif word == b"DATA":
            self.say("354 go on")
            self.kept.mails.append(self.read_mail())
            self.say("250 taken")
        else:
            self.say("250 ok")

    def read_mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _MailSocket(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    talk = type("Talk", (_MailTalk,), {"kept": server})
    with _running(_MailSocket(("127.0.0.1", 0), talk)) as port:
        server.url = f"smtp://127.0.0.1:{port}"
        yield server


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
