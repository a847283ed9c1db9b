"""How people reach people: the channels with their hours, and whether one is open by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.articles.loading import read_toml, words_of

ZONE: Final = "Europe/Berlin"
"""The zone of all hours."""
_DAY_MINUTES: Final = 24 * 60
_EVERY_DAY: Final = frozenset(range(1, 8))
_DAYS: Final = (
    Words("Montag", "Monday"),
    Words("Dienstag", "Tuesday"),
    Words("Mittwoch", "Wednesday"),
    Words("Donnerstag", "Thursday"),
    Words("Freitag", "Friday"),
    Words("Samstag", "Saturday"),
    Words("Sonntag", "Sunday"),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a person, open on `days` (Monday is 1) between two minutes of the day."""

    id: str
    order: int
    name: Words
    note: Words
    number: str
    days: frozenset[int]
    from_minute: int
    until_minute: int

    @property
    def is_always_open(self) -> bool:
        return self.days == _EVERY_DAY and self.from_minute == 0 and self.until_minute == _DAY_MINUTES

    @property
    def dialled(self) -> str:
        """The number as a phone dials it."""
        return "".join(sign for sign in self.number if sign.isdigit() or sign == "+")


def _minute(written: str) -> int:
    hours, minutes = written.split(":")
    minute = int(hours) * 60 + int(minutes)
    if not 0 <= minute <= _DAY_MINUTES:
        raise ValueError(f"there is no time of day {written}")
    return minute


def _channel(channel_id: str, row: Mapping[str, Any]) -> Channel:
    channel = Channel(
        id=channel_id,
        order=row["order"],
        name=words_of(row["name"]),
        note=words_of(row["note"]),
        number=row.get("number", ""),
        days=frozenset(row["days"]),
        from_minute=_minute(row["from"]),
        until_minute=_minute(row["until"]),
    )
    if not channel.days or not channel.days <= _EVERY_DAY or channel.from_minute >= channel.until_minute:
        raise ValueError(f"the hours of {channel_id} make no sense")
    return channel


CHANNELS: Final[Sequence[Channel]] = tuple(
    sorted((_channel(name, row) for name, row in read_toml("channels.toml").items()), key=lambda c: c.order)
)
"""Every channel, in the order in which they are shown."""


def is_open(channel: Channel, at: datetime) -> bool:
    """Tell whether a channel is open by its weekly hours; public holidays are not known here."""
    local = at.astimezone(ZoneInfo(ZONE))
    minute = local.hour * 60 + local.minute
    return local.isoweekday() in channel.days and channel.from_minute <= minute < channel.until_minute


def hours(channel: Channel) -> Words:
    """Write the weekly hours of a channel."""
    if channel.is_always_open:
        return Words("Tag und Nacht", "day and night")
    first, last = min(channel.days), max(channel.days)
    names = (_DAYS[first - 1], _DAYS[last - 1])
    start, end = _clock(channel.from_minute), _clock(channel.until_minute)
    return Words(
        f"{names[0].de} bis {names[1].de}, {start} bis {end} Uhr, an Feiertagen geschlossen",
        f"{names[0].en} to {names[1].en}, {start} to {end}, closed on public holidays",
    )


def _clock(minute: int) -> str:
    if minute == _DAY_MINUTES:
        return "24:00"
    return f"{time(minute // 60, minute % 60):%H:%M}"
