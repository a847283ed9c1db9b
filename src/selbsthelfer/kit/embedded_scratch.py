"""A server without a future, for tests and measurements: there in half a second, gone with its owner.

A small shell process makes, starts, stops and deletes the server, as the server's user and in a session of
its own. It waits at a pipe that only the owner holds open. However the owner ends, by SIGKILL too, the kernel
closes the pipe and the shell cleans up. A child that the owner forked without exec holds the pipe as well and
so keeps the server until it ends. If the shell is killed together with its owner, nothing cleans up, and the
folder `selbsthelfer-scratch-…` stays in the temporary directory.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from selbsthelfer.kit.embedded_account import (
    ROOT_HOME,
    Account,
    ensure_account,
    find_barrier,
    give,
    start_as,
)
from selbsthelfer.kit.embedded_cluster import INITDB_OPTIONS, bring_down, create_database, start_error
from selbsthelfer.kit.embedded_errors import EmbeddedServerError
from selbsthelfer.kit.embedded_layout import Layout, fits_socket, prepare
from selbsthelfer.kit.embedded_programs import find_programs
from selbsthelfer.kit.embedded_settings import THROW_AWAY, write_settings

KEEPER = """
trap '' PIPE TERM HUP INT
folder=$1; programs=$2; shift 2
if "$programs/initdb" --no-sync --pgdata=data "$@" >>server.log 2>&1 &&
   "$programs/pg_ctl" start --silent --wait --pgdata=data --log=server.log \
       --options="-c config_file=server.conf" </dev/null >>server.log 2>&1
then echo ready; else echo failed; fi
read -r owner_is_gone
"$programs/pg_ctl" stop --silent --wait --mode=immediate --pgdata=data >/dev/null 2>&1
cd / && rm -rf -- "$folder"
"""
"""Speaks `ready` or `failed`, then listens until the owner closes the pipe."""


class NoScratchFolderError(EmbeddedServerError):
    """No temporary directory is open to the server's user and has a short enough name."""

    code = "no_scratch_folder"


@contextmanager
def scratch_server(*, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run an empty server in a temporary directory and give its URL; nothing on it survives a crash.

    `options` overrides settings, such as `shared_buffers` (128 MB here) for measurements.
    Raises `ServerStartError`, `NoScratchFolderError` and what finding the programs raises.
    """
    account = ensure_account()
    programs = find_programs(account, copy_below=ROOT_HOME)
    layout = Layout(_make_folder(account))
    prepare(layout, account)
    write_settings(layout, {**THROW_AWAY, **(options or {})})
    command = ("/bin/sh", "-c", KEEPER, "keeper", layout.home, programs, *INITDB_OPTIONS)
    with start_as(account, command, folder=layout.home) as keeper:
        try:
            if keeper.stdout is None or keeper.stdout.readline() != "ready\n":
                raise start_error(layout)
            failure = create_database(layout)
            if failure is not None:
                raise failure
            yield layout.url
        finally:
            keeper.communicate()
            _clean_up_after(keeper, layout, account, programs)


def _make_folder(account: Account) -> Path:
    for candidate in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes a name of its own
        base = Path(candidate).resolve()
        if find_barrier(base, account) is None and fits_socket(
            base / "selbsthelfer-scratch-12345678" / "run"
        ):
            folder = Path(tempfile.mkdtemp(prefix="selbsthelfer-scratch-", dir=base))
            give(folder, account)
            return folder
    raise NoScratchFolderError(
        f"The user {account.name}, who runs the database server, can use no temporary directory: "
        f"set TMPDIR to a folder that they may enter and whose name is short."
    )


def _clean_up_after(keeper: subprocess.Popen[str], layout: Layout, account: Account, programs: Path) -> None:
    """Do the keeper's work if it was killed before it could."""
    if keeper.returncode != 0 and layout.home.exists():
        bring_down(layout, account, programs, mode="immediate")
        shutil.rmtree(layout.home, ignore_errors=True)
