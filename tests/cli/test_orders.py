"""The commands for credit orders and for reconciliation."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import typer
from django.db import connection
from typer.testing import CliRunner, Result

from selbsthelfer.charging.core.orders import OrderState
from selbsthelfer.charging.systems import use_system
from selbsthelfer.cli import orders, reconcile
from selbsthelfer.kit.sql import open_cursor
from tests.charging.memory_system import ABLE, BELIEVED, Clock, Fault, MemorySystem
from tests.charging.world import a_line, load, order, work

pytestmark = pytest.mark.django_db

commands = typer.Typer()
commands.add_typer(orders.app, name="orders")
commands.command("reconcile")(reconcile.command)


@pytest.fixture(autouse=True)
def _database_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selbsthelfer.cli.telling.connect", lambda: None)


@pytest.fixture
def system() -> Iterator[MemorySystem]:
    made = MemorySystem(clock=Clock(datetime.now(UTC) - timedelta(minutes=10)))
    with use_system(made):
        yield made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_how_orders_stand_is_told_to_people_and_to_machines(system: MemorySystem) -> None:
    assert run("orders", "status").stdout == "0 open, 0 uncertain, 0 refused.\n"
    system.capabilities = BELIEVED
    order(system, *[a_line()] * 3)
    system.fail([Fault.REFUSED, Fault.NONE])
    work(system, limit=1)
    system.clock.at = datetime.now(UTC)
    work(system, limit=1)
    told = run("orders", "status").stdout
    assert "1 open, 0 uncertain, 1 refused." in told
    assert "The oldest that can be delivered waits for 6" in told
    assert "1 delivered in the last 5 minutes" in told
    assert "1 are worth a look" in told
    machine = json.loads(run("orders", "status", "--json").stdout)
    assert machine["orders"] == {"open": 1, "uncertain": 0, "refused": 1}
    assert (machine["in_trouble"], machine["delivered"], machine["drifts"]) == (1, 1, {})


def test_orders_in_trouble_are_listed_with_their_code_and_tried_again(system: MemorySystem) -> None:
    assert run("orders", "list").stdout == "No order is refused.\n"
    line = a_line(msisdn="+491711234567")
    system.capabilities = BELIEVED
    (credit_id,) = order(system, line)
    system.fail([Fault.REFUSED])
    work(system)
    told = run("orders", "list").stdout
    assert str(credit_id) in told
    assert "account_unknown" in told
    assert "1711234567" not in told
    (listed,) = json.loads(run("orders", "list", "--json").stdout)
    assert (listed["credit_id"], listed["state"]) == (str(credit_id), "refused")
    assert run("orders", "retry", str(credit_id), "--by", "Frau Kern").stdout == "It is sent again.\n"
    work(system)
    assert load(line, credit_id).state is OrderState.OPEN, "its turn comes when the clock has moved"
    system.clock.at = datetime.now(UTC)
    work(system)
    assert load(line, credit_id).state is OrderState.CONFIRMED
    assert "no order" in refused("orders", "retry", str(credit_id), "--by", "Frau Kern")


def test_what_is_uncertain_is_resolved_by_a_person(system: MemorySystem) -> None:
    line = a_line()
    (credit_id,) = order(system, line)
    system.fail([Fault.LOST_AFTER])
    work(system)
    assert "--credited" in refused("orders", "resolve", str(credit_id), "--by", "Frau Kern")
    result = run("orders", "resolve", str(credit_id), "--credited", "--by", "Frau Kern")
    assert result.stdout == "Confirmed.\n"
    assert load(line, credit_id).state is OrderState.CONFIRMED


@pytest.mark.parametrize(
    "arguments",
    [
        ("orders", "list", "--state", "lost"),
        ("orders", "retry", "no-uuid", "--by", "x"),
        ("orders", "retry", str(uuid4()), "--by", "x"),
        ("orders", "retry", str(uuid4()), "--by", " "),
        ("orders", "resolve", str(uuid4()), "--credited", "--by", "x"),
        ("reconcile", "--since", "yesterday"),
        ("reconcile",),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(arguments: tuple[str, ...]) -> None:
    refused(*arguments)


def test_reconciliation_ends_with_1_while_something_differs(system: MemorySystem) -> None:
    line = a_line()
    (credit_id,) = order(system, line)
    work(system)
    assert run("reconcile").stdout.startswith("1 orders of 1 recipients compared; 0 differences")
    system.remove(credit_id)
    missing = run("reconcile", "--json")
    assert missing.exit_code == 1
    told = json.loads(missing.stdout)
    assert (told["remaining"], told["findings"][0]["kind"]) == (1, "missing")
    assert "missing" in run("orders", "status").stdout
    mended = run("reconcile", "--repair")
    assert (mended.exit_code, mended.stdout.splitlines()[0]) == (0, f"{credit_id}  missing, repaired")
    system.reading_faults.append(Fault.UNREADABLE)
    unread = run("reconcile", "--limit", "1", "--since", "2026-01-01T00:00:00Z")
    assert (unread.exit_code, "1 recipients could not be read" in unread.stdout) == (1, True)


def test_a_reconciliation_that_meets_another_or_no_system_says_so(
    system: MemorySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(system, a_line())
    work(system)
    monkeypatch.setattr("selbsthelfer.charging.reconciling.MAX_PAGES_UNREADABLE", 1)
    system.reading_faults.append(Fault.UNREADABLE)
    away = run("reconcile", "--json")
    assert (away.exit_code, json.loads(away.stdout)["is_broken_off"]) == (1, True)
    assert away.stderr == "Broken off: the charging system is away. Begin again when it is back.\n"
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        open_cursor().execute("SELECT pg_advisory_lock(hashtext('selbsthelfer.reconciliation'))")
        is_held.set()
        is_over.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(10)
    told = refused("reconcile")
    is_over.set()
    thread.join()
    assert "another reconciliation is running" in told
    assert run("reconcile").exit_code == 0


def test_a_system_that_tells_nothing_is_refused(system: MemorySystem) -> None:
    system.capabilities = replace(ABLE, read_back=False)
    assert "does not tell" in refused("reconcile")
