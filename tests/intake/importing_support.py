"""Databases of their own and commands in processes of their own, for tests of imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, LiteralString, Self
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from selbsthelfer.kit.embedded import scratch_server

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
BANK = DATA / "anonymous-bank-1999"

MAX_WAIT_SECONDS = 60

_PREPARE = """
import django, sys
django.setup()
from datetime import datetime, UTC
from selbsthelfer.cli.connecting import migrate
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.programmes.operations import publish
migrate()
for name in ("o2-2017", "o2-2017-automatic"):
    publish(load_preset(name), now=datetime(2020, 1, 1, tzinfo=UTC))
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """Read what a command with `--json` wrote."""
        assert self.code == 0, self.err
        read: dict[str, Any] = json.loads(self.out)
        return read


class Running:
    """A command at work."""

    def __init__(self, server: subprocess.Popen[str], folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.process = int(self._line())

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that the command does; it must come before the command ends."""
        limit = monotonic() + MAX_WAIT_SECONDS
        while not reached():
            assert Path(f"/proc/{self.process}").exists(), f"the command has ended: {self.end()}"
            assert monotonic() < limit, "the command takes too long"
            sleep(0.005)

    def end(self) -> Ended:
        """Wait for the end."""
        code = int(self._line())
        return Ended(code, (self._folder / "stdout").read_text(), (self._folder / "stderr").read_text())

    def _line(self) -> str:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line, "the process that starts commands has ended"
        return line


class Commands:
    """Starts commands one after the other on databases."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        environment = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("import_runner.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate(timeout=20)

    def start(self, url: str, *arguments: object) -> Running:
        """Start a command and do not wait for it."""
        assert url, "without a URL the command would use the embedded server of this machine"
        order = {
            "url": url,
            "arguments": [str(argument) for argument in arguments],
            "stdout": str(self._folder / "stdout"),
            "stderr": str(self._folder / "stderr"),
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return Running(self._server, self._folder)

    def run(self, url: str, *arguments: object) -> Ended:
        """Run a command to its end."""
        return self.start(url, *arguments).end()


class Server:
    """Makes databases, each a copy of one with all tables, the catalogue and two programmes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: list[str] = []
        self._template = self._create(None)
        environment = os.environ | {
            "DATABASE_URL": self._url_of(self._template),
            "DJANGO_SETTINGS_MODULE": "selbsthelfer.project.settings",
        }
        subprocess.run([sys.executable, "-c", _PREPARE], env=environment, check=True)

    def database(self) -> str:
        """Make a database and return its URL."""
        return self._url_of(self._create(self._template))

    def empty(self) -> str:
        """Make a database without any tables and return its URL."""
        return self._url_of(self._create(None))

    def drop(self) -> None:
        """Remove every database made here."""
        with self._admin() as admin:
            for name in self._made:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, template: str | None) -> str:
        name = f"import_{uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self._admin() as admin:
            admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template or "template0")))
        self._made.append(name)
        return name

    def _admin(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url, autocommit=True)

    def _url_of(self, name: str) -> str:
        return make_conninfo(self._url, dbname=name)


@contextmanager
def import_server() -> Iterator[Server]:
    """Use the server that `DATABASE_URL` names, or one of our own for as long as the tests run."""
    url = os.environ.get("DATABASE_URL")
    with scratch_server() if url is None else _given(url) as chosen:
        server = Server(chosen)
        try:
            yield server
        finally:
            server.drop()


@contextmanager
def _given(url: str) -> Iterator[str]:
    yield url


def rows(url: str, query: LiteralString, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Ask a database."""
    with psycopg.connect(url) as connection:
        return connection.execute(query, parameters).fetchall()
