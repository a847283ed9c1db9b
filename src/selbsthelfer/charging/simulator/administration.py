"""How a played system is told what to do, and asked what is true, under `/simulator`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final, Protocol

import msgspec

from selbsthelfer.charging.simulator.faults import FaultError, FaultPlan
from selbsthelfer.charging.simulator.ledger import SimulatedCredit
from selbsthelfer.charging.simulator.wire import JSON, Reply, Request, as_json

ADMINISTRATION: Final = "simulator"
MAX_CREDITS: Final = 10_000
"""Credits told at once."""
MAX_BURNED_BYTES: Final = 2**53


class FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Shares of faults, and those that strike the next credits, one each."""

    shares: Mapping[str, float] = msgspec.field(default_factory=dict)
    next: Sequence[str | None] = ()


class Usage(msgspec.Struct, forbid_unknown_fields=True):
    recipient: str
    bytes: int


class Administered(Protocol):
    """What of a simulator is asked here."""

    plan: FaultPlan

    def credits(self) -> list[SimulatedCredit]: ...

    def ghosts(self) -> list[str]: ...

    def waits(self) -> int: ...

    def burn(self, recipient: str, volume: int) -> int: ...


def administer(request: Request, simulator: Administered) -> Reply:
    """Answer a request under `/simulator`; a restart is done after its answer."""
    match (request.method, *request.path[1:]):
        case ("GET", "credits"):
            return _credits(request, simulator)
        case ("GET", "faults"):
            return _faults(simulator)
        case ("PUT", "faults"):
            return _set_faults(request, simulator)
        case ("POST", "usage"):
            return _burn(request, simulator)
        case ("POST", "restart"):
            return Reply(204)
    return _error(404, "not_found")


def _credits(request: Request, simulator: Administered) -> Reply:
    offset, limit = request.query.get("offset", "0"), request.query.get("limit", "1000")
    if not (offset.isdigit() and limit.isdigit() and len(offset) < 10 and len(limit) < 10):
        return _error(400, "page_odd")
    found = simulator.credits()
    keys = len({credit.key for credit in found})
    page = found[int(offset) : int(offset) + min(int(limit), MAX_CREDITS)]
    told = {
        "count": len(found),
        "keys": keys,
        "doubles": len(found) - keys,
        "waits": simulator.waits(),
        "ghosts": simulator.ghosts(),
        "credits": [asdict(credit) for credit in page],
    }
    return Reply(200, as_json(told), JSON)


def _faults(simulator: Administered) -> Reply:
    return Reply(200, as_json({"shares": simulator.plan.shares(), "met": simulator.plan.met()}), JSON)


def _set_faults(request: Request, simulator: Administered) -> Reply:
    try:
        order = msgspec.json.decode(request.body, type=FaultOrder)
        simulator.plan.set_shares(order.shares)
        simulator.plan.plan(order.next)
    except (msgspec.DecodeError, RecursionError):
        return _error(400, "not_readable")
    except FaultError as error:
        return _error(400, error.code, str(error))
    return _faults(simulator)


def _burn(request: Request, simulator: Administered) -> Reply:
    try:
        usage = msgspec.json.decode(request.body, type=Usage)
    except (msgspec.DecodeError, RecursionError):
        return _error(400, "not_readable")
    if not 0 < usage.bytes <= MAX_BURNED_BYTES:
        return _error(400, "bytes_odd")
    return Reply(200, as_json({"used": simulator.burn(usage.recipient, usage.bytes)}), JSON)


def _error(status: int, code: str, detail: str = "") -> Reply:
    return Reply(status, as_json({"code": code, "detail": detail}), JSON)
