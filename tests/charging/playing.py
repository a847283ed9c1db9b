"""Played charging systems and the adapters that speak to them, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from selbsthelfer.charging.adapters.cgrates import CgratesSystem
from selbsthelfer.charging.adapters.plain import basic
from selbsthelfer.charging.adapters.sigscale import SigscaleSystem
from selbsthelfer.charging.adapters.tmf654 import Tmf654System
from selbsthelfer.charging.core.port import ChargingSystem, Credit
from selbsthelfer.charging.simulator import Simulator
from selbsthelfer.charging.simulator.wire import Connection, Request, Server

TENANT: Final = "cgrates.org"
USER: Final = "engine"
PASSWORD: Final = "not-for-logs"  # noqa: S105
TOKEN: Final = "token-not-for-logs"  # noqa: S105
SIGNED_IN: Final = {
    "tmf654": f"Bearer {TOKEN}",
    "sigscale": basic(USER, PASSWORD),
    "cgrates": basic(USER, PASSWORD),
}
NOW: Final = datetime.now(UTC).replace(microsecond=0)
MB: Final = 1_000_000
SPACE: Final = UUID("d9a3c1de-6d5e-4f55-9d5e-0d8a8a3b1f00")


def adapter(
    profile: str, url: str, *, timeout_seconds: float = 2.0, password: str = PASSWORD
) -> ChargingSystem:
    """Make the adapter for a played system; it settles after a second."""
    if profile == "tmf654":
        token = TOKEN if password == PASSWORD else password
        return Tmf654System(url, token=token, timeout_seconds=timeout_seconds, settle_seconds=1)
    if profile == "sigscale":
        return SigscaleSystem(
            url, user=USER, password=password, timeout_seconds=timeout_seconds, settle_seconds=1
        )
    return CgratesSystem(
        url,
        tenant=TENANT,
        user=USER,
        password=password,
        can_reauthorise=True,
        timeout_seconds=timeout_seconds,
        settle_seconds=1,
    )


def credit_of(number: int, *, recipient: str = "line-1", volume: int = 100 * MB) -> Credit:
    """Make a credit whose id is always the same for a number."""
    return Credit(
        credit_id=uuid5(SPACE, str(number)),
        recipient=recipient,
        bytes=volume,
        valid_from=NOW - timedelta(hours=1),
        valid_until=NOW + timedelta(days=30),
    )


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def keys(simulator: Simulator) -> list[str]:
    """List the ids of all credits that took effect."""
    return [credit.key for credit in simulator.credits()]


def wait_until(is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.01)


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[Request]]]:
    """Serve these answers, the last one for ever; gives the address and what was asked."""
    asked: list[Request] = []

    def serve(connection: Connection, request: Request) -> None:
        asked.append(request)
        connection.write(answers[min(len(asked), len(answers)) - 1])

    server = Server(serve, 0)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}", asked
    finally:
        server.close()
