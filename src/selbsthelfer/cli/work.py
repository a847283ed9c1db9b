"""The command that does the work behind the pages: deliver, send, settle, sweep, remind, forget."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from django.db import connections
from prometheus_client import start_http_server

from selbsthelfer.cli.telling import connected, refuse
from selbsthelfer.kit.duties import Duty, keep, stop_on_signals

DELIVERING_THREADS: Final = 2
"""Threads that each take and send a batch of credit orders; each sends many of them at once."""
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
    with connected(), ExitStack() as afterwards:
        duties = all_duties(stop, afterwards)
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


def all_duties(stop: threading.Event, afterwards: ExitStack) -> Sequence[Duty]:
    """List every duty, the most urgent first; settings that cannot work are refused.

    What is to be let go when all rounds have ended is put into `afterwards`.
    """
    return [
        *_delivering(stop),
        *_watching_orders(),
        *_sending(),
        *_telling(afterwards),
        *_doing_tasks(),
        *_deciding(),
    ]


def _delivering(stop: threading.Event) -> list[Duty]:
    """Deliver credit orders; with the embedded ledger there is nothing to deliver."""
    from selbsthelfer.charging.delivering import work_orders
    from selbsthelfer.charging.recipients import RecipientSettingError, recipient_kind
    from selbsthelfer.charging.settling import settle_orders
    from selbsthelfer.charging.systems import SystemMisconfiguredError, the_system

    try:
        system = the_system()
        recipient_kind()
    except (SystemMisconfiguredError, RecipientSettingError) as error:
        refuse(str(error))
    if system is None:
        return []

    def deliver() -> bool:
        return work_orders(now_of=_now, system=system, is_stopping=stop.is_set).credited > 0

    def settle() -> bool:
        return settle_orders(now_of=_now, system=system).taken > 0

    return [
        Duty("orders", deliver, rest_seconds=0.5, threads=DELIVERING_THREADS),
        Duty("uncertain", settle, rest_seconds=2),
    ]


def _watching_orders() -> list[Duty]:
    """End what was not delivered in time, make it good, and tell a person."""
    from selbsthelfer.charging.alerting import AlertSettingError, alert_address, alert_orders
    from selbsthelfer.charging.delivering import end_orders
    from selbsthelfer.charging.operations import (
        MAX_ATTEMPTS_FORGOTTEN,
        MAX_FORGOTTEN,
        forget_attempts,
        forget_recipients,
    )
    from selbsthelfer.intake.making_good import make_good

    try:
        alert_address(os.environ)
    except AlertSettingError as error:
        refuse(str(error))

    def make_up() -> bool:
        return end_orders(now=_now()) + make_good(now=_now()) > 0

    def forget() -> bool:
        attempts = forget_attempts(now=_now())
        return forget_recipients(now=_now()) >= MAX_FORGOTTEN or attempts >= MAX_ATTEMPTS_FORGOTTEN

    return [
        Duty("undelivered", make_up, rest_seconds=60),
        Duty("alerts", _once(lambda: alert_orders(now=_now())), rest_seconds=60),
        Duty("recipients", forget, rest_seconds=3_600, alone=True),
    ]


def _sending() -> list[Duty]:
    """Send messages to people."""
    from selbsthelfer.outbox.notifying import NotifierSettingError, notifiers_from
    from selbsthelfer.outbox.operations import MAX_SENT, send_waiting

    try:
        notifiers = notifiers_from(os.environ)
    except NotifierSettingError as error:
        refuse(str(error))

    def send_messages() -> bool:
        return send_waiting(limit=MAX_SENT, now=_now(), notifiers=notifiers).taken > 0

    return [Duty("messages", send_messages, rest_seconds=1)]


def _telling(afterwards: ExitStack) -> list[Duty]:
    """Send events to systems; what is under way at the stop is waited for and noted."""
    from selbsthelfer.allowances.telling import tell_expiring
    from selbsthelfer.outbox.couriers import Couriers
    from selbsthelfer.outbox.delivering_events import MAX_SENT, send_events, stop_sending
    from selbsthelfer.outbox.webhooks import private_allowed

    couriers = Couriers(private=private_allowed())
    afterwards.callback(lambda: stop_sending(now_of=_now, couriers=couriers))

    def send() -> bool:
        return send_events(limit=MAX_SENT, now_of=_now, couriers=couriers).taken > 0

    return [
        Duty("webhooks", send, rest_seconds=1),
        Duty("expiring", _once(lambda: tell_expiring(now=_now())), rest_seconds=3_600, alone=True),
    ]


def _doing_tasks() -> list[Duty]:
    """Ask again for tasks without an answer, and remind lines."""
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
    """Decide what the clock has made due, and forget what has outlived its term."""
    from selbsthelfer.intake.sweeping import sweep
    from selbsthelfer.privacy.operations import forget_expired

    return [
        Duty("sweep", _once(lambda: sweep(now=_now())), rest_seconds=60, alone=True),
        Duty("forgetting", lambda: forget_expired(now=_now()), rest_seconds=3_600, alone=True),
    ]


def _once(work: Callable[[], object]) -> Callable[[], bool]:
    """Make a round of work that does all there is at once."""

    def round_() -> bool:
        work()
        return False

    return round_


def _now() -> datetime:
    return datetime.now(UTC)
