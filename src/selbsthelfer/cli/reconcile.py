"""The command `reconcile`: compare every order with what the charging system has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from selbsthelfer.cli.telling import connected, read_instant, refuse

if TYPE_CHECKING:
    from selbsthelfer.charging.reconciling import Report


def command(
    repair: Annotated[
        bool, typer.Option("--repair", help="Confirm what is there, send again what surely never arrived.")
    ] = False,
    reverse_doubles: Annotated[
        bool, typer.Option("--reverse-doubles", help="Take out second buckets that nobody has touched.")
    ] = False,
    since: Annotated[str | None, typer.Option(help="Leave out orders before this instant.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Compare at most so many recipients.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")] = False,
) -> None:
    """Compare every order whose volume has not ended with the charging system's buckets.

    Exit code 0: nothing differs any more. 1: something does, or a recipient could not be read.
    2: it could not begin, also because another one is running.
    """
    ordered_since = read_instant(since, "--since")
    with connected():
        # They name tables, which exist when the settings are loaded.
        from selbsthelfer.charging.reconciling import AnotherRunError, CannotReadBackError, reconcile
        from selbsthelfer.charging.systems import SystemMisconfiguredError, the_system

        try:
            system = the_system()
            if system is None:
                refuse("The embedded system needs no reconciliation: what is written there is credited.")
            report = reconcile(
                system=system,
                now_of=lambda: datetime.now(UTC),
                repair=repair,
                reverse_doubles=reverse_doubles,
                since=ordered_since,
                limit=limit,
            )
        except (SystemMisconfiguredError, CannotReadBackError, AnotherRunError) as error:
            refuse(str(error))
    _tell(report, as_json)
    if report.is_broken_off:
        typer.echo("Broken off: the charging system is away. Begin again when it is back.", err=True)
    if report.remaining or report.unreadable:
        raise typer.Exit(1)


def _tell(report: Report, as_json: bool) -> None:
    findings = [
        {
            "kind": drift.kind.value,
            "credit_id": str(drift.credit_id),
            "place": drift.place,
            "is_repaired": is_repaired,
        }
        for drift, is_repaired in report.findings
    ]
    if as_json:
        counts = {
            "recipients": report.recipients,
            "orders": report.orders,
            "unreadable": report.unreadable,
            "repaired": report.repaired,
            "remaining": report.remaining,
            "is_broken_off": report.is_broken_off,
        }
        typer.echo(json.dumps({**counts, "findings": findings}))
        return
    for finding in findings:
        mended = ", repaired" if finding["is_repaired"] else ""
        typer.echo(f"{finding['credit_id']}  {finding['kind']}{mended}")
    told = f"{report.orders} orders of {report.recipients} recipients compared"
    told += f", {report.unreadable} recipients could not be read" if report.unreadable else ""
    typer.echo(f"{told}; {report.repaired} differences repaired, {report.remaining} remain.")
