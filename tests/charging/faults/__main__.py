"""Deliver grants while everything fails: `python -m tests.charging.faults --grants 10000 --seed 1`.

A server of its own with durable commits, the played system and the workers are processes that are killed and
frozen at random. At the end each credit must be there exactly once, with the right amount and period.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import typer

from tests.charging.faults.machines import Database, PlayedSystem, Workers, run

if TYPE_CHECKING:
    from tests.charging.faults.chaos import Chaos
    from tests.charging.faults.checking import Verdict

PROFILES: Final = ("tmf654", "sigscale", "cgrates")
WORKERS: Final = 3
PACE: Final = {
    "SELBSTHELFER_CHARGING_TIMEOUT_SECONDS": "0.8",
    "SELBSTHELFER_CHARGING_SETTLE_SECONDS": "6",
    "SELBSTHELFER_CHARGING_QUICKENED": "10",
}
"""Sent within 2 seconds, settled 6.5 after that; frozen for less than these, a worker does no harm."""
MAX_QUIET_SECONDS: Final = 900.0
GRANTED_AT_ONCE: Final = 30
"""Lines whose facts come together; a batch comes each second, so that much happens meanwhile."""


def main() -> None:
    """Run one profile in this process, or each in one of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grants", type=int, default=10_000)
    parser.add_argument("--profile", choices=(*PROFILES, "all"), default="all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="how long harm is done at most")
    parser.add_argument("--frozen", type=float, default=4.5, help="seconds a worker is frozen at most")
    asked = parser.parse_args()
    if asked.profile == "all":
        sys.exit(max(_in_a_process(profile, asked) for profile in PROFILES))
    with Database() as database, tempfile.TemporaryDirectory(prefix="selbsthelfer-faults-") as folder:
        os.environ["DATABASE_URL"] = database.url
        from selbsthelfer.cli.connecting import migrate, set_up

        set_up()
        migrate()
        sys.exit(_run(database, Path(folder), asked))


def _in_a_process(profile: str, asked: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "tests.charging.faults", "--profile", profile]
    options = ("grants", "seed", "minutes", "frozen")
    told = [f"--{name}={getattr(asked, name)}" for name in options]
    return subprocess.run([*command, *told], check=False).returncode


def _run(database: Database, folder: Path, asked: argparse.Namespace) -> int:
    from tests.charging.faults.chaos import SHARES, Chaos, Harm
    from tests.charging.faults.checking import judge
    from tests.charging.faults.granting import Granting, furnish, is_known, subjects

    names = subjects(asked.grants)
    known = [name for name in names if is_known(name)]
    with PlayedSystem(asked.profile, folder / "system", known, asked.seed) as system:
        os.environ.update({**system.environment, **PACE})
        furnish(names)
        system.set_faults(SHARES)
        workers = Workers(WORKERS, {}, folder / "work.log")
        began = time.monotonic()
        try:
            harm = Harm(most_frozen=asked.frozen)
            chaos = Chaos(Random(asked.seed), system, workers, database, WORKERS, harm)
            granting = Granting(names, batch=GRANTED_AT_ONCE, pause_seconds=1)
            granting.start()
            _do_harm(chaos, granting, began + 60 * asked.minutes)
            chaos.end()
            harmed = time.monotonic() - began
            is_quiet = _wait(granting, system, workers)
        finally:
            workers.stop()
        met = system.met_so_far()
        verdict = judge(asked.profile, asked.grants, *system.told())
        reconciled = run(["reconcile"], {})
        verdict.expect("something still open or uncertain", is_quiet, "")
        verdict.expect("reconciliation", reconciled.returncode == 0, reconciled.stdout + reconciled.stderr)
    typer.echo(f"\n{asked.profile}: {asked.grants:,} grants, seed {asked.seed}, harm for {harmed:.0f} s, "
          f"quiet after {time.monotonic() - began:.0f} s")  # fmt: skip
    _print("faults of the charging system survived", met)
    _print("harm survived", chaos.done | {"batches of grants sent again": granting.repeats})
    _print_attempts()
    _tell(verdict, reconciled.stdout)
    if not verdict.is_right:
        _keep(folder)
    return 0 if verdict.is_right else 1


def _do_harm(chaos: Chaos, granting: object, until: float) -> None:
    """Do harm until all is granted and nearly all delivered, or the time is over."""
    from tests.charging.faults.granting import Granting, states

    assert isinstance(granting, Granting)
    looked_at = 0.0
    while time.monotonic() < until:
        chaos.go_on()
        time.sleep(0.05)
        if granting.is_over and time.monotonic() > looked_at + 2:
            looked_at = time.monotonic()
            counts = states()
            if counts.get("open", 0) + counts.get("uncertain", 0) < 0.01 * sum(counts.values()):
                return


def _wait(granting: object, system: PlayedSystem, workers: Workers) -> bool:
    """Wait until every grant was taken and nothing is open, uncertain or still to take effect."""
    from tests.charging.faults.granting import Granting, states

    assert isinstance(granting, Granting)
    until = time.monotonic() + MAX_QUIET_SECONDS
    while time.monotonic() < until:
        counts = states()
        is_open = counts.get("open", 0) + counts.get("uncertain", 0) > 0
        if granting.is_over and not is_open and not system.waits():
            return True
        workers.start_again()
        time.sleep(0.5)
    return False


def _print_attempts() -> None:
    """Tell what the attempts were, for whoever wants to know how hard it was."""
    from django.db import transaction

    from selbsthelfer.kit.sql import open_cursor

    with transaction.atomic():
        rows = open_cursor().execute(
            "SELECT concat_ws(' ', action, coalesce(outcome, '(broken off)'), code), count(*)"
            " FROM charging_attempt GROUP BY 1 ORDER BY 1"
        )
        _print("attempts", dict(rows.fetchall()))


def _print(title: str, counts: dict[str, int]) -> None:
    typer.echo(f"  {title}: {sum(counts.values()):,}")
    for name, count in sorted(counts.items()):
        typer.echo(f"    {name:<44}{count:>8,}")


def _tell(verdict: Verdict, reconciled: str) -> None:
    typer.echo(
        f"  credits: {verdict.credits:,}, {verdict.bytes:,} bytes; refused as unknown: {verdict.refused:,}"
    )
    typer.echo(f"  reconciliation: {reconciled.strip()[-300:]}")
    typer.echo("  RIGHT: each credit exactly once" if verdict.is_right else "  WRONG")
    for line in verdict.lines():
        typer.echo(f"    {line}")
    sys.stdout.flush()


def _keep(folder: Path) -> None:
    """Keep what the processes said, for whoever looks into it."""
    kept = Path(tempfile.mkdtemp(prefix="selbsthelfer-faults-wrong-"))
    for log in (folder / "work.log", folder / "system" / "log", folder / "system" / "journal.jsonl"):
        if log.exists():
            (kept / log.name).write_bytes(log.read_bytes())
    typer.echo(f"    logs and journal: {kept}")


if __name__ == "__main__":
    main()
