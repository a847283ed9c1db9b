"""The embedded PostgreSQL 18: one server for each home, started by whoever needs it, found by everyone else.

The server outlives the process that starts it and ends with `stop` or with the machine. It listens on no
network address: its one door is a socket in a folder that only its user (and root) may enter, and who can
enter needs no password. Every failure is an `EmbeddedServerError` whose text says plainly what to do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psycopg
from psycopg.conninfo import conninfo_to_dict

from selbsthelfer.kit import embedded_cluster as cluster
from selbsthelfer.kit.embedded_account import (
    NOT_YET_CREATED,
    ROOT_HOME,
    ensure_account,
    find_account,
    find_barrier,
    is_root,
    require_reachable,
)
from selbsthelfer.kit.embedded_errors import EmbeddedServerError
from selbsthelfer.kit.embedded_layout import (
    Layout,
    locked,
    named_failures,
    prepare,
    require_own_data,
    require_private,
)
from selbsthelfer.kit.embedded_programs import find_programs
from selbsthelfer.kit.embedded_scratch import scratch_server

__all__ = [
    "EmbeddedServerError",
    "ServerStatus",
    "connection_url",
    "django_options",
    "ensure_running",
    "home",
    "scratch_server",
    "status",
    "stop",
]

HOME_VARIABLE = "SELBSTHELFER_HOME"


@dataclass(frozen=True)
class ServerStatus:
    """What can be said of the server of one home; `version` is that of the data where it does not run."""

    running: bool
    pid: int | None
    version: str | None
    data_directory: Path
    socket_directory: Path
    size_bytes: int


def home() -> Path:
    """Return where the embedded server lives: `SELBSTHELFER_HOME`, else the user's data folder.

    For root this is `/var/lib/selbsthelfer` where the server's own user cannot reach root's data folder.
    """
    wished = os.environ.get(HOME_VARIABLE)
    if wished:
        return Path(wished).expanduser().resolve()
    usual = platformdirs.user_data_path("selbsthelfer").resolve()
    if is_root() and find_barrier(usual, find_account(usual)) is not None:
        return ROOT_HOME
    return usual


def connection_url(home: Path) -> str:
    """Return the URL of the server of `home` without looking at it; `ensure_running` makes it answer."""
    return _layout(home).url


def django_options(url: str) -> dict[str, str]:
    """Translate a URL given by this module into Django's names."""
    parts = conninfo_to_dict(url)
    return {
        "NAME": str(parts["dbname"]),
        "USER": str(parts["user"]),
        "HOST": str(parts["host"]),
        "PORT": str(parts["port"]),
    }


def ensure_running(home: Path, *, options: Mapping[str, str] | None = None) -> str:
    """Make the server of `home` run, from nothing if need be, and return its URL; harmless to repeat.

    `options` overrides settings and has effect when this call is the one that starts the server.
    Raises `EmbeddedServerError`.
    """
    layout = _layout(home)
    account = ensure_account(layout.data, layout.home)
    with named_failures(layout):
        prepare(layout, account)
        cluster.limit_log(layout, account)
        if not _answers(layout.url):
            with locked(layout):
                programs = find_programs(account, copy_below=layout.home)
                cluster.remove_unfinished(layout)
                if not layout.data.exists():
                    cluster.initialise(layout, account, programs)
                cluster.bring_up(layout, account, programs, options or {})
    return layout.url


def stop(home: Path) -> bool:
    """Stop the server of `home`, breaking off its sessions, and wait for its end; False if none was running.

    Raises `EmbeddedServerError`.
    """
    layout = _layout(home)
    account = find_account(layout.data, layout.home)
    require_reachable(layout.home, account)
    if not layout.data.exists():
        return False
    require_own_data(layout, account)
    with named_failures(layout), locked(layout):
        return cluster.bring_down(layout, account, find_programs(account, copy_below=layout.home))


def status(home: Path) -> ServerStatus:
    """Look at the server of `home` and change nothing. Raises `EmbeddedServerError`."""
    layout = _layout(home)
    account = find_account(layout.data, layout.home)
    if account != NOT_YET_CREATED:
        require_reachable(layout.home, account)
        require_own_data(layout, account)
    postmaster = cluster.find_postmaster(layout)
    if postmaster is not None:
        require_private(layout.socket_directory, account)
    return ServerStatus(
        running=postmaster is not None,
        pid=postmaster.pid if postmaster else None,
        version=(postmaster and _running_version(layout.url)) or cluster.data_version(layout),
        data_directory=layout.data,
        socket_directory=layout.socket_directory,
        size_bytes=_size_bytes(layout.data),
    )


def _layout(home: Path) -> Layout:
    return Layout(home.expanduser().resolve())


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=cluster.CONNECT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def _running_version(url: str) -> str | None:
    try:
        with psycopg.connect(url, connect_timeout=cluster.CONNECT_SECONDS) as connection:
            return connection.info.parameter_status("server_version")
    except psycopg.OperationalError:
        return None


def _size_bytes(folder: Path) -> int:
    """Add up the files below `folder`, some of which may vanish meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(path, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
