"""Measure one made-up operator; the figures go to standard output as JSON."""

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
from typing import Any

from selbsthelfer.cli.connecting import migrate, set_up


def main() -> None:
    """Load, then measure deciding, intake and usage, then facts over HTTP, then the pages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--suite", choices=("all", "facts", "pages", "http", "delivery"), default="all")
    parser.add_argument("--visits", type=int, default=200)
    parser.add_argument("--world", type=Path, required=True)
    parser.add_argument("--worker", help="only send batches of this name, when a line comes in")
    options = parser.parse_args()
    set_up()
    from bench import suite

    if options.worker:
        suite.work(pickle.loads(options.world.read_bytes()), options.batch, options.rounds, options.worker)  # noqa: S301
        return
    migrate()
    if options.suite == "http":
        json.dump({"figures": _http(), "indexes": [], "pages": []}, sys.stdout)
        return
    if options.suite == "delivery":
        json.dump({"figures": _delivery(), "indexes": [], "pages": []}, sys.stdout)
        return
    from bench import world

    start = time.perf_counter()
    loaded = world.load(options.lines)
    print(f"  loaded {options.lines:,} lines in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    found: dict[str, Any] = {"figures": [], "indexes": [], "pages": []}
    if options.suite != "pages":
        figures = suite.measure(loaded, options.batch, options.rounds)
        options.world.write_bytes(pickle.dumps(loaded))
        figures.append(suite.two_workers(_start_workers(options), options.batch, options.rounds))
        found.update(figures=[asdict(f) for f in figures], indexes=suite.index_list())
    if options.suite == "all":
        found["figures"] += _http() + _delivery()
    if options.suite != "facts":
        from bench import pages

        start = time.perf_counter()
        measured = pages.measure_pages(loaded, options.visits)
        found.update(pages=[asdict(page) for page in measured], asset_bytes=pages.asset_bytes())
        print(f"  visited the pages in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    json.dump(found, sys.stdout)


def _http() -> list[dict[str, Any]]:
    """Measure facts over HTTP, beside whatever else the database holds."""
    from bench import http

    start = time.perf_counter()
    figures = [asdict(figure) for figure in http.measure_http()]
    print(f"  sent facts over HTTP in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return figures


def _delivery() -> list[dict[str, Any]]:
    """Measure the delivery of orders, beside whatever else the database holds."""
    from bench import delivery

    start = time.perf_counter()
    figures = [asdict(figure) for figure in delivery.measure_delivery()]
    print(f"  delivered orders in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return figures


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
