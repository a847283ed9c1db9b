"""The command `demo`: a made-up operator with twelve billing periods of life, in a database of its own."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
import typer
from django.db import connections, transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.progress import ProgressColumn as Column
from rich.table import Table
from rich.text import Text

from selbsthelfer.cli import connecting
from selbsthelfer.cli.demo_charging import System, delivering, played
from selbsthelfer.cli.serve import answer_requests, is_free
from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.demo import running, summary, wording
from selbsthelfer.demo.core.lines import MAX_LINES, Operator
from selbsthelfer.demo.core.operator import facts_of
from selbsthelfer.demo.core.rhythm import TIMEZONE
from selbsthelfer.demo.running import ForeignLinesError, Mark
from selbsthelfer.demo.summary import DemoSummary
from selbsthelfer.demo.wording import euros, gigabytes, listed, number
from selbsthelfer.intake.core.facts import Fact
from selbsthelfer.kit import embedded
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language, Words, day
from selbsthelfer.programmes.core.wording_stages import next_step, stage_sentence
from selbsthelfer.programmes.explaining import explain_to_subscriber
from selbsthelfer.subscribers.core.lines import subscriber_id_of

DEFAULT_LINES = 2_000
DEFAULT_SEED = 2017
CODES_SHOWN = 6
HOST: Final = "127.0.0.1"
PORTS: Final = range(8000, 8010)
"""The ports that are tried for the portal."""
DEMO_VARIABLE: Final = "SELBSTHELFER_DEMO"
HOME_NAME = "demo"
HOME_SIGN = "made-up"
"""A file that says that a home is the demo's."""
STALE_AFTER = timedelta(days=3)
REFUSED_SERVER = (
    "DATABASE_URL is set. The demo never puts made-up facts into an operator's database: "
    "unset it, and the demo uses an embedded server of its own."
)


def command(
    lines: Annotated[int | None, typer.Option(min=1, max=MAX_LINES, help="Lines (2,000).")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed is another operator (2017).")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the demo's data and begin anew.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Only write the facts as JSON Lines (.gz packs them); no database.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")] = False,
    language: Annotated[
        Language | None, typer.Option(help="The language of what is printed; else as LANG says.")
    ] = None,
    portal: Annotated[bool, typer.Option(help="Open the portal afterwards, until Ctrl-C.")] = True,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, help="The port of the portal (8000, or the next free one)."),
    ] = None,
    charging: Annotated[
        System | None, typer.Option(help="Deliver into a charging system, played with faults.")
    ] = None,
) -> None:
    """Load a made-up operator into a database of its own, show what its programme did, and open the portal.

    Repeating shows what is loaded. The data lie apart from an operator's, so nothing real is touched.
    """
    spoken = language or wording.language_of(os.environ)
    if write is not None:
        _write(write, _new_operator(lines, seed), spoken)
        return
    if os.environ.get("DATABASE_URL"):
        refuse(REFUSED_SERVER)
    home = _demo_home()
    os.environ |= {embedded.HOME_VARIABLE: str(home), DEMO_VARIABLE: "1"}
    with connected(), played(charging, home) as simulator, _own_lines_only():
        mark = _make_room(fresh=fresh)
        (home / HOME_SIGN).touch()
        if mark is not None:
            _require_same(mark, lines, seed)
        operator = mark.operator if mark is not None else _new_operator(lines, seed)
        seconds = None if mark is not None and mark.is_complete else _load(operator, spoken)
        found = summary.read_summary(now=datetime.now(UTC))
        _register(found)
        if as_json:
            typer.echo(msgspec.json.encode({**_members(operator), **dataclasses.asdict(found)}).decode())
            return
        _show(found, operator, home, seconds, spoken)
        with delivering(simulator, spoken):
            chosen = port or next((free for free in PORTS if is_free(HOST, free)), PORTS[0])
            _show_tour(found, home, f"http://{HOST}:{chosen}", spoken)
            if portal:
                _open_portal(chosen, spoken)


@contextmanager
def _own_lines_only() -> Iterator[None]:
    try:
        yield
    except ForeignLinesError as error:
        refuse(f"The demo cannot be loaded here: {error}.")


def _register(found: DemoSummary) -> None:
    # It names tables, which exist when the settings are loaded.
    from selbsthelfer.demo.people import register

    old_hands = [subject for role, subject in found.worth_a_look.items() if role != "new"]
    register(old_hands, now=datetime.now(UTC))


def _demo_home() -> Path:
    """Keep the demo below the operator's home; who works in the demo's home already stays there."""
    home = embedded.home()
    return home if os.access(home / HOME_SIGN, os.F_OK) else home / HOME_NAME


def _new_operator(lines: int | None, seed: int | None) -> Operator:
    today = datetime.now(ZoneInfo(TIMEZONE)).date()
    return Operator(DEFAULT_SEED if seed is None else seed, lines or DEFAULT_LINES, today)


def _make_room(*, fresh: bool) -> Mark | None:
    """Find what is loaded, or remove it where a fresh demo is wished for."""
    if fresh:
        running.clear()
        connecting.migrate()
    return running.find_mark()


def _require_same(mark: Mark, lines: int | None, seed: int | None) -> None:
    if lines not in {None, mark.lines} or seed not in {None, mark.seed}:
        refuse(
            f"The demo that is loaded has {mark.lines} lines of seed {mark.seed}. "
            "Add --fresh to delete it and load another one."
        )


def _load(operator: Operator, language: Language) -> float:
    """Invent and take in all facts with a progress bar; return the seconds that taking them in took."""
    facts = _invent(operator, language)
    with _progress() as progress:
        task = progress.add_task(wording.LOADING.told(language), total=len(facts))
        start = time.monotonic()
        running.load(
            operator, facts, now=datetime.now(UTC), on_progress=lambda done: progress.advance(task, done)
        )
        return time.monotonic() - start


def _invent(operator: Operator, language: Language) -> Sequence[Fact]:
    with _progress() as progress:
        task = progress.add_task(wording.INVENTING.told(language), total=operator.size)
        return facts_of(operator, lambda done: progress.advance(task, done))


def _write(path: Path, operator: Operator, language: Language) -> None:
    facts = _invent(operator, language)
    try:
        with _progress() as progress:
            task = progress.add_task(wording.WRITING.told(language), total=len(facts))
            running.write_facts(path, facts, lambda done: progress.advance(task, done))
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")
    counts = {"facts": number(len(facts), language), "lines": number(operator.size, language)}
    typer.echo(wording.WRITTEN.told(language).format(path=path, **counts))


class _Speed(Column):
    """How many steps a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


def _progress() -> Progress:
    """Make a bar on the error stream, so that the output can be piped."""
    return Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _members(operator: Operator) -> dict[str, object]:
    return {"seed": operator.seed, "lines": operator.size, "ends_on": operator.ends_on}


def _show(
    found: DemoSummary, operator: Operator, home: Path, seconds: float | None, language: Language
) -> None:
    console = Console(highlight=False)

    def head(text: Words, **figures: str) -> None:
        console.print(text.told(language).format(**figures), style="bold", markup=False)

    counts = {"lines": number(found.totals.lines, language), "facts": number(found.totals.facts, language)}
    console.print()
    head(wording.TITLE, **counts, day=day(operator.ends_at, TIMEZONE).told(language))
    console.print(_how_it_came(found, operator, seconds, language))
    console.print(_figures(found, language))
    head(wording.WHY_NOT)
    console.print(_busiest_codes(found, language))
    head(wording.LOOK)
    console.print(_lines_to_look_at(found, language))
    shown = next(iter(found.worth_a_look.values()), None)
    if shown is not None:
        head(Words(shown, shown))
        console.print(_explained(shown, found.now, language))
    head(wording.NEXT)
    for text in (f"explain {shown or 'M-000001'} --language {language}", "case list"):
        console.print(f"  {_program_at(home)} {text}", soft_wrap=True, markup=False)


def _show_tour(found: DemoSummary, home: Path, url: str, language: Language) -> None:
    """Show how to sign in as whom, and what to look at first."""
    console = Console(highlight=False)
    console.print(wording.TOUR.told(language), style="bold", markup=False)
    console.print("  " + wording.SIGN_IN.told(language).format(url=url), soft_wrap=True, markup=False)
    people = {role: found.numbers.get(subject, subject) for role, subject in found.worth_a_look.items()}
    for ordinal, step in enumerate(wording.TOUR_STEPS, start=1):
        filled = _Filled(people, url=url, program=_program_at(home))
        text = step.told(language).format_map(filled)
        console.print(f"  {ordinal}. {text}", soft_wrap=True, markup=False)


class _Filled(dict[str, str]):
    """What a step of the tour names; a situation that no line shows at present is a dash."""

    def __init__(self, people: Mapping[str, str], **rest: str) -> None:
        super().__init__({**people, **rest})

    def __missing__(self, key: str) -> str:
        return "–"


def _open_portal(port: int, language: Language) -> None:
    """Answer requests until Ctrl-C; a port that is taken is told."""
    if not is_free(HOST, port):
        refuse(wording.PORT_TAKEN.told(language).format(port=port))
    connections.close_all()
    typer.echo(wording.PORTAL.told(language).format(url=f"http://{HOST}:{port}"))
    answer_requests(HOST, port)


def _program_at(home: Path) -> str:
    return f"{embedded.HOME_VARIABLE}={shlex.quote(str(home))} {_program()}"


def _how_it_came(found: DemoSummary, operator: Operator, seconds: float | None, language: Language) -> str:
    if seconds is None:
        is_stale = found.now - operator.ends_at > STALE_AFTER
        return (wording.STALE if is_stale else wording.ALREADY).told(language)
    return wording.LOADED.told(language).format(
        facts=number(found.totals.facts, language),
        seconds=number(seconds, language, 1),
        rate=number(found.totals.facts / seconds, language),
    )


def _explained(subject: str, now: datetime, language: Language) -> Table:
    """Explain one line, stage by stage, in the words that its subscriber reads."""
    table = Table.grid(padding=(0, 2))
    with transaction.atomic():
        explanation = explain_to_subscriber(open_cursor(), subscriber_id_of(subject), at=now)
    for enrolment in explanation.enrolments:
        for stage in enrolment.stages:
            sentence = stage_sentence(stage, enrolment, explanation.timezone).told(language)
            table.add_row("  " + wording.STAGE.told(language).format(window=stage.window), sentence)
        table.add_row("", next_step(enrolment, explanation.timezone).told(language))
    return table


def _figures(found: DemoSummary, language: Language) -> Table:
    given, totals = found.given, found.totals
    judged = found.counting + sum(found.codes.values())
    table = Table.grid(padding=(0, 2))

    def add(name: Words, text: Words, **figures: int | str) -> None:
        written = {key: number(f, language) if isinstance(f, int) else f for key, f in figures.items()}
        table.add_row(name.told(language), text.told(language).format(**written))

    add(
        wording.GAVE,
        wording.GAVE_TEXT,
        volume=gigabytes(given.bytes, language),
        grants=given.grants,
        lines=given.lines,
        treatment=totals.treatment,
        used=gigabytes(given.used_bytes, language),
        full=given.lines_full,
    )
    price = euros(summary.CENTS_PER_GIGABYTE, language)
    add(wording.COST, wording.COST_TEXT, cost=euros(given.cost_cents, language), price=price)
    add(wording.STAGES, wording.STAGES_TEXT, **found.stages, control=totals.control)
    channels = listed(found.contacts_by_channel, language)
    table.add_row(wording.CONTACTS.told(language), f"{number(totals.contacts, language)}: {channels}")
    add(Words("", ""), wording.COUNTING_TEXT, counting=found.counting, judged=judged)
    add(wording.ORDERS, wording.ORDERS_TEXT, orders=listed(found.orders, language))
    return table


def _busiest_codes(found: DemoSummary, language: Language) -> Table:
    table = Table.grid(padding=(0, 2))
    for code, count in list(found.codes.items())[:CODES_SHOWN]:
        table.add_row(f"{number(count, language):>7}", wording.code_name(code).told(language))
    return table


def _lines_to_look_at(found: DemoSummary, language: Language) -> Table:
    table = Table.grid(padding=(0, 2))
    for role, subject in found.worth_a_look.items():
        table.add_row(f"  {subject}", found.numbers.get(subject, ""), wording.ROLES[role].told(language))
    return table


def _program() -> str:
    """Tell how this reader calls the command: by its name, or where `make setup` has put it."""
    if shutil.which("selbsthelfer"):
        return "selbsthelfer"
    return os.path.relpath(Path(sys.executable).with_name("selbsthelfer"))
