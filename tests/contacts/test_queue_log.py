"""Calls read from an Asterisk queue log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.contacts.core import queue_log
from selbsthelfer.contacts.core.queue_log import LogReject, OpenCall, QueueCall, Totals, read_queue_log

START = 1_700_000_000


def line(seconds: float, event: str, *parameters: object, uniqueid: str = "u.1", queue: str = "care") -> str:
    """Write a line of the log, `seconds` after the start."""
    written = [str(START + seconds), uniqueid, queue, "SIP/8007", event, *map(str, parameters)]
    return "|".join(written)


def at(seconds: float) -> datetime:
    """Return the instant that many seconds after the start."""
    return datetime.fromtimestamp(START + seconds, UTC)


def enter(seconds: float = 0, caller: str = "491701234567", **names: str) -> str:
    """Write the line of a caller who enters the queue."""
    return line(seconds, "ENTERQUEUE", "", caller, 3, **names)


def calls(lines: Iterable[str], open_calls: Iterable[OpenCall] = ()) -> list[QueueCall]:
    """Read lines of which none may be refused."""
    read = list(read_queue_log(lines, open_calls=open_calls))
    assert not [item for item in read if isinstance(item, LogReject)]
    return [item for item in read if isinstance(item, QueueCall)]


def only(lines: Iterable[str]) -> QueueCall:
    """Read lines that make exactly one call."""
    (call,) = calls(lines)
    return call


def reasons(lines: Iterable[str]) -> list[str]:
    """Read lines and return why some were refused."""
    return [item.reason for item in read_queue_log(lines) if isinstance(item, LogReject)]


def test_a_served_call_has_its_times() -> None:
    call = only([enter(), line(20, "CONNECT", 20, "u.2", 4), line(50, "COMPLETECALLER", 20, 30, 3)])
    assert call == QueueCall(
        id=f"u.1/care/{START}",
        uniqueid="u.1",
        queue="care",
        caller="491701234567",
        position=3,
        entered_at=at(0),
        connected_at=at(20),
        ended_at=at(50),
        wait_seconds=20,
        talk_seconds=30,
        outcome="answered",
    )


@pytest.mark.parametrize(
    ("event", "parameters", "outcome", "wait"),
    [
        ("ABANDON", (1, 3, 17), "abandoned", 17),
        ("EXITEMPTY", (1, 3, 18), "unstaffed", 18),
        ("EXITWITHTIMEOUT", (1, 3, 19), "timed_out", 19),
        ("EXITWITHTIMEOUT", (1,), "timed_out", 25),
        ("EXITWITHKEY", ("5", 1, 3, 21), "left_by_key", 21),
        ("EXITWITHKEY", ("5", 1), "left_by_key", 25),
        ("WITHDRAW", (1, 3, 22, "moved to chat"), "withdrawn", 22),
    ],
)
def test_a_caller_leaves_the_queue(
    event: str, parameters: tuple[object, ...], outcome: str, wait: int
) -> None:
    call = only([enter(), line(25, event, *parameters)])
    assert (call.outcome, call.wait_seconds, call.talk_seconds) == (outcome, wait, 0)
    assert call.ended_at == at(25)


@pytest.mark.parametrize(
    ("event", "parameters"),
    [
        ("COMPLETEAGENT", (20, 31, 3)),
        ("COMPLETECALLER", (20, 31, 3, "")),
        ("BLINDTRANSFER", ("200", "internal", 20, 31, 3)),
        ("ATTENDEDTRANSFER", ("BRIDGE", "b-1", 20, 31, 3)),
        ("ATTENDEDTRANSFER", ("APP", "Queue", 20, 31, 3)),
        ("ATTENDEDTRANSFER", ("LINK", "Local/1;1", "Local/2;2", 20, 31, 3)),
        ("TRANSFER", ("200", "internal", 20, 31, 3)),
        ("TRANSFER", ("200", "internal", 20, 31)),
        ("TRANSFER", ("200", "internal")),
    ],
)
def test_a_talk_ends_by_hanging_up_or_by_transfer(event: str, parameters: tuple[object, ...]) -> None:
    call = only([enter(), line(20, "CONNECT", 20), line(51, event, *parameters)])
    assert (call.outcome, call.wait_seconds, call.talk_seconds) == ("answered", 20, 31)
    assert call.transferred == event.endswith("TRANSFER")


def test_old_lines_without_position_and_lines_with_a_trailing_bar_are_read() -> None:
    call = only([line(0, "ENTERQUEUE", "", "0170", ""), line(5, "ABANDON", 1, 1, 5, "")])
    assert (call.caller, call.position, call.wait_seconds) == ("0170", None, 5)
    assert only([line(0, "ENTERQUEUE", "", "0170"), line(5, "ABANDON", 1, 1, 5)]).position is None


def test_a_caller_name_after_the_position_is_not_kept() -> None:
    call = only([line(0, "ENTERQUEUE", "", "0170", 1, "Erika Muster"), line(5, "ABANDON", 1, 1, 5)])
    assert "Erika" not in repr(call)


def test_the_member_is_nowhere() -> None:
    totals = Totals()
    lines = [enter(), line(2, "RINGNOANSWER", 1000), line(3, "CONNECT", 3), line(9, "COMPLETEAGENT", 3, 6, 1)]
    read = list(read_queue_log(lines, totals=totals))
    assert "SIP/8007" not in repr(read) + repr(totals)


@pytest.mark.parametrize(
    "written", ["", " ", "anonymous", "Anonymous", "unknown", "<unknown>", "Restricted", "asterisk", "9" * 41]
)
def test_a_caller_who_is_not_identified_has_no_number(written: str) -> None:
    assert only([enter(caller=written), line(5, "ABANDON", 1, 1, 5)]).caller is None


def test_epochs_may_have_decimals_and_give_the_same_id() -> None:
    call = only([enter(0.25), line(5.75, "ABANDON", 1, 1)])
    assert (call.id, call.wait_seconds) == (f"u.1/care/{START}", 5)
    assert (call.entered_at, call.ended_at) == (at(0.25), at(5.75))


def test_ringing_in_vain_is_counted_in_milliseconds_and_changes_nothing() -> None:
    totals = Totals()
    lines = [enter(), line(10, "RINGNOANSWER", 10_000), line(12, "RINGNOANSWER", 2_000)]
    list(read_queue_log([*lines, line(15, "ABANDON", 1, 1, 15)], totals=totals))
    care = totals.queues["care"]
    assert (care.unanswered_rings, care.unanswered_ring_milliseconds, care.wait_seconds) == (
        2,
        12_000,
        {"abandoned": 15},
    )


@pytest.mark.parametrize(
    "event",
    [
        "ADDMEMBER",
        "REMOVEMEMBER",
        "PAUSE",
        "PAUSEALL",
        "UNPAUSE",
        "UNPAUSEALL",
        "CONFIGRELOAD",
        "DID",
        "SYSCOMPAT",
        "AGENTDUMP",
    ],
)
def test_events_about_members_and_settings_are_counted_only(event: str) -> None:
    totals = Totals()
    lines = [enter(), line(3, event, "x"), line(5, "ABANDON", 1, 1, 5)]
    assert len(list(read_queue_log(lines, totals=totals))) == 1
    assert totals.events[event] == 1
    assert not totals.unknown_events


def test_an_event_of_the_operator_s_own_is_counted_as_unknown() -> None:
    totals = Totals()
    assert list(read_queue_log([line(0, "SURVEY", 5)], totals=totals)) == []
    assert totals.unknown_events == {"SURVEY": 1}


def test_one_caller_in_several_queues_makes_several_contacts() -> None:
    lines = [
        enter(queue="first"),
        line(60, "EXITWITHTIMEOUT", 1, 1, 60, queue="first"),
        enter(60, queue="second"),
        line(90, "CONNECT", 30, queue="second"),
        line(99, "BLINDTRANSFER", "300", "x", 30, 9, 1, queue="second"),
        enter(100, queue="first"),
        line(103, "ABANDON", 1, 1, 3, queue="first"),
    ]
    read = calls(lines)
    assert [(call.queue, call.outcome) for call in read] == [
        ("first", "timed_out"),
        ("second", "answered"),
        ("first", "abandoned"),
    ]
    assert len({call.id for call in read}) == 3


def test_a_transfer_written_after_the_next_entry_ends_the_talk_it_belongs_to() -> None:
    lines = [
        enter(0),
        line(10, "CONNECT", 10),
        enter(40),
        line(41, "BLINDTRANSFER", "100", "x", 10, 30, 1),
        line(50, "CONNECT", 10),
        line(60, "COMPLETECALLER", 10, 10, 1),
    ]
    first, second = calls(lines)
    assert (first.entered_at, first.talk_seconds, first.transferred) == (at(0), 30, True)
    assert (second.entered_at, second.talk_seconds, second.transferred) == (at(40), 10, False)


def test_two_visits_within_one_second_have_different_ids() -> None:
    lines = [enter(), line(0, "EXITEMPTY", 1, 1, 0), enter(), line(0, "EXITEMPTY", 1, 1, 0)]
    assert [call.id for call in calls(lines)] == [f"u.1/care/{START}", f"u.1/care/{START}.2"]
    assert [call.id for call in calls([*lines, enter(9, uniqueid="u.2"), *lines])][2:] == [
        f"u.1/care/{START}",
        f"u.1/care/{START}.2",
    ]


def test_who_enters_again_had_left_unseen() -> None:
    first, second = calls([enter(0), enter(30), line(35, "ABANDON", 1, 1, 5)])
    assert (first.outcome, first.ended_at, first.wait_seconds) == ("lost", at(30), None)
    assert (second.outcome, second.wait_seconds) == ("abandoned", 5)


def test_a_restart_loses_the_calls_that_were_open() -> None:
    lines = [enter(), line(5, "CONNECT", 5), enter(7, uniqueid="u.2")]
    lost = calls([*lines, line(9, "QUEUESTART", uniqueid="NONE", queue="NONE")])
    assert [(call.outcome, call.ended_at, call.talk_seconds) for call in lost] == [("lost", at(9), None)] * 2
    assert [call.connected_at for call in lost] == [at(5), None]


def test_a_call_without_end_expires() -> None:
    hours = queue_log.MAX_OPEN_HOURS * 3_600
    later = enter(hours + 7, uniqueid="u.2")
    call = only([enter(), later])
    assert (call.outcome, call.ended_at, call.talk_seconds) == ("expired", at(hours), None)
    assert calls([enter(), enter(hours - 1, uniqueid="u.2")]) == []


def test_the_number_of_open_calls_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_log, "MAX_OPEN_CALLS", 3)
    totals = Totals()
    lines = [enter(n, uniqueid=f"u.{n}") for n in range(5)]
    lost = list(read_queue_log(lines, totals=totals))
    assert [(call.uniqueid, call.outcome) for call in lost if isinstance(call, QueueCall)] == [
        ("u.0", "lost"),
        ("u.1", "lost"),
    ]
    assert [call.uniqueid for call in totals.left_open] == ["u.2", "u.3", "u.4"]


def test_names_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_log, "MAX_COUNTED_NAMES", 3)
    totals = Totals()
    lines = [line(n, f"OWN{n}", queue=f"q{n}") for n in range(9)]
    lines += [enter(n, uniqueid=f"u.{n}", queue=f"q{n}") for n in range(9)]
    list(read_queue_log(lines, totals=totals))
    assert totals.unknown_events == {"OWN0": 1, "OWN1": 1, "OWN2": 1, "OTHER": 6}
    assert {name: queue.entered for name, queue in totals.queues.items()} == {
        "q0": 1,
        "q1": 1,
        "q2": 1,
        "OTHER": 6,
    }


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("x" * 9_000, "line_too_long"),
        (f"{START}|u.1|care|NONE", "field_count"),
        (f"{START}|u.1|care|NONE|", "field_count"),
        ("no log at all", "field_count"),
        (f"{START}|u.1|care|NONE|ABANDON|1|1|\0\0\0", "control_character"),
        ("yesterday|u.1|care|NONE|ABANDON|1|1|5", "bad_time"),
        ("99999999999|u.1|care|NONE|ABANDON|1|1|5", "bad_time"),
        ("9999999999|u.1|care|NONE|ABANDON|1|1|5", "bad_time"),
        ("170000000٣|u.1|care|NONE|ABANDON|1|1|5", "bad_time"),
        (line(5, "ABANDON", 1, 1, 5, uniqueid="NONE"), "bad_uniqueid"),
        (line(5, "ABANDON", 1, 1, 5, uniqueid="u" * 81), "bad_uniqueid"),
        (line(5, "ABANDON", 1, 1, 5, queue=""), "bad_queue"),
        (line(5, "ABANDON", 1, 1, 5, queue="a\tb"), "bad_queue"),
        (line(5, "ABANDON", 1, 1, -5), "bad_number"),
        (line(5, "ABANDON", 1, 1, "5s"), "bad_number"),
        (line(5, "ABANDON", 1, 1, 86_401), "number_too_large"),
        (line(5, "RINGNOANSWER", 10**20), "number_too_large"),
        (line(5, "CONNECT", 5, uniqueid="u.9"), "no_entry"),
        (line(5, "COMPLETEAGENT", 5, 5, 1, uniqueid="u.9"), "no_entry"),
        (line(-5, "ABANDON", 1, 1, 5), "no_entry"),
    ],
)
def test_a_broken_line_is_named_and_harms_nothing_else(broken: str, reason: str) -> None:
    totals = Totals()
    lines = [enter(), "", broken, line(9, "ABANDON", 1, 1, 9)]
    reject, call = list(read_queue_log(lines, totals=totals))
    assert isinstance(reject, LogReject)
    assert (reject.line, reject.reason) == (3, reason)
    assert isinstance(call, QueueCall)
    assert (totals.lines, totals.blank_lines, totals.rejects) == (4, 1, {reason: 1})


def test_a_last_line_that_may_still_grow_is_left_for_the_next_reading() -> None:
    lines = [enter() + "\n", line(9, "ABANDON", 1, 1, 1)]
    assert reasons(lines) == ["unfinished"]
    assert only([enter() + "\r\n", line(9, "ABANDON", 1, 1, 19) + "\r\n"]).wait_seconds == 19


def test_a_reading_goes_on_with_the_calls_left_open() -> None:
    totals = Totals()
    assert list(read_queue_log([enter(), line(5, "CONNECT", 5)], totals=totals)) == []
    (call,) = calls([line(9, "COMPLETECALLER", 5, 4, 3)], open_calls=totals.left_open)
    assert (call.id, call.wait_seconds, call.talk_seconds) == (f"u.1/care/{START}", 5, 4)


def test_going_on_with_lines_that_were_read_before_does_no_harm() -> None:
    before = [
        enter(0),
        line(1, "ABANDON", 1, 1, 1),
        line(2, "QUEUESTART", uniqueid="NONE", queue="NONE"),
        enter(5),
        line(9, "CONNECT", 4),
    ]
    totals = Totals()
    list(read_queue_log(before, totals=totals))
    read = calls([*before, line(20, "COMPLETECALLER", 4, 11, 1)], open_calls=totals.left_open)
    assert [(call.entered_at, call.outcome) for call in read] == [(at(0), "abandoned"), (at(5), "answered")]


def test_an_old_exit_read_again_does_not_end_a_newer_visit() -> None:
    open_call = OpenCall(f"u.1/care/{START + 50}", "u.1", "care", None, 1, at(50))
    (reject,) = read_queue_log([line(9, "ABANDON", 1, 1, 9)], open_calls=[open_call])
    assert isinstance(reject, LogReject)
    assert reject.reason == "no_entry"


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_text_raises(lines: list[str]) -> None:
    list(read_queue_log(lines))


EVENTS = [
    ("ENTERQUEUE", ("", "0170", 1)),
    ("CONNECT", (3, "u", 1)),
    ("COMPLETECALLER", (3, 4, 1)),
    ("BLINDTRANSFER", ("1", "x", 3, 4, 1)),
    ("ABANDON", (1, 1, 3)),
    ("EXITWITHKEY", ("1", 1, 1, 3)),
]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40_000), st.sampled_from(EVENTS), st.sampled_from("ab"), st.sampled_from("xy")
        ),
        max_size=40,
        unique_by=lambda entry: entry[0],
    ),
    st.integers(0, 40),
)
def test_where_the_log_is_cut_makes_no_difference(
    entries: list[tuple[int, tuple[str, tuple[object, ...]], str, str]], cut: int
) -> None:
    lines = [
        line(seconds, event, *parameters, uniqueid=uniqueid, queue=queue)
        for seconds, (event, parameters), uniqueid, queue in sorted(entries)
    ]
    whole, first, second = Totals(), Totals(), Totals()
    read = [call for call in read_queue_log(lines, totals=whole) if isinstance(call, QueueCall)]
    parts = list(read_queue_log(lines[:cut], totals=first))
    parts += list(read_queue_log(lines[cut:], totals=second, open_calls=first.left_open))
    assert [call for call in parts if isinstance(call, QueueCall)] == read
    assert second.left_open == whole.left_open
    assert len({call.id for call in read}) == len(read)
    assert whole.events["ENTERQUEUE"] == len(read) + len(whole.left_open)
