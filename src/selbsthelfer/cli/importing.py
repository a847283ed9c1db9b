"""The commands that bring files in: facts, contacts, subscribers, queue logs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from django.db import OperationalError
from psycopg import OperationalError as ServerGoneError

from selbsthelfer.cli.connecting import TablesOutOfDateError, connect
from selbsthelfer.cli.importing_following import follow as follow_log
from selbsthelfer.cli.importing_report import (
    RejectsFile,
    default_rejects_path,
    shown_steps,
    summary_json,
    summary_lines,
    unclassified_warning,
)
from selbsthelfer.intake.core.columns import (
    ColumnMapping,
    ColumnMappingErrors,
    TooManySubjectsError,
    read_mapping,
)
from selbsthelfer.intake.core.columns_examples import (
    UnknownExampleError,
    description_of,
    example_names,
    example_text,
)
from selbsthelfer.intake.core.columns_queues import NO_QUEUES, QueueRule, read_queue_rules
from selbsthelfer.intake.importing import Summary, TooManyAtOnceError
from selbsthelfer.intake.importing_files import UnreadableFileError, require_readable
from selbsthelfer.intake.importing_gathering import Gathering, read_facts
from selbsthelfer.intake.importing_queue_logs import DEFAULT_SOURCE, QueueLogTerms, read_queue_logs
from selbsthelfer.intake.importing_tables import read_tables
from selbsthelfer.intake.operations import MAX_BATCH
from selbsthelfer.kit.embedded import EmbeddedServerError
from selbsthelfer.programmes.core.definition_lines import locate

USAGE_ERROR = 2
BROKEN_OFF = 1
INTERRUPTED = 130
RUN_AGAIN = "What was taken is safe: run the same command again, and it goes on from there."

app = typer.Typer(
    help="Bring files in. Every import may be repeated: what is known is not taken twice.",
    no_args_is_help=True,
)

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Plain or packed with gzip.", show_default=False)
]
Columns = Annotated[
    str, typer.Option("--columns", metavar="MAPPING", help="A TOML file, or the name of a shipped mapping.")
]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Where to write line, field, code and reason of each refusal; by default beside the first file, "
        "with the ending .rejects.jsonl. It quotes no more than a broken value of your own file.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine, nothing else.")]
FactsTo = Annotated[
    Path | None,
    typer.Option(
        "--facts-to",
        metavar="FILE",
        help="Write the facts to this file, in order, and take none: for a replay, or to import them "
        "together with others.",
        show_default=False,
    ),
]
Batch = Annotated[int, typer.Option("--batch", min=1, max=MAX_BATCH, hidden=True)]


@dataclass(frozen=True, slots=True)
class _Order:
    """What to import, and how to tell about it."""

    files: Sequence[Path]
    facts_to: Path | None
    rejects: Path | None
    as_json: bool
    batch: int
    advice: str


@app.command()
def facts(
    files: Files,
    facts_to: FactsTo = None,
    rejects: Rejects = None,
    as_json: AsJson = False,
    batch: Batch = MAX_BATCH,
) -> None:
    """Bring in facts, one CloudEvent in JSON a line, in the order in which they were received.

    Several files are taken as one. History of several kinds should come in this way: an activity that is
    taken before a call that came earlier may release volume, and that is never taken back.
    """
    advice = "Send the topic with each contact, or a contact.coded fact for it."
    order = _Order(files, facts_to, rejects, as_json, batch, advice)
    _run(order, lambda gathering: read_facts(files, gathering))


@app.command()
def contacts(
    files: Files,
    columns: Columns,
    facts_to: FactsTo = None,
    rejects: Rejects = None,
    as_json: AsJson = False,
    batch: Batch = MAX_BATCH,
) -> None:
    """Bring in contacts from CSV files, as a column mapping says."""
    _run_tables("contacts", columns, _Order(files, facts_to, rejects, as_json, batch, _ADVISE_MAPPING))


@app.command()
def subscribers(
    files: Files,
    columns: Columns,
    facts_to: FactsTo = None,
    rejects: Rejects = None,
    as_json: AsJson = False,
    batch: Batch = MAX_BATCH,
) -> None:
    """Bring in lines from CSV files, as a column mapping says."""
    _run_tables("subscribers", columns, _Order(files, facts_to, rejects, as_json, batch, _ADVISE_MAPPING))


@app.command("queue-log")
def queue_log(
    files: Files,
    queues: Annotated[
        Path | None,
        typer.Option("--queues", help="A TOML file with the topic of each queue.", show_default=False),
    ] = None,
    source: Annotated[str, typer.Option(help="The name of the telephone system.")] = DEFAULT_SOURCE,
    callers_are_subjects: Annotated[
        bool, typer.Option("--callers-are-subjects", help="The caller id is your own id of the line.")
    ] = False,
    subject_prefix: Annotated[str, typer.Option(help="Put before a caller id that is your own id.")] = "",
    country_code: Annotated[
        str, typer.Option(help="Of numbers that begin with one 0, such as 49.", show_default=False)
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is appended to the first FILE, until Ctrl-C.")
    ] = False,
    facts_to: FactsTo = None,
    rejects: Rejects = None,
    as_json: AsJson = False,
    batch: Batch = MAX_BATCH,
) -> None:
    """Bring in the calls of Asterisk queue logs.

    Name rotated files together; they are read from the oldest on and may overlap. A call that has no end yet
    is taken when its file is imported again, grown or together with the next one. A QUEUES file has a table
    such as \\[queues.billing] with topic = "bill.view", and if need be channel and direction, for each queue;
    without it all calls are unclassified, so that none can count.
    """
    advice = "Name the topic of each queue in a file and give it with --queues."
    with _plain_errors():
        terms = QueueLogTerms(
            source=_identifier("--source", source),
            queues=NO_QUEUES if queues is None else _queue_rules(queues),
            callers_are_subjects=callers_are_subjects,
            subject_prefix=subject_prefix,
            country_code=_country_code(country_code),
        )
    order = _Order(files, facts_to, rejects, as_json, batch, advice)
    if follow:
        _follow(order, terms)
    else:
        _run(order, lambda gathering: read_queue_logs(files, terms, gathering))


@app.command()
def mappings(
    name: Annotated[
        str | None, typer.Argument(help="Print this one, to start from.", show_default=False)
    ] = None,
) -> None:
    """List the column mappings that come with Selbsthelfer, or print one."""
    if name is None:
        for known in example_names():
            typer.echo(f"{known}: {description_of(example_text(known))}")
        return
    with _plain_errors():
        typer.echo(example_text(name), nl=False)


_ADVISE_MAPPING = "Give the mapping a table [data.topic.map] that knows more of what stands in the file."


class _WrongUseError(Exception):
    """The command was given something it cannot use; each argument is a line for people."""


def _run_tables(kind: str, columns: str, order: _Order) -> None:
    with _plain_errors():
        mapping = _mapping(columns)
        if mapping.kind != kind:
            raise _WrongUseError(f"{columns}: this is a mapping of {mapping.kind}: import {mapping.kind}")
    _run(order, lambda gathering: read_tables(order.files, mapping, gathering))


def _run(order: _Order, read: Callable[[Gathering], object]) -> None:
    """Read all files, then take what is in them; a file that cannot be read leaves everything as it was."""
    with _plain_errors():
        size = _sizes(order.files)
        rejects_path = _writable(order, order.rejects or default_rejects_path(order.files[0]))
        facts_path = order.facts_to and _writable(order, order.facts_to)
        connect()
        began_at = monotonic()
        with (
            closing(RejectsFile(rejects_path)) as rejects,
            shown_steps(silent=order.as_json) as steps,
            Gathering(on_read=steps.advance, on_refused=rejects.write) as gathering,
        ):
            steps.begin("Reading", size, "bytes")
            read(gathering)
            steps.begin("Taking" if facts_path is None else "Writing", gathering.sorter.size, "facts")
            if facts_path is None:
                gathering.take(now=datetime.now(UTC), on_progress=steps.advance, limit=order.batch)
            else:
                gathering.write(facts_path, on_progress=steps.advance)
        _tell(order, gathering.summary, gathering.sorter.size, monotonic() - began_at, rejects)


def _follow(order: _Order, terms: QueueLogTerms) -> None:
    with _plain_errors():
        if order.facts_to is not None:
            raise _WrongUseError("--follow takes what comes; it cannot be used with --facts-to")
        _sizes(order.files)
        rejects_path = _writable(order, order.rejects or default_rejects_path(order.files[0]))
        connect()
        summary, rejects, seconds = follow_log(order.files, terms, rejects_path)
        _tell(order, summary, sum(summary.results.values()), seconds, rejects)


def _tell(order: _Order, summary: Summary, facts: int, seconds: float, rejects: RejectsFile) -> None:
    warning = unclassified_warning(summary, order.advice)
    if order.as_json:
        typer.echo(summary_json(summary, facts, seconds, rejects, warning))
        return
    for line in summary_lines(summary, facts, seconds, rejects):
        typer.echo(line)
    if warning:
        typer.echo(f"Warning: {warning}", err=True)


def _sizes(files: Sequence[Path]) -> int:
    """Add up the sizes of the files, in bytes; raises `_WrongUseError` with all that cannot be read."""
    size, problems = 0, []
    for path in files:
        try:
            size += require_readable(path)
        except UnreadableFileError as error:
            problems.append(str(error))
    if problems:
        raise _WrongUseError(*problems)
    return size


def _writable(order: _Order, path: Path) -> Path:
    """Return a file to write; raises `_WrongUseError` unless that may be done."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _WrongUseError(f"{path}: this cannot be written")
    if path.exists() and any(path.samefile(file) for file in order.files):
        raise _WrongUseError(f"{path}: this would overwrite the file that is imported")
    return path


def _mapping(columns: str) -> ColumnMapping:
    """Read a column mapping from a file, or one that comes with the package."""
    path = Path(columns)
    if not path.is_file() and not path.suffix:
        return read_mapping(example_text(columns))
    text = _text_of(path)
    try:
        return read_mapping(text)
    except ColumnMappingErrors as error:
        raise _WrongUseError(*_located(path, text, error)) from error


def _queue_rules(path: Path) -> Mapping[str, QueueRule]:
    text = _text_of(path)
    try:
        return read_queue_rules(text)
    except ColumnMappingErrors as error:
        raise _WrongUseError(*_located(path, text, error)) from error


def _text_of(path: Path) -> str:
    require_readable(path)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _WrongUseError(f"{path}: this is not a text in UTF-8") from error


def _located(path: Path, text: str, errors: ColumnMappingErrors) -> Iterator[str]:
    """Name each problem by its line, where it has one, and by its field."""
    is_toml = not any(error.field.startswith(("line ", "the end")) for error in errors.errors)
    places = locate(text.removeprefix("\ufeff")) if is_toml else {}
    lines = {".".join(map(str, keys)): line for keys, line in places.items()}
    located = [(_line_of(error.field, lines), error) for error in errors.errors]
    for line, error in sorted(located, key=itemgetter(0)):
        yield (
            f"{path}:{line}: {error.field}: {error.problem}"
            if line
            else f"{path}: {error.field}: {error.problem}"
        )


def _line_of(field: str, lines: Mapping[str, int]) -> int:
    """Find the line of a field, or of the table it is missing in, or 0."""
    while field and field not in lines:
        field = field.rpartition(".")[0]
    return lines.get(field, 0) if field else 0


def _identifier(option: str, text: str) -> str:
    if not 0 < len(text) <= 200 or not text.isprintable():
        raise _WrongUseError(f"{option}: a name has 1 to 200 characters")
    return text


def _country_code(text: str) -> str | None:
    digits = text.removeprefix("+").removeprefix("00")
    if not text:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 3):
        raise _WrongUseError("--country-code: one to three digits, such as 49")
    return digits


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say on standard error, one line for each problem, why a command has ended."""
    try:
        yield
    except _WrongUseError as error:
        raise _ended(USAGE_ERROR, *map(str, error.args)) from error
    except (UnreadableFileError, UnknownExampleError, TooManySubjectsError, TooManyAtOnceError) as error:
        raise _ended(USAGE_ERROR, str(error)) from error
    except (TablesOutOfDateError, EmbeddedServerError) as error:
        raise _ended(USAGE_ERROR, str(error)) from error
    except (OperationalError, ServerGoneError) as error:
        raise _ended(BROKEN_OFF, f"The database is gone: {error}", RUN_AGAIN) from error
    except KeyboardInterrupt as error:
        raise _ended(INTERRUPTED, f"Interrupted. {RUN_AGAIN}") from error


def _ended(code: int, *problems: str) -> typer.Exit:
    for problem in problems:
        typer.echo(" ".join(problem.split()), err=True)
    return typer.Exit(code)
