"""The folders and files of one embedded server, who may own them, and who may change them at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from selbsthelfer.kit.embedded_account import Account, give, is_root, require_reachable
from selbsthelfer.kit.embedded_errors import EmbeddedServerError

PORT = 5432
DATABASE = "selbsthelfer"
ROLE = "selbsthelfer"
SOCKET_NAME = f".s.PGSQL.{PORT}"
MAX_SOCKET_PATH_BYTES = 103
"""Linux takes 107 and macOS 103; one number for both keeps the place the same everywhere."""
MAX_LOCK_SECONDS = 330
"""A little longer than the longest start, which another process may be waiting for."""


class HomeNotUsableError(EmbeddedServerError):
    """A folder or file below the home cannot be made, read or written."""

    code = "home_not_usable"


class ForeignHomeError(EmbeddedServerError):
    """The home holds the data of another user."""

    code = "foreign_home"


class UnsafeSocketDirectoryError(EmbeddedServerError):
    """The socket directory is not ours alone, so whoever listens there may not be our server."""

    code = "unsafe_socket_directory"


class HomeBusyError(EmbeddedServerError):
    """Another process is starting or stopping the server and does not end."""

    code = "home_busy"


@dataclass(frozen=True)
class Layout:
    """Where one server keeps what; `home` is absolute and free of symbolic links."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def settings(self) -> Path:
        return self.home / "server.conf"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @cached_property
    def socket_directory(self) -> Path:
        """Lie beside the data, or in /tmp if that path is too long or has a comma, at which libpq splits.

        XDG_RUNTIME_DIR would not do: a cron job has another than a login, and it ends with the login.
        """
        beside = self.home / "run"
        if fits_socket(beside):
            return beside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path("/tmp").resolve() / f"selbsthelfer-{digest}"  # noqa: S108 - its owner is verified

    @property
    def url(self) -> str:
        host = quote(os.fsencode(self.socket_directory), safe="")
        return f"postgresql://{ROLE}@/{DATABASE}?host={host}&port={PORT}"


def fits_socket(folder: Path) -> bool:
    """Tell whether a socket in `folder` can be named by PostgreSQL and by libpq."""
    path = os.fsencode(folder / SOCKET_NAME)
    return len(path) <= MAX_SOCKET_PATH_BYTES and b"," not in path


def prepare(layout: Layout, account: Account) -> None:
    """Make the home and what lies in it, all of `account` and for nobody else; what is there stays as it is.

    Raises `UnreachableFolderError`, `ForeignHomeError`, `UnsafeSocketDirectoryError`.
    """
    require_reachable(layout.home, account)
    _make_parents(layout.home)
    make_private_folder(layout.home, account)
    require_own_data(layout, account)
    make_private_folder(layout.socket_directory, account)
    for file in (layout.lock, layout.log):
        _make_private_file(file, account)
    require_private(layout.socket_directory, account)


def require_own_data(layout: Layout, account: Account) -> None:
    """Raise `ForeignHomeError` where the data belong to someone else."""
    try:
        owner = layout.data.stat().st_uid
    except FileNotFoundError:
        return
    if owner != account.uid:
        raise ForeignHomeError(
            f"The data in {layout.home} belong to the user with the id {owner}, not to {account.name}: "
            "act as that user or as root, or set SELBSTHELFER_HOME to a folder of your own."
        )


def require_private(folder: Path, account: Account) -> None:
    """Raise `UnsafeSocketDirectoryError` unless `folder` is the account's and no one else may enter."""
    try:
        info = folder.lstat()
    except OSError as error:
        raise UnsafeSocketDirectoryError(f"{folder} cannot be looked at: {error.strerror}.") from error
    mode = stat.S_IMODE(info.st_mode)
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != account.uid or mode & 0o077:
        raise UnsafeSocketDirectoryError(
            f"{folder} must be a folder of the user {account.name} with mode 700, because who writes there "
            f"can pose as the database, but it has mode {mode:03o} and is of the user with the id "
            f"{info.st_uid}: remove it and try again."
        )


def make_private_folder(path: Path, account: Account) -> None:
    """Make a folder of mode 700 that is the account's from the moment its name exists."""
    if path.exists() or path.is_symlink():
        return
    try:
        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    give(fresh, account)
    try:
        fresh.rename(path)
    except OSError:
        fresh.rmdir()
        if not path.exists():
            raise


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Be the only one who changes the server of this home. Raises `HomeBusyError`."""
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _wait_for_lock(descriptor, layout)
        try:
            yield
        finally:
            # Closing would not do: a child forked meanwhile has the descriptor too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


@contextmanager
def named_failures(layout: Layout) -> Iterator[None]:
    """Turn what the file system refuses (no space, no right, read-only) into `HomeNotUsableError`."""
    try:
        yield
    except OSError as error:
        place = error.filename or layout.home
        raise HomeNotUsableError(f"{place} cannot be used: {error.strerror or error}.") from error


def _wait_for_lock(descriptor: int, layout: Layout) -> None:
    deadline = time.monotonic() + MAX_LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise HomeBusyError(
                    f"Another process has been starting or stopping the server in {layout.home} "
                    f"for {MAX_LOCK_SECONDS} seconds."
                ) from None
            time.sleep(0.05)
        else:
            return


def _make_parents(path: Path) -> None:
    """Make the folders above `path` so that the server's user may pass whatever root's umask is."""
    for parent in reversed(path.parents):
        if parent.exists():
            continue
        parent.mkdir(exist_ok=True)
        if is_root():
            descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.fchmod(descriptor, 0o755)
            os.close(descriptor)


def _make_private_file(path: Path, account: Account) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    try:
        if is_root():
            os.fchown(descriptor, account.uid, account.gid)
    finally:
        os.close(descriptor)
