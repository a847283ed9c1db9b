"""A played charging system: it serves one profile, and goes wrong as it is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from hmac import compare_digest
from pathlib import Path
from threading import Event, Lock, Timer
from types import MappingProxyType
from typing import Final, Self

from selbsthelfer.charging.simulator.administration import ADMINISTRATION, administer
from selbsthelfer.charging.simulator.cgrates import Cgrates
from selbsthelfer.charging.simulator.faults import Fault, FaultPlan
from selbsthelfer.charging.simulator.ledger import (
    FileJournal,
    Ledger,
    MemoryJournal,
    SimulatedBucket,
    SimulatedCredit,
)
from selbsthelfer.charging.simulator.profiles import Profile, burn
from selbsthelfer.charging.simulator.sigscale import Sigscale
from selbsthelfer.charging.simulator.tmf654 import Tmf654
from selbsthelfer.charging.simulator.wire import HOST, Connection, HangUpError, Reply, Request, Server

PROFILES: Final = ("tmf654", "sigscale", "cgrates")
HOLD_SECONDS: Final = 30.0
"""How long a request is left without an answer, if the other side does not hang up before."""
NO_FAULTS: Final[Mapping[str, float]] = MappingProxyType({})
BEFORE: Final = frozenset({Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE, Fault.RESET_BEFORE, Fault.BUSY})
"""Faults of which a request has no effect."""


class ProfileError(ValueError):
    """No such system can be played."""

    code = "profile_unknown"


class Simulator:
    """Plays a charging system on loopback; with a folder it keeps what it has beyond its own end."""

    def __init__(
        self,
        profile: Profile,
        ledger: Ledger,
        plan: FaultPlan,
        *,
        port: int,
        authorization: str,
        late_seconds: float,
        slow_seconds: float,
    ) -> None:
        self.profile = profile
        self.ledger = ledger
        self.plan = plan
        self._authorization = authorization
        self._late_seconds = late_seconds
        self._slow_seconds = slow_seconds
        self._stopping = Event()
        self._lock = Lock()
        self._previous = b""
        self._starts = 0
        self._late: set[Timer] = set()
        self._server = Server(self._serve, port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        """Stop; effects that are still to come never will."""
        self._stopping.set()
        self._drop_late()
        self._server.close()
        self.ledger.close()

    def restart(self) -> None:
        """Be as after an end of the process and a new start: connections and late effects gone, data kept."""
        with self.ledger.lock:  # no request of before the restart takes effect after it
            self._starts += 1
            self._drop_late()
            self._server.reset_all()
            self.ledger.reload()

    def credits(self) -> list[SimulatedCredit]:
        """List every credit that took effect, in their order; the same key twice is a double."""
        return self.ledger.credits()

    def buckets(self, recipient: str) -> list[SimulatedBucket]:
        return self.ledger.buckets(self.profile.account_of(recipient))

    def ghosts(self) -> list[str]:
        return self.ledger.ghosts()

    def burn(self, recipient: str, volume: int) -> int:
        """Use octets of a recipient; returns how many were there to use."""
        return burn(self.profile, self.ledger, self.profile.account_of(recipient), volume)

    def set_faults(self, shares: Mapping[str, float]) -> None:
        """Say how many of all credits (and, as `read:…`, of all questions) each fault strikes."""
        self.plan.set_shares(shares)

    def plan_faults(self, faults: Sequence[str | None]) -> None:
        """Have the next credits struck by these faults, one each."""
        self.plan.plan(faults)

    def faults_met(self) -> dict[str, int]:
        """Count the faults that struck."""
        return self.plan.met()

    def waits(self) -> int:
        """Count the effects that are still to come."""
        with self._lock:
            return len(self._late)

    def _serve(self, connection: Connection, request: Request) -> None:
        if request.path[:1] == (ADMINISTRATION,):
            connection.write(administer(request, self).encoded())
            if request.path == (ADMINISTRATION, "restart") and request.method == "POST":
                self.restart()
            return
        if self._authorization and not self._is_authorised(request):
            connection.write(Reply(401, b"", {"www-authenticate": "Basic"}).encoded())
            return
        starts = self._starts
        visit = self.profile.visit(request)
        fault, number = self.plan.take(visit.key, is_credit=visit.is_credit)
        if fault is None:
            data = self._answer(request, starts, connection).encoded()
            if visit.is_credit:
                self._previous = data
            connection.write(data)
        elif fault in BEFORE:
            self._fail_before(fault, connection, request)
        elif fault is Fault.LATE_EFFECT:
            self._later(request, starts)
            self._hold(connection)
        elif fault is Fault.RESTART:
            if number < 0.5:
                self._answer(request, starts, connection)
            self.restart()
            _break_off(connection)
        else:
            reply = self._answer(request, starts, connection)
            self._fail_after(fault, connection, request, reply, number)

    def _answer(self, request: Request, starts: int, connection: Connection | None = None) -> Reply:
        """Do what is asked, unless it was asked before a restart."""
        with self.ledger.lock:
            if starts != self._starts or (connection is not None and connection.is_reset):
                raise HangUpError
            return self.profile.answer(request, self.ledger)

    def _fail_before(self, fault: Fault, connection: Connection, request: Request) -> None:
        if fault is Fault.TIMEOUT_BEFORE:
            self._hold(connection)
        elif fault is Fault.RESET_BEFORE:
            _break_off(connection)
        elif fault is Fault.BUSY:
            connection.write(Reply(503, b"", {"retry-after": "1"}).encoded())
        else:
            connection.write(self.profile.error(request).encoded())

    def _fail_after(
        self, fault: Fault, connection: Connection, request: Request, reply: Reply, number: float
    ) -> None:
        if fault is Fault.TIMEOUT_AFTER:
            self._hold(connection)
        elif fault is Fault.RESET_AFTER:
            _break_off(connection)
        elif fault is Fault.ERROR_AFTER:
            connection.write(self.profile.error(request).encoded())
        elif fault is Fault.GATEWAY_AFTER:
            connection.write(Reply(504, b"gateway", {"content-type": "text/plain"}).encoded())
        elif fault is Fault.SLOW:
            self._stopping.wait(self._slow_seconds)
            connection.write(reply.encoded())
        elif fault is Fault.GARBAGE:
            _write_half(connection, reply, is_whole_to_http=number < 0.5)
        else:
            data = reply.encoded()
            connection.write(self._previous if number < 0.5 and self._previous else data + data)

    def _hold(self, connection: Connection) -> None:
        connection.wait_for_hang_up(HOLD_SECONDS)
        raise HangUpError

    def _later(self, request: Request, starts: int) -> None:
        def take_effect() -> None:
            with suppress(HangUpError):
                self._answer(request, starts)
            with self._lock:
                self._late.discard(timer)

        timer = Timer(self._late_seconds, take_effect)
        timer.daemon = True
        with self.ledger.lock, self._lock:
            if starts != self._starts:
                raise HangUpError
            self._late.add(timer)
        timer.start()

    def _drop_late(self) -> None:
        with self._lock:
            for timer in self._late:
                timer.cancel()
            self._late.clear()

    def _is_authorised(self, request: Request) -> bool:
        told = request.headers.get("authorization", "")
        return compare_digest(told.encode(), self._authorization.encode())


def make_simulator(
    profile: str,
    *,
    port: int = 0,
    folder: Path | None = None,
    faults: Mapping[str, float] = NO_FAULTS,
    seed: int = 0,
    accounts: Collection[str] | None = None,
    authorization: str = "",
    late_seconds: float = 1.0,
    slow_seconds: float = 0.3,
    is_synced: bool = False,
) -> Simulator:
    """Make a simulator that listens and does not answer before `start`.

    Without accounts, any is known. `authorization` is the whole header that is demanded, if any. Raises
    `ProfileError`, `FaultError`, and `OSError` where the port is taken or the folder cannot be used.
    """
    played = _profile(profile)
    plan = FaultPlan(faults, seed)
    known = None if accounts is None else frozenset(played.account_of(account) for account in accounts)
    journal = MemoryJournal() if folder is None else FileJournal(folder, is_synced=is_synced)
    ledger = Ledger(journal, known)
    try:
        return Simulator(
            played,
            ledger,
            plan,
            port=port,
            authorization=authorization,
            late_seconds=late_seconds,
            slow_seconds=slow_seconds,
        )
    except OSError:
        ledger.close()
        raise


def _profile(name: str) -> Profile:
    made: dict[str, Profile] = {"tmf654": Tmf654(), "sigscale": Sigscale(), "cgrates": Cgrates()}
    if name not in made:
        raise ProfileError(f"“{name}” cannot be played; there are {', '.join(PROFILES)}")
    return made[name]


def _break_off(connection: Connection) -> None:
    connection.reset()
    raise HangUpError


def _write_half(connection: Connection, reply: Reply, *, is_whole_to_http: bool) -> None:
    """Write half an answer: whole by its length and cut as JSON, or cut by its length too."""
    half = reply.body[: len(reply.body) // 2]
    if is_whole_to_http:
        connection.write(Reply(reply.status, half, reply.headers).encoded())
        return
    data = reply.encoded()
    connection.write(data[: len(data) - len(half) - 1])
    raise HangUpError
