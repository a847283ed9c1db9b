"""Instants made from the rows of a CSV file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .tables import TEXT, changed, contact, reject


@pytest.mark.parametrize(
    ("began", "ended", "local"),
    [
        ("23:59:00", "0:10:00", "2026-06-03 00:10:00"),
        ("23:59:00", "0:00:00", "2026-06-03 00:00:00"),
        ("13:55:04", "13:54:24", "2026-06-02 13:54:24"),
        ("0:00:10", "23:59:40", "2026-06-01 23:59:40"),
        ("0:00:00", "", "2026-06-02 00:00:00"),
    ],
)
def test_a_clock_crosses_midnight_but_a_small_step_back_does_not(began: str, ended: str, local: str) -> None:
    assert contact(began=began, ended=ended).time == datetime.fromisoformat(f"{local}+02:00")


@given(
    began=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - local times
    length=st.timedeltas(timedelta(minutes=-5), timedelta(hours=11)),
)
def test_a_call_ends_when_its_local_clock_says(began: datetime, length: timedelta) -> None:
    ended = began + length
    text = changed(('zone = "Europe/Berlin"', 'zone = "Etc/GMT-1"'))
    made = contact(text, day=f"{began:%d.%m.%Y}", began=f"{began:%H:%M:%S}", ended=f"{ended:%H:%M:%S}")
    assert made.time == ended.replace(microsecond=0, tzinfo=ZoneInfo("Etc/GMT-1"))


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001 - local times
def test_local_times_are_those_of_the_zone(local: datetime) -> None:
    local = local.replace(microsecond=0)
    text = changed(("[data.channel]", 'repeated_hour = "later"\nskipped_hour = "forward"\n[data.channel]'))
    made = contact(text, day=f"{local:%d.%m.%Y}", began=f"{local:%H:%M:%S}", ended="").time
    zone = ZoneInfo("Europe/Berlin")
    exists = made.astimezone(zone).replace(tzinfo=None) == local
    assert exists or (local.month, local.hour) == (3, 2)
    if exists:
        assert made == local.replace(tzinfo=zone, fold=1)


@pytest.mark.parametrize(
    ("choice", "day", "utc"),
    [
        ('repeated_hour = "earlier"', "25.10.2026", "2026-10-25T00:30:00Z"),
        ('repeated_hour = "later"', "25.10.2026", "2026-10-25T01:30:00Z"),
        ('skipped_hour = "forward"', "29.03.2026", "2026-03-29T01:30:00Z"),
    ],
)
def test_a_clock_change_is_decided_by_the_mapping(choice: str, day: str, utc: str) -> None:
    text = changed(("[data.channel]", f"{choice}\n[data.channel]"))
    assert contact(text, day=day, began="2:30", ended="").time == datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    ("options", "written", "utc"),
    [
        ('format = "iso"', "2026-06-02T10:00:00+02:00", "2026-06-02T08:00:00Z"),
        ('format = "iso"', "2026-06-02T08:00:00Z", "2026-06-02T08:00:00Z"),
        ('zone = "Europe/Berlin"', "2026-06-02 10:00", "2026-06-02T08:00:00Z"),
        ('format = "epoch_seconds"', "1780387200", "2026-06-02T08:00:00Z"),
        ('format = "epoch_seconds"', "1780387200.25", "2026-06-02T08:00:00.250Z"),
        ('format = "epoch_milliseconds"', "1780387200250", "2026-06-02T08:00:00.250Z"),
        ('format = "%d.%m.%y %H:%M"\nzone = "Europe/Berlin"', "02.06.26 10:00", "2026-06-02T08:00:00Z"),
        ('format = "%Y%m%d%H%M%S%z"', "20260602100000+0200", "2026-06-02T08:00:00Z"),
    ],
)
def test_an_instant_may_stand_in_one_column(options: str, written: str, utc: str) -> None:
    start, end = TEXT.index("[time]"), TEXT.index("[data.channel]")
    text = f'{TEXT[:start]}[time]\ncolumn = "ended"\n{options}\n{TEXT[end:]}'
    assert contact(text, ended=written).time == datetime.fromisoformat(utc)
    assert reject(text, ended="soon") == ("time", "bad_time")
    assert reject(text, ended="") == ("time", "empty")


def test_a_local_time_without_a_zone_is_refused() -> None:
    start, end = TEXT.index("[time]"), TEXT.index("[data.channel]")
    text = f'{TEXT[:start]}[time]\ncolumn = "ended"\n{TEXT[end:]}'
    assert reject(text, ended="2026-06-02T10:00:00") == ("time", "no_zone")


def test_received_may_be_fixed_but_not_before_the_time() -> None:
    text = changed(("[data.channel]", "[received]\nvalue = 2026-06-02T07:30:00Z\n[data.channel]"))
    made = contact(text)
    assert made.received == datetime(2026, 6, 2, 7, 30, tzinfo=UTC)
    assert reject(text, ended="9:31:00") == ("received", "received_before_time")
