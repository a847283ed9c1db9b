"""The embedded server: found by everyone who may, by nobody else, and whole again after every crash."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from selbsthelfer.cli.db import app
from selbsthelfer.kit import embedded
from selbsthelfer.kit.embedded_account import (
    ROOT_HOME,
    UnreachableFolderError,
    find_account,
)
from selbsthelfer.kit.embedded_cluster import MAX_LOG_BYTES, DataDirectoryError, ServerStartError
from selbsthelfer.kit.embedded_layout import HomeNotUsableError, UnsafeSocketDirectoryError
from selbsthelfer.kit.embedded_programs import INSTALLATION, LIBRARIES, PACKAGE

from .processes import SITE, SOURCES, is_gone, run_python, start_python, wait_until

ORDINARY = "nobody"
PRELUDE = "import os, signal, sys, time; from pathlib import Path; from selbsthelfer.kit import embedded; "
ENSURE = PRELUDE + "home = Path(sys.argv[1]); embedded.ensure_running(home); "
COMMAND = "from selbsthelfer.cli.db import app; app()"

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter; the servers of the homes below it end with the test."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    """One home for the tests that leave its data sound; its server may run or not."""
    with open_folder() as folder:
        make_note(embedded.ensure_running(folder / "home"))
        yield folder / "home"


@contextmanager
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="selbsthelfer-test-")).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for settings in list(folder.rglob("server.conf")):
            embedded.stop(settings.parent)
            socket_directory = embedded.status(settings.parent).socket_directory
            if not socket_directory.is_relative_to(folder):
                socket_directory.rmdir()
        shutil.rmtree(folder)


def server_pid(home: Path) -> int:
    pid = embedded.status(home).pid
    assert pid is not None
    return pid


def make_note(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")


def has_note(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT text FROM note").fetchone() == ("kept",)


def kill_server(home: Path) -> None:
    pid = server_pid(home)
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: is_gone(pid))


def test_a_server_starts_is_found_again_and_stops(place: Path) -> None:
    home = place / "home"
    promised = embedded.connection_url(home)
    assert not home.exists()
    assert embedded.ensure_running(home) == promised == embedded.ensure_running(home)
    make_note(promised)
    seen = run_python(ENSURE + "print(embedded.status(home).pid)", home)
    assert int(seen.stdout) == server_pid(home), seen.stderr
    assert embedded.stop(home)
    assert not embedded.stop(home)
    stopped = embedded.status(home)
    assert (stopped.running, stopped.pid, stopped.version) == (False, None, "18")
    assert stopped.size_bytes > 20_000_000
    assert has_note(embedded.ensure_running(home))


def test_the_server_keeps_data_safely_and_listens_on_no_network(used_home: Path) -> None:
    expected = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "jit": "off",
        "TimeZone": "UTC",
    }
    with psycopg.connect(embedded.ensure_running(used_home)) as connection:
        found = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in expected
        }
        words = connection.execute("SELECT upper('äß'), 'Z' < 'a', 'z' < 'ä'").fetchone()
    assert {name: value and value[0] for name, value in found.items()} == expected
    assert words == ("Äß", True, True)
    for private in (used_home, used_home / "data", used_home / "run"):
        assert private.stat().st_mode & 0o077 == 0


def test_django_gets_the_same_address_as_psycopg(place: Path) -> None:
    home = place / "of Zoë, with 100 %"
    options = embedded.django_options(embedded.connection_url(home))
    assert options == {
        "NAME": "selbsthelfer",
        "USER": "selbsthelfer",
        "HOST": str(embedded.status(home).socket_directory),
        "PORT": "5432",
    }


def test_the_server_outlives_the_killed_session_that_started_it(used_home: Path) -> None:
    embedded.stop(used_home)
    starter = run_python(ENSURE + "os.killpg(0, signal.SIGKILL)", used_home)
    assert starter.returncode == -signal.SIGKILL, starter.stderr
    pid = server_pid(used_home)
    embedded.ensure_running(used_home)
    assert server_pid(used_home) == pid


def test_a_killed_server_comes_back_with_its_data_though_a_session_is_still_busy(used_home: Path) -> None:
    url = embedded.ensure_running(used_home)
    with closing(psycopg.connect(url)) as busy:
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 4000000)")
        kill_server(used_home)
        assert not embedded.status(used_home).running
        assert has_note(embedded.ensure_running(used_home))
    assert "pre-existing shared memory block" in (used_home / "server.log").read_text()


def test_a_stale_mark_with_the_number_of_another_living_process_is_seen_through(used_home: Path) -> None:
    embedded.ensure_running(used_home)
    mark = used_home / "data" / "postmaster.pid"
    lines = mark.read_text().splitlines()
    kill_server(used_home)
    account = find_account(used_home)
    user = {"user": account.uid, "group": account.gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["/bin/sleep", "60"], **user) as other:  # type: ignore[call-overload]
        mark.write_text("\n".join([str(other.pid), *lines[1:]]))
        (used_home / "run" / ".s.PGSQL.5432.lock").write_text("\n".join([str(other.pid), *lines[1:]]))
        assert not embedded.status(used_home).running
        embedded.ensure_running(used_home)
        other.kill()


def test_an_unfinished_beginning_is_replaced(place: Path) -> None:
    home = place / "home"
    (home / "data.new-broken" / "base").mkdir(parents=True)
    home.chmod(0o755)
    embedded.ensure_running(home)
    assert not list(home.glob("data.new-*"))


def test_many_first_starts_at_once_make_one_server(place: Path) -> None:
    home = place / "home"
    starters = [start_python(ENSURE + "print(embedded.status(home).pid)", home) for _ in range(4)]
    answers = [starter.communicate(timeout=30) for starter in starters]
    assert {output for output, _ in answers} == {f"{server_pid(home)}\n"}, answers


@pytest.mark.parametrize(
    ("name", "socket_is_beside"),
    [("d" * 80 + "/" + "e" * 80, False), ('it\'s $HOME "a\\b" `c` # ü', True)],
)
def test_any_name_of_a_home_will_do(place: Path, name: str, socket_is_beside: bool) -> None:
    home = place / name
    with psycopg.connect(embedded.ensure_running(home)) as connection:
        assert connection.info.dbname == "selbsthelfer"
    assert embedded.status(home).socket_directory.is_relative_to(home) == socket_is_beside


@pytest.mark.parametrize("trap", ["open to all", "link", "of another user"])
def test_a_socket_directory_that_someone_else_has_made_is_refused(place: Path, trap: str) -> None:
    if trap == "of another user" and os.geteuid() != 0:
        pytest.skip("only root can make a folder for another user")
    home = place / ("d" * 120)
    socket_directory = embedded.status(home).socket_directory
    assert socket_directory.parent == Path("/tmp").resolve()  # noqa: S108 - the trap is laid there
    if trap == "link":
        socket_directory.symlink_to(place)
    else:
        socket_directory.mkdir()
        socket_directory.chmod(0o777 if trap == "open to all" else 0o700)
    if trap == "of another user":
        shutil.chown(socket_directory, ORDINARY)
    try:
        with pytest.raises(UnsafeSocketDirectoryError, match=str(socket_directory)):
            embedded.ensure_running(home)
    finally:
        socket_directory.unlink() if trap == "link" else socket_directory.rmdir()


def test_settings_that_cannot_be_are_named_and_do_no_harm(used_home: Path) -> None:
    embedded.stop(used_home)
    with pytest.raises(ServerStartError, match="shared_buffers") as refused:
        embedded.ensure_running(used_home, options={"shared_buffers": "plenty"})
    assert "\n" not in str(refused.value)
    assert "FATAL" in refused.value.log_tail
    embedded.ensure_running(used_home)


def test_data_of_another_version_are_left_alone(used_home: Path) -> None:
    embedded.stop(used_home)
    version = used_home / "data" / "PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(DataDirectoryError, match="PostgreSQL 16"):
        embedded.ensure_running(used_home)
    version.write_text("18\n")


def test_a_large_log_keeps_its_end(used_home: Path) -> None:
    embedded.ensure_running(used_home)
    log = used_home / "server.log"
    with log.open("a") as file:
        file.write("an old line\n" * (MAX_LOG_BYTES // 10) + "the last line\n")
    embedded.ensure_running(used_home)
    assert log.stat().st_size < MAX_LOG_BYTES // 10
    assert log.read_text().endswith("an old line\nthe last line\n")


def test_a_place_where_nothing_can_be_made_is_named() -> None:
    with pytest.raises((HomeNotUsableError, UnreachableFolderError), match="/proc/nowhere"):
        embedded.ensure_running(Path("/proc/nowhere/home"))


@only_root
def test_root_evades_a_closed_home_and_refuses_it_when_told_to_use_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(closed))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("SELBSTHELFER_HOME", raising=False)
    assert embedded.home() == ROOT_HOME
    monkeypatch.setenv("SELBSTHELFER_HOME", str(closed / "home"))
    assert embedded.home() == closed / "home"
    with pytest.raises(UnreachableFolderError, match=rf"may not enter {closed} \(mode 700, owned by root\)"):
        embedded.ensure_running(embedded.home())
    assert list(closed.iterdir()) == []
    assert closed.stat().st_mode & 0o777 == 0o700


@only_root
def test_root_uses_a_folder_of_its_own_that_others_may_enter(place: Path) -> None:
    home = place / "volume"
    home.mkdir(mode=0o755)
    embedded.ensure_running(home)
    assert (home / "data").owner() == "selbsthelfer"
    assert home.owner() == "root"
    refused = run_python(COMMAND, "start", user=ORDINARY, SELBSTHELFER_HOME=home)
    assert (refused.returncode, "belong to the user with the id" in refused.stderr) == (2, True)


@only_root
def test_programs_below_a_closed_folder_are_copied_once(place: Path) -> None:
    home, closed = place / "home", place / "closed"
    closed.mkdir(mode=0o700)
    for part in (f"{PACKAGE}/{INSTALLATION}", LIBRARIES):
        shutil.copytree(SITE / part, closed / part, ignore=shutil.ignore_patterns("include", "*.a"))
    (closed / PACKAGE / "__init__.py").touch()
    again = "embedded.stop(home); embedded.ensure_running(home)"
    done = run_python(ENSURE + again, home, PYTHONPATH=f"{closed}:{SOURCES}:{SITE}")
    assert done.returncode == 0, done.stderr
    assert [copy.stat().st_mode & 0o777 for copy in home.glob("*server-*")] == [0o755]
    assert closed.stat().st_mode & 0o777 == 0o700


@only_root
def test_an_ordinary_user_has_a_server_that_root_finds_and_stops(place: Path) -> None:
    own = place / "own"
    own.mkdir(mode=0o700)
    shutil.chown(own, ORDINARY)
    home = own / ".local" / "share" / "selbsthelfer"
    started = run_python(COMMAND, "start", user=ORDINARY, HOME=own)
    assert started.returncode == 0, started.stderr
    assert started.stdout.count("\n") == 1
    seen = json.loads(run_python(COMMAND, "status", "--json", user=ORDINARY, HOME=own).stdout)
    assert seen["running"]
    assert seen["data_directory"] == str(home / "data")
    assert (home / "data").owner() == ORDINARY
    assert server_pid(home) == seen["pid"]
    embedded.ensure_running(home)
    assert embedded.stop(home)
    assert embedded.ensure_running(home) == embedded.connection_url(home)
    stopped = run_python(COMMAND, "stop", user=ORDINARY, HOME=own)
    assert (stopped.returncode, embedded.status(home).running) == (0, False), stopped.stderr


@only_root
def test_an_ordinary_user_is_told_that_a_home_is_not_theirs(used_home: Path) -> None:
    embedded.ensure_running(used_home)
    for command in ("start", "stop", "status"):
        refused = run_python(COMMAND, command, user=ORDINARY, SELBSTHELFER_HOME=used_home)
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1
        assert f"may not enter {used_home} (mode 700" in refused.stderr
    assert embedded.status(used_home).running


def test_a_scratch_server_leaves_nothing() -> None:
    with embedded.scratch_server(options={"work_mem": "7MB"}) as url, psycopg.connect(url) as connection:
        folder = Path(embedded.django_options(url)["HOST"]).parent
        names = ("fsync", "autovacuum", "work_mem")
        found = [connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
        assert found == [("off",), ("on",), ("7MB",)]
        pid = server_pid(folder)
    assert not folder.exists()
    assert is_gone(pid)


def test_a_scratch_server_ends_with_its_killed_owner() -> None:
    code = PRELUDE + "\nwith embedded.scratch_server() as url: print(url, flush=True); time.sleep(60)"
    with start_python(code) as owner:
        assert owner.stdout is not None
        assert owner.stderr is not None
        folder = Path(embedded.django_options(owner.stdout.readline())["HOST"]).parent
        pid = server_pid(folder)
        os.killpg(owner.pid, signal.SIGKILL)
    assert wait_until(lambda: not folder.exists() and is_gone(pid))


def test_a_scratch_server_that_does_not_start_says_why_and_leaves_nothing() -> None:
    before = set(Path(tempfile.gettempdir()).glob("selbsthelfer-scratch-*"))
    with (
        pytest.raises(ServerStartError, match="plenty"),
        embedded.scratch_server(options={"work_mem": "plenty"}),
    ):
        pass
    assert set(Path(tempfile.gettempdir()).glob("selbsthelfer-scratch-*")) <= before


def test_the_commands_say_that_a_named_database_is_used_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/")
    runner = CliRunner()
    for command, code in ((["start"], 2), (["stop"], 2), (["status"], 0)):
        done = runner.invoke(app, command)
        assert (done.exit_code, "DATABASE_URL is set" in done.output) == (code, True)
    assert json.loads(runner.invoke(app, ["status", "--json"]).output) == {"used": False}


def test_the_commands_speak_in_one_line(used_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SELBSTHELFER_HOME", str(used_home))
    embedded.stop(used_home)
    runner = CliRunner()
    said = [runner.invoke(app, [command]).output for command in ("status", "start", "status", "stop", "stop")]
    for line, expected in zip(
        said, ("does not run", "runs", "runs", "has stopped", "No embedded"), strict=True
    ):
        assert expected in line
        assert line.count("\n") == 1
