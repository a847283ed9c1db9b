"""Lines that are about to earn, and the facts by which each gets its grants through the one door."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from django.db import DatabaseError, InterfaceError, connection, transaction

from selbsthelfer.intake.operations import MAX_BATCH, Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.programmes.operations import publish

PROGRAMME: Final = "o2-2017"
ENROLLED_DAYS: Final = 150
ACTIVE_DAYS: Final = 100
"""Within the first stage, which by now has passed: what a line does today releases the first tranche."""
COURTESIES_OF: Final = 4
"""Every fourth line is given a courtesy beside what it earns, so that it has two buckets."""
UNKNOWN_OF: Final = 100
"""Every hundredth line is one that the charging system does not know."""
MB: Final = 1_000_000
BROKEN: Final = (DatabaseError, InterfaceError, psycopg.Error)
"""What is raised when the database is killed, by Django or below it."""


def subjects(grants: int) -> list[str]:
    """Name the lines that get so many grants together."""
    names: list[str] = []
    while len(names) + -(-len(names) // COURTESIES_OF) < grants:
        names.append(f"line-{len(names):06d}")
    return names


def is_known(subject: str) -> bool:
    return int(subject[-6:]) % UNKNOWN_OF != UNKNOWN_OF - 1


def furnish(names: Sequence[str]) -> None:
    """Register and enrol lines, and have each earn its first stage; reference tables are there."""
    now = datetime.now(UTC)
    publish(load_preset(PROGRAMME), now=now - timedelta(days=900))
    facts = []
    for n, subject in enumerate(names):
        enrolled_at = now - timedelta(days=ENROLLED_DAYS)
        line = {"timezone": "Europe/Berlin", "billing_day": n % 28 + 1, "included_bytes": 5_000 * MB}
        facts.append(_fact("subscriber.registered", subject, enrolled_at, line))
        enrolment = {"programme": PROGRAMME, "variant": "treatment"}
        facts.append(_fact("programme.enrolled", subject, enrolled_at, enrolment))
        active_at = now - timedelta(days=ACTIVE_DAYS)
        facts.append(_fact("selfservice.finished", subject, active_at, _done("bill.view"), id_="first"))
    for start in range(0, len(facts), MAX_BATCH):
        terms = Terms(now=now, may_backdate=True, is_history=True)
        results = accept(facts[start : start + MAX_BATCH], terms=terms).counts
        assert set(results) == {"accepted"}, results


def grants_of(names: Sequence[str], now: datetime) -> list[bytes]:
    """Make the facts by which each of these lines gets a tranche, and every fourth a courtesy as well."""
    facts = []
    at = now - timedelta(seconds=1)
    for subject in names:
        facts.append(_fact("selfservice.finished", subject, at, _done("call.block"), id_="now"))
        number = int(subject[-6:])
        if number % COURTESIES_OF == 0:
            given = {"bytes": 50 * MB + number, "reason": "Störung", "by": "agent-7"}
            facts.append(_fact("courtesy.granted", subject, at, given))
    return facts


class Granting(threading.Thread):
    """Hands the facts over while workers run, each batch again until it was taken, as a feed does."""

    def __init__(self, names: Sequence[str], *, batch: int, pause_seconds: float) -> None:
        super().__init__(name="granting", daemon=True)
        self._batches = [names[n : n + batch] for n in range(0, len(names), batch)]
        self._pause_seconds = pause_seconds
        self.is_over = False
        self.repeats = 0

    def run(self) -> None:
        for facts in self._facts():
            while True:
                try:
                    accept(facts, terms=Terms(now=datetime.now(UTC), may_backdate=True))
                    break
                except BROKEN:
                    self.repeats += 1
                    _let_go()
        self.is_over = True
        _let_go()

    def _facts(self) -> Iterator[list[bytes]]:
        for names in self._batches:
            yield grants_of(names, datetime.now(UTC))
            time.sleep(self._pause_seconds)


def states() -> dict[str, int]:
    """Count the orders by state, however often the database is killed meanwhile."""
    while True:
        try:
            with transaction.atomic():
                rows = open_cursor().execute(
                    "SELECT state, count(*) FROM charging_creditorder GROUP BY state"
                )
                return dict(rows.fetchall())
        except BROKEN:
            _let_go()


def _let_go() -> None:
    """Forget a connection that broke, and give the database a moment."""
    with suppress(Exception):
        connection.close()
    time.sleep(0.2)


def _done(activity: str) -> dict[str, Any]:
    return {"activity": activity, "outcome": "succeeded"}


def _fact(kind: str, subject: str, at: datetime, data: dict[str, Any], *, id_: str = "") -> bytes:
    event = {
        "specversion": "1.0",
        "type": kind,
        "id": f"{kind}-{id_}",
        "source": "/faults",
        "subject": subject,
        "time": at.isoformat(),
        "received": at.isoformat(),
        "data": data,
    }
    return json.dumps(event).encode()
