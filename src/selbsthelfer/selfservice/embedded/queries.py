"""Read what the embedded back end tells nobody but the demo: codes that come by letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from selbsthelfer.selfservice.core.records import SimState
from selbsthelfer.selfservice.embedded.models import EmbeddedSim
from selbsthelfer.selfservice.embedded.operations import ensure_line
from selbsthelfer.subscribers.core.lines import LineRef


class SimLetter(NamedTuple):
    """The letter with which an ordered SIM came: its number and the code that activates it."""

    iccid: str
    code: str
    is_esim: bool
    sent_at: datetime


def letters_of_line(line: LineRef) -> Sequence[SimLetter]:
    """Read the letters of the SIMs that a line has ordered and not activated yet."""
    sims = EmbeddedSim.objects.filter(subscriber_id=line.subscriber_id, state=SimState.ORDERED)
    return [SimLetter(sim.iccid, sim.code, sim.is_esim, sim.since) for sim in sims.order_by("ordinal")]


def customer_code_of(line: LineRef, *, now: datetime) -> str:
    """Read the code by which a line's customer proves on any phone who they are."""
    return ensure_line(line, now=now).customer_code
