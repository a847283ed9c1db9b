"""Measure everything on one made-up operator; the figures go to standard output as JSON."""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from selbsthelfer.cli.connecting import migrate, set_up


def main() -> None:
    """Load, then measure deciding, intake and usage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--world", type=Path, required=True)
    parser.add_argument("--worker", help="only send batches of this name, when a line comes in")
    options = parser.parse_args()
    set_up()
    from bench import suite

    if options.worker:
        suite.work(pickle.loads(options.world.read_bytes()), options.batch, options.rounds, options.worker)  # noqa: S301
        return
    migrate()
    from bench import world

    start = time.perf_counter()
    loaded = world.load(options.lines)
    print(f"  loaded {options.lines:,} lines in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    figures = suite.measure(loaded, options.batch, options.rounds)
    options.world.write_bytes(pickle.dumps(loaded))
    figures.append(suite.two_workers(_start_workers(options), options.batch, options.rounds))
    json.dump({"figures": [asdict(f) for f in figures], "indexes": suite.index_list()}, sys.stdout)


def _start_workers(options: argparse.Namespace) -> list[subprocess.Popen[bytes]]:
    return [
        subprocess.Popen(
            [sys.executable, "-m", "bench.run", "--lines", str(options.lines), "--batch", str(options.batch),
             "--rounds", str(options.rounds), "--world", str(options.world), "--worker", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ,
        )
        for name in ("one", "two")
    ]  # fmt: skip


if __name__ == "__main__":
    main()
