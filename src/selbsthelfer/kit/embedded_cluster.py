"""One data directory: make it, start a server on it that outlives us, find that server again, stop it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from selbsthelfer.kit.embedded_account import Account, give, run_as
from selbsthelfer.kit.embedded_errors import EmbeddedServerError
from selbsthelfer.kit.embedded_layout import DATABASE, ROLE, SOCKET_NAME, Layout
from selbsthelfer.kit.embedded_programs import MAJOR_VERSION
from selbsthelfer.kit.embedded_settings import write_settings

INITDB_OPTIONS = (
    f"--username={ROLE}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
    "--auth-local=trust",
    "--auth-host=reject",
    "--no-instructions",
)
"""The built-in locale orders by code point and knows Unicode's letters, whatever the system has installed."""
UNFINISHED = "data.new-"
MAX_START_SECONDS = 300
"""Recovering after a crash replays up to `max_wal_size`."""
MAX_STOP_SECONDS = 120
MAX_ORPHAN_SECONDS = 20
"""How long the processes of a killed server may take to notice and let go of its memory."""
MAX_SILENT_SECONDS = 30
"""A running server refuses connections while it recovers from the crash of one session, or has too many."""
CONNECT_SECONDS = 10
MAX_LOG_BYTES = 16 * 1024 * 1024
TAIL_LINES = 15
TAIL_BYTES = 16 * 1024
COMPLAINT = re.compile(r"(?:FATAL|PANIC|error):\s+(?!the database system is)(.+)")
"""The first is the cause, except for what a server that is not ready tells its clients."""


class DataDirectoryError(EmbeddedServerError):
    """The data directory cannot be made, or another version of PostgreSQL made it."""

    code = "data_directory"


class ServerStartError(EmbeddedServerError):
    """The server does not start; `log_tail` holds the last lines of its log."""

    code = "server_start"

    def __init__(self, sentence: str, *, log_tail: str) -> None:
        super().__init__(sentence)
        self.log_tail = log_tail
        if log_tail:
            self.add_note(log_tail)


class ServerStopError(EmbeddedServerError):
    """The server does not stop."""

    code = "server_stop"


class ServerNotAnsweringError(EmbeddedServerError):
    """The server runs but takes no connection."""

    code = "server_not_answering"


@dataclass(frozen=True)
class Postmaster:
    """The first process of a running server; `ready` once it takes connections."""

    pid: int
    ready: bool


def find_postmaster(layout: Layout) -> Postmaster | None:
    """Find the living server by the file it keeps in its data directory."""
    try:
        lines = (layout.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not _works_in(pid, layout.data):
        return None
    return Postmaster(pid, ready=len(lines) > 7 and lines[7].strip() == "ready")


def data_version(layout: Layout) -> str | None:
    """Return the major version that made the data directory; None where there is none."""
    try:
        return (layout.data / "PG_VERSION").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def initialise(layout: Layout, account: Account, programs: Path) -> None:
    """Make the data directory beside its place and move it there when it is whole.

    Raises `DataDirectoryError`.
    """
    fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=layout.home))
    give(fresh, account)
    command = (programs / "initdb", *INITDB_OPTIONS, f"--pgdata={fresh.name}")
    done = run_as(account, command, folder=layout.home)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise DataDirectoryError(
            f"The data directory {layout.data} could not be made: {_reason(done.stdout)}."
        )
    fresh.rename(layout.data)


def remove_unfinished(layout: Layout) -> None:
    """Remove data directories that were not finished; one that `initdb` still fills goes the next time."""
    for unfinished in layout.home.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def bring_up(layout: Layout, account: Account, programs: Path, options: Mapping[str, str]) -> None:
    """Make the server run and hold our database, with patience while it starts elsewhere or recovers.

    Raises `ServerStartError`, `ServerNotAnsweringError`, `DataDirectoryError`.
    """
    _require_version(layout)
    began = time.monotonic()
    while True:
        failure, patience_seconds = _go_on(layout, account, programs, options)
        if failure is None:
            return
        if time.monotonic() - began > patience_seconds:
            raise failure
        time.sleep(0.1)


def create_database(layout: Layout) -> ServerNotAnsweringError | None:
    """Create our database if it is missing; return why that was not possible."""
    try:
        with psycopg.connect(
            layout.url, dbname="postgres", autocommit=True, connect_timeout=CONNECT_SECONDS
        ) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        return ServerNotAnsweringError(f"The server in {layout.home} runs but takes no connection: {said}")
    return None


def start_error(layout: Layout, said: str = "", *, written_from: int = 0) -> ServerStartError:
    """Say why the server did not start, by its log or else by what the starting program `said`."""
    tail = _log_tail(layout, written_from)
    reason = _reason(tail if COMPLAINT.search(tail) else said)
    return ServerStartError(f"PostgreSQL did not start: {reason} (log: {layout.log}).", log_tail=tail)


def bring_down(layout: Layout, account: Account, programs: Path, *, mode: str = "fast") -> bool:
    """Stop the server and wait for its end; False if it was not running. Raises `ServerStopError`."""
    if find_postmaster(layout) is None:
        return False
    command = (programs / "pg_ctl", "stop", "--silent", "--wait", f"--mode={mode}")
    limits = (f"--timeout={MAX_STOP_SECONDS}", f"--pgdata={layout.data.name}")
    done = run_as(account, (*command, *limits), folder=layout.home)
    if done.returncode != 0 and find_postmaster(layout) is not None:
        raise ServerStopError(f"The server in {layout.home} did not stop: {_reason(done.stdout)}.")
    return True


def limit_log(layout: Layout, account: Account) -> None:
    """Keep the end of a log that has grown large, in place, because a running server goes on appending.

    The log lies where the server's user may put something else by its name, so only its own file is touched.
    """
    descriptor = os.open(layout.log, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "r+b") as file:  # noqa: PTH123 - a descriptor has no path
        info = os.fstat(descriptor)
        if info.st_size <= MAX_LOG_BYTES or info.st_uid != account.uid:
            return
        file.seek(-MAX_LOG_BYTES // 16, os.SEEK_END)
        end = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(end)
        file.truncate()


def _require_version(layout: Layout) -> None:
    made_by = data_version(layout)
    if made_by != str(MAJOR_VERSION):
        raise DataDirectoryError(
            f"The data in {layout.data} are of PostgreSQL {made_by or '(unknown version)'}, and this is "
            f"PostgreSQL {MAJOR_VERSION}: dump them with the old version and load them into a new home."
        )


def _go_on(
    layout: Layout, account: Account, programs: Path, options: Mapping[str, str]
) -> tuple[EmbeddedServerError | None, float]:
    """Do the next step; return what is still wrong and for how many seconds it may be since we began."""
    if find_postmaster(layout) is None:
        failure = _try_start(layout, account, programs, options)
        if failure is not None and find_postmaster(layout) is None:
            orphans = "pre-existing shared memory block" in failure.log_tail
            return failure, MAX_ORPHAN_SECONDS if orphans else 0
    postmaster = find_postmaster(layout)
    if postmaster is None or not postmaster.ready:
        sentence = f"PostgreSQL was not ready within {MAX_START_SECONDS} seconds (log: {layout.log})."
        return ServerStartError(sentence, log_tail=_log_tail(layout)), MAX_START_SECONDS
    return create_database(layout), MAX_SILENT_SECONDS


def _try_start(
    layout: Layout, account: Account, programs: Path, options: Mapping[str, str]
) -> ServerStartError | None:
    """Start by names relative to the home, because `pg_ctl` hands them to a shell; return what went wrong."""
    write_settings(layout, options)
    _remove_stale_marks(layout)
    written_from = layout.log.stat().st_size
    command = (programs / "pg_ctl", "start", "--silent", "--wait", f"--timeout={MAX_START_SECONDS}")
    names = (f"--pgdata={layout.data.name}", f"--log={layout.log.name}")
    settings = f"--options=-c config_file={layout.settings.name}"
    done = run_as(account, (*command, *names, settings), folder=layout.home)
    if done.returncode == 0:
        return None
    return start_error(layout, done.stdout, written_from=written_from)


def _remove_stale_marks(layout: Layout) -> None:
    """Remove what a killed server left, since its process number may belong to another program by now."""
    for mark in (layout.data / "postmaster.pid", layout.socket_directory / f"{SOCKET_NAME}.lock"):
        mark.unlink(missing_ok=True)


def _works_in(pid: int, folder: Path) -> bool:
    """Tell whether the process lives and has `folder` as its working directory, as a server has its data."""
    if not Path("/proc/self/stat").exists():
        return _lives(pid)
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except PermissionError:
        return _is_postgres(pid)
    except OSError:
        return False


def _is_postgres(pid: int) -> bool:
    """Tell by what all may read: root in a container may not see another user's working directory."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name == "postgres" and not rest.lstrip().startswith("Z")


def _lives(pid: int) -> bool:
    """Tell only that some process has this number, which is all that a system without /proc (macOS) says."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _log_tail(layout: Layout, written_from: int = 0) -> str:
    """Return the last lines of the log that were written after the first `written_from` bytes."""
    with layout.log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(written_from, size - TAIL_BYTES))
        written = file.read().decode("utf-8", errors="replace")
    return "\n".join(written.splitlines()[-TAIL_LINES:])


def _reason(output: str) -> str:
    complaint = COMPLAINT.search(output)
    said = complaint.group(1) if complaint else output.partition("\n")[0]
    return said.strip().rstrip(".") or "it gave no reason"
