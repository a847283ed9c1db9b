"""The commands for staff who answer written cases: list, show, answer, reinstate, uphold, close."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from django.conf import settings
from django.db import transaction
from rich.console import Console
from rich.table import Table

from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.conversations import operations, queries
from selbsthelfer.conversations.core.cases import (
    CASE_KINDS,
    CASE_STATES,
    Author,
    Case,
    CaseMessage,
    CaseRefusedError,
)
from selbsthelfer.conversations.core.promising import ZONE
from selbsthelfer.kit.sql import open_cursor

app = typer.Typer(help="Written cases: list what waits, read, answer and decide.", no_args_is_help=True)

DEFAULT_LIMIT: Final = 20

Number = Annotated[str, typer.Argument(help="The number of the case, such as F-7K3M-2Q9D.")]
Text = Annotated[str, typer.Option(help="What the person reads.")]
By = Annotated[str, typer.Option(help="Who decides or answers; the person is not told.")]
Reason = Annotated[str, typer.Option(help="Why; the person reads it, too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")]


@app.command("list")
def list_(
    limit: Annotated[
        int, typer.Option(min=1, max=queries.MAX_LISTED, help="How many to list.")
    ] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List the cases that wait for an answer, the one promised first at the top."""
    with connected(), transaction.atomic():
        found = queries.waiting_cases(open_cursor(), limit)
    if as_json:
        typer.echo(json.dumps([_members(case) for case in found]))
        return
    if not found:
        typer.echo("No case waits for an answer.")
        return
    table = Table("Number", "Kind", "Topic", "Opened", "Promised by", box=None)
    for case in found:
        topic, opened, promised = case.topic or "", _local(case.opened_at), _local(case.promised_at)
        table.add_row(case.number, CASE_KINDS[case.kind].en, topic, opened, promised)
    Console().print(table)


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show a case with what it asks for and everything that was written."""
    with connected(), transaction.atomic():
        cursor = open_cursor()
        case = queries.case_by_number(cursor, number)
        if case is None:
            refuse(f"There is no case with the number “{number}”.")
        messages = queries.messages_of_case(cursor, case.case_id)
    if as_json:
        typer.echo(json.dumps(_members(case, messages), ensure_ascii=False))
        return
    for name, value in _shown(case).items():
        if value:
            typer.echo(f"{name:<12} {value}")
    for message in messages:
        by = "the person" if message.author is Author.SUBSCRIBER else message.by
        typer.echo(f"\n{_local(message.written_at)}  {by}\n{message.text}")


@app.command()
def answer(number: Number, text: Text, by: By, as_json: AsJson = False) -> None:
    """Answer a case; the person is told."""
    with connected(), _told_refusals():
        case = operations.answer(number=number, text=text, by=by, now=_now_of(number))
    _tell(case, f"{case.number} is answered.", as_json)


@app.command()
def reinstate(number: Number, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Decide a dispute for the customer: the contact does not count any more."""
    with connected(), _told_refusals():
        done = operations.reinstate(number=number, by=by, reason=reason, now=_now_of(number))
    if as_json:
        typer.echo(json.dumps(_members(done.case) | {"released": done.released}, ensure_ascii=False))
    else:
        typer.echo(f"{done.case.number} is decided: the contact does not count. Released: {done.released}.")


@app.command()
def uphold(number: Number, by: By, text: Text, as_json: AsJson = False) -> None:
    """Decide that a disputed contact goes on counting; the person reads why."""
    with connected(), _told_refusals():
        case = operations.uphold(number=number, by=by, text=text, now=_now_of(number))
    _tell(case, f"{case.number} is decided: the contact goes on counting.", as_json)


@app.command()
def close(number: Number, as_json: AsJson = False) -> None:
    """Close a case; nothing can be written into it any more."""
    with connected(), _told_refusals():
        case = operations.close(number=number, now=_now_of(number))
    _tell(case, f"{case.number} is closed.", as_json)


@contextmanager
def _told_refusals() -> Iterator[None]:
    """Tell what keeps a case from being changed in one line."""
    try:
        yield
    except (
        operations.UnknownCaseError,
        operations.CaseClosedError,
        operations.NotADisputeError,
        operations.AlreadyReinstatedError,
        operations.ReinstatementFailedError,
        CaseRefusedError,
    ) as error:
        refuse(f"{error.args[0]} ({error.code})")


def _tell(case: Case, sentence: str, as_json: bool) -> None:
    typer.echo(json.dumps(_members(case), ensure_ascii=False) if as_json else sentence)


def _shown(case: Case) -> Mapping[str, str | None]:
    about = None if case.about is None else f"{case.about.id} from {case.about.source}"
    return {
        "Number": case.number,
        "Kind": CASE_KINDS[case.kind].en,
        "State": CASE_STATES[case.state].en + ("" if case.decision is None else f", {case.decision}"),
        "Line": None if case.line is None else str(case.line),
        "Name": case.name,
        "Answer to": case.to,
        "Language": case.language,
        "Topic": case.topic,
        "Contact": about,
        "Opened": _local(case.opened_at),
        "Promised by": _local(case.promised_at),
        **{name: str(value) for name, value in case.details.items() if value is not None},
    }


def _members(case: Case, messages: list[CaseMessage] | None = None) -> dict[str, object]:
    members: dict[str, object] = {
        "number": case.number,
        "kind": case.kind,
        "state": case.state,
        "decision": case.decision,
        "topic": case.topic,
        "line": None if case.line is None else str(case.line),
        "opened_at": case.opened_at.isoformat(),
        "promised_at": case.promised_at.isoformat(),
        "answered_at": None if case.answered_at is None else case.answered_at.isoformat(),
    }
    if messages is not None:
        about = None if case.about is None else {"source": case.about.source, "id": case.about.id}
        members |= {"name": case.name, "to": case.to, "contact": about, "details": dict(case.details)}
        members["messages"] = [
            {"author": m.author, "by": m.by, "text": m.text, "written_at": m.written_at.isoformat()}
            for m in messages
        ]
    return members


def _now_of(number: str) -> datetime:
    """Tell the time; for a case of a line of the demo, that of the line's own clock."""
    now = datetime.now(UTC)
    if not settings.DEMO:
        return now
    from selbsthelfer.demo.clock import now_of_line  # its table is known only when the settings are read

    with transaction.atomic():
        case = queries.case_by_number(open_cursor(), number)
    return now if case is None or case.line is None else now_of_line(case.line, now=now)


def _local(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
