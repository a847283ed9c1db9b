"""What happens to a run: faults of the played system by shares, and kills at random, all from one seed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from selbsthelfer.charging.simulator.faults import READS, Fault
from tests.charging.faults.machines import Database, PlayedSystem, Workers

SHARES: Final[Mapping[str, float]] = {
    **dict.fromkeys(Fault, 0.02),
    Fault.SLOW: 0.03,
    Fault.BUSY: 0.03,
    Fault.DUPLICATE: 0.03,
    Fault.RESTART: 0.001,
    f"{READS}{Fault.TIMEOUT_BEFORE}": 0.02,
    f"{READS}{Fault.ERROR_BEFORE}": 0.03,
    f"{READS}{Fault.RESET_BEFORE}": 0.03,
    f"{READS}{Fault.GARBAGE}": 0.03,
    f"{READS}{Fault.DUPLICATE}": 0.03,
    f"{READS}{Fault.SLOW}": 0.02,
    f"{READS}{Fault.BUSY}": 0.02,
    f"{READS}{Fault.RESTART}": 0.001,
}
"""How many of all credits, and of all questions, each fault strikes in ordinary weather."""
WEATHER: Final = (0.5, 1.0, 1.0, 1.5, 2.0, 2.5)
"""By how much the shares are multiplied, until they change again; in the last, seven of ten credits fail."""
NOTHING: Final[Mapping[str, float]] = {}


@dataclass(frozen=True, slots=True)
class Harm:
    """How often what is done, and for how long a worker is frozen."""

    least_pause: float = 1.0
    most_pause: float = 4.0
    least_frozen: float = 0.3
    most_frozen: float = 4.5


class Chaos:
    """Does harm at random instants."""

    def __init__(
        self,
        random: Random,
        system: PlayedSystem,
        workers: Workers,
        database: Database | None,
        count: int,
        harm: Harm,
    ) -> None:
        self.done: Counter[str] = Counter()
        self._random = random
        self._system = system
        self._workers = workers
        self._database = database
        self._count = count
        self._harm = harm
        self._next_at = time.monotonic()
        kinds: list[tuple[Callable[[], str], int]] = [
            (self._kill_worker, 5),
            (self._freeze_worker, 4),
            (self._kill_system, 3),
            (self._change_weather, 4),
        ]
        self._kinds = kinds if database is None else [*kinds, (self._kill_database, 3)]

    def go_on(self) -> None:
        """Do what is due, and nothing else."""
        self._workers.thaw()
        self.done["workers that found no database"] += self._workers.start_again()
        if time.monotonic() < self._next_at:
            return
        kinds = [kind for kind, _ in self._kinds]
        (kind,) = self._random.choices(kinds, [weight for _, weight in self._kinds])
        self.done[kind()] += 1
        pause = self._random.uniform(self._harm.least_pause, self._harm.most_pause)
        self._next_at = time.monotonic() + pause

    def end(self) -> None:
        """Let everything be in order from now on."""
        self._workers.thaw(is_all=True)
        self._system.set_faults(NOTHING)

    def _kill_worker(self) -> str:
        self._workers.kill(self._random.randrange(self._count))
        return "workers killed"

    def _freeze_worker(self) -> str:
        seconds = self._random.uniform(self._harm.least_frozen, self._harm.most_frozen)
        self._workers.freeze(self._random.randrange(self._count), seconds)
        return "workers frozen"

    def _kill_system(self) -> str:
        self._system.kill()
        return "charging systems killed"

    def _change_weather(self) -> str:
        factor = self._random.choice(WEATHER)
        self._system.set_faults({name: share * factor for name, share in SHARES.items()})
        return "changes of the shares of faults"

    def _kill_database(self) -> str:
        assert self._database is not None
        is_at_once = self._random.random() < 0.5
        self._database.kill(is_at_once=is_at_once)
        return "databases stopped at once" if is_at_once else "first processes of databases killed"
