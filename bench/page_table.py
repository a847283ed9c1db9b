"""Print what pages took, with the goals beside."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.page_figures import OF_CODE, OF_PAGE, SIGN_IN, PageFigure


def print_pages(console: Console, figures: Sequence[PageFigure], *, lines: int, asset_bytes: int) -> None:
    """Print a row for each page and kind of visit; the ratio compares with the cheapest page of this run."""
    table = Table(
        "page", "visit", "median ms", "95 % ms", "ratio", "queries", "HTML kB", "zipped kB", "first time kB",
        "met",
        box=None, title=f"Pages with {lines:,} lines", title_justify="left",
    )  # fmt: skip
    for figure in figures:
        is_page = figure.html_bytes > 0
        table.add_row(
            figure.page,
            figure.visit,
            f"{figure.median:.1f}",
            f"{figure.late:.1f}",
            f"{figure.ratio:.1f}",
            str(figure.queries),
            _kilobytes(figure.html_bytes) if is_page else "",
            _kilobytes(figure.zipped_bytes) if is_page else "",
            _kilobytes(figure.zipped_bytes + asset_bytes) if is_page else "",
            {True: "ok", False: "NOT", None: ""}[figure.met],
        )
    console.print(table)
    for figure in figures:
        if figure.read_whole:
            whole = ", ".join(figure.read_whole)
            console.print(f"read whole: {whole} by “{figure.page}”, {figure.visit}", markup=False)
    console.print(
        f"Goals of a page: {OF_PAGE.queries} queries, a median of {OF_PAGE.milliseconds:g} ms,"
        f" {OF_PAGE.html_bytes // 1_000} kB; of “{SIGN_IN}”: {OF_CODE.queries} queries."
        f" Assets, once and compressed: {_kilobytes(asset_bytes)} kB.",
        markup=False,
    )


def _kilobytes(bytes_: int) -> str:
    return f"{bytes_ / 1_000:.1f}"
