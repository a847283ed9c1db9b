"""Say things in German and English: pairs of texts, volumes, dates and times.

Both languages stand side by side in the source rather than in message catalogues: most sentences name facts,
so that numbers and word order change with the language; whoever alters one sees the other; the type checker
finds a sentence without its translation; and nothing has to be compiled when the package is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo


class Language(StrEnum):
    """A language that people can read us in."""

    GERMAN = "de"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    de: str
    en: str

    def told(self, language: Language) -> str:
        return self.de if language is Language.GERMAN else self.en


MEGABYTE: Final = 1_000_000
GIGABYTE: Final = 1_000_000_000
_UNITS: Final = ((GIGABYTE, "GB"), (MEGABYTE, "MB"), (1_000, "kB"), (1, "B"))
_LAST_INSTANT: Final = timedelta(microseconds=1)

MONTHS: Final = (
    Words("Januar", "January"),
    Words("Februar", "February"),
    Words("März", "March"),
    Words("April", "April"),
    Words("Mai", "May"),
    Words("Juni", "June"),
    Words("Juli", "July"),
    Words("August", "August"),
    Words("September", "September"),
    Words("Oktober", "October"),
    Words("November", "November"),
    Words("Dezember", "December"),
)


def volume(bytes_: int) -> Words:
    """Write a volume with at most two decimal places, cut off so that no more is told than there is."""
    size, unit = next((entry for entry in _UNITS if bytes_ >= entry[0]), _UNITS[1])
    whole, rest = divmod(bytes_ * 100 // size, 100)
    decimals = f"{rest:02d}".rstrip("0")
    if not decimals:
        return Words(f"{whole} {unit}", f"{whole} {unit}")
    return Words(f"{whole},{decimals} {unit}", f"{whole}.{decimals} {unit}")


def on_day(on: date) -> Words:
    """Write a date."""
    month = MONTHS[on.month - 1]
    return Words(f"{on.day}. {month.de} {on.year}", f"{on.day} {month.en} {on.year}")


def day(at: datetime, zone: str) -> Words:
    """Write the local date of an instant."""
    return on_day(_local(at, zone).date())


def last_day(until: datetime, zone: str) -> Words:
    """Write the last local date before an instant at which something ends."""
    return on_day(_local(until - _LAST_INSTANT, zone).date())


def moment(at: datetime, zone: str) -> Words:
    """Write the local date and time of an instant, to the minute."""
    local = _local(at, zone)
    written = on_day(local.date())
    return Words(f"{written.de} um {local:%H:%M} Uhr", f"{written.en} at {local:%H:%M}")


def days(start: datetime, end: datetime, zone: str) -> Words:
    """Write the local dates of a half-open span, the first and the last day included."""
    first = _local(start, zone).date()
    last = _local(end - _LAST_INSTANT, zone).date()
    if first >= last:
        return on_day(last)
    until = on_day(last)
    if first.year != last.year:
        since = on_day(first)
        return Words(f"{since.de} – {until.de}", f"{since.en} – {until.en}")
    month = MONTHS[first.month - 1]
    if first.month != last.month:
        return Words(f"{first.day}. {month.de} – {until.de}", f"{first.day} {month.en} – {until.en}")
    return Words(f"{first.day}.–{until.de}", f"{first.day}–{until.en}")


def quoted(name: Words) -> Words:
    """Put a name in quotation marks; marks inside it become single ones."""
    return Words(
        "„" + name.de.replace("„", "‚").replace("“", "‘") + "“",
        "“" + name.en.replace("“", "‘").replace("”", "’") + "”",
    )


def either(names: list[Words]) -> Words:
    """List names of which one is meant."""
    if len(names) < 2:
        return names[0] if names else Words("", "")
    return Words(
        ", ".join(n.de for n in names[:-1]) + " oder " + names[-1].de,
        ", ".join(n.en for n in names[:-1]) + " or " + names[-1].en,
    )


def duration(seconds: int) -> Words:
    """Write a short span of time exactly: whole minutes from two on, else seconds."""
    if seconds >= 120 and seconds % 60 == 0:
        return Words(f"{seconds // 60} Minuten", f"{seconds // 60} minutes")
    one = seconds == 1
    return Words(f"{seconds} Sekunde" + "n" * (not one), f"{seconds} second" + "s" * (not one))


def money(cents: int) -> Words:
    """Write a sum of euro cents as people of either language do; a minus stands before it."""
    sign = "−" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    german, english = f"{whole:,}".replace(",", "."), f"{whole:,}"
    return Words(f"{sign}{german},{rest:02d} €", f"{sign}€{english}.{rest:02d}")


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))
