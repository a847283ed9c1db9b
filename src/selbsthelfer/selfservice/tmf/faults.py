"""What the simulator does wrong when asked to: once, or some times, for a method."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Final
from wsgiref.types import WSGIEnvironment

MAX_TIMES: Final = 1_000
CONNECTION: Final = "selbsthelfer.connection"
"""Where the server leaves the socket of a request, so that it can be reset."""


class Fault(StrEnum):
    """Something that goes wrong, before or after the effect of a request."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    LATE = "late"
    """Nothing is answered in time, and the effect comes only then."""
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    GATEWAY_AFTER = "gateway_after"
    """Somebody between answers that it took too long, and it was done."""
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    SLOW = "slow"
    UNREADABLE = "unreadable"
    """It is done and answered by something that is no JSON."""
    DUPLICATE = "duplicate"
    """It is done once, and two orders of the same key are told of."""


BEFORE: Final = frozenset({Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE, Fault.RESET_BEFORE})
"""Faults of which the request has no effect."""


@dataclass(slots=True)
class _Planned:
    fault: Fault
    method: str
    times: int


class FaultPlan:
    """The faults to come, in their order; each request takes the first that is meant for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planned: list[_Planned] = []

    def add(self, fault: Fault, *, method: str = "POST", times: int = 1) -> None:
        with self._lock:
            self._planned.append(_Planned(fault, method, min(times, MAX_TIMES)))

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def take(self, method: str) -> Fault | None:
        """Take the fault for a request, if there is one left."""
        with self._lock:
            for planned in self._planned:
                if planned.method == method and planned.times > 0:
                    planned.times -= 1
                    return planned.fault
        return None


def reset(environ: WSGIEnvironment) -> None:
    """Break the connection off; a server that does not give its socket away ends the request otherwise."""
    connection = environ.get(CONNECTION)
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())
    raise ConnectionResetError
