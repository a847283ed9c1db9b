"""The processes of a run, each of which can be killed: the database, the played system, the workers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import httpx

from selbsthelfer.kit.embedded_account import ROOT_HOME, ensure_account, give
from selbsthelfer.kit.embedded_cluster import bring_down, bring_up, find_postmaster, initialise
from selbsthelfer.kit.embedded_layout import Layout, prepare
from selbsthelfer.kit.embedded_programs import find_programs

COMMAND: Final = Path(sys.executable).with_name("selbsthelfer")
HOST: Final = "127.0.0.1"
DURABLE: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
}
SECRETS: Final = {
    "TOKEN": "faults-token",
    "USER": "faults",
    "PASSWORD": "faults-password",
    "TENANT": "cgrates.org",
}
MAX_START_SECONDS: Final = 60.0
REFUSED: Final = 2
"""How a command ends that finds no database."""


class Database:
    """A server with durable commits, which keeps what it committed when it is killed."""

    def __init__(self) -> None:
        self._account = ensure_account()
        self._programs = find_programs(self._account, copy_below=ROOT_HOME)
        folder = Path(tempfile.mkdtemp(prefix="selbsthelfer-faults-", dir="/tmp"))
        give(folder, self._account)
        self._layout = Layout(folder)
        self.url = self._layout.url

    def __enter__(self) -> Self:
        prepare(self._layout, self._account)
        initialise(self._layout, self._account, self._programs)
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        bring_down(self._layout, self._account, self._programs, mode="immediate")
        shutil.rmtree(self._layout.home, ignore_errors=True)

    def kill(self, *, is_at_once: bool) -> None:
        """Kill the first process alone, or stop all of them at once; then start again and recover."""
        postmaster = find_postmaster(self._layout)
        if is_at_once or postmaster is None:
            bring_down(self._layout, self._account, self._programs, mode="immediate")
        else:
            os.kill(postmaster.pid, signal.SIGKILL)
        self._start()

    def _start(self) -> None:
        bring_up(self._layout, self._account, self._programs, DURABLE)


class PlayedSystem:
    """The charging system: a process that keeps what it has in a folder, and is asked what is true."""

    def __init__(self, profile: str, folder: Path, accounts: Sequence[str], seed: int) -> None:
        self.profile = profile
        self.met: Counter[str] = Counter()
        self._folder = folder
        self._port = _free_port()
        self._seed = seed
        self._shares: Mapping[str, float] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=f"http://{HOST}:{self._port}", timeout=30, trust_env=False)
        folder.mkdir()
        (folder / "accounts").write_text("\n".join(accounts), encoding="utf-8")

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._http.close()

    @property
    def environment(self) -> dict[str, str]:
        """The settings by which deliveries go there."""
        told = {"": self.profile, "_URL": f"http://{HOST}:{self._port}"}
        told |= {f"_{name}": value for name, value in SECRETS.items()}
        if self.profile != "tmf654":
            del told["_TOKEN"]
        else:
            del told["_USER"], told["_PASSWORD"]
        return {f"SELBSTHELFER_CHARGING{name}": value for name, value in told.items()}

    def set_faults(self, shares: Mapping[str, float], following: Sequence[str | None] = ()) -> None:
        """Say how often each fault strikes, and which strike the next credits."""
        self._shares = shares
        self._asked("PUT", "faults", {"shares": dict(shares), "next": list(following)})

    def met_so_far(self) -> Counter[str]:
        """Count the faults that struck, also before kills."""
        return self.met + Counter(self._asked("GET", "faults")["met"])

    def kill(self) -> None:
        """Kill it and start it again; late effects that were to come never will."""
        self.met = self.met_so_far()
        self._end()
        self._seed += 1
        self._start()
        self.set_faults(self._shares)

    def waits(self) -> int:
        """Count the effects that are still to come."""
        return int(self._asked("GET", "credits?limit=1")["waits"])

    def told(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Tell every credit that took effect, and the accounts that were made up."""
        credits_: list[dict[str, Any]] = []
        while True:
            page = self._asked("GET", f"credits?offset={len(credits_)}&limit=10000")
            credits_ += page["credits"]
            if not page["credits"] or len(credits_) >= page["count"]:
                return credits_, page["ghosts"]

    def _asked(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self._http.request(method, f"/simulator/{path}", json=body)
        answer.raise_for_status()
        return dict(answer.json())

    def _start(self) -> None:
        command = [str(COMMAND), "simulate", "charging", "--profile", self.profile, "--port", str(self._port),
                   "--folder", str(self._folder), "--accounts", str(self._folder / "accounts"),
                   "--seed", str(self._seed)]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **self.environment}, stdout=log, stderr=log
            )
        until = time.monotonic() + MAX_START_SECONDS
        while True:
            with suppress(httpx.TransportError):
                self._asked("GET", "faults")
                return
            assert time.monotonic() < until, "the played system does not start"
            assert self._process.poll() is None, "the played system ended by itself"
            time.sleep(0.05)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Workers:
    """Processes that deliver; each may be killed or frozen, and another one takes its place."""

    def __init__(self, count: int, environment: Mapping[str, str], log: Path) -> None:
        self._environment = {**os.environ, **environment}
        self._log = log
        self._frozen: dict[int, float] = {}
        self._processes = [self._start() for _ in range(count)]

    def kill(self, number: int) -> None:
        """Kill one at whatever instruction it is, and start another."""
        before = self._processes[number]
        self._frozen.pop(before.pid, None)
        before.kill()
        before.wait()
        self._processes[number] = self._start()

    def freeze(self, number: int, seconds: float) -> None:
        """Stop one between two instructions; `thaw` lets it go on after so many seconds."""
        process = self._processes[number]
        if process.pid not in self._frozen:
            process.send_signal(signal.SIGSTOP)
            self._frozen[process.pid] = time.monotonic() + seconds

    def thaw(self, *, is_all: bool = False) -> None:
        """Let those go on whose time is over."""
        for process in self._processes:
            if is_all or self._frozen.get(process.pid, float("inf")) <= time.monotonic():
                self._frozen.pop(process.pid, None)
                process.send_signal(signal.SIGCONT)

    def start_again(self) -> int:
        """Start those again that found no database when they began, as a service manager does; count them."""
        ended = [n for n, process in enumerate(self._processes) if process.poll() is not None]
        for number in ended:
            code = self._processes[number].returncode
            assert code == REFUSED, f"a worker ended by itself, with {code}"
            self._processes[number] = self._start()
        return len(ended)

    def stop(self) -> None:
        self.thaw(is_all=True)
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def end(self) -> None:
        """Kill all of them."""
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [COMMAND, "work", "--only", "orders", "--only", "uncertain"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one command of ours to its end."""
    return subprocess.run(
        [COMMAND, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])
