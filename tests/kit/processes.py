"""Other processes, of this user or of another, that run our code, and how to see that they have ended."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from selbsthelfer.kit import embedded
from selbsthelfer.kit.embedded_account import Account, find_barrier

SOURCES = Path(embedded.__file__).parents[2]
SITE = Path(psycopg.__file__).parents[1]


def start_python(
    code: str, *arguments: object, user: str | None = None, **environment: object
) -> subprocess.Popen[str]:
    """Run `code` in another process and session, as another user if one is named."""
    variables = {"PATH": os.defpath, "PYTHONPATH": f"{SOURCES}:{SITE}", "PYTHONWARNINGS": "error"}
    python = interpreter_for(user) if user else sys.executable
    return subprocess.Popen(
        [python, "-c", code, *map(str, arguments)],
        env=variables | {name: str(value) for name, value in environment.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        cwd="/",
    )


def run_python(
    code: str, *arguments: object, user: str | None = None, **environment: object
) -> subprocess.CompletedProcess[str]:
    with start_python(code, *arguments, user=user, **environment) as process:
        output, errors = process.communicate(timeout=30)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def interpreter_for(user: str) -> str:
    """Find a Python that `user` may run, since root's own may lie in root's home."""
    entry = pwd.getpwnam(user)
    account = Account(user, entry.pw_uid, entry.pw_gid)
    same_version = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    for candidate in (sys.executable, same_version):
        needed = (Path(candidate).resolve().parent, SOURCES, SITE) if candidate else ()
        if candidate and all(find_barrier(folder, account) is None for folder in needed):
            return candidate
    pytest.skip(f"the user {user} can reach no Python 3.{sys.version_info.minor} with this project here")


def wait_until(holds: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def is_gone(pid: int) -> bool:
    """Tell whether the process has ended, even if nobody has asked for its result yet."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
