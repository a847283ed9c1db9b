"""The demo's charging system: a simulator that fails now and then, and workers that deliver into it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import typer
from django.db import connections, transaction

from selbsthelfer.cli.simulate import CHARGING_PREFIX, charging_secrets
from selbsthelfer.demo import wording
from selbsthelfer.kit.duties import keep
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language

if TYPE_CHECKING:
    from selbsthelfer.charging.simulator.running import Simulator


class System(StrEnum):
    """The charging systems that can be played."""

    TMF654 = "tmf654"
    SIGSCALE = "sigscale"
    CGRATES = "cgrates"


FAULTS: Final[Mapping[str, float]] = MappingProxyType(
    {"timeout_after": 0.02, "timeout_before": 0.02, "error_after": 0.02, "reset_before": 0.02, "slow": 0.02}
)
"""How many of all credits each fault strikes: about one in ten fails in some way."""
PACE: Final[Mapping[str, str]] = MappingProxyType({"TIMEOUT_SECONDS": "0.5", "SETTLE_SECONDS": "2"})
PATIENCE_SECONDS: Final = 60.0
"""How long the first delivery is waited for; what is not there by then is delivered behind the pages."""
DUTIES: Final = frozenset({"orders", "uncertain"})


@contextmanager
def played(profile: System | None, home: Path) -> Iterator[Simulator | None]:
    """Play a charging system for as long as the block lasts, and have orders of this process go there."""
    if profile is None:
        yield None
        return
    from selbsthelfer.charging.simulator.running import make_simulator

    authorization, secrets = charging_secrets(profile)
    folder = home / "charging" / profile
    folder.mkdir(parents=True, exist_ok=True)
    simulator = make_simulator(profile, port=0, folder=folder, faults=FAULTS, authorization=authorization)
    with simulator:
        settings = {"URL": simulator.url, **secrets, **PACE}
        os.environ |= {
            CHARGING_PREFIX: profile,
            **{f"{CHARGING_PREFIX}_{k}": v for k, v in settings.items()},
        }
        yield simulator


@contextmanager
def delivering(simulator: Simulator | None, language: Language) -> Iterator[None]:
    """Deliver what is ordered for as long as the block lasts; the first orders are waited for and told of."""
    if simulator is None:
        yield
        return
    from selbsthelfer.cli.work import all_duties

    stop = threading.Event()
    with ExitStack() as afterwards:
        duties = [duty for duty in all_duties(stop, afterwards) if duty.name in DUTIES]
        keeper = threading.Thread(target=keep, args=(duties, stop), daemon=True)
        keeper.start()
        try:
            _tell_of(simulator, _wait(), language)
            yield
        finally:
            stop.set()
            keeper.join()


def _wait() -> float:
    """Wait until no order waits for a worker or an answer; return the seconds it took."""
    started = time.monotonic()
    while _waiting() and time.monotonic() < started + PATIENCE_SECONDS:
        time.sleep(0.1)
    return time.monotonic() - started


def _waiting() -> int:
    from selbsthelfer.charging.core.orders import OrderState
    from selbsthelfer.charging.queries import standing_of_orders

    with transaction.atomic():
        orders = standing_of_orders(open_cursor(), now=datetime.now(UTC)).orders
    connections.close_all()
    return orders[OrderState.OPEN] + orders[OrderState.UNCERTAIN]


def _tell_of(simulator: Simulator, seconds: float, language: Language) -> None:
    credited = simulator.credits()
    typer.echo(
        wording.DELIVERED.told(language).format(
            system=wording.SYSTEMS[simulator.profile.name],
            credits=wording.number(len(credited), language),
            different=wording.number(len({credit.key for credit in credited}), language),
            faults=wording.number(sum(simulator.faults_met().values()), language),
            seconds=wording.number(seconds, language, 1),
        )
    )
