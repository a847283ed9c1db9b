"""The commands for programmes: check, publish, list and show definitions, invite to them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from django.db import transaction
from rich.console import Console
from rich.table import Table

from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.intake.inviting import (
    MAX_INVITED,
    NotByInvitationError,
    TooManyCodesError,
    UnknownProgrammeError,
    invitation_codes,
    invite_lines,
)
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.definition import (
    PRESETS,
    Definition,
    DefinitionErrors,
    preset_text,
    read_definition,
)
from selbsthelfer.programmes.operations import publish as publish_definition
from selbsthelfer.programmes.operations import versions_in_force

app = typer.Typer(help="Programmes: check, publish, list, show, invite.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help=f"A TOML file, or a preset: {', '.join(PRESETS)}.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")]


@app.command()
def check(file: Name, as_json: AsJson = False) -> None:
    """Check a definition and name every problem by line and field."""
    try:
        definition = read_definition(_text(file))
    except DefinitionErrors as errors:
        if as_json:
            problems = [{"line": e.line, "field": e.field, "problem": e.problem} for e in errors.errors]
            typer.echo(json.dumps({"sound": False, "problems": problems}))
        else:
            _tell(file, errors)
        raise typer.Exit(2) from errors
    if as_json:
        typer.echo(json.dumps({"sound": True, "name": definition.name, "digest": definition.digest()}))
    else:
        typer.echo(f"{file}: sound. {_summary(definition)}")


@app.command()
def publish(file: Name, as_json: AsJson = False) -> None:
    """Publish a definition as the next version of its programme; what is published never changes."""
    definition = load_definition(file)
    with connected():
        version = publish_definition(definition, now=datetime.now(UTC))
    if as_json:
        typer.echo(
            json.dumps({"programme": version.programme, "version": version.version, "is_new": version.is_new})
        )
    elif version.is_new:
        typer.echo(f"{version.programme} is published as version {version.version}.")
    else:
        typer.echo(f"{version.programme} version {version.version} says the same already; nothing changed.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the published programmes with the version in force."""
    with connected(), transaction.atomic():
        found = versions_in_force(open_cursor())
    rows = [{"programme": name, "version": version} for name, (version, _) in sorted(found.items())]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        typer.echo(f"No programme is published. Presets to begin with: {', '.join(PRESETS)}")
        return
    table = Table("Programme", "Version", "Rules", box=None)
    for name, (version, definition) in sorted(found.items()):
        table.add_row(name, str(version), _summary(definition))
    Console().print(table)


@app.command()
def show(file: Name, as_json: AsJson = False) -> None:
    """Print a definition: a preset with its comments, or the version in force of a published programme."""
    text = _text(file) if file in PRESETS or Path(file).exists() else _published(file)
    if as_json:
        typer.echo(json.dumps(tomllib.loads(text), default=str))
    else:
        typer.echo(text, nl=False)


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="A published programme that is joined by invitation.")],
    lines: Annotated[
        Path | None, typer.Option(help="A file with the operator's own ids of lines, one on each line.")
    ] = None,
    codes: Annotated[int | None, typer.Option(help="Make so many codes and print them, once.")] = None,
    uses: Annotated[int, typer.Option(help="How many lines may join by each code.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Invite to a programme, by a list of lines or by codes that are shown only now.

    The variant is drawn before: lines in control are enrolled for measurement and told nothing.
    """
    if (lines is None) == (codes is None):
        refuse("give either --lines or --codes")
    now = datetime.now(UTC)
    with connected():
        try:
            if codes is not None:
                _print_codes(invitation_codes(name, count=codes, uses=uses, now=now), as_json=as_json)
                return
            counts = invite_lines(_subjects(lines), name, now=now)
        except UnknownProgrammeError as error:
            refuse(f"{error}: publish it first with `selbsthelfer programme publish`")
        except NotByInvitationError as error:
            refuse(f'{error}: only a programme with `join = "invitation"` has invitations')
        except TooManyCodesError as error:
            refuse(str(error))
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        typer.echo(", ".join(f"{count} {what}" for what, count in counts.items()) or "no lines")


def _print_codes(codes: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(codes))
    else:
        typer.echo("\n".join(codes))
        typer.echo("Keep these codes: they are stored only as digests and cannot be shown again.", err=True)


def _subjects(file: Path | None) -> list[str]:
    """Read the ids of lines; blank lines and those that begin with # are left out."""
    assert file is not None  # noqa: S101 - one of the two options was given
    try:
        told = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"“{file}” cannot be read: {error}")
    subjects = [line for line in told if line and not line.startswith("#")]
    if len(subjects) > MAX_INVITED:
        refuse(f"at most {MAX_INVITED} lines are invited at once, “{file}” has {len(subjects)}")
    return list(dict.fromkeys(subjects))


def _published(name: str) -> str:
    with connected(), transaction.atomic():
        found = versions_in_force(open_cursor())
    if name not in found:
        refuse(f"“{name}” is neither a file nor a preset nor a published programme")
    return found[name][1].to_toml()


def load_definition(name: str) -> Definition:
    """Read a preset or a file; names its problems and ends with exit code 2 where it is not sound."""
    try:
        return read_definition(_text(name))
    except DefinitionErrors as errors:
        _tell(name, errors)
        raise typer.Exit(2) from errors


def _text(name: str) -> str:
    if name in PRESETS:
        return preset_text(name)
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"“{name}” is no preset ({', '.join(PRESETS)}) and cannot be read as a file: {error}")


def _tell(name: str, errors: DefinitionErrors) -> None:
    for error in errors.errors:
        typer.echo(f"{name}:{error.line}: {error.field or 'TOML'}: {error.problem}", err=True)


def _summary(definition: Definition) -> str:
    volumes = " + ".join(f"{stage.bytes / 1_000_000:g}" for stage in definition.stages)
    return (
        f"{definition.stage_count} stages of {definition.periods_per_stage} billing periods, "
        f"{volumes} MB a period, at most {definition.cap_bytes / 1_000_000:g} MB in all."
    )
