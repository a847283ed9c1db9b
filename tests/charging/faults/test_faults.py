"""The fault test, small: each kind of fault strikes, a worker and the played system are killed.

Large, with the database killed as well: `python -m tests.charging.faults --grants 10000 --profile all`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import typer
from django.db import connection
from psycopg.conninfo import make_conninfo

from selbsthelfer.charging.reconciling import reconcile
from selbsthelfer.charging.simulator import PROFILES
from selbsthelfer.charging.simulator.faults import READS, Fault
from selbsthelfer.charging.systems import the_system
from selbsthelfer.intake.operations import Terms, accept
from tests.charging.faults.checking import judge
from tests.charging.faults.granting import Granting, furnish, grants_of, is_known, states, subjects
from tests.charging.faults.machines import PlayedSystem, Workers
from tests.effort import EFFORT

pytestmark = pytest.mark.django_db(transaction=True)
GRANTS = 150 * EFFORT
PACE = {
    "SELBSTHELFER_CHARGING_TIMEOUT_SECONDS": "0.4",
    "SELBSTHELFER_CHARGING_SETTLE_SECONDS": "2",
    "SELBSTHELFER_CHARGING_QUICKENED": "20",
}
READING = {f"{READS}{fault}": 0.04 for fault in (Fault.ERROR_BEFORE, Fault.GARBAGE, Fault.RESET_BEFORE)}
MAX_SECONDS = 90.0


def the_database() -> str:
    """Tell where the tables of this test are, for other processes."""
    told = connection.settings_dict
    parts = {"dbname": told["NAME"], "user": told["USER"], "password": told["PASSWORD"]}
    parts |= {"host": told["HOST"], "port": told["PORT"]}
    return make_conninfo("", **{name: value for name, value in parts.items() if value})


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + MAX_SECONDS
    while not is_so():
        assert time.monotonic() < until, states()
        time.sleep(0.1)


def is_settled() -> bool:
    counts = states()
    return counts.get("open", 0) + counts.get("uncertain", 0) == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_each_grant_is_credited_exactly_once_whatever_fails(
    profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = subjects(GRANTS)
    random = Random(profile)
    following = [*Fault, *Fault, *[None] * 10]
    random.shuffle(following)
    with PlayedSystem(profile, tmp_path / "system", [name for name in names if is_known(name)], 1) as system:
        for name, value in {**system.environment, **PACE, "DATABASE_URL": the_database()}.items():
            monkeypatch.setenv(name, value)
        workers = Workers(1, {}, tmp_path / "work.log")
        furnish(names)
        system.set_faults(READING, following)
        half = len(names) // 2
        accept(
            grants_of(names[:half], datetime.now(UTC)), terms=Terms(now=datetime.now(UTC), may_backdate=True)
        )
        wait_until(lambda: "uncertain" in states())
        workers.kill(0)
        granting = Granting(names[half:], batch=10, pause_seconds=0.5)
        granting.start()
        wait_until(lambda: set(Fault) <= set(system.met_so_far()))
        system.kill()
        wait_until(lambda: granting.is_over)
        system.set_faults({})
        wait_until(lambda: is_settled() and not system.waits())
        workers.end()
        met = system.met_so_far()
        verdict = judge(profile, GRANTS, *system.told())
        charging = the_system()
        assert charging is not None
        report = reconcile(system=charging, now_of=lambda: datetime.now(UTC))
        charging.close()
    typer.echo(f"{profile}: {GRANTS} grants, {met.total()} faults survived: {dict(sorted(met.items()))}")
    assert verdict.is_right, verdict.lines()
    assert set(Fault) <= set(met)
    assert (report.orders, report.findings, report.unreadable) == (GRANTS, [], 0)
