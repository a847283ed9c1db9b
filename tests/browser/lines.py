"""Lines in the situations that the walks begin with; their months are counted back from now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from django.test import Client

from selbsthelfer.identity.operations import enter
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life
from tests.portal.task_pages import sign_in_as

PROGRAMME = load_preset("o2-2017").name
BERLIN = ZoneInfo("Europe/Berlin")
_numbers = count(1)


@dataclass(frozen=True)
class Told:
    """A line with its life so far, and its number as people write it."""

    life: Life
    line: LineRef
    number: str

    def register(self) -> None:
        """Have somebody be known as the user of this line, so that signing in is no first time."""
        enter(subscriber_id=self.line.subscriber_id, now=datetime.now(UTC))

    def send(self) -> None:
        """Hand over what was told since the last time."""
        self.life.send()
        self.life.facts.clear()


def month(back: int, day: int = 1, hour: int = 8) -> datetime:
    """Tell a day of this month, or of one so many months before."""
    today = datetime.now(BERLIN)
    months = today.year * 12 + today.month - 1 - back
    return datetime(months // 12, months % 12 + 1, day, hour, tzinfo=BERLIN)


def new_line(*, registered_months_ago: int = 14) -> Told:
    """Register a line of its own number, whose billing period is the month."""
    number = next(_numbers)
    told = Life(
        f"line-{number:04d}",
        billing_day=1,
        timezone="Europe/Berlin",
        msisdn=f"+49171392{number:04d}",
        tariff="musterfunk-m",
        included_bytes=3_000_000_000,
    )
    told.facts[0]["time"] = month(registered_months_ago).isoformat()
    return Told(told, LineRef.of(told.subject), f"0171 392{number:04d}")


def plain() -> Told:
    """A line that takes no part in anything."""
    told = new_line()
    told.send()
    return told


def waiting_for_activity() -> Told:
    """A line that passed stage 1, so that whatever it does in this month releases 100 MB."""
    told = new_line()
    told.life.enrolled(month(3), programme=PROGRAMME)
    _active(told.life)
    told.send()
    return told


def missed_by_a_call() -> Told:
    """A line whose stage 1 is missed because of one call; without it, this month's 100 MB would be due."""
    told = new_line()
    told.life.enrolled(month(3), programme=PROGRAMME)
    _active(told.life)
    told.life.did(datetime.now(UTC) - timedelta(minutes=5), "net.diagnose")
    told.life.called(month(2, 20), "use.view")
    told.send()
    return told


def _active(life: Life) -> None:
    for back in (3, 2, 1):
        life.did(month(back, 10), "net.diagnose")


def session_of(told: Told, *, level: int = 2) -> str:
    """Sign in without a browser, for walks that are about something else; give the key of the session."""
    client = Client()
    sign_in_as(client, told.line, level=level)
    key = client.session.session_key
    assert key is not None
    return key
