"""Facts made from the rows of a CSV file by a column mapping."""

from __future__ import annotations

import csv
from datetime import date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.intake.core import columns
from selbsthelfer.intake.core.columns import (
    RowReject,
    Skipped,
    TooManySubjectsError,
    Unidentified,
    WrongHeaderError,
    facts_from_rows,
    read_mapping,
)
from selbsthelfer.intake.core.facts import ContactFinished, SubscriberRegistered, decode_fact

from .tables import COLUMNS, HEADER, LINES, TEXT, changed, contact, lines, reject, result


def test_a_row_becomes_a_contact() -> None:
    assert contact() == decode_fact(
        b"""{"type": "contact.ended", "specversion": "1.0", "source": "acd", "id": "02.06.2026/1",
        "subject": "L7", "time": "2026-06-02T07:05:30Z", "received": "2026-06-02T07:05:30Z",
        "data": {"channel": "hotline", "outcome": "answered", "talk_seconds": 90, "topic": "bill.view"}}"""
    )


def test_a_fact_passes_through_the_door_unchanged() -> None:
    assert decode_fact(msgspec.json.encode(contact())) == contact()


def test_rows_that_make_no_fact_say_why() -> None:
    base = list(COLUMNS.values())
    rows = [
        HEADER,
        [],
        ["0", *base[1:]],
        [*base[:5], "X", *base[6:]],
        HEADER,
        base[:-1],
        [*base, "more"],
        [*base[:-1], "x" * columns.MAX_ROW_CHARACTERS],
    ]
    assert list(facts_from_rows(rows, read_mapping(TEXT))) == [
        Skipped(2, "row", "blank"),
        Unidentified(3),
        Skipped(4, "data.outcome", "value"),
        Skipped(5, "row", "header"),
        RowReject(6, "row", "field_count", "7 fields, not 8"),
        RowReject(7, "row", "field_count", "9 fields, not 8"),
        RowReject(8, "row", "row_too_long"),
    ]


def test_a_record_that_csv_cannot_read_is_one_reject() -> None:
    good = ",".join(COLUMNS.values())
    lines = [",".join(HEADER) + "\n", good + "\n", "x" * (csv.field_size_limit() + 1) + "\n", good + "\n"]
    made = list(facts_from_rows(csv.reader(lines), read_mapping(TEXT)))
    assert [type(item) for item in made] == [ContactFinished, RowReject, ContactFinished]
    assert made[1] == RowReject(3, "row", "unreadable", made[1].detail if hasattr(made[1], "detail") else "")


def test_the_header_must_be_the_expected_one() -> None:
    with pytest.raises(WrongHeaderError, match="line,number"):
        list(facts_from_rows([["number", *HEADER[1:]]], read_mapping(TEXT)))
    with_mark = ["\ufeffline", *HEADER[1:]]
    assert list(facts_from_rows([with_mark], read_mapping(TEXT))) == []
    without = read_mapping(changed(("[file]", "[file]\nheader = false")))
    assert len(list(facts_from_rows([list(COLUMNS.values())], without))) == 1


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"number": ""}, "id", "empty"),
        ({"number": "1/2"}, "id", "separator_in_value"),
        ({"number": "9" * 200}, "id", "invalid"),
        ({"number": "1\n2"}, "id", "control_character"),
        ({"line": "7\0"}, "subject", "control_character"),
        ({"line": "7" * 200}, "subject", "invalid"),
        ({"result": "?"}, "data.outcome", "unmapped"),
        ({"talk": "-1"}, "data.talk_seconds", "negative"),
        ({"talk": "1e3"}, "data.talk_seconds", "not_a_number"),
        ({"talk": "1_0"}, "data.talk_seconds", "not_a_number"),
        ({"talk": "٣"}, "data.talk_seconds", "not_a_number"),
        ({"talk": "86401"}, "data.talk_seconds", "invalid"),
        ({"day": ""}, "id", "empty"),
        ({"day": "31.02.2026"}, "time", "bad_time"),
        ({"day": "01.01.0001"}, "time", "bad_time"),
        ({"day": "31.12.9999", "began": "23:59:00"}, "time", "bad_time"),
        ({"ended": "24:00:00"}, "time", "bad_time"),
        ({"ended": "9.30"}, "time", "bad_time"),
        ({"began": "", "ended": ""}, "time", "empty"),
        ({"day": "29.03.2026", "began": "1:59:00", "ended": "2:30:00"}, "time", "skipped_hour"),
        ({"day": "25.10.2026", "began": "1:59:00", "ended": "2:30:00"}, "time", "repeated_hour"),
    ],
)
def test_a_broken_row_names_field_and_reason(changes: dict[str, str], field: str, reason: str) -> None:
    assert reject(**changes) == (field, reason)


def test_a_reject_does_not_tell_who_the_line_is() -> None:
    made = result(line="0170-secret\t", number="1/0170")
    assert isinstance(made, RowReject)
    assert "0170" not in repr(made)


def test_an_empty_text_leaves_the_member_out_and_a_default_stands_in() -> None:
    assert contact(talk="").data.talk_seconds is None
    assert contact(result=" ").data.outcome is None
    assert contact(wanted="").data.topic == "unclassified"
    assert contact(wanted="?").data.topic == "unclassified"
    dash = changed(('column = "talk"', 'column = "talk"\nempty = ["-", "n/a"]\ndefault = 0'))
    assert contact(dash, talk="-").data.talk_seconds == 0


@pytest.mark.parametrize(
    ("unit", "text", "seconds"),
    [
        ("seconds", "90.9", 90),
        ("milliseconds", "29999", 29),
        ("minutes", "1.5", 90),
        ("hours", "0.25", 900),
        ("h:mm:ss", "1:02:03", 3723),
        ("m:ss", "75:03", 4503),
        ("m:ss", "75", None),
        ("h:mm:ss", "0:99:00", None),
    ],
)
def test_durations_have_units_and_are_rounded_down(unit: str, text: str, seconds: int | None) -> None:
    mapping = changed(('column = "talk"', f'column = "talk"\nunit = "{unit}"'))
    if seconds is None:
        assert reject(mapping, talk=text) == ("data.talk_seconds", "not_a_number")
    else:
        assert contact(mapping, talk=text).data.talk_seconds == seconds


def test_a_decimal_comma_is_read_where_the_file_has_one() -> None:
    comma = changed(("[file]", "[file]\ndecimal_comma = true"))
    assert contact(comma, talk="12,9").data.talk_seconds == 12
    assert reject(talk="12,9") == ("data.talk_seconds", "not_a_number")


def test_a_row_becomes_a_line() -> None:
    (made,) = lines([["7", "a", "b", "1", "1.5"]])
    assert isinstance(made, SubscriberRegistered)
    assert made.time == datetime.fromisoformat("2026-02-28T00:00:00+01:00")
    assert (made.subject, made.data.tariff, made.data.included_bytes) == ("7", "ab", 1_500_000_000)
    assert made.data.timezone == "Europe/Berlin"


def test_a_billing_day_is_dealt_out_evenly_and_always_the_same() -> None:
    rows = [[str(n), "a", "b", "0", ""] for n in range(4_000)]
    made = [fact for fact in lines(rows) if isinstance(fact, SubscriberRegistered)]
    assert made == lines(rows)
    days = [fact.data.billing_day for fact in made]
    assert {day: 900 < days.count(day) < 1_100 for day in set(days)} == dict.fromkeys([1, 8, 15, 22], True)


def test_a_distinct_mapping_registers_each_line_once_over_several_files() -> None:
    seen: set[str] = set()
    broken, good = ["7", "a", "b", "?", ""], ["7", "a", "b", "0", ""]
    first, second, third = lines([broken, good, good], seen=seen)
    assert isinstance(first, RowReject)
    assert isinstance(second, SubscriberRegistered)
    assert third == Skipped(3, "subject", "repeated")
    assert lines([good], seen=seen) == [Skipped(1, "subject", "repeated")]
    assert all(isinstance(fact, SubscriberRegistered) for fact in lines([good]))


def test_the_subjects_of_a_distinct_mapping_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MAX_SUBJECTS", 1)
    with pytest.raises(TooManySubjectsError):
        lines([["7", "a", "b", "0", ""], ["8", "a", "b", "0", ""]])


def test_a_period_of_days_may_start_on_a_date() -> None:
    days = "[data.period_days]\nvalue = 28\n[data.period_anchor]\n{}\n"
    billing = "[data.billing_day]\nspread = [1, 8, 15, 22]\n"
    for anchor in ("value = 2026-01-05", 'column = "volume"'):
        text = LINES.replace(billing, days.format(anchor)).partition("[data.included_bytes]")[0]
        (made,) = lines([["7", "a", "b", "0", "2026-01-05"]], text)
        assert isinstance(made, SubscriberRegistered)
        assert (made.data.period_days, made.data.period_anchor) == (28, date(2026, 1, 5))


def test_a_line_without_a_name_is_not_identified() -> None:
    assert result(line=" ") == Unidentified(2)


ODD_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=12),
    st.sampled_from(["7", "A", "B", "X", "9:00", "23:59:59", "02.06.2026", "29.03.2026", "-1", "1.5", "0"]),
)


@given(st.lists(st.lists(ODD_TEXTS, min_size=7, max_size=8), max_size=8))
def test_no_row_raises(rows: list[list[str]]) -> None:
    mapping = read_mapping(changed(("[file]", "[file]\nheader = false")))
    assert len(list(facts_from_rows(rows, mapping))) == len(rows)
