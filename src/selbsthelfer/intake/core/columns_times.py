"""How the instants of a fact come out of a row: formats, dates with clocks, midnight, clock changes."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from selbsthelfer.intake.core.columns_rows import BrokenFieldError, Reason

Row = list[str]
Instant = Callable[[Row], datetime]
"""Makes an instant in UTC from a row; raises `BrokenFieldError`."""

MAX_REMEMBERED_TEXTS = 100_000
"""More than a day has seconds, so a file's clocks are each parsed once."""
MAX_MONTHS_BEFORE = 1_200
_YEARS = range(1900, 2200)
_HALF_DAY = timedelta(hours=12)
_DAY = timedelta(days=1)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_NAMED_FORMATS = frozenset({"iso", "epoch_seconds", "epoch_milliseconds"})


class ClockRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A column with a time of day; it does not apply where all the columns in `unset` hold these texts."""

    column: str
    unset: dict[str, str] = {}


class TimeRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Where an instant comes from: exactly one of `value`, `column` and `date`.

    `date` is a column with a day, and the first of `clocks` that applies gives the time of that day. The date
    is that of the clock `date_of`: another clock that seems to lie more than half a day before it has crossed
    midnight, one that seems to lie more than half a day after it comes from the evening before. A smaller
    step back is a clock that was set, and is taken as it is.
    """

    value: datetime | None = None
    column: str | None = None
    format: str = "iso"
    date: str | None = None
    date_format: str = "%Y-%m-%d"
    date_of: str | None = None
    clocks: tuple[ClockRule, ...] = ()
    zone: str | None = None
    repeated_hour: Literal["earlier", "later", "reject"] = "reject"
    skipped_hour: Literal["forward", "reject"] = "reject"
    months_before: str | None = None

    def sources(self) -> Iterator[str]:
        """Yield the columns that are read."""
        named = (self.column, self.date, self.date_of, self.months_before)
        yield from (name for name in named if name is not None)
        for clock in self.clocks:
            yield clock.column
            yield from clock.unset


def time_problems(rule: TimeRule) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule, each time with the key at fault."""
    if sum(way is not None for way in (rule.value, rule.column, rule.date)) != 1:
        yield "", "needs exactly one of value, column, date"
    if (rule.date is None) != (not rule.clocks):
        yield "clocks", "a date and its clocks need each other"
    if rule.zone is not None and _zone(rule.zone) is None:
        yield "zone", f"there is no time zone '{rule.zone}'"
    needs_zone = rule.date or (rule.value and rule.value.tzinfo is None)
    if rule.zone is None and (needs_zone or ("%" in rule.format and "%z" not in rule.format)):
        yield "zone", "is missing for local times"
    if rule.format not in _NAMED_FORMATS and not _is_pattern(rule.format):
        yield "format", f"must be {', '.join(sorted(_NAMED_FORMATS))} or a pattern such as %d.%m.%Y %H:%M"
    if not _is_pattern(rule.date_format):
        yield "date_format", "must be a pattern such as %Y-%m-%d"


def time_of(field: str, rule: TimeRule, positions: Mapping[str, int]) -> Instant:
    """Return what makes the instant called `field`."""
    written = _written(field, rule, positions)
    if rule.months_before is not None:
        written = _months_before(field, written, positions[rule.months_before])
    instant = _local_time(field, rule)

    def make(row: Row) -> datetime:
        try:
            made = instant(written(row))
        except OverflowError:
            raise BrokenFieldError(field, "bad_time") from None
        if made.year not in _YEARS:
            raise BrokenFieldError(field, "bad_time")
        return made

    return make


def _written(field: str, rule: TimeRule, positions: Mapping[str, int]) -> Callable[[Row], datetime]:
    if rule.value is not None:
        constant = rule.value
        return lambda _row: constant
    if rule.column is not None:
        index, parse = positions[rule.column], _parser(field, rule.format)
        return lambda row: parse(row[index].strip())
    return _dated_clock(field, rule, positions)


def _parser(field: str, written_format: str) -> Callable[[str], datetime]:
    parse: Callable[[str], datetime]
    if written_format == "iso":
        parse = datetime.fromisoformat
    elif written_format == "epoch_seconds":
        parse = _from_epoch
    elif written_format == "epoch_milliseconds":
        parse = _from_epoch_milliseconds
    else:
        parse = lru_cache(MAX_REMEMBERED_TEXTS)(_pattern_parser(written_format))
    return _refusing(field, parse)


def _refusing(field: str, parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return parse(text)
        except (ValueError, OverflowError, OSError):
            raise BrokenFieldError(field, "bad_time" if text else "empty", text) from None

    return read


def _from_epoch(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,9})?", text):
        raise ValueError
    return datetime.fromtimestamp(float(text), UTC)


def _from_epoch_milliseconds(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{1,14}", text):
        raise ValueError
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))


def _pattern_parser(pattern: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added by _local_time


def _dated_clock(field: str, rule: TimeRule, positions: Mapping[str, int]) -> Callable[[Row], datetime]:
    day_index = positions[rule.date or ""]
    reference = None if rule.date_of is None else positions[rule.date_of]
    read_day = _refusing(field, lru_cache(MAX_REMEMBERED_TEXTS)(_pattern_parser(rule.date_format)))
    read_clock = _refusing(field, _time_of_day)
    clocks = [
        (positions[clock.column], [(positions[name], text) for name, text in clock.unset.items()])
        for clock in rule.clocks
    ]

    def read(row: Row) -> datetime:
        clock = read_clock(_clock_text(field, row, clocks))
        midnight: datetime = read_day(row[day_index].strip())
        if reference is not None:
            clock += _midnights(clock - read_clock(row[reference].strip()))
        moment: datetime = midnight + clock
        return moment

    return read


def _clock_text(field: str, row: Row, clocks: list[tuple[int, list[tuple[int, str]]]]) -> str:
    for index, unset in clocks:
        if not unset or any(row[other].strip() != text for other, text in unset):
            return row[index].strip()
    raise BrokenFieldError(field, "empty")


def _midnights(step: timedelta) -> timedelta:
    if step < -_HALF_DAY:
        return _DAY
    return -_DAY if step > _HALF_DAY else timedelta(0)


@lru_cache(MAX_REMEMBERED_TEXTS)
def _time_of_day(text: str) -> timedelta:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError
    hours, minutes, seconds = match.groups()
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))


def _months_before(field: str, written: Callable[[Row], datetime], index: int) -> Callable[[Row], datetime]:
    def read(row: Row) -> datetime:
        text = row[index].strip()
        if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= MAX_MONTHS_BEFORE):
            raise BrokenFieldError(field, "not_a_number", text)
        moment = written(row)
        months = moment.year * 12 + moment.month - 1 - int(text)
        year, month = months // 12, months % 12 + 1
        return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))

    return read


def _local_time(field: str, rule: TimeRule) -> Callable[[datetime], datetime]:
    """Return what puts a time into UTC; a day without a clock change costs one remembered look-up."""
    zone = None if rule.zone is None else _zone(rule.zone)

    @lru_cache(MAX_REMEMBERED_TEXTS)
    def offset_of(day: date) -> timedelta | None:
        ends = [datetime.combine(day + n * _DAY, time(), zone) for n in (0, 1)]
        offsets = {end.replace(fold=fold).utcoffset() for end in ends for fold in (0, 1)}
        return offsets.pop() if len(offsets) == 1 else None

    def instant(moment: datetime) -> datetime:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if zone is None:
            raise BrokenFieldError(field, "no_zone")
        offset = offset_of(moment.date())
        if offset is None:
            offset = _offset_near_change(field, rule, moment.replace(tzinfo=zone))
        return moment.replace(tzinfo=UTC) - offset

    return instant


def _offset_near_change(field: str, rule: TimeRule, moment: datetime) -> timedelta:
    """Return the offset on a day of a clock change; raises `BrokenFieldError` where the rule says so."""
    first, second = moment.utcoffset(), moment.replace(fold=1).utcoffset()
    if first is None or second is None:  # a ZoneInfo always has an offset
        raise BrokenFieldError(field, "no_zone")
    if first == second:
        return first
    reason: Reason = "repeated_hour" if first > second else "skipped_hour"
    choice = rule.repeated_hour if first > second else rule.skipped_hour
    if choice == "reject":
        raise BrokenFieldError(field, reason, moment.isoformat(sep=" "))
    return second if choice == "later" else first


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _is_pattern(text: str) -> bool:
    if "%" not in text:
        return False
    try:
        datetime.strptime("", text)  # noqa: DTZ007 - only the pattern is looked at
    except ValueError as error:
        return "does not match" in str(error)
    except re.error:
        return False
    return True
