"""Background work: duties that go round in threads of their own until the process is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from selbsthelfer.kit.logs import log_failure
from selbsthelfer.kit.metrics import DUTIES_FAILED
from selbsthelfer.kit.sql import DATABASE_ERRORS, drop_connection, open_cursor

_LOG = logging.getLogger(__name__)

LONGEST_REST_SECONDS: Final = 60.0
"""How long a duty that fails again and again rests at most before it is tried once more."""
STOP_SECONDS: Final = 60.0
"""How long rounds in hand may go on after the stop; a charging system may take that long to answer."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Work that is done in rounds.

    A round says whether there may be more to do at once; if not, the duty rests for `rest_seconds`. Of a duty
    done `alone` one process of all has a round at a time. Each round may be broken off at any instruction.
    """

    name: str
    round: Callable[[], bool]
    rest_seconds: float
    threads: int = 1
    alone: bool = False


def keep(duties: Sequence[Duty], stop: threading.Event) -> bool:
    """Keep duties going round until told to stop; tell whether all rounds in hand came to their end."""
    threads = [
        threading.Thread(target=_go_round, args=(duty, stop), name=f"{duty.name}-{n}", daemon=True)
        for duty in duties
        for n in range(duty.threads)
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    until = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def stop_on_signals(stop: threading.Event) -> None:
    """Have Ctrl-C and the stop of a service manager end the rounds in hand, then the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())


def _go_round(duty: Duty, stop: threading.Event) -> None:
    failures = 0
    try:
        while not stop.is_set():
            rest = duty.rest_seconds
            try:
                has_more = _one_alone(duty) if duty.alone else duty.round()
            except Exception as error:  # noqa: BLE001 - whatever fails, the duty is tried again
                failures += 1
                has_more = False
                rest = min(LONGEST_REST_SECONDS, max(1.0, rest) * 2 ** min(failures, 6))
                _tell_failure(duty, error, rest)
            else:
                failures = 0
            if not has_more:
                stop.wait(rest)
    finally:
        connection.close()


def _one_alone(duty: Duty) -> bool:
    """Have a round if no other process has one; a lock of the transaction would end with its first commit."""
    with transaction.atomic():
        row = open_cursor().execute("SELECT pg_try_advisory_lock(hashtext(%s))", [duty.name]).fetchone()
    if row is None or not row[0]:
        return False
    try:
        return duty.round()
    finally:
        try:
            with transaction.atomic():
                open_cursor().execute("SELECT pg_advisory_unlock(hashtext(%s))", [duty.name])
        except DATABASE_ERRORS:
            # The lock goes with the connection, and what the round raised is told.
            drop_connection()


def _tell_failure(duty: Duty, error: Exception, rest: float) -> None:
    """Tell the kind of an error, never its text, which may name somebody; let a broken connection go."""
    DUTIES_FAILED.labels(duty.name).inc()
    log_failure(_LOG, f"{duty.name} failed, tried again in {rest:.0f} s", error)
    if isinstance(error, DATABASE_ERRORS):
        drop_connection()
