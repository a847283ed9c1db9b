"""Bring the made-up operator into a database of its own, once, through the one door for facts."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, ClassVar

import msgspec
from django.db import connection, transaction
from psycopg import sql

from selbsthelfer.demo.core.diary import PROGRAMME
from selbsthelfer.demo.core.lines import Operator
from selbsthelfer.demo.core.operator import place_of
from selbsthelfer.intake.core.facts import Fact
from selbsthelfer.intake.importing import Refused, Summary, in_batches, take_facts
from selbsthelfer.intake.operations import Terms
from selbsthelfer.intake.sweeping import sweep
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.programmes.operations import publish

_SQL = statements("selbsthelfer.demo")

OnProgress = Callable[[int], None]


class ForeignLinesError(RuntimeError):
    """The database holds lines that are not the demo's; nothing was changed."""

    code: ClassVar[str] = "foreign_lines"


class RefusedFactError(RuntimeError):
    """Intake refused a made-up fact: the generator and the rules for facts have come apart."""

    code: ClassVar[str] = "refused_fact"


@dataclass(frozen=True, slots=True)
class Mark:
    """Which made-up operator a database holds, and whether all of it has arrived."""

    seed: int
    lines: int
    ends_on: date
    is_complete: bool

    @property
    def operator(self) -> Operator:
        return Operator(self.seed, self.lines, self.ends_on)


def find_mark() -> Mark | None:
    """Read which made-up operator the database holds, or none while it is empty.

    Raises `ForeignLinesError`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        text = _value(cursor.execute(_SQL["describe"]).fetchone())
        if text is not None:
            return msgspec.json.decode(str(text), type=Mark)
        if _value(cursor.execute(_SQL["has_lines"]).fetchone()):
            raise ForeignLinesError("the database holds lines that are not the demo's")
        return None


def clear() -> None:
    """Remove the made-up operator and every table; raises `ForeignLinesError`."""
    find_mark()
    with transaction.atomic():
        open_cursor().execute(_SQL["start_anew"], prepare=False)
    connection.close()


def load(
    operator: Operator, facts: Sequence[Fact], *, now: datetime, on_progress: OnProgress = lambda _: None
) -> Summary:
    """Take the operator's facts batch by batch; begun again after an interruption, it goes on.

    Raises `ForeignLinesError`, `RefusedFactError`.
    """
    find_mark()
    _write_mark(Mark(operator.seed, operator.size, operator.ends_on, is_complete=False))
    publish(load_preset(PROGRAMME), now=operator.opened_at)
    summary, terms = Summary(), Terms(now=now, may_backdate=True)
    for batch in in_batches(_placed(facts)):
        take_facts(batch, terms, summary, _refuse)
        on_progress(len(batch))
    summary.released += sweep(now=now)
    _write_mark(Mark(operator.seed, operator.size, operator.ends_on, is_complete=True))
    return summary


def write_facts(path: Path, facts: Iterable[Fact], on_progress: OnProgress = lambda _: None) -> None:
    """Write facts as JSON Lines, packed if the name ends in .gz; raises `OSError`."""
    with _open_output(path) as file:
        for fact in facts:
            file.write(msgspec.json.encode(_told_members(msgspec.to_builtins(fact))) + b"\n")
            on_progress(1)


def _open_output(path: Path) -> AbstractContextManager[IO[bytes] | gzip.GzipFile]:
    return gzip.open(path, "wb", compresslevel=5) if path.suffix == ".gz" else path.open("wb")


def _told_members(value: Any) -> Any:
    """Leave out the members that say nothing."""
    if not isinstance(value, dict):
        return value
    return {key: _told_members(member) for key, member in value.items() if member is not None}


def _placed(facts: Iterable[Fact]) -> Iterator[tuple[tuple[datetime, str], int, bytes | Fact]]:
    for number, fact in enumerate(facts, start=1):
        yield place_of(fact), number, fact


def _refuse(refused: Refused) -> None:
    raise RefusedFactError(f"fact {refused.line} was refused: {refused.rejection.reason}")


def _write_mark(mark: Mark) -> None:
    """Note in the database itself what it holds, so that the note can never be parted from it."""
    text = msgspec.json.encode(mark).decode()
    with transaction.atomic():
        open_cursor().execute(sql.SQL("COMMENT ON TABLE intake_line IS {}").format(sql.Literal(text)))


def _value(row: tuple[object, ...] | None) -> object:
    return None if row is None else row[0]
