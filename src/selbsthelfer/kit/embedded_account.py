"""Who the embedded server runs as: the caller or, because PostgreSQL refuses root, a user of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from selbsthelfer.kit.embedded_errors import EmbeddedServerError

SERVER_USER = "selbsthelfer"
ROOT_HOME = Path("/var/lib/selbsthelfer")
READ = 0o4
ENTER = 0o1


class ServerUserError(EmbeddedServerError):
    """Root has no other user to run the server as."""

    code = "server_user"


class UnreachableFolderError(EmbeddedServerError):
    """The user that the server runs as may not enter a folder on the way."""

    code = "unreachable_folder"


@dataclass(frozen=True)
class Account:
    """A user of the operating system, with its first group only."""

    name: str
    uid: int
    gid: int

    def may(self, wanted: int, info: os.stat_result) -> bool:
        """Tell whether the mode of a file grants all `wanted` bits; access lists are not looked at."""
        if info.st_uid == self.uid:
            granted = info.st_mode >> 6
        elif info.st_gid == self.gid:
            granted = info.st_mode >> 3
        else:
            granted = info.st_mode
        return granted & wanted == wanted


NOT_YET_CREATED = Account(SERVER_USER, uid=-1, gid=-1)
"""Owns no file and is in no group, which is how a user looks that will be new."""


def is_root() -> bool:
    """Tell whether this process is root and so has to hand the server to another user."""
    return os.geteuid() == 0


def find_account(*folders: Path) -> Account:
    """Return who owns the first of `folders` that is there and not root's, else the server's own user.

    An ordinary user is always themselves. Creates nothing: see `ensure_account`.
    """
    if not is_root():
        return _account_of(os.geteuid(), os.getegid())
    for folder in folders:
        info = _info(folder)
        if info is not None and info.st_uid != 0:
            return _account_of(info.st_uid, info.st_gid)
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        return NOT_YET_CREATED
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def ensure_account(*folders: Path) -> Account:
    """Return the same as `find_account`, and create the server's own user where it is missing.

    Raises `ServerUserError`.
    """
    account = find_account(*folders)
    if account != NOT_YET_CREATED:
        return account
    complaint = _create_server_user()
    account = find_account(*folders)
    if account == NOT_YET_CREATED:
        raise ServerUserError(
            f"PostgreSQL does not run as root, and the system user {SERVER_USER} could not be created "
            f"({complaint}); create it, or start as an ordinary user."
        )
    return account


def find_barrier(path: Path, account: Account) -> Path | None:
    """Return the first folder on the way to `path`, itself included, that `account` may not enter."""
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        info = _info(folder)
        if info is None:
            return None
        if not (account.may(ENTER, info) if is_root() else os.access(folder, os.X_OK)):
            return folder
    return None


def require_reachable(path: Path, account: Account) -> None:
    """Raise `UnreachableFolderError`, naming folder, mode and owner, unless `account` can reach `path`."""
    barrier = find_barrier(path, account)
    if barrier is None:
        return
    info = barrier.stat()
    owner = _account_of(info.st_uid, info.st_gid).name
    remedy = (
        f"leave it unset for {ROOT_HOME}, or set it to a folder that {account.name} can reach"
        if is_root()
        else "set it to a folder below your own home"
    )
    raise UnreachableFolderError(
        f"The database server runs as the user {account.name}, who may not enter {barrier} (mode "
        f"{stat.S_IMODE(info.st_mode):03o}, owned by {owner}) on the way to {path}. "
        f"SELBSTHELFER_HOME says where its data lie: {remedy}."
    )


def run_as(
    account: Account, command: Sequence[str | Path], *, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program of the server in `folder`, in a session of its own, and wait for it.

    Raises `ServerUserError` where root is not allowed to become `account`.
    """
    with start_as(account, command, folder=folder) as process:
        output, _ = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout=output)


def start_as(account: Account, command: Sequence[str | Path], *, folder: Path) -> subprocess.Popen[str]:
    """Start a program with pipes for its input and its output, out of reach of signals to our group.

    The environment is bare, so that no `PG…` variable of the caller speaks into it.
    Raises `ServerUserError` where root is not allowed to become `account`.
    """
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            user=account.uid if is_root() else None,
            group=account.gid if is_root() else None,
            extra_groups=[] if is_root() else None,
        )
    except PermissionError as error:
        raise ServerUserError(
            f"{command[0]} cannot be run as the user {account.name}: {error.strerror}."
        ) from error


def give(path: Path, account: Account) -> None:
    """Hand what we have just created to `account`."""
    if is_root():
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _account_of(uid: int, gid_if_unknown: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, gid_if_unknown)
    return Account(entry.pw_name, uid, entry.pw_gid)


def _info(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _create_server_user() -> str:
    """Create the server's own user and return what was said against it, if anything."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return "this system has no useradd"
    shape = ("--system", "--user-group", "--no-create-home", f"--home-dir={ROOT_HOME}", "--shell=/bin/false")
    done = subprocess.run([useradd, *shape, SERVER_USER], capture_output=True, text=True, check=False)
    return " ".join(done.stderr.split()) or f"useradd ended with {done.returncode}"
