"""The command that does the work behind the pages: deliver, send, settle, sweep, remind, reconcile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from django.db import connections
from prometheus_client import start_http_server

from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.kit.duties import Duty, keep, stop_on_signals

DELIVERING_THREADS: Final = 2
"""Threads that each take and send a batch of credit orders; what is sent at once stands in `charging`."""
HOST: Final = "127.0.0.1"


def command(
    only: Annotated[
        list[str] | None, typer.Option(help="Do only this duty; may be given several times.")
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, help="Tell Prometheus on this port, on this machine only."),
    ] = None,
) -> None:
    """Do the work behind the pages until Ctrl-C; run as many of these as you like.

    Each may be killed at any time. A stop lets the rounds in hand end, which takes up to a minute.
    """
    stop = threading.Event()
    stop_on_signals(stop)
    with connected():
        duties = all_duties()
        names = [duty.name for duty in duties]
        for name in only or ():
            if name not in names:
                refuse(f"“{name}” is no duty; there are {', '.join(names)}.")
        connections.close_all()
        if metrics_port is not None:
            try:
                start_http_server(metrics_port, addr=HOST)
            except OSError:
                refuse(f"Port {metrics_port} is taken; choose another with --metrics-port.")
        chosen = [duty for duty in duties if not only or duty.name in only]
        typer.echo(f"At work: {', '.join(duty.name for duty in chosen)} (Ctrl-C stops it).")
        if not keep(chosen, stop):
            typer.echo(
                "Stopped while rounds were in hand; what they had taken is settled by others.", err=True
            )
            # Threads that wait for another system would hold the process up; nothing they hold is lost.
            os._exit(1)


def all_duties() -> Sequence[Duty]:
    """List every duty, the most urgent first; settings that cannot work are refused."""
    return [*_sending(), *_settling(), *_deciding()]


def _sending() -> list[Duty]:
    from selbsthelfer.outbox.notifying import NotifierSettingError, notifiers_from
    from selbsthelfer.outbox.operations import send_waiting

    try:
        notifiers = notifiers_from(os.environ)
    except NotifierSettingError as error:
        refuse(str(error))

    def send_messages() -> bool:
        return send_waiting(limit=100, now=_now(), notifiers=notifiers).taken > 0

    return [Duty("messages", send_messages, rest_seconds=1)]


def _settling() -> list[Duty]:
    from selbsthelfer.selfservice.back_ends import BackEndMisconfiguredError, the_back_end
    from selbsthelfer.selfservice.embedded.operations import tell_new_tariffs
    from selbsthelfer.selfservice.reminding import remind
    from selbsthelfer.selfservice.settling import settle_started

    try:
        the_back_end()
    except BackEndMisconfiguredError as error:
        refuse(str(error))

    def settle() -> None:
        tell_new_tariffs(now=_now())
        settle_started(now=_now())

    return [
        Duty("tasks", _once(settle), rest_seconds=10, alone=True),
        Duty("reminders", _once(lambda: remind(now=_now())), rest_seconds=3_600, alone=True),
    ]


def _deciding() -> list[Duty]:
    from selbsthelfer.intake.sweeping import sweep
    from selbsthelfer.privacy.operations import forget_expired

    return [
        Duty("sweep", _once(lambda: sweep(now=_now())), rest_seconds=60, alone=True),
        Duty("forgetting", _once(lambda: forget_expired(now=_now())), rest_seconds=3_600, alone=True),
    ]


def _once(work: Callable[[], object]) -> Callable[[], bool]:
    """Make a round of work that does all there is at once."""

    def round_() -> bool:
        work()
        return False

    return round_


def _now() -> datetime:
    return datetime.now(UTC)
