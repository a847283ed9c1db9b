"""Measure speed as ratios in one run: `python -m bench --size small|full|huge --suite all|facts|…`.

A server of its own with durable commits is started and thrown away. Each size of operator has a database and
a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from bench.measuring import Figure
from bench.page_figures import PageFigure
from bench.page_table import print_pages
from selbsthelfer.kit.embedded import scratch_server

SIZES = {"small": (20_000, 60_000), "full": (100_000, 1_000_000), "huge": (100_000, 1_000_000, 10_000_000)}
ROUNDS = {"small": 4, "full": 8, "huge": 8}
VISITS = {"small": 60, "full": 200, "huge": 200}
BATCH = {"small": 2_000, "full": 10_000, "huge": 10_000}
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "64GB",
    "checkpoint_timeout": "1h",
    "work_mem": "64MB",
}
RESULTS = Path("bench/results.json")


def main() -> None:
    """Measure each size, compare the cost per fact between sizes, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--suite", choices=("all", "facts", "pages", "http", "delivery"), default="all")
    parser.add_argument("--lines", type=int, help="one operator of this size instead")
    asked = parser.parse_args()
    size = asked.size
    memory = psutil.virtual_memory().total
    options = {**DURABLE, "shared_buffers": f"{min(memory // 4, 6_000_000_000) // 1_000_000}MB"}
    figures: list[Figure] = []
    costs: dict[int, float] = {}
    indexes: list[str] = []
    pages: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, scratch_server(options=options) as url:
        for lines in [asked.lines] if asked.lines else SIZES[size]:
            print(f"{lines:,} lines", file=sys.stderr)
            found = _measure(url, lines, asked, Path(folder) / "world")
            named = [Figure(**figure) for figure in found["figures"]]
            costs.update((lines, f.value) for f in named if f.name == "time per fact")
            figures += [_renamed(figure, lines) for figure in named]
            indexes = found["indexes"]
            pages[lines] = found
    figures += _compared(costs)
    console = Console(width=140)
    if figures:
        _print(console, figures, indexes)
    kept = {lines: _print_pages(console, lines, found) for lines, found in pages.items() if found["pages"]}
    RESULTS.parent.mkdir(exist_ok=True)
    told = {"figures": [_member(figure) for figure in figures], "pages": kept}
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")


def _compared(costs: dict[int, float]) -> list[Figure]:
    """Compare the cost per fact between sizes."""
    smallest = min(costs, default=0)
    return [
        Figure(
            f"cost per fact, {lines:,} lines against {smallest:,}",
            costs[lines],
            "µs",
            costs[smallest],
            costs[lines] / costs[smallest],
            "<= 1.2",
        )
        for lines in sorted(costs)[1:]
    ]


def _print_pages(console: Console, lines: int, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Print the pages of one operator; return them as they are kept."""
    measured = [msgspec.convert(page, PageFigure) for page in found["pages"]]
    print_pages(console, measured, lines=lines, asset_bytes=found["asset_bytes"])
    return [{**page, "met": figure.met} for page, figure in zip(found["pages"], measured, strict=True)]


def _measure(url: str, lines: int, asked: argparse.Namespace, world: Path) -> dict[str, Any]:
    """Run one size in a process and a database of its own."""
    name = f"bench_{lines}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    environment = {**os.environ, "DATABASE_URL": make_conninfo(url, dbname=name)}
    result = subprocess.run(
        [sys.executable, "-m", "bench.run", "--lines", str(lines), "--world", str(world),
         "--batch", str(BATCH[asked.size]), "--rounds", str(ROUNDS[asked.size]), "--suite", asked.suite,
         "--visits", str(VISITS[asked.size])],
        env=environment, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return dict(json.loads(result.stdout))


def _renamed(figure: Figure, lines: int) -> Figure:
    return Figure(
        f"{figure.name}, {lines:,} lines",
        figure.value,
        figure.unit,
        figure.baseline,
        figure.ratio,
        figure.goal,
    )


def _member(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "baseline": figure.baseline,
        "ratio": figure.ratio,
        "goal": figure.goal,
        "met": figure.met,
    }


def _print(console: Console, figures: list[Figure], indexes: list[str]) -> None:
    table = Table("measured", "value", "baseline", "ratio", "goal", "met", box=None)
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.1f} {figure.unit}",
            "" if figure.baseline is None else f"{figure.baseline:,.1f}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.goal or "",
            {True: "yes", False: "no", None: ""}[figure.met],
        )
    console.print(table)
    console.print("Indexes that intake and the bare COPY both fill:")
    for index in indexes:
        console.print(f"  {index}", markup=False)


if __name__ == "__main__":
    main()
