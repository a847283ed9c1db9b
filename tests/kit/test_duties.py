"""Background work goes round until it is told to stop, whatever a round does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest
from django.db import DatabaseError, transaction

from selbsthelfer.kit.duties import Duty, keep
from selbsthelfer.kit.sql import open_cursor

PATIENCE_SECONDS = 20


def kept(duties: list[Duty], until: Callable[[], bool]) -> bool:
    """Keep duties until something holds; return whether all rounds ended."""
    stop = threading.Event()
    ended: list[bool] = []
    keeper = threading.Thread(target=lambda: ended.append(keep(duties, stop)))
    keeper.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    keeper.join(PATIENCE_SECONDS)
    assert until()
    return ended == [True]


def test_a_round_that_says_there_is_more_is_followed_at_once() -> None:
    rounds: list[float] = []

    def round_() -> bool:
        rounds.append(time.monotonic())
        return len(rounds) < 50

    assert kept([Duty("busy", round_, rest_seconds=3_600)], lambda: len(rounds) >= 50)
    assert len(rounds) == 50


def test_a_round_in_hand_ends_before_the_work_stops() -> None:
    begun, ended = threading.Event(), threading.Event()

    def round_() -> bool:
        begun.set()
        time.sleep(0.3)
        ended.set()
        return False

    assert kept([Duty("slow", round_, rest_seconds=60)], begun.is_set)
    assert ended.is_set()


@pytest.mark.parametrize("error", [ValueError("0171"), DatabaseError("0171"), psycopg.Error("0171")])
def test_a_failing_duty_is_tried_again_and_hinders_no_other(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    rounds: dict[str, int] = {"failing": 0, "sound": 0}

    def fail_once() -> bool:
        rounds["failing"] += 1
        if rounds["failing"] == 1:
            raise error
        return False

    def count() -> bool:
        rounds["sound"] += 1
        return False

    duties = [Duty("failing", fail_once, rest_seconds=0.01), Duty("sound", count, rest_seconds=0.01)]
    assert kept(duties, lambda: rounds["failing"] >= 2 and rounds["sound"] >= 5)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"failing failed, tried again in 2 s: {type(error).__name__} at ")
    assert f"{__file__}:" in told
    assert ":fail_once" in told
    assert "0171" not in told


@pytest.mark.django_db(transaction=True)
def test_of_a_duty_done_alone_one_round_goes_at_a_time() -> None:
    inside, most, rounds = 0, 0, 0
    lock = threading.Lock()

    def round_() -> bool:
        nonlocal inside, most, rounds
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1
            rounds += 1
        return False

    assert kept([Duty("alone", round_, rest_seconds=0.001, threads=4, alone=True)], lambda: rounds >= 20)
    assert most == 1


@pytest.mark.django_db(transaction=True)
def test_where_the_connection_breaks_in_a_round_its_error_is_told_and_the_next_round_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was wrong first counts, not that the lock could not be given back after it."""
    rounds: list[int] = []

    def round_() -> bool:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            with transaction.atomic():
                open_cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
        with transaction.atomic():
            open_cursor().execute("SELECT 1")
        return False

    assert kept([Duty("broken", round_, rest_seconds=0.01, alone=True)], lambda: len(rounds) >= 2)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("broken failed, tried again in 2 s: AdminShutdown at ")


@pytest.mark.django_db(transaction=True)
def test_an_error_is_told_though_the_lock_cannot_be_given_back(caplog: pytest.LogCaptureFixture) -> None:
    rounds: list[int] = []

    def round_() -> bool:
        rounds.append(len(rounds))
        if len(rounds) > 1:
            return False
        with suppress(psycopg.Error):
            open_cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
        raise ValueError

    assert kept([Duty("lost", round_, rest_seconds=0.01, alone=True)], lambda: len(rounds) >= 2)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("lost failed, tried again in 2 s: ValueError at ")
